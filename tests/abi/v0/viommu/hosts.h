/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_HOSTS_H
#define VIOMMU_HOSTS_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_host_caps {
	uint32_t size;
	char name[16];
	bool split;
	bool dirty;
	bool lookup;
	uint8_t reserved;
	uint64_t page_sizes;
	uint64_t first, last;
	uint64_t entry_limit;

	uint32_t nests;
	uint32_t pasid_bits;
};
#define VIOMMU_HOST_CAPS_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_host_caps, pasid_bits)

#define VIOMMU_NESTS(type) (UINT32_C(1) << (type))

VIOMMU_API int viommu_host_soft_create(struct viommu_host **out);

VIOMMU_API int viommu_host_caps(struct viommu_host *host, struct viommu_host_caps *caps);

VIOMMU_API int viommu_host_nest_info(struct viommu_host *host, uint32_t type, void *info);

struct viommu_iova_range {
	uint64_t first;
	uint64_t last;
};

VIOMMU_API size_t viommu_host_ranges(struct viommu_host *host, struct viommu_iova_range *ranges, size_t number);

VIOMMU_API void viommu_host_destroy(struct viommu_host *host);

#ifdef __cplusplus
}
#endif
#endif
