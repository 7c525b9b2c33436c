/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Deliberate faults in the library's SMMU.
 */
#ifndef VIOMMU_TESTS_LIVE_SMMUV3_BROKEN_H
#define VIOMMU_TESTS_LIVE_SMMUV3_BROKEN_H

enum broken_smmuv3 {
	BROKEN_SMMUV3_NOTHING = 0,
	BROKEN_INVALIDATION_LOST,
	BROKEN_INVALIDATION_SHORT,
	BROKEN_ARM64_OFF_BY_ONE,    /* a page table begins one entry later */
	BROKEN_ARM64_NO_PROTECTION, /* all pages are writable */
};

extern enum broken_smmuv3 broken_smmuv3;

#endif
