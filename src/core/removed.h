/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ranges that were taken away from a space and are not reported yet.
 *
 * Each unmap of a space goes through space_unmap(). A domain with a device whose user is notified
 * (viommu_device_set_notifier()) has the ranges noted until the flush after which nothing of them
 * is reached, and then reports them. Ranges may be widened: to report too much costs a look-up, and
 * nothing else.
 */
#ifndef VIOMMU_CORE_REMOVED_H
#define VIOMMU_CORE_REMOVED_H

#include "host/host.h"

struct removed_range {
	uint64_t first;
	uint64_t last;
};

#define REMOVED_RANGES 8u

/* Under the domain's lock. */
struct removed {
	unsigned int notified; /* attachments of the domain */
	unsigned int number;
	struct removed_range range[REMOVED_RANGES]; /* unmapped, and not reported yet */
};

void removed_add(struct removed *removed, uint64_t first, uint64_t last);

/* With the domain's lock held: the host's unmap, noted where a user is to be notified. */
static inline int space_unmap(struct host_space *space, uint64_t first, uint64_t last)
{
	if (space->removed)
		removed_add(space->removed, first, last);
	return space->ops->unmap(space, first, last);
}

#endif
