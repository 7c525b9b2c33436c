/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ranges_add(struct ranges *ranges, uint64_t first, uint64_t last)
{
	const uint64_t mask = VIOMMU_PAGE_SIZE - 1;
	struct viommu_iova_range *end = ranges->number ? &ranges->range[ranges->number - 1] : NULL;

	/* Inwards to whole pages; a range that has none adds nothing. */
	if (first > UINT64_MAX - mask)
		return 0;
	first = (first + mask) & ~mask;
	if ((last & mask) != mask) {
		if (last < VIOMMU_PAGE_SIZE)
			return 0;
		last = (last & ~mask) - 1;
	}
	if (first > last)
		return 0;
	if (end && first <= end->last)
		return -EIO;
	if (end && first == end->last + 1) {
		end->last = last;
		return 0;
	}
	if (!ranges->range || ranges->number == ranges->room) {
		size_t room = ranges->room ? 2 * ranges->room : 8;
		struct viommu_iova_range *more = realloc(ranges->range, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		ranges->range = more;
		ranges->room = room;
	}
	ranges->range[ranges->number++] = (struct viommu_iova_range){ .first = first, .last = last };
	return 0;
}

bool ranges_contain(const struct ranges *ranges, uint64_t first, uint64_t last)
{
	size_t low = 0, high = ranges->number;

	/* The only one that can: the last that begins at or before first. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->range[middle].first <= first)
			low = middle + 1;
		else
			high = middle;
	}
	return low && last <= ranges->range[low - 1].last;
}

bool ranges_cover(const struct ranges *outer, const struct ranges *inner)
{
	for (size_t i = 0; i < inner->number; i++)
		if (!ranges_contain(outer, inner->range[i].first, inner->range[i].last))
			return false;
	return true;
}

void ranges_free(struct ranges *ranges)
{
	free(ranges->range);
	memset(ranges, 0, sizeof(*ranges));
}
