/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * zPCI's side of a replay: an instruction refreshes what it names before it answers, so that a recorded answer is compared with what is established, without
 * asking for anything.
 */
#ifndef VIOMMU_CLI_ZPCI_H
#define VIOMMU_CLI_ZPCI_H

#include "replay/replay.h"

/* operation.c */
void zpci_operation(struct replay *replay);
void zpci_event(void *ctx, const struct viommu_zpci_event *event);
/* compare.c */
void zpci_compare(struct replay *replay, const struct replay_expected *expected);
/* print.c */
void zpci_print_ops(const struct replay_operation *operation);
void zpci_print_json(const struct replay_operation *operation, void *object);
void zpci_print_told(const struct replay_operation *operation);
void zpci_print_summary(const struct replay_counts *counts);

#endif
