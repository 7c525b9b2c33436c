/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Enums in words, for people. */
#include <viommu/domain.h>

const char *viommu_fault_name(uint32_t reason)
{
	static const char *const names[] = {
		[VIOMMU_FAULT_NONE] = "none",
		[VIOMMU_FAULT_BLOCKED] = "blocked",
		[VIOMMU_FAULT_APERTURE] = "outside the registration",
		[VIOMMU_FAULT_NOT_PRESENT] = "invalid entry",
		[VIOMMU_FAULT_PROTECTION] = "protection",
		[VIOMMU_FAULT_ENTRY_TYPE] = "entry of the wrong type",
		[VIOMMU_FAULT_ENTRY_LENGTH] = "outside the table's offset and length",
		[VIOMMU_FAULT_ENTRY_FORMAT] = "malformed entry",
		[VIOMMU_FAULT_ENTRY_ZERO] = "entry of all zeros",
		[VIOMMU_FAULT_TABLE_UNBACKED] = "table where the guest has no memory",
		[VIOMMU_FAULT_LEAF_UNBACKED] = "page where the guest has no memory",
		[VIOMMU_FAULT_ACCESS_FLAG] = "access flag not set",
		[VIOMMU_FAULT_ADDRESS_SIZE] = "address beyond the output size",
	};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "unknown reason";
}

const char *viommu_domain_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[0] = "unknown kind",
		[VIOMMU_KIND_NESTED] = "nested",
		[VIOMMU_KIND_HARDWARE] = "hardware",
		[VIOMMU_KIND_DIRECT] = "direct",
		[VIOMMU_KIND_MAPPED] = "mapped",
		[VIOMMU_KIND_BLOCKED] = "blocked",
	};

	return names[kind < sizeof(names) / sizeof(names[0]) ? kind : 0];
}
