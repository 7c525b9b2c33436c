/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_NESTING_H
#define VIOMMU_NESTING_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_device;
struct viommu_host;
struct viommu_vm;

enum viommu_nesting {
	VIOMMU_NESTING_AUTO = 0,
	VIOMMU_NESTING_SHADOW = 1,
	VIOMMU_NESTING_HARDWARE = 2,
};

VIOMMU_API int viommu_device_set_id(struct viommu_device *device, uint32_t id);

VIOMMU_API int viommu_nest_invalidate(struct viommu_vm *vm, struct viommu_host *host, uint32_t type, const void *entries, uint32_t entry_bytes, uint32_t number,
				      uint32_t *done);

VIOMMU_API int viommu_nest_fd(struct viommu_vm *vm, struct viommu_host *host);

struct viommu_nest_event {
	uint32_t size;
	uint32_t type;
	uint32_t lost;
	uint32_t bytes;
	void *record;
};
#define VIOMMU_NEST_EVENT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_nest_event, record)

VIOMMU_API int viommu_nest_events(struct viommu_vm *vm, struct viommu_host *host);

VIOMMU_API int viommu_nest_event(struct viommu_vm *vm, struct viommu_host *host, struct viommu_nest_event *event);

#ifdef __cplusplus
}
#endif
#endif
