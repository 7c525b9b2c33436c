/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/device.h"
#include "core/guests.h"
#include "core/space.h"

static void *space_memory_alloc(void *ctx, size_t bytes, size_t align)
{
	struct space *space = ctx;

	return memory_alloc(&space->vm->memory, bytes, align);
}

static void space_memory_free(void *ctx, void *memory, size_t bytes, size_t align)
{
	struct space *space = ctx;

	memory_free(&space->vm->memory, memory, bytes, align);
}

/* What the host's failures are to who creates a domain: his own mistakes have errno values of their own. */
static int failure(struct viommu_vm *vm, int error)
{
	if (error == -PORT_ENOMEM || error == -PORT_ENOSPC || error == -PORT_ERANGE)
		return error;
	vm_log(vm, VIOMMU_LOG_ERROR, "the host failed to make room for a domain", (uint64_t)-error, 0);
	return -PORT_EIO;
}

/* What comes before the host is asked for a space, and after. */
static int begin(struct space *space, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, struct host_guest **guest)
{
	int error = guests_get(vm, host, guest);

	if (error)
		return failure(vm, error);
	space->vm = vm;
	space->host = host;
	space->first = first;
	space->last = last;
	space->memory = (struct host_memory){ .ctx = space, .alloc = space_memory_alloc, .free = space_memory_free };
	return 0;
}

static void enter(struct space *space, const struct space_ops *ops)
{
	space->ops = ops;
	port_lock_init(&space->lock);
	list_init(&space->devices);
	list_append(&space->vm->spaces, &space->in_vm);
}

int space_create(struct space *space, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, const struct space_ops *ops)
{
	struct host_guest *guest;
	int error;

	if (first < host->caps.first || last > host->caps.last)
		return -PORT_ERANGE;
	error = begin(space, vm, host, first, last, &guest);
	if (error)
		return error;
	error = host->ops->space_create(host, guest, first, last, &space->memory, &space->host_space);
	if (error)
		return failure(vm, error);
	enter(space, ops);
	return 0;
}

int space_create_nested(struct space *space, struct viommu_vm *vm, struct viommu_host *host, const uint64_t ste[2], const struct space_ops *ops)
{
	struct host_guest *guest;
	int error = begin(space, vm, host, 0, UINT64_MAX, &guest);

	if (error)
		return error;
	error = host->ops->nest_create(host, guest, ste, &space->memory, &space->host_space);
	if (error)
		return error == -PORT_EINVAL ? error : failure(vm, error);
	enter(space, ops);
	return 0;
}

void space_destroy(struct space *space)
{
	list_each (&space->devices, struct viommu_device, in_space, device)
		if (device_detach(device, true))
			vm_log(space->vm, VIOMMU_LOG_ERROR, "a host refused to detach a device from a domain that is destroyed", space->first, space->last);
	list_remove(&space->in_vm);
	space->host->ops->space_destroy(space->host_space);
	port_lock_destroy(&space->lock);
}

static void join(struct space *space, struct viommu_device *device)
{
	list_append(&space->devices, &device->in_space);
	port_store_relaxed(&device->binding, device->binding + 1);
	port_store_release(&device->space, space);
}

/* Both locks, in the order of their addresses; nobody has two who has not the VM's. */
static void lock_both(struct space *one, struct space *other)
{
	port_lock((uintptr_t)one < (uintptr_t)other ? &one->lock : &other->lock);
	port_lock_nested((uintptr_t)one < (uintptr_t)other ? &other->lock : &one->lock);
}

/* In one step of the host's, so that no access finds the device attached to nothing. If there is no such step, it stays where it is. */
static int move(struct space *space, struct viommu_device *device)
{
	const struct host_ops *ops = space->host->ops;
	struct space *old = device->space;
	int error;

	if (!ops->replace)
		return -PORT_EOPNOTSUPP;
	lock_both(old, space);
	error = ops->replace(old->host_space, space->host_space, device->host_device);
	if (!error) {
		list_remove(&device->in_space);
		join(space, device);
		device_wait(device);
	}
	port_unlock(&space->lock);
	port_unlock(&old->lock);
	return error;
}

static int attach(struct space *space, struct viommu_device *device)
{
	int error;

	if (device->space == space || (device->space && !move(space, device)))
		return 0;
	/* The old one may be in the way. */
	if (device_detach(device, false))
		return -PORT_EBUSY;
	port_lock(&space->lock);
	error = space->host->ops->attach(space->host_space, device->host_device);
	if (!error)
		join(space, device);
	port_unlock(&space->lock);
	if (error)
		return error == -PORT_ENOSPC || error == -PORT_ENOMEM ? -PORT_ENOSPC : -PORT_EIO;
	return 0;
}

int space_attach(struct space *space, struct viommu_device *device)
{
	struct viommu_vm *vm = space->vm;
	int error;

	if (device->vm != vm || device->host != space->host)
		return -PORT_EXDEV;
	port_lock(&vm->lock);
	error = attach(space, device);
	port_unlock(&vm->lock);
	return error;
}

int space_flush(struct space *space)
{
	int error = space->host->ops->flush(space->host_space);

	if (error)
		return error;
	/* Pairs with viommu_reader_enter(): either it sees the new generation, or we see that it is held. */
	port_fence();
	list_each (&space->devices, struct viommu_device, in_space, device)
		readers_wait_held(&device->readers);
	return 0;
}

void space_trim(struct space *space)
{
	if (!space->host->ops->trim)
		return;
	/* What the host frees is out of its tables since the last flush; only a lookup that began before may still be in it. */
	port_grace_heavy();
	list_each (&space->devices, struct viommu_device, in_space, device)
		readers_wait_inside(&device->readers);
	space->host->ops->trim(space->host_space);
}
