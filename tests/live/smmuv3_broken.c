/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Replaces guest/common/ranges.c in the plugin that is broken on purpose. Invalidations of a range
 * can be lost, or end too early, to show that the comparison finds it. The environment variable
 * VIOMMU_BROKEN_SMMUV3 selects the fault. Without it nothing is broken. Faults of the format are in
 * shadow_arm64_broken.c.
 */
#include "smmuv3_broken.h"

#include <stdlib.h>
#include <string.h>

#include "guest/common/ranges.h"

bool true_guest_ranges_add(struct guest_ranges *ranges, struct guest_range range);

#define guest_ranges_add true_guest_ranges_add
#include "guest/common/ranges.c"
#undef guest_ranges_add

enum broken_smmuv3 broken_smmuv3;

static void __attribute__((constructor)) choose(void)
{
	static const char *const names[] = {
		[BROKEN_INVALIDATION_LOST] = "invalidation-lost",
		[BROKEN_INVALIDATION_SHORT] = "invalidation-short",
		[BROKEN_ARM64_OFF_BY_ONE] = "off-by-one",
		[BROKEN_ARM64_NO_PROTECTION] = "no-protection",
	};
	const char *wanted = getenv("VIOMMU_BROKEN_SMMUV3");
	unsigned int i;

	if (!wanted)
		return;
	for (i = BROKEN_INVALIDATION_LOST; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(wanted, names[i]))
			broken_smmuv3 = (enum broken_smmuv3)i;
	}
	if (broken_smmuv3 == BROKEN_SMMUV3_NOTHING)
		abort();
}

bool guest_ranges_add(struct guest_ranges *ranges, struct guest_range range)
{
	uint64_t bytes = range.last - range.first + 1;

	if (range.last == UINT64_MAX)
		return true_guest_ranges_add(ranges, range);
	if (broken_smmuv3 == BROKEN_INVALIDATION_LOST)
		return true;
	if (broken_smmuv3 == BROKEN_INVALIDATION_SHORT && bytes > 4096)
		range.last -= bytes / 2;
	return true_guest_ranges_add(ranges, range);
}
