/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The oracle: what does QEMU itself say that a range of IOVAs translates to?
 */
#ifndef VIOMMU_RECORD_ORACLE_H
#define VIOMMU_RECORD_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "observation.h"

struct oracle_entry;

struct oracle {
	/* QEMU's s390_guest_io_table_walk() */
	uint16_t (*walk)(uint64_t iota, uint64_t iova, struct oracle_entry *entry);
};

/* Finds the oracle in this process. Without it oracle_ask() has no answers. */
bool oracle_find(struct oracle *oracle);

/*
 * Asks for the IOVAs first..last, widened to whole pages, and fills in *answers, whose list is used again. 0; -ENOSYS without an oracle; -EOPNOTSUPP for
 * a designation that QEMU does not walk; -E2BIG if the range takes too many questions; -ENOMEM.
 */
int oracle_ask(const struct oracle *oracle, uint64_t iota, uint64_t first, uint64_t last, struct answers *answers);

#endif
