/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_MAPPED_H
#define VIOMMU_MAPPED_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_mapped;

VIOMMU_API int viommu_mapped_create(struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, struct viommu_mapped **out);

VIOMMU_API struct viommu_domain *viommu_mapped_domain(struct viommu_mapped *mapped);

VIOMMU_API int viommu_mapped_map(struct viommu_mapped *mapped, uint64_t first, uint64_t last, uint64_t gpa, uint32_t prot);

VIOMMU_API int viommu_mapped_unmap(struct viommu_mapped *mapped, uint64_t first, uint64_t last);

#ifdef __cplusplus
}
#endif
#endif
