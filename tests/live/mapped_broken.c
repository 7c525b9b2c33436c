/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Replaces core/mapped.c in the plugin that is broken on purpose: the requests of a virtio-iommu,
 * carried out with a fault that iommu_broken.c selects.
 */
#include "iommu_broken.h"

#include <viommu/mapped.h>

int true_viommu_mapped_map(struct viommu_mapped *mapped, uint64_t first, uint64_t last, uint64_t gpa, uint32_t prot);
int true_viommu_mapped_unmap(struct viommu_mapped *mapped, uint64_t first, uint64_t last);

#define viommu_mapped_map   true_viommu_mapped_map
#define viommu_mapped_unmap true_viommu_mapped_unmap
#include "core/mapped.c"
#undef viommu_mapped_map
#undef viommu_mapped_unmap

int viommu_mapped_map(struct viommu_mapped *mapped, uint64_t first, uint64_t last, uint64_t gpa, uint32_t prot)
{
	if (broken_iommu == BROKEN_OFF_BY_ONE)
		gpa += VIOMMU_PAGE_SIZE;
	return true_viommu_mapped_map(mapped, first, last, gpa, broken_iommu == BROKEN_NO_PROTECTION ? VIOMMU_RW : prot);
}

int viommu_mapped_unmap(struct viommu_mapped *mapped, uint64_t first, uint64_t last)
{
	uint64_t pages = (last - first) / VIOMMU_PAGE_SIZE + 1;

	if (broken_iommu == BROKEN_INVALIDATION_LOST)
		return 0;
	if (broken_iommu == BROKEN_INVALIDATION_SHORT)
		last -= pages / 2 * VIOMMU_PAGE_SIZE;
	return true_viommu_mapped_unmap(mapped, first, last);
}
