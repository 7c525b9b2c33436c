/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SMMUv3's side of a replay. It differs from zPCI's in when a translation comes into being: no SMMU is told of what becomes valid, so that a recorded
 * answer is compared by accesses, as the device model of a monitor makes them, and what they find missing is looked for in the guest's tables.
 */
#ifndef VIOMMU_CLI_SMMUV3_H
#define VIOMMU_CLI_SMMUV3_H

#include "replay/replay.h"

/* registers.c: "CMDQ_PROD"; NULL where nothing is known of a register. */
const char *smmuv3_register_name(uint64_t offset);

/* machine.c: adds what came and went of pages since the last time to the counts. */
void smmuv3_count_pages(struct replay *replay);
/* Whether another stream before this one has its domain. */
bool smmuv3_shares(const struct replay *replay, unsigned int number);

/* operation.c */
void smmuv3_operation(struct replay *replay);
/* compare.c */
void smmuv3_compare(struct replay *replay, const struct replay_expected *expected);
/* print.c */
void smmuv3_print_ops(const struct replay_operation *operation);
void smmuv3_print_json(const struct replay_operation *operation, void *object);
void smmuv3_print_told(const struct replay_operation *operation);
void smmuv3_print_summary(const struct replay_counts *counts);

#endif
