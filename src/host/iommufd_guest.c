/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM's memory in an IOAS of its own: each slot at an IOVA that the kernel chooses, which no device ever uses. What holds: the array has exactly what the IOAS
 * has, ascending; and what lies beneath the guest's own tables, if anything does, has no more than these.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/iommufd.h"
#include "host/vfio_ioctl.h"

int iommufd_guest_create(struct viommu_host *any, bool pinned, struct host_guest **out)
{
	struct iommufd_host *host = iommufd_host(any);
	struct iommufd_guest *guest = port_alloc(sizeof(*guest), 0);
	int error;

	if (!guest)
		return -ENOMEM;
	guest->guest.host = any;
	guest->pinned = pinned;
	guest->events_fd = -1;
	port_lock_init(&guest->lock);
	port_lock_init(&guest->nesting);
	error = iommufd_ioas_alloc(host->fd, &guest->ioas);
	if (!error)
		error = iommufd_guest_pin(guest);
	/* Without a device there is no page table to pin for: it is made when one comes, before the device can reach anything. */
	if (error && error != -ENODEV) {
		iommufd_guest_destroy(&guest->guest);
		return error;
	}
	*out = &guest->guest;
	return 0;
}

int iommufd_guest_pin(struct iommufd_guest *guest)
{
	return guest->pinned && !guest->hwpt ? iommufd_hwpt_any(iommufd_host(guest->guest.host), guest->ioas, &guest->hwpt) : 0;
}

void iommufd_guest_destroy(struct host_guest *any)
{
	struct iommufd_guest *guest = iommufd_guest(any);
	int fd = iommufd_host(any->host)->fd;

	iommufd_stage2_destroy(guest);
	iommufd_put(fd, guest->hwpt);
	iommufd_put(fd, guest->ioas);
	port_lock_destroy(&guest->nesting);
	port_lock_destroy(&guest->lock);
	free(guest->slots);
	port_free(guest, sizeof(*guest), 0);
}

/* The first slot that ends at or after a GPA; `number` if there is none. */
static size_t from(const struct iommufd_guest *guest, uint64_t gpa)
{
	size_t low = 0, high = guest->number;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (guest->slots[middle].last < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool iommufd_guest_find(struct iommufd_guest *guest, uint64_t gpa, uint64_t *iova, uint64_t *bytes)
{
	bool found;
	size_t at;

	port_lock(&guest->lock);
	at = from(guest, gpa);
	found = at < guest->number && guest->slots[at].first <= gpa;
	if (found) {
		*iova = guest->slots[at].iova + (gpa - guest->slots[at].first);
		*bytes = guest->slots[at].last - gpa + 1;
	}
	port_unlock(&guest->lock);
	return found;
}

static int map_hva(const struct iommufd_guest *guest, const struct host_slot *slot, uint64_t *iova)
{
	struct iommufd_abi_map call = {
		.size = sizeof(call),
		.flags = iommufd_map_flags(slot->prot),
		.ioas = guest->ioas,
		.hva = (uint64_t)(uintptr_t)slot->hva,
		.bytes = slot->last - slot->first + 1,
	};
	int error = vfio_ioctl(iommufd_host(guest->guest.host)->fd, IOMMUFD_ABI_MAP, &call);

	*iova = call.iova;
	return error;
}

static int map_file(const struct iommufd_guest *guest, const struct host_slot *slot, uint64_t *iova)
{
	struct iommufd_abi_map_file call = {
		.size = sizeof(call),
		.flags = iommufd_map_flags(slot->prot),
		.ioas = guest->ioas,
		.fd = slot->fd,
		.offset = slot->offset,
		.bytes = slot->last - slot->first + 1,
	};
	int error = vfio_ioctl(iommufd_host(guest->guest.host)->fd, IOMMUFD_ABI_MAP_FILE, &call);

	*iova = call.iova;
	return error;
}

static int make_room(struct iommufd_guest *guest)
{
	size_t room = guest->room ? 2 * guest->room : 8;
	struct iommufd_slot *more;

	if (guest->number < guest->room)
		return 0;
	more = realloc(guest->slots, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	guest->slots = more;
	guest->room = room;
	return 0;
}

static int add(struct iommufd_guest *guest, const struct host_slot *slot)
{
	struct iommufd_slot made = { .first = slot->first, .last = slot->last, .prot = slot->prot };
	uint64_t bytes;
	size_t at;
	int error;

	port_lock(&guest->lock);
	error = make_room(guest);
	port_unlock(&guest->lock);
	if (error)
		return error;
	/* Only files in memory can be mapped as such, and only newer kernels can do it; the address says the same. */
	error = slot->fd >= 0 ? map_file(guest, slot, &made.iova) : -EINVAL;
	if (error && error != -ENOMEM && error != -ENOSPC)
		error = map_hva(guest, slot, &made.iova);
	if (error)
		return error;
	error = iommufd_stage2_add(guest, &made);
	if (error) {
		/* Should this fail (nothing makes it), it stays where no device reaches it, and goes with the guest. */
		iommufd_unmap(iommufd_host(guest->guest.host), guest->ioas, made.iova, made.iova + (slot->last - slot->first), &bytes);
		return error;
	}
	port_lock(&guest->lock);
	at = from(guest, made.first);
	memmove(&guest->slots[at + 1], &guest->slots[at], (guest->number - at) * sizeof(made));
	guest->slots[at] = made;
	guest->number++;
	port_unlock(&guest->lock);
	return 0;
}

int iommufd_guest_add(struct host_guest *any, const struct host_slot *slot)
{
	struct iommufd_guest *guest = iommufd_guest(any);
	int error;

	port_lock(&guest->nesting);
	error = add(guest, slot);
	port_unlock(&guest->nesting);
	return error;
}

static int remove_slot(struct iommufd_guest *guest, const struct host_slot *slot)
{
	size_t at = from(guest, slot->first);
	uint64_t bytes;
	int error;

	/* Where adding it failed, it is not there. */
	if (at == guest->number || guest->slots[at].first != slot->first || guest->slots[at].last != slot->last)
		return 0;
	/* If the second of these fails the first stays done: the slot is there, and no device with tables of the guest's reaches it. */
	error = iommufd_stage2_remove(guest, slot->first, slot->last);
	if (!error)
		error = iommufd_unmap(iommufd_host(guest->guest.host), guest->ioas, guest->slots[at].iova, guest->slots[at].iova + (slot->last - slot->first),
				      &bytes);
	if (error)
		return error;
	port_lock(&guest->lock);
	guest->number--;
	memmove(&guest->slots[at], &guest->slots[at + 1], (guest->number - at) * sizeof(*guest->slots));
	port_unlock(&guest->lock);
	return 0;
}

int iommufd_guest_remove(struct host_guest *any, const struct host_slot *slot)
{
	struct iommufd_guest *guest = iommufd_guest(any);
	int error;

	port_lock(&guest->nesting);
	error = remove_slot(guest, slot);
	port_unlock(&guest->nesting);
	return error;
}
