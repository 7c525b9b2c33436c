/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include "host/iommufd.h"
#include "host/vfio_ioctl.h"

static bool is_shortage(int error)
{
	return error == -ENOMEM || error == -ENOSPC;
}

int iommufd_space_create(struct viommu_host *any, struct host_vm *vm, uint64_t first, uint64_t last, const struct host_memory *memory, struct host_space **out)
{
	struct iommufd_host *host = iommufd_host(any);
	struct iommufd_space *space = memory->alloc(memory->ctx, sizeof(*space), 0);
	int error;

	if (!space)
		return -ENOMEM;
	space->space.host = any;
	space->first = first;
	space->last = last;
	space->memory = memory;
	space->vm = iommufd_vm(vm);
	mappings_init(&space->mappings, memory);
	error = iommufd_ioas_alloc(host->fd, &space->ioas);
	if (!error) {
		/*
		 * Without a device, or on a kernel older than 6.6, the kernel makes a page table
		 * when the first device is attached.
		 */
		error = iommufd_hwpt_any(host, space->ioas, &space->hwpt);
		if (!is_shortage(error))
			error = 0;
	}
	if (error) {
		iommufd_space_destroy(&space->space);
		return error;
	}
	*out = &space->space;
	return 0;
}

/*
 * With what is in it. Where a device could not be detached the objects stay in use, but nothing is
 * in them.
 */
static void drop(const struct iommufd_host *host, uint32_t ioas, uint32_t hwpt)
{
	uint64_t bytes;

	if (ioas)
		iommufd_unmap(host, ioas, 0, UINT64_MAX, &bytes);
	iommufd_put(host->fd, hwpt);
	iommufd_put(host->fd, ioas);
}

static void drop_leg(struct iommufd_space *space, struct iommufd_leg **at)
{
	struct iommufd_leg *leg = *at;

	*at = leg->next;
	drop(iommufd_host(space->space.host), leg->ioas, 0);
	space->memory->free(space->memory->ctx, leg, sizeof(*leg), 0);
}

void iommufd_space_destroy(struct host_space *any)
{
	struct iommufd_space *space = iommufd_space(any);

	if (space->nest)
		iommufd_nest_destroy(space);
	while (space->legs)
		drop_leg(space, &space->legs);
	iommufd_put(iommufd_host(any->host)->fd, space->hwpt_pasid);
	drop(iommufd_host(any->host), space->ioas, space->hwpt);
	mappings_free(&space->mappings);
	space->memory->free(space->memory->ctx, space, sizeof(*space), 0);
}

/* A piece that lies in one slot. */
static int copy(const struct iommufd_space *space, uint32_t ioas, uint64_t iova, uint64_t from, uint64_t bytes, uint32_t prot)
{
	struct iommufd_abi_copy call = {
		.size = sizeof(call),
		.flags = IOMMUFD_ABI_MAP_FIXED | iommufd_map_flags(prot),
		.to = ioas,
		.from = space->vm->ioas,
		.bytes = bytes,
		.to_iova = iova,
		.from_iova = from,
	};

	return vfio_ioctl(iommufd_host(space->space.host)->fd, IOMMUFD_ABI_COPY, &call);
}

/*
 * One call of the kernel for each slot that the mapping touches. Where one fails those before it
 * are taken back; should that fail (nothing makes it), they stay until an unmap over them or the
 * space's end, and lead to memory that the guest named, which the kernel keeps pinned for as long.
 */
static int fill(const struct iommufd_space *space, uint32_t ioas, uint64_t first, uint64_t last, uint64_t gpa, uint32_t prot)
{
	uint64_t iova = first, bytes;
	int error, stuck;

	for (;;) {
		uint64_t from;

		error = -EFAULT;
		if (!iommufd_vm_find(space->vm, gpa + (iova - first), &from, &bytes))
			break;
		if (bytes > last - iova)
			bytes = last - iova + 1;
		error = copy(space, ioas, iova, from, bytes, prot);
		if (error || last - iova < bytes)
			break;
		iova += bytes;
	}
	if (error && iova != first) {
		stuck = iommufd_unmap(iommufd_host(space->space.host), ioas, first, iova - 1, &bytes);
		if (stuck)
			error = stuck;
	}
	return error;
}

