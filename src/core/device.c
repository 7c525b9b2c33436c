/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <viommu/vfio.h>

#include "core/device.h"
#include "core/guests.h"

int viommu_device_create(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_device **out)
{
	struct viommu_device *device = port_alloc(sizeof(*device), 0);
	struct host_guest *guest;
	int error;

	if (!device)
		return -PORT_ENOMEM;
	port_lock(&vm->lock);
	error = guests_get(vm, host, &guest);
	if (!error)
		error = host->ops->device_create(host, guest, data, &device->host_device);
	if (error) {
		port_unlock(&vm->lock);
		port_free(device, sizeof(*device), 0);
		return error;
	}
	device->vm = vm;
	device->host = host;
	list_init(&device->in_space);
	list_init(&device->readers);
	list_append(&vm->devices, &device->in_vm);
	port_unlock(&vm->lock);
	*out = device;
	return 0;
}

int viommu_device_vfio_fd(const struct viommu_device *device)
{
	return device->host->ops->device_fd ? device->host->ops->device_fd(device->host_device) : -1;
}

void device_wait(struct viommu_device *device)
{
	/* Pairs with the light side in viommu_translate(): either it sees what the device has now, or we see that it is inside. */
	port_grace_heavy();
	readers_wait_inside(&device->readers);
	readers_wait_held(&device->readers);
}

int device_detach(struct viommu_device *device, bool by_force)
{
	struct space *space = device->space;
	int error;

	if (!space)
		return 0;
	port_lock(&space->lock);
	error = space->host->ops->detach(space->host_space, device->host_device);
	if (!error || by_force) {
		port_store_relaxed(&device->space, NULL);
		list_remove(&device->in_space);
		device_wait(device);
	}
	port_unlock(&space->lock);
	return error ? -PORT_EIO : 0;
}

int viommu_device_detach(struct viommu_device *device)
{
	int error;

	port_lock(&device->vm->lock);
	error = device_detach(device, false);
	port_unlock(&device->vm->lock);
	return error;
}

void viommu_device_destroy(struct viommu_device *device)
{
	struct viommu_vm *vm;

	if (!device)
		return;
	vm = device->vm;
	if (viommu_device_detach(device)) {
		/* Still reachable through its host: nothing that it refers to may go. */
		vm_log(vm, VIOMMU_LOG_ERROR, "a host refused to detach a device that is destroyed: it is left behind", 0, 0);
		return;
	}
	list_each (&device->readers, struct viommu_reader, in_device, reader)
		viommu_reader_destroy(reader);
	port_lock(&vm->lock);
	list_remove(&device->in_vm);
	port_unlock(&vm->lock);
	device->host->ops->device_destroy(device->host_device);
	port_free(device, sizeof(*device), 0);
}
