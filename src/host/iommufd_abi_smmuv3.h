/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of iommufd's interface that is for Arm's SMMUv3 alone: numbers of types, and data that
 * are passed through.
 */
#ifndef VIOMMU_HOST_IOMMUFD_ABI_SMMUV3_H
#define VIOMMU_HOST_IOMMUFD_ABI_SMMUV3_H

#include "host/iommufd_abi.h"

enum {
	IOMMUFD_ABI_HWPT_DATA_SMMUV3 = 2,
	IOMMUFD_ABI_INVALIDATE_SMMUV3 = 1,
	IOMMUFD_ABI_HW_INFO_SMMUV3 = 2,
	IOMMUFD_ABI_VIOMMU_SMMUV3 = 1,
	IOMMUFD_ABI_VEVENTQ_SMMUV3 = 1,
};

/*
 * The first two doublewords of a Stream Table Entry (Arm IHI 0070, 5.2), little-endian. -EIO: it
 * has what the kernel does not take.
 */
struct iommufd_abi_hwpt_smmuv3 {
	iommufd_abi_u64 ste[2];
};

/*
 * A command as in a command queue (Arm IHI 0070, 4.1), little-endian. The kernel puts in the VMID,
 * and the StreamID in a virtual one's place. -EIO: not one of those that it takes.
 */
struct iommufd_abi_invalidate_smmuv3 {
	iommufd_abi_u64 command[2];
};

/* Linux 6.13 */
struct iommufd_abi_hw_info_smmuv3 {
	uint32_t flags;
	uint32_t zero;
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
};

/* An event record (Arm IHI 0070, 7.3), little-endian, with the virtual StreamID. */
struct iommufd_abi_vevent_smmuv3 {
	iommufd_abi_u64 record[4];
};

#endif
