/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM's memory in an IOAS of its own: each slot at an IOVA that the kernel chooses, which no
 * device ever uses. What holds: the array has exactly what the IOAS has, ascending; and what lies
 * beneath the guest's own tables, if anything does, has no more than these.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/iommufd.h"
#include "host/vfio_ioctl.h"

int iommufd_vm_create(struct viommu_host *any, bool pinned, struct host_vm **out)
{
	struct iommufd_host *host = iommufd_host(any);
	struct iommufd_vm *vm = port_alloc(sizeof(*vm), 0);
	int error;

	if (!vm)
		return -ENOMEM;
	vm->vm.host = any;
	vm->pinned = pinned;
	vm->events_fd = -1;
	port_lock_init(&vm->lock);
	port_lock_init(&vm->nesting);
	error = iommufd_ioas_alloc(host->fd, &vm->ioas);
	if (!error)
		error = iommufd_vm_pin(vm);
	/*
	 * Without a device there is no page table to pin for: it is made when one comes, before the
	 * device can reach anything.
	 */
	if (error && error != -ENODEV) {
		iommufd_vm_destroy(&vm->vm);
		return error;
	}
	*out = &vm->vm;
	return 0;
}

int iommufd_vm_pin(struct iommufd_vm *vm)
{
	return vm->pinned && !vm->hwpt ? iommufd_hwpt_any(iommufd_host(vm->vm.host), vm->ioas, &vm->hwpt) : 0;
}

void iommufd_vm_destroy(struct host_vm *any)
{
	struct iommufd_vm *vm = iommufd_vm(any);
	int fd = iommufd_host(any->host)->fd;

	iommufd_stage2_destroy(vm);
	iommufd_put(fd, vm->hwpt);
	iommufd_put(fd, vm->ioas);
	port_lock_destroy(&vm->nesting);
	port_lock_destroy(&vm->lock);
	free(vm->slots);
	port_free(vm, sizeof(*vm), 0);
}

/* The first slot that ends at or after a GPA; `number` if there is none. */
static size_t from(const struct iommufd_vm *vm, uint64_t gpa)
{
	size_t low = 0, high = vm->number;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (vm->slots[middle].last < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool iommufd_vm_find(struct iommufd_vm *vm, uint64_t gpa, uint64_t *iova, uint64_t *bytes)
{
	bool found;
	size_t at;

	port_lock(&vm->lock);
	at = from(vm, gpa);
	found = at < vm->number && vm->slots[at].first <= gpa;
	if (found) {
		*iova = vm->slots[at].iova + (gpa - vm->slots[at].first);
		*bytes = vm->slots[at].last - gpa + 1;
	}
	port_unlock(&vm->lock);
	return found;
}

static int map_hva(const struct iommufd_vm *vm, const struct host_slot *slot, uint64_t *iova)
{
	struct iommufd_abi_map call = {
		.size = sizeof(call),
		.flags = iommufd_map_flags(slot->prot),
		.ioas = vm->ioas,
		.hva = (uint64_t)(uintptr_t)slot->hva,
		.bytes = slot->last - slot->first + 1,
	};
	int error = vfio_ioctl(iommufd_host(vm->vm.host)->fd, IOMMUFD_ABI_MAP, &call);

	*iova = call.iova;
	return error;
}

static int map_file(const struct iommufd_vm *vm, const struct host_slot *slot, uint64_t *iova)
{
	struct iommufd_abi_map_file call = {
		.size = sizeof(call),
		.flags = iommufd_map_flags(slot->prot),
		.ioas = vm->ioas,
		.fd = slot->fd,
		.offset = slot->offset,
		.bytes = slot->last - slot->first + 1,
	};
	int error = vfio_ioctl(iommufd_host(vm->vm.host)->fd, IOMMUFD_ABI_MAP_FILE, &call);

	*iova = call.iova;
	return error;
}

static int make_room(struct iommufd_vm *vm)
{
	size_t room = vm->room ? 2 * vm->room : 8;
	struct iommufd_slot *more;

	if (vm->number < vm->room)
		return 0;
	more = realloc(vm->slots, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	vm->slots = more;
	vm->room = room;
	return 0;
}

static int add(struct iommufd_vm *vm, const struct host_slot *slot)
{
	struct iommufd_slot made = { .first = slot->first, .last = slot->last, .prot = slot->prot };
	uint64_t bytes;
	size_t at;
	int error;

	port_lock(&vm->lock);
	error = make_room(vm);
	port_unlock(&vm->lock);
	if (error)
		return error;
	/*
	 * Only files in memory can be mapped as such, and only newer kernels can do it; the address
	 * says the same.
	 */
	error = slot->fd >= 0 ? map_file(vm, slot, &made.iova) : -EINVAL;
	if (error && error != -ENOMEM && error != -ENOSPC)
		error = map_hva(vm, slot, &made.iova);
	if (error)
		return error;
	error = iommufd_stage2_add(vm, &made);
	if (error) {
		/*
		 * Should this fail (nothing makes it), it stays where no device reaches it, and
		 * goes with the VM.
		 */
		iommufd_unmap(iommufd_host(vm->vm.host), vm->ioas, made.iova, made.iova + (slot->last - slot->first), &bytes);
		return error;
	}
	port_lock(&vm->lock);
	at = from(vm, made.first);
	memmove(&vm->slots[at + 1], &vm->slots[at], (vm->number - at) * sizeof(made));
	vm->slots[at] = made;
	vm->number++;
	port_unlock(&vm->lock);
	return 0;
}

int iommufd_vm_add_slot(struct host_vm *any, const struct host_slot *slot)
{
	struct iommufd_vm *vm = iommufd_vm(any);
	int error;

	port_lock(&vm->nesting);
	error = add(vm, slot);
	port_unlock(&vm->nesting);
	return error;
}

static int remove_slot(struct iommufd_vm *vm, const struct host_slot *slot)
{
	size_t at = from(vm, slot->first);
	uint64_t bytes;
	int error;

	/* Where adding it failed, it is not there. */
	if (at == vm->number || vm->slots[at].first != slot->first || vm->slots[at].last != slot->last)
		return 0;
	/*
	 * If the second of these fails the first stays done: the slot is there, and no device with
	 * tables of the guest's reaches it.
	 */
	error = iommufd_stage2_remove(vm, slot->first, slot->last);
	if (!error)
		error = iommufd_unmap(iommufd_host(vm->vm.host), vm->ioas, vm->slots[at].iova, vm->slots[at].iova + (slot->last - slot->first), &bytes);
	if (error)
		return error;
	port_lock(&vm->lock);
	vm->number--;
	memmove(&vm->slots[at], &vm->slots[at + 1], (vm->number - at) * sizeof(*vm->slots));
	port_unlock(&vm->lock);
	return 0;
}

int iommufd_vm_remove_slot(struct host_vm *any, const struct host_slot *slot)
{
	struct iommufd_vm *vm = iommufd_vm(any);
	int error;

	port_lock(&vm->nesting);
	error = remove_slot(vm, slot);
	port_unlock(&vm->nesting);
	return error;
}
