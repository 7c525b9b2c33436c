/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sets of IOVAs, as the kernel tells which are usable: ascending ranges of whole pages that do not
 * touch.
 */
#ifndef VIOMMU_HOST_RANGES_H
#define VIOMMU_HOST_RANGES_H

#include <viommu/hosts.h>

struct ranges {
	struct viommu_iova_range *range;
	size_t number, room;
};

/*
 * Adds a range, of which whole pages count, to a set whose ranges all lie before it or touch it. 0,
 * -ENOMEM; -EIO: it lies before one of them.
 */
int ranges_add(struct ranges *ranges, uint64_t first, uint64_t last);
bool ranges_contain(const struct ranges *ranges, uint64_t first, uint64_t last);
/* Everything in `inner` is in `outer`, too. */
bool ranges_cover(const struct ranges *outer, const struct ranges *inner);
void ranges_free(struct ranges *ranges);

#endif
