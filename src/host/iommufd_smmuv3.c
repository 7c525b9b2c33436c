/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nesting on Arm's SMMUv3. The kernel takes the first two doublewords of a Stream Table Entry (IHI
 * 0070, 5.2), commands of an invalidation, and gives event records, all little-endian. It replaces
 * the VMID of a command by its own, and the StreamID by the machine's; it ends what it is given
 * with CMD_SYNC and waits for it (arm_vsmmu_cache_invalidate() in
 * drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-iommufd.c). So a guest's commands go through as they
 * are.
 */
#include "host/iommufd_smmuv3.h"

#include <endian.h>
#include <string.h>

#include <viommu/domain.h>
#include <viommu/smmuv3.h>

#include "format/smmuv3.h"
#include "host/iommufd_abi_smmuv3.h"

/* V, Config, S1Fmt, S1ContextPtr, S1CDMax. */
#define STE_0_TAKEN (STE0_V | UINT64_C(7) << STE0_CONFIG_SHIFT | STE0_S1FMT | STE0_S1CONTEXTPTR | STE0_S1CDMAX_ALL)
/*
 * S1DSS, S1CIR, S1COR, S1CSH, S1STALLD. Not EATS: a device's own cache would have to be
 * invalidated, too.
 */
#define STE_1_TAKEN (STE1_S1DSS | STE1_S1_CACHING | STE1_S1STALLD)

/* The kernel's rules, checked before a device exists with which the kernel could be asked. */
static bool take(const void *data, void *theirs)
{
	uint64_t ste[2];
	unsigned int config;

	memcpy(ste, data, sizeof(ste));
	ste[0] = le64toh(ste[0]);
	ste[1] = le64toh(ste[1]);
	config = STE0_CONFIG(ste[0]);
	if (!(ste[0] & STE0_V)) {
		/* The rest of an entry that is not valid means nothing. */
		memset(theirs, 0, sizeof(ste));
		return true;
	}
	memcpy(theirs, data, sizeof(ste));
	return !(ste[0] & ~STE_0_TAKEN) && !(ste[1] & ~STE_1_TAKEN) && (config == STE_CONFIG_ABORT || config == STE_CONFIG_BYPASS || config == STE_CONFIG_S1);
}

static uint32_t describe(const void *hw_info, void *info)
{
	const struct iommufd_abi_hw_info_smmuv3 *said = hw_info;
	struct viommu_smmuv3_hw_info ours = { .size = sizeof(ours), .iidr = said->iidr, .aidr = said->aidr };

	_Static_assert(sizeof(ours) <= IOMMUFD_INFO_BYTES, "there is room for it");
	memcpy(ours.idr, said->idr, sizeof(ours.idr));
	memcpy(info, &ours, sizeof(ours));
	return sizeof(ours);
}

const struct iommufd_nest_type iommufd_smmuv3 = {
	.type = VIOMMU_DOMAIN_SMMUV3,
	.hw_info = IOMMUFD_ABI_HW_INFO_SMMUV3,
	.viommu = IOMMUFD_ABI_VIOMMU_SMMUV3,
	.hwpt_data = IOMMUFD_ABI_HWPT_DATA_SMMUV3,
	.invalidate = IOMMUFD_ABI_INVALIDATE_SMMUV3,
	.veventq = IOMMUFD_ABI_VEVENTQ_SMMUV3,
	.data_bytes = sizeof(struct iommufd_abi_hwpt_smmuv3),
	.entry_bytes = sizeof(struct iommufd_abi_invalidate_smmuv3),
	.event_bytes = sizeof(struct iommufd_abi_vevent_smmuv3),
	.take = take,
	.info_least = VIOMMU_SMMUV3_HW_INFO_SIZE_V0,
	.describe = describe,
};
