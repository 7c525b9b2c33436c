/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QEMU's walker as an oracle: what does QEMU itself say that a range of IOVAs translates to?
 */
#ifndef VIOMMU_WATCH_ORACLE_WALKER_H
#define VIOMMU_WATCH_ORACLE_WALKER_H

#include <stdbool.h>
#include <stdint.h>

#include "observation.h"

struct walker_entry;

struct walker {
	/* QEMU's s390_guest_io_table_walk() */
	uint16_t (*walk)(uint64_t iota, uint64_t iova, struct walker_entry *entry);
};

/* Finds it in this process. Without it walker_ask() has no answers. */
bool walker_find(struct walker *walker);

/*
 * Asks for the IOVAs first..last, widened to whole pages, and fills in *answers, whose list is used again. 0; -ENOSYS without a walker; -EOPNOTSUPP for
 * a designation that QEMU does not walk; -E2BIG if the range takes too many questions; -ENOMEM.
 */
int walker_ask(const struct walker *walker, uint64_t iota, uint64_t first, uint64_t last, struct answers *answers);

#endif
