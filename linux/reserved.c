/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "reserved.h"

#include <linux/iommu.h>
#include <linux/slab.h>

#include <viommu/viommu.h>

bool reserved_takes(const struct iommu_resv_region *region, u64 *first, u64 *last)
{
	*first = region->start;
	*last = region->start + (region->length - 1);
	return region->length && region->type != IOMMU_RESV_DIRECT_RELAXABLE;
}

bool reserved_any(const struct list_head *regions, u64 first, u64 last)
{
	const struct iommu_resv_region *region;
	u64 from, to;

	list_for_each_entry (region, regions, list)
		if (reserved_takes(region, &from, &to) && first <= to && last >= from)
			return true;
	return false;
}

static int is_there(void *ctx, const struct viommu_run *run)
{
	return 1;
}

bool reserved_established(const struct list_head *regions, struct viommu_domain *domain)
{
	const struct iommu_resv_region *region;
	u64 first, last;

	list_for_each_entry (region, regions, list)
		if (reserved_takes(region, &first, &last) && viommu_domain_each_run(domain, first, last, is_there, NULL))
			return true;
	return false;
}

void reserved_free(struct list_head *regions)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe (region, next, regions, list)
		kfree(region);
}
