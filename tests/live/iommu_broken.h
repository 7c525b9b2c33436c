/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Deliberate faults in the library's guest IOMMUs.
 */
#ifndef VIOMMU_TESTS_LIVE_IOMMU_BROKEN_H
#define VIOMMU_TESTS_LIVE_IOMMU_BROKEN_H

#include <stdbool.h>
#include <stdint.h>

enum broken_iommu {
	BROKEN_IOMMU_NOTHING = 0,
	BROKEN_INVALIDATION_LOST,
	BROKEN_INVALIDATION_SHORT,
	BROKEN_OFF_BY_ONE,    /* a page table begins one entry later, a mapping one page later */
	BROKEN_NO_PROTECTION, /* all pages may be read and written */
};

extern enum broken_iommu broken_iommu;

/* Added to the address of a table. */
static inline uint64_t broken_table_offset(bool is_page_table)
{
	return broken_iommu == BROKEN_OFF_BY_ONE && is_page_table ? sizeof(uint64_t) : 0;
}

#endif
