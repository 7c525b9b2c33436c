/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Spaces that are a guest's own tables. What the kernel has of one is an HWPT with the guest's
 * data, made when the first device is attached; the hardware reads tables from the guest's memory
 * through what iommufd_stage2.c keeps. A device is in the space's list exactly while it is attached
 * there.
 */
#include <errno.h>
#include <string.h>

#include "host/iommufd.h"

int iommufd_nest_create(struct viommu_host *any, struct host_vm *host_vm, const struct host_nest_data *data, const struct host_memory *memory,
			struct host_space **out)
{
	const struct iommufd_nest_type *type = iommufd_host(any)->nests;
	struct iommufd_vm *vm = iommufd_vm(host_vm);
	unsigned char theirs[IOMMUFD_DATA_BYTES];
	struct iommufd_space *space;
	int error;

	if (!type || type->type != data->type)
		return -EOPNOTSUPP;
	if (data->bytes != type->data_bytes || !type->take(data->data, theirs))
		return -EINVAL;
	space = memory->alloc(memory->ctx, sizeof(*space), 0);
	if (!space)
		return -ENOMEM;
	space->space.host = any;
	space->memory = memory;
	space->vm = vm;
	space->nest = true;
	memcpy(space->data, theirs, type->data_bytes);
	mappings_init(&space->mappings, memory);
	port_lock(&vm->nesting);
	error = iommufd_stage2_make(vm);
	port_unlock(&vm->nesting);
	if (error) {
		iommufd_space_destroy(&space->space);
		return error;
	}
	*out = &space->space;
	return 0;
}

/*
 * A device that could not be detached is tried once more, and then attached to an IOAS that is
 * empty instead. The kernel has no reason to fail in both. If it does, the device goes on with the
 * guest's tables until its file is closed, which its destruction does unless the file is the
 * caller's.
 */
void iommufd_nest_destroy(struct iommufd_space *space)
{
	int fd = iommufd_host(space->space.host)->fd;
	struct iommufd_device *device;

	while ((device = space->nested)) {
		if (iommufd_detach_pt(device) && (device->empty || !iommufd_ioas_alloc(fd, &device->empty)))
			iommufd_attach_pt(device, device->empty);
		space->nested = device->next_nested;
	}
}

int iommufd_nest_prepare(struct iommufd_space *space, struct iommufd_device *device)
{
	const struct iommufd_host *host = iommufd_host(space->space.host);
	struct iommufd_vm *vm = space->vm;
	int fd = host->fd;
	int error;

	if (!device->has_guest_id)
		return -EINVAL;
	port_lock(&vm->nesting);
	error = iommufd_stage2_ready(vm, device);
	port_unlock(&vm->nesting);
	if (!error && !device->vdevice)
		error = iommufd_vdevice_alloc(fd, device->id, vm->viommu, device->guest_id, &device->vdevice);
	if (!error && !space->hwpt)
		error = iommufd_hwpt_alloc_nested(fd, host->nests, device->id, vm->viommu, space->data, &space->hwpt);
	return error;
}

void iommufd_nest_enter(struct iommufd_space *space, struct iommufd_device *device)
{
	device->next_nested = space->nested;
	space->nested = device;
}

void iommufd_nest_leave(struct iommufd_space *space, struct iommufd_device *device)
{
	struct iommufd_device **at = &space->nested;

	while (*at && *at != device)
		at = &(*at)->next_nested;
	if (*at)
		*at = device->next_nested;
}

int iommufd_device_set_id(struct host_device *any, uint32_t id)
{
	struct iommufd_device *device = iommufd_device(any);
	int error;

	if (device->has_guest_id && device->guest_id == id)
		return 0;
	error = iommufd_try_put(iommufd_host(any->host)->fd, device->vdevice);
	if (error)
		return error;
	device->vdevice = 0;
	device->has_guest_id = true;
	device->guest_id = id;
	return 0;
}

/*
 * Where there is no viommu yet the hardware has read nothing. It is asked even if no device is
 * attached: what was read for one that was is still there.
 */
int iommufd_nest_invalidate(struct host_vm *any, const void *entries, uint32_t number, uint32_t *done)
{
	const struct iommufd_host *host = iommufd_host(any->host);
	uint32_t viommu = __atomic_load_n(&iommufd_vm(any)->viommu, __ATOMIC_ACQUIRE);

	*done = 0;
	return viommu ? iommufd_invalidate(host->fd, host->nests, viommu, entries, number, done) : 0;
}
