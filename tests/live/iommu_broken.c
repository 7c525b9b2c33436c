/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Replaces guest/common/ranges.c in the plugin that is broken on purpose. Invalidations of a range
 * can be lost, or end too early, to show that the comparison finds it. The environment variable
 * VIOMMU_BROKEN_IOMMU selects the fault. Without it nothing is broken. Faults of the format are in
 * shadow_arm64_broken.c.
 */
#include "iommu_broken.h"

#include <stdlib.h>
#include <string.h>

#include "guest/common/ranges.h"

bool true_guest_ranges_add(struct guest_ranges *ranges, struct guest_range range);

#define guest_ranges_add true_guest_ranges_add
#include "guest/common/ranges.c"
#undef guest_ranges_add

enum broken_iommu broken_iommu;

static void __attribute__((constructor)) choose(void)
{
	static const char *const names[] = {
		[BROKEN_INVALIDATION_LOST] = "invalidation-lost",
		[BROKEN_INVALIDATION_SHORT] = "invalidation-short",
		[BROKEN_OFF_BY_ONE] = "off-by-one",
		[BROKEN_NO_PROTECTION] = "no-protection",
	};
	const char *wanted = getenv("VIOMMU_BROKEN_IOMMU");
	unsigned int i;

	if (!wanted)
		return;
	for (i = BROKEN_INVALIDATION_LOST; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(wanted, names[i]))
			broken_iommu = (enum broken_iommu)i;
	}
	if (broken_iommu == BROKEN_IOMMU_NOTHING)
		abort();
}

bool guest_ranges_add(struct guest_ranges *ranges, struct guest_range range)
{
	uint64_t bytes = range.last - range.first + 1;

	if (range.last == UINT64_MAX)
		return true_guest_ranges_add(ranges, range);
	if (broken_iommu == BROKEN_INVALIDATION_LOST)
		return true;
	if (broken_iommu == BROKEN_INVALIDATION_SHORT && bytes > 4096)
		range.last -= bytes / 2;
	return true_guest_ranges_add(ranges, range);
}
