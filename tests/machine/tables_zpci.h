/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * zPCI's tables, taken from an input: few bytes for typical tables (an entry of this table names
 * that table), more for others.
 */
#ifndef TESTS_MACHINE_TABLES_ZPCI_H
#define TESTS_MACHINE_TABLES_ZPCI_H

#include "world.h"

/* An IOVA: indexes of some levels, or all 64 bits. */
uint64_t zpci_take_iova(struct input *input);

/* A translation anchor. */
uint64_t zpci_take_iota(struct input *input);

/* Writes an entry, or a few. */
void zpci_write(struct world *world, struct input *input);

#endif
