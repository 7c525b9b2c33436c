/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VFIO's interface for the IOMMU drivers of containers. Linux exports the two functions, and has
 * the declarations in drivers/vfio/vfio.h, which modules outside of that folder cannot include.
 * They are the same in 6.12 and in 7.3.
 */
#ifndef VIOMMU_LINUX_VFIO_DRIVER_H
#define VIOMMU_LINUX_VFIO_DRIVER_H

#include <linux/types.h>

struct iommu_domain;
struct iommu_group;
struct module;
struct page;
struct vfio_device;

enum vfio_group_type { VFIO_IOMMU, VFIO_EMULATED_IOMMU, VFIO_NO_IOMMU };

struct vfio_iommu_driver_ops {
	char *name;
	struct module *owner;
	void *(*open)(unsigned long type);
	void (*release)(void *data);
	long (*ioctl)(void *data, unsigned int command, unsigned long argument);
	int (*attach_group)(void *data, struct iommu_group *group, enum vfio_group_type type);
	void (*detach_group)(void *data, struct iommu_group *group);
	int (*pin_pages)(void *data, struct iommu_group *group, dma_addr_t iova, int number, int prot, struct page **pages);
	void (*unpin_pages)(void *data, dma_addr_t iova, int number);
	void (*register_device)(void *data, struct vfio_device *device);
	void (*unregister_device)(void *data, struct vfio_device *device);
	int (*dma_rw)(void *data, dma_addr_t iova, void *buffer, size_t bytes, bool write);
	struct iommu_domain *(*group_iommu_domain)(void *data, struct iommu_group *group);
};

int vfio_register_iommu_driver(const struct vfio_iommu_driver_ops *ops);
void vfio_unregister_iommu_driver(const struct vfio_iommu_driver_ops *ops);

#endif