/* Everywhere before `end`, which is one of the legs or NULL. */
static int empty(const struct iommufd_space *space, uint64_t first, uint64_t last, const struct iommufd_leg *end, bool *any)
{
	const struct iommufd_host *host = iommufd_host(space->space.host);
	uint64_t bytes;
	int error = iommufd_unmap(host, space->ioas, first, last, &bytes);

	*any = bytes;
	for (const struct iommufd_leg *leg = space->legs; leg != end; leg = leg->next) {
		int failed = iommufd_unmap(host, leg->ioas, first, last, &bytes);

		*any |= bytes;
		if (failed)
			error = failed;
	}
	return error;
}

int iommufd_space_map(struct host_space *any, const struct host_mapping *mapping)
{
	struct iommufd_space *space = iommufd_space(any);
	struct iommufd_host *host = iommufd_host(any->host);
	const uint64_t first = mapping->first, last = mapping->last;
	bool undone;
	int error;

	if (first < space->first || last > space->last || !ranges_contain(&host->usable, first, last))
		return -ENOSPC;
	error = host->apart ? mappings_add(&space->mappings, mapping) : 0;
	if (error)
		return error;
	error = fill(space, space->ioas, first, last, mapping->gpa, mapping->prot);
	for (const struct iommufd_leg *leg = space->legs; !error && leg; leg = leg->next) {
		error = fill(space, leg->ioas, first, last, mapping->gpa, mapping->prot);
		if (error) {
			int stuck = empty(space, first, last, leg, &undone);

			if (stuck)
				error = stuck;
		}
	}
	if (error)
		mappings_remove(&space->mappings, first, last);
	return error;
}

int iommufd_space_unmap(struct host_space *any, uint64_t first, uint64_t last)
{
	struct iommufd_space *space = iommufd_space(any);
	bool removed;
	int error = empty(space, first, last, NULL, &removed);

	/*
	 * Even where it is still in an IOAS: the core will ask again, and no other device shall
	 * have it.
	 */
	mappings_remove(&space->mappings, first, last);
	/* A call that failed may have removed a part. */
	if (removed || error)
		space->removed = true;
	return error;
}

/*
 * The kernel has flushed by the time that an unmap returns: iopt_area_unfill_domains() in
 * drivers/iommu/iommufd/pages.c removes translations with iommu_unmap(), which ends with
 * iommu_iotlb_sync() (drivers/iommu/iommu.c), and unpins afterwards.
 */
int iommufd_space_flush(struct host_space *any)
{
	struct iommufd_space *space = iommufd_space(any);

	if (space->removed)
		__atomic_store_n(&any->generation, any->generation + 1, __ATOMIC_RELEASE);
	space->removed = false;
	return 0;
}

void iommufd_space_trim(struct host_space *space)
{
	mappings_trim(&iommufd_space(space)->mappings);
}

static int attach_apart(struct iommufd_space *space, const struct iommufd_device *device)
{
	struct iommufd_leg *leg = space->memory->alloc(space->memory->ctx, sizeof(*leg), 0);
	int error;

	if (!leg)
		return -ENOMEM;
	leg->device = device;
	leg->next = space->legs;
	space->legs = leg;
	error = iommufd_ioas_alloc(iommufd_host(space->space.host)->fd, &leg->ioas);
	if (!error)
		error = iommufd_attach_pt(device, leg->ioas);
	if (error) {
		drop_leg(space, &space->legs);
		return error;
	}
	for (const struct mapping *at = mappings_from(&space->mappings, 0); !error && at; at = mappings_next(&space->mappings, at))
		error = fill(space, leg->ioas, at->first, at->last, at->gpa, at->prot);
	if (error) {
		iommufd_detach_pt(device);
		drop_leg(space, &space->legs);
	}
	return error;
}

/*
 * Of a device that is attached the kernel replaces what it has, or leaves it there
 * (iommufd_device_replace() in drivers/iommu/iommufd/device.c).
 */
