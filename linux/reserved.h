/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IOVAs that devices reserve: lists of struct iommu_resv_region, as Linux makes for a group. */
#ifndef VIOMMU_LINUX_RESERVED_H
#define VIOMMU_LINUX_RESERVED_H

#include <linux/types.h>

struct iommu_resv_region;
struct list_head;
struct viommu_domain;

/* The IOVAs that a region takes away from a domain's. False if it takes none. */
bool reserved_takes(const struct iommu_resv_region *region, u64 *first, u64 *last);
/* Whether any region has an IOVA of first..last. */
bool reserved_any(const struct list_head *regions, u64 first, u64 last);
/* Whether a domain translates IOVAs of any region. */
bool reserved_established(const struct list_head *regions, struct viommu_domain *domain);
void reserved_free(struct list_head *regions);

#endif
