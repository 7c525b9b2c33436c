// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of reasons. */
#include "replay.h"

const char *replay_reason_name(uint32_t reason)
{
	switch (reason) {
	case VIOMMU_FAULT_BLOCKED:
		return "blocked";
	case VIOMMU_FAULT_APERTURE:
		return "outside the registration";
	case VIOMMU_FAULT_NOT_PRESENT:
		return "invalid entry";
	case VIOMMU_FAULT_PROTECTION:
		return "protection";
	case VIOMMU_FAULT_ENTRY_TYPE:
		return "entry of the wrong type";
	case VIOMMU_FAULT_ENTRY_LENGTH:
		return "outside the table's offset and length";
	case VIOMMU_FAULT_ENTRY_FORMAT:
		return "malformed entry";
	case VIOMMU_FAULT_ENTRY_ZERO:
		return "entry of all zeros";
	case VIOMMU_FAULT_TABLE_UNBACKED:
		return "table where the guest has no memory";
	case VIOMMU_FAULT_LEAF_UNBACKED:
		return "page where the guest has no memory";
	case VIOMMU_FAULT_ACCESS_FLAG:
		return "access flag not set";
	case VIOMMU_FAULT_ADDRESS_SIZE:
		return "address beyond the output size";
	default:
		return "unknown reason";
	}
}