static int attach(const struct iommufd_space *space, const struct iommufd_device *device)
{
	uint32_t table = space->hwpt ? space->hwpt : space->ioas;
	int error;

	/* Beside PASIDs, a page table of their kind. */
	if (device->pasids && space->hwpt_pasid)
		table = space->hwpt_pasid;
	error = iommufd_attach_pt(device, table);
	/*
	 * -EINVAL: the page table is of another IOMMU's kind than the device's. The kernel makes
	 * one that fits, and fills it.
	 */
	if (error == -EINVAL && space->hwpt && !space->nest)
		error = iommufd_attach_pt(device, space->ioas);
	return error;
}

static void set_attached(struct iommufd_device *device, bool attached)
{
	struct iommufd_host *host = iommufd_host(device->device.host);

	port_lock(&host->lock);
	device->attached = attached;
	port_unlock(&host->lock);
}

/* With the host's lock: whether no other device of its group is attached. */
static bool is_alone(const struct iommufd_host *host, const struct iommufd_device *device)
{
	for (const struct iommufd_device *other = host->devices; other; other = other->next)
		if (other != device && other->attached && (other->group == device->group || other->group < 0 || device->group < 0))
			return false;
	return true;
}

/* The part of attaching that may pin memory: without the host's lock. */
static int prepare(struct iommufd_space *space, struct iommufd_device *device)
{
	if (space->nest)
		return iommufd_nest_prepare(space, device);
	return device->pasids ? iommufd_pasid_table(space, device) : 0;
}

static void enter(struct iommufd_space *space, struct iommufd_device *device)
{
	device->space = space;
	if (space->nest)
		iommufd_nest_enter(space, device);
}

static void leave(struct iommufd_space *space, struct iommufd_device *device)
{
	struct iommufd_leg **at = &space->legs;

	device->space = NULL;
	iommufd_nest_leave(space, device);
	while (*at && (*at)->device != device)
		at = &(*at)->next;
	if (*at)
		drop_leg(space, at);
}

int iommufd_space_attach(struct host_space *any, struct host_device *host_device, uint32_t pasid)
{
	struct iommufd_space *space = iommufd_space(any);
	struct iommufd_device *device = iommufd_device(host_device);
	int error;

	if (pasid != VIOMMU_NO_PASID)
		return iommufd_pasid_attach(space, device, pasid);
	error = prepare(space, device);
	if (error)
		return error;
	/*
	 * Set before attaching, so that a concurrent move of a device of its group has ended or
	 * does not begin.
	 */
	set_attached(device, true);
	if (iommufd_host(any->host)->apart && !space->nest)
		error = attach_apart(space, device);
	else
		error = attach(space, device);
	if (error)
		set_attached(device, false);
	else
		enter(space, device);
	return error;
}

int iommufd_space_detach(struct host_space *any, struct host_device *host_device, uint32_t pasid)
{
	struct iommufd_device *device = iommufd_device(host_device);
	int error;

	if (pasid != VIOMMU_NO_PASID)
		return iommufd_pasid_detach(device, pasid);
	error = iommufd_detach_pt(device);
	if (error)
		return error;
	set_attached(device, false);
	leave(iommufd_space(any), device);
	return 0;
}

/*
 * The kernel moves all devices of a group that are attached, and not the one alone that it is asked
 * to move (iommufd_device_do_replace() in drivers/iommu/iommufd/device.c): where there are others,
 * there is no such step.
 */
int iommufd_space_replace(struct host_space *any_from, struct host_space *any_to, struct host_device *host_device, uint32_t pasid)
{
	struct iommufd_space *from = iommufd_space(any_from), *to = iommufd_space(any_to);
	struct iommufd_host *host = iommufd_host(any_to->host);
	struct iommufd_device *device = iommufd_device(host_device);
	int error;

	/* An IOAS of the device's own is filled after it was attached there. */
	if (host->apart)
		return -EOPNOTSUPP;
	error = pasid == VIOMMU_NO_PASID ? prepare(to, device) : iommufd_pasid_table(to, device);
	if (error)
		return error;
	port_lock(&host->lock);
	if (!is_alone(host, device))
		error = -EOPNOTSUPP;
	else
		error = pasid == VIOMMU_NO_PASID ? attach(to, device) : iommufd_attach_pasid(device, pasid, to->hwpt_pasid);
	port_unlock(&host->lock);
	if (error || pasid != VIOMMU_NO_PASID)
		return error;
	leave(from, device);
	enter(to, device);
	return 0;
}
