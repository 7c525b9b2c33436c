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

int iommufd_try_put(int fd, uint32_t id)
{
	struct iommufd_abi_destroy call = { .size = sizeof(call), .id = id };

	return id ? vfio_ioctl(fd, IOMMUFD_ABI_DESTROY, &call) : 0;
}

/*
 * An object that is in use stays, and goes with the iommufd: nothing can be done about that here.
 */
void iommufd_put(int fd, uint32_t id)
{
	iommufd_try_put(fd, id);
}

int iommufd_copy(int fd, const struct iommufd_slot *from, uint32_t from_ioas, uint32_t to_ioas, uint64_t to)
{
	struct iommufd_abi_copy call = {
		.size = sizeof(call),
		.flags = IOMMUFD_ABI_MAP_FIXED | iommufd_map_flags(from->prot),
		.to = to_ioas,
		.from = from_ioas,
		.bytes = from->last - from->first + 1,
		.to_iova = to,
		.from_iova = from->iova,
	};

	return vfio_ioctl(fd, IOMMUFD_ABI_COPY, &call);
}

int iommufd_viommu_alloc(int fd, const struct iommufd_nest_type *type, uint32_t device, uint32_t parent, uint32_t *id)
{
	struct iommufd_abi_viommu_alloc call = { .size = sizeof(call), .type = type->viommu, .device = device, .hwpt = parent };
	int error = vfio_ioctl(fd, IOMMUFD_ABI_VIOMMU_ALLOC, &call);

	*id = error ? 0 : call.out_id;
	return error;
}

int iommufd_vdevice_alloc(int fd, uint32_t device, uint32_t viommu, uint32_t guest_id, uint32_t *id)
{
	struct iommufd_abi_vdevice_alloc call = { .size = sizeof(call), .viommu = viommu, .device = device, .virtual_id = guest_id };
	int error = vfio_ioctl(fd, IOMMUFD_ABI_VDEVICE_ALLOC, &call);

	*id = error ? 0 : call.out_id;
	return error;
}

/*
 * One transfer that is stopped may make an event for each few bytes, and a guest that reads its
 * queue slowly shall still see others.
 */
int iommufd_veventq_alloc(int fd, const struct iommufd_nest_type *type, uint32_t viommu, uint32_t *id, int32_t *events_fd)
{
	struct iommufd_abi_veventq_alloc call = { .size = sizeof(call), .viommu = viommu, .type = type->veventq, .depth = 1024 };
	int error = vfio_ioctl(fd, IOMMUFD_ABI_VEVENTQ_ALLOC, &call);

	*id = error ? 0 : call.out_id;
	*events_fd = error ? -1 : call.out_fd;
	return error;
}

int iommufd_hwpt_alloc_nested(int fd, const struct iommufd_nest_type *type, uint32_t device, uint32_t viommu, const void *data, uint32_t *id)
{
	struct iommufd_abi_hwpt_alloc_nested call = {
		.size = sizeof(call),
		.device = device,
		.viommu = viommu,
		.data_type = type->hwpt_data,
		.data_bytes = type->data_bytes,
		.data = (uint64_t)(uintptr_t)data,
	};
	int error = vfio_ioctl(fd, IOMMUFD_ABI_HWPT_ALLOC, &call);

	*id = error ? 0 : call.out_id;
	return error;
}

int iommufd_invalidate(int fd, const struct iommufd_nest_type *type, uint32_t viommu, const void *entries, uint32_t number, uint32_t *done)
{
	struct iommufd_abi_hwpt_invalidate call = {
		.size = sizeof(call),
		.id = viommu,
		.data = (uint64_t)(uintptr_t)entries,
		.data_type = type->invalidate,
		.entry_bytes = type->entry_bytes,
		.number = number,
	};
	int error = vfio_ioctl(fd, IOMMUFD_ABI_HWPT_INVALIDATE, &call);

	*done = error && call.number >= number ? 0 : call.number;
	return error;
}

/*
 * Kernels that answer -ENOENT where there is nothing to unmap give the same answer where a mapping
 * would be cut. That does not happen here: a space is unmapped in ranges that end where mappings do
 * (host.h, caps.split), and a mapping that was made in parts, one for each slot, is within such a
 * range with all of them; slots are unmapped as they were mapped. So -ENOENT is "nothing" there.
 */
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

int iommufd_attach_pasid(const struct iommufd_device *device, uint32_t pasid, uint32_t id)
{
	struct vfio_abi_attach_pasid call = { .size = sizeof(call), .flags = VFIO_ABI_PASID, .id = id, .pasid = pasid };

	return vfio_ioctl(device->fd, VFIO_ABI_ATTACH_PT, &call);
}

int iommufd_detach_pasid(const struct iommufd_device *device, uint32_t pasid)
{
	struct vfio_abi_detach_pasid call = { .size = sizeof(call), .flags = VFIO_ABI_PASID, .pasid = pasid };

	return vfio_ioctl(device->fd, VFIO_ABI_DETACH_PT, &call);
}

uint32_t iommufd_map_flags(uint32_t prot)
{
	return (prot & VIOMMU_READ ? IOMMUFD_ABI_MAP_READ : 0u) | (prot & VIOMMU_WRITE ? IOMMUFD_ABI_MAP_WRITE : 0u);
}
