/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/iommufd.h"
#include "host/vfio_ioctl.h"

int iommufd_ioas_alloc(int fd, uint32_t *id)
{
	struct iommufd_abi_ioas_alloc call = { .size = sizeof(call) };
	int error = vfio_ioctl(fd, IOMMUFD_ABI_IOAS_ALLOC, &call);

	*id = error ? 0 : call.out_id;
	return error;
}

int iommufd_hwpt_alloc(int fd, uint32_t device, uint32_t ioas, uint32_t flags, uint32_t *id)
{
	struct iommufd_abi_hwpt_alloc call = { .size = sizeof(call), .flags = flags, .device = device, .ioas = ioas };
	int error = vfio_ioctl(fd, IOMMUFD_ABI_HWPT_ALLOC, &call);

	*id = error ? 0 : call.out_id;
	return error;
}

/* An object that is in use stays, and goes with the iommufd: nothing can be done about that here. */
void iommufd_put(int fd, uint32_t id)
{
	struct iommufd_abi_destroy call = { .size = sizeof(call), .id = id };

	if (id)
		vfio_ioctl(fd, IOMMUFD_ABI_DESTROY, &call);
}

int iommufd_unmap(const struct iommufd_host *host, uint32_t ioas, uint64_t first, uint64_t last, uint64_t *bytes)
{
	bool all = first == 0 && last == UINT64_MAX;
	struct iommufd_abi_unmap call = { .size = sizeof(call), .ioas = ioas, .iova = first, .bytes = all ? UINT64_MAX : last - first + 1 };
	int error = vfio_ioctl(host->fd, IOMMUFD_ABI_UNMAP, &call);

	*bytes = error ? 0 : call.bytes;
	return error == -ENOENT && host->empty_is_enoent ? 0 : error;
}

int iommufd_attach_pt(const struct iommufd_device *device, uint32_t id)
{
	struct vfio_abi_attach_pt call = { .size = sizeof(call), .id = id };

	return vfio_ioctl(device->fd, VFIO_ABI_ATTACH_PT, &call);
}

int iommufd_detach_pt(const struct iommufd_device *device)
{
	struct vfio_abi_detach_pt call = { .size = sizeof(call) };

	return vfio_ioctl(device->fd, VFIO_ABI_DETACH_PT, &call);
}

uint32_t iommufd_map_flags(uint32_t prot)
{
	return (prot & VIOMMU_READ ? IOMMUFD_ABI_MAP_READ : 0u) | (prot & VIOMMU_WRITE ? IOMMUFD_ABI_MAP_WRITE : 0u);
}
