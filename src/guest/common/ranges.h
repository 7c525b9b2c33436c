/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Invalidations, collected between two points at which the guest waits for them.
 *
 * To an IOMMU, an invalidation means to forget; here it means to look again: the range is refreshed
 * in the domains of one context (an ASID, a domain ID), or of all. Guests send many small ones
 * before they wait. Ranges of one context that touch are merged.
 */
#ifndef VIOMMU_GUEST_COMMON_RANGES_H
#define VIOMMU_GUEST_COMMON_RANGES_H

#include <port_types.h>

struct guest_range {
	bool all;	  /* contexts */
	bool globals;	  /* of all contexts, where not all */
	uint32_t context; /* where not all */
	uint64_t first;
	uint64_t last;
	/*
	 * log2 of the most that an entry covers which is invalidated with any of its addresses; 0
	 * where the range has been widened to that. Applied to what the domain has had.
	 */
	unsigned int entry_bits;
};

#define GUEST_RANGES 16u

struct guest_ranges {
	unsigned int number;
	struct guest_range range[GUEST_RANGES];
};

/* False if there is no room for another one: then apply what was collected, and add it again. */
bool guest_ranges_add(struct guest_ranges *ranges, struct guest_range range);

static inline bool guest_range_applies(const struct guest_range *range, uint32_t context)
{
	return range->all || range->context == context;
}

#endif
