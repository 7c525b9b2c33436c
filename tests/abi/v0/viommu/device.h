/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_DEVICE_H
#define VIOMMU_DEVICE_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

VIOMMU_API int viommu_device_create(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_device **out);

VIOMMU_API void viommu_device_destroy(struct viommu_device *device);

VIOMMU_API int viommu_device_detach(struct viommu_device *device, uint32_t pasid);

#ifdef __cplusplus
}
#endif
#endif
