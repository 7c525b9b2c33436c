/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_VFIO_H
#define VIOMMU_VFIO_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_vfio_device {
	uint32_t size;
	int32_t device_fd;
	int32_t group_fd;
	int32_t container_fd;
	const char *address;
};
#define VIOMMU_VFIO_DEVICE_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vfio_device, address)

#define VIOMMU_VFIO_DEVICE_INIT                                     \
	{                                                           \
		sizeof(struct viommu_vfio_device), -1, -1, -1, NULL \
	}

struct viommu_vfio_config {
	uint32_t size;

	int32_t iommu_fd;

	const struct viommu_vfio_device *device;

	char *why;
	size_t why_bytes;
};
#define VIOMMU_VFIO_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vfio_config, why_bytes)
#define VIOMMU_VFIO_CONFIG_INIT                                      \
	{                                                            \
		sizeof(struct viommu_vfio_config), -1, NULL, NULL, 0 \
	}

VIOMMU_API int viommu_host_type1_create(const struct viommu_vfio_config *config, struct viommu_host **out);
VIOMMU_API int viommu_host_iommufd_create(const struct viommu_vfio_config *config, struct viommu_host **out);

VIOMMU_API int viommu_device_vfio_fd(const struct viommu_device *device);

#ifdef __cplusplus
}
#endif
#endif
