/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/vfio.h>
#include <linux/vfio_viommu.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/kernel.h"
#include "host/vfio_group.h"
#include "host/vfio_ioctl.h"

int kernel_vm_create(struct viommu_host *host, bool pinned, struct host_vm **out)
{
	int container = vfio_container_open("vfio and viommu", NULL);
	struct kernel_vm *vm;

	if (container < 0)
		return container;
	vm = port_alloc(sizeof(*vm), 0);
	if (!vm) {
		close(container);
		return -ENOMEM;
	}
	vm->vm.host = host;
	vm->container = container;
	vm->pinned = pinned;
	port_lock_init(&vm->lock);
	*out = &vm->vm;
	return 0;
}

/*
 * Under the host's lock: a group that may leave, taken from the list unless the host holds it; NULL
 * if there is none. One without a device stays where others would lose the container's driver, and
 * with it domains.
 */
static struct kernel_group *pick_leaving(struct kernel_host *host, const struct kernel_vm *vm)
{
	struct kernel_group **at, *group;
	bool needed = vm->domains;

	for (group = host->groups; group; group = group->next)
		if (group->vm == vm && group->devices)
			needed = false;
	for (at = &host->groups; (group = *at); at = &group->next) {
		if (group->vm != vm || group->devices)
			continue;
		if (group->in && needed) {
			needed = false;
			continue;
		}
		if (!group->held)
			*at = group->next;
		return group;
	}
	return NULL;
}

/* The kernel unpins all memory when the last group leaves: without the host's lock. */
static void leave(struct kernel_host *host, struct kernel_vm *vm, struct kernel_group *group)
{
	if (group->in) {
		vfio_ioctl_number(group->fd, VFIO_GROUP_UNSET_CONTAINER, 0);
		group->in = false;
		vm->groups--;
	}
	if (!group->held) {
		close(group->fd);
		free(group);
		return;
	}
	port_lock(&host->lock);
	group->vm = NULL;
	port_unlock(&host->lock);
}

void kernel_vm_settle(struct kernel_vm *vm)
{
	struct kernel_host *host = kernel_host(vm->vm.host);
	struct kernel_group *group;

	do {
		port_lock(&host->lock);
		group = pick_leaving(host, vm);
		port_unlock(&host->lock);
		if (group)
			leave(host, vm, group);
	} while (group);
}

void kernel_vm_destroy(struct host_vm *any)
{
	struct kernel_vm *vm = kernel_vm(any);
	struct kernel_host *host = kernel_host(any->host);

	port_lock(&vm->lock);
	kernel_vm_settle(vm);
	/* A device that could not be detached was left behind, with its files. */
	port_lock(&host->lock);
	for (struct kernel_group *group = host->groups; group; group = group->next)
		if (group->vm == vm)
			group->vm = NULL;
	port_unlock(&host->lock);
	port_unlock(&vm->lock);
	close(vm->container);
	port_lock_destroy(&vm->lock);
	free(vm->slots);
	port_free(vm, sizeof(*vm), 0);
}

static int map(const struct kernel_vm *vm, const struct host_slot *slot)
{
	struct vfio_iommu_type1_dma_map call = {
		.argsz = sizeof(call),
		.flags = VFIO_DMA_MAP_FLAG_READ | (slot->prot & VIOMMU_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0u),
		.vaddr = (uint64_t)(uintptr_t)slot->hva,
		.iova = slot->first,
		.size = slot->last - slot->first + 1,
	};
	int error = vfio_ioctl(vm->container, VFIO_IOMMU_MAP_DMA, &call);

	/* RLIMIT_MEMLOCK, as other hosts answer it for memory that is pinned whole. */
	return error == -ENOSPC ? -ENOMEM : error;
}

static int unmap(const struct kernel_vm *vm, const struct host_slot *slot)
{
	struct vfio_iommu_type1_dma_unmap call = { .argsz = sizeof(call), .iova = slot->first, .size = slot->last - slot->first + 1 };

	return vfio_ioctl(vm->container, VFIO_IOMMU_UNMAP_DMA, &call);
}

static int give_driver(const struct kernel_vm *vm)
{
	int error = vfio_ioctl_number(vm->container, VFIO_SET_IOMMU, vm->pinned ? VFIO_VIOMMU_PINNED_IOMMU : VFIO_VIOMMU_PAGED_IOMMU);

	for (size_t i = 0; !error && i < vm->slot_number; i++)
		error = map(vm, &vm->slots[i]);
	return error;
}

int kernel_vm_join(struct kernel_vm *vm, struct kernel_group *group)
{
	struct kernel_host *host = kernel_host(vm->vm.host);
	struct ranges usable = { 0 };
	bool set = false;
	int error;

	if (group->in)
		return 0;
	error = vfio_group_enter(group->fd, vm->container, false, "", &set, NULL);
	if (!error && !vm->groups)
		error = give_driver(vm);
	if (!error)
		error = kernel_ask(vm->container, group->number, &usable, NULL);
	if (!error && !ranges_cover(&usable, &host->usable))
		error = -ERANGE;
	ranges_free(&usable);
	if (error) {
		if (set)
			vfio_ioctl_number(group->fd, VFIO_GROUP_UNSET_CONTAINER, 0);
		return error;
	}
	group->in = true;
	vm->groups++;
	return 0;
}

bool kernel_vm_group(const struct kernel_vm *vm, uint32_t *number)
{
	struct kernel_host *host = kernel_host(vm->vm.host);
	const struct kernel_group *group;

	port_lock(&host->lock);
	group = host->groups;
	while (group && !(group->vm == vm && group->in))
		group = group->next;
	if (group)
		*number = group->number;
	port_unlock(&host->lock);
	return group;
}

static int record(struct kernel_vm *vm, const struct host_slot *slot)
{
	size_t room = vm->slot_room ? 2 * vm->slot_room : 8;
	struct host_slot *more;

	if (vm->slot_number == vm->slot_room) {
		more = realloc(vm->slots, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		vm->slots = more;
		vm->slot_room = room;
	}
	vm->slots[vm->slot_number++] = *slot;
	return 0;
}

int kernel_vm_add_slot(struct host_vm *any, const struct host_slot *slot)
{
	struct kernel_vm *vm = kernel_vm(any);
	int error;

	port_lock(&vm->lock);
	error = record(vm, slot);
	if (!error && vm->groups) {
		error = map(vm, slot);
		vm->slot_number -= error != 0;
	}
	port_unlock(&vm->lock);
	return error;
}

int kernel_vm_remove_slot(struct host_vm *any, const struct host_slot *slot)
{
	struct kernel_vm *vm = kernel_vm(any);
	int error = 0;
	size_t i = 0;

	port_lock(&vm->lock);
	while (i < vm->slot_number && vm->slots[i].first != slot->first)
		i++;
	if (i < vm->slot_number) {
		error = vm->groups ? unmap(vm, slot) : 0;
		if (!error)
			vm->slots[i] = vm->slots[--vm->slot_number];
	}
	port_unlock(&vm->lock);
	return error;
}

uint64_t kernel_vm_pinned(struct host_vm *any)
{
	struct vfio_viommu_info info = { .argsz = sizeof(info) };
	struct kernel_vm *vm = kernel_vm(any);

	port_lock(&vm->lock);
	if (!kernel_vm_group(vm, &info.group) || vfio_ioctl(vm->container, VFIO_VIOMMU_INFO, &info))
		info.out_pinned = 0;
	port_unlock(&vm->lock);
	return info.out_pinned;
}
