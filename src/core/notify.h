/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notifying users of devices about translations that were taken away (viommu_device_set_notifier()).
 *
 * Each unmap of a space goes through space_unmap(). A domain with a device that is notified has the
 * ranges noted until the flush after which nothing of them is reached, and then reports them.
 * Ranges may be widened: to notify too much costs a look-up, nothing else.
 */
#ifndef VIOMMU_CORE_NOTIFY_H
#define VIOMMU_CORE_NOTIFY_H

#include "host/host.h"

struct attachment;
struct viommu_domain;

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
	return space->host->ops->unmap(space, first, last);
}

/* With the domain's lock held, after a flush that succeeded: reports what was noted. */
void removed_report(struct viommu_domain *domain);

/*
 * With the domain's lock held: an attachment has entered the domain; or has left it, and none of
 * its readers is in the domain any more: all IOVAs are reported.
 */
void notify_joined(struct viommu_domain *domain, const struct attachment *attachment);
void notify_left(struct viommu_domain *domain, const struct attachment *attachment);

#endif
