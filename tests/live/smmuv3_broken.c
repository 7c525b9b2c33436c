/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stands in for guest/smmuv3/invalidate.c in the plugin that is broken on purpose: CMD_TLBI_NH_VA
 * can be lost, or end too early. For showing that the comparison notices. The environment variable
 * VIOMMU_BROKEN_SMMUV3 says how, and nothing is broken where it is not set; what concerns the
 * format is in shadow_arm64_broken.c.
 */
#include "smmuv3_broken.h"

#include <stdlib.h>
#include <string.h>

#include "guest/smmuv3/invalidate.h"

bool smmuv3_true_invalidate_va(struct viommu_smmuv3 *smmu, const uint64_t command[CMD_WORDS], bool all);

#define smmuv3_invalidate_va smmuv3_true_invalidate_va
#include "guest/smmuv3/invalidate.c"
#undef smmuv3_invalidate_va

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

bool smmuv3_invalidate_va(struct viommu_smmuv3 *smmu, const uint64_t command[CMD_WORDS], bool all)
{
	uint64_t shorter[CMD_WORDS] = { command[0], command[1] };

	if (broken_smmuv3 == BROKEN_INVALIDATION_LOST)
		return true;
	/* Half as much: Linux names what is a power of two by SCALE alone. */
	if (broken_smmuv3 == BROKEN_INVALIDATION_SHORT && CMD1_TG(command[1]) && CMD0_SCALE(command[0]))
		shorter[0] -= UINT64_C(1) << 20;
	return smmuv3_true_invalidate_va(smmu, shorter, all);
}
