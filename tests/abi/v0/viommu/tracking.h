/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_TRACKING_H
#define VIOMMU_TRACKING_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_tracker {
	uint32_t size;
	uint32_t reserved;
	void *ctx;

	int (*slot_added)(void *ctx, uint64_t first, uint64_t last, void *hva);
	void (*slot_removed)(void *ctx, uint64_t first, uint64_t last, void *hva);

	int (*watch)(void *ctx, uint64_t first, uint64_t last, void *hva);
	void (*unwatch)(void *ctx, uint64_t first, uint64_t last, void *hva);

	int (*collect)(void *ctx, void (*written)(void *arg, uint64_t first, uint64_t last), void *arg);
};
#define VIOMMU_TRACKER_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_tracker, collect)

VIOMMU_API int viommu_vm_set_tracker(struct viommu_vm *vm, const struct viommu_tracker *tracker);

VIOMMU_API int viommu_tracker_pagemap_create(struct viommu_tracker *tracker);

VIOMMU_API void viommu_tracker_pagemap_destroy(struct viommu_tracker *tracker);

#ifdef __cplusplus
}
#endif
#endif
