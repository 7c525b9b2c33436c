/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Spaces of type1. What holds: the container of each attached group has what the record has, and a
 * container of a group that is not attached has nothing.
 *
 * Where the kernel fails to take back what it has just mapped (nothing makes it do so), that
 * translation stays behind, unrecorded, until an unmap over it or the device's detaching. It leads
 * to memory that the guest named, which the kernel keeps pinned for as long.
 */
#include <errno.h>
#include <linux/vfio.h>

#include "host/type1.h"
#include "host/vfio_ioctl.h"

int type1_space_create(struct viommu_host *host, struct host_vm *vm, uint64_t first, uint64_t last, const struct host_memory *memory, struct host_space **out)
{
	struct type1_space *space = memory->alloc(memory->ctx, sizeof(*space), 0);

	(void)vm;
	if (!space)
		return -ENOMEM;
	space->space.host = host;
	space->first = first;
	space->last = last;
	space->memory = memory;
	mappings_init(&space->mappings, memory);
	*out = &space->space;
	return 0;
}

static int map_in(const struct type1_group *group, const struct mapping *mapping)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = (mapping->prot & VIOMMU_READ ? VFIO_DMA_MAP_FLAG_READ : 0u) | (mapping->prot & VIOMMU_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0u),
		.vaddr = (uint64_t)(uintptr_t)mapping->hva,
		.iova = mapping->first,
		.size = mapping->last - mapping->first + 1,
	};

	return vfio_ioctl(group->container, VFIO_IOMMU_MAP_DMA, &map);
}

static int unmap_in(const struct type1_group *group, uint64_t first, uint64_t last)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = first, .size = last - first + 1 };

	if (first == 0 && last == UINT64_MAX)
		return type1_group_clear(group);
	return vfio_ioctl(group->container, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

int type1_map(struct host_space *host_space, const struct host_mapping *from)
{
	struct type1_space *space = type1_space(host_space);
	struct type1_host *host = type1_host(host_space->host);
	int error;

	if (from->first < space->first || from->last > space->last || !ranges_contain(&host->usable, from->first, from->last))
		return -ENOSPC;
	error = mappings_add(&space->mappings, from);
	if (error)
		return error;
	for (struct type1_group *group = space->groups; group; group = group->next_in_space) {
		error = map_in(group, mappings_at(&space->mappings, from->first));
		if (!error)
			continue;
		for (struct type1_group *done = space->groups; done != group; done = done->next_in_space) {
			int stuck = unmap_in(done, from->first, from->last);

			if (stuck)
				error = stuck;
		}
		mappings_remove(&space->mappings, from->first, from->last);
		return error;
	}
	return 0;
}

/*
 * Whether the range goes through the middle of a mapping: that the kernel does not remove, and
 * neither would a device that is attached later have it.
 */
static bool cuts(const struct mappings *mappings, uint64_t first, uint64_t last)
{
	const struct mapping *one = mappings_at(mappings, first), *other = mappings_at(mappings, last);

	return (one && one->first < first) || (other && other->last > last);
}

int type1_unmap(struct host_space *host_space, uint64_t first, uint64_t last)
{
	struct type1_space *space = type1_space(host_space);
	int error = 0;

	if (cuts(&space->mappings, first, last))
		return -EINVAL;
	for (struct type1_group *group = space->groups; group; group = group->next_in_space) {
		int failed = unmap_in(group, first, last);

		if (failed)
			error = failed;
	}
	/*
	 * Even where it is still in a container: the core will ask again, and no other container
	 * shall have it.
	 */
	if (mappings_remove(&space->mappings, first, last))
		space->removed = true;
	return error;
}

/*
 * The kernel has flushed by the time that an unmap returns: vfio_sync_unpin() in
 * drivers/vfio/vfio_iommu_type1.c calls iommu_iotlb_sync() before it unpins.
 */
int type1_flush(struct host_space *host_space)
{
	struct type1_space *space = type1_space(host_space);

	if (space->removed)
		__atomic_store_n(&host_space->generation, host_space->generation + 1, __ATOMIC_RELEASE);
	space->removed = false;
	return 0;
}

void type1_trim(struct host_space *space)
{
	mappings_trim(&type1_space(space)->mappings);
}

static void enter(struct type1_space *space, struct type1_group *group)
{
	group->space = &space->space;
	group->next_in_space = space->groups;
	space->groups = group;
}

static void leave(struct type1_space *space, struct type1_group *group)
{
	struct type1_group **at = &space->groups;

	while (*at != group)
		at = &(*at)->next_in_space;
	*at = group->next_in_space;
	group->next_in_space = NULL;
	group->space = NULL;
}

/*
 * Calls of the kernel for one group, without the host's lock, since they pin and unpin memory of
 * one VM: other VMs do not wait for them.
 */
static int fill_group(const struct type1_space *space, const struct type1_group *group)
{
	/* Something may have been left behind, by the user or by a failure. */
	int error = type1_group_clear(group);

	for (const struct mapping *at = mappings_from(&space->mappings, 0); !error && at; at = mappings_next(&space->mappings, at))
		error = map_in(group, at);
	if (error)
		type1_group_clear(group);
	return error;
}

/*
 * A group that has a space, and is in no list of one yet, is being attached: its other devices are
 * refused elsewhere, and those of its VM come one by one.
 */
int type1_attach(struct host_space *host_space, struct host_device *host_device, uint32_t pasid)
{
	struct type1_host *host = type1_host(host_space->host);
	struct type1_group *group = type1_device(host_device)->group;
	bool first, busy;
	int error = 0;

	(void)pasid;
	port_lock(&host->lock);
	busy = group->space && group->space != host_space;
	first = !group->space;
	if (first)
		group->space = host_space;
	port_unlock(&host->lock);
	if (busy)
		return -EBUSY;
	if (first)
		error = fill_group(type1_space(host_space), group);
	port_lock(&host->lock);
	if (!error) {
		group->attached++;
		if (first)
			enter(type1_space(host_space), group);
	} else if (first) {
		group->space = NULL;
	}
	port_unlock(&host->lock);
	return error;
}

int type1_detach(struct host_space *host_space, struct host_device *host_device, uint32_t pasid)
{
	struct type1_host *host = type1_host(host_space->host);
	struct type1_group *group = type1_device(host_device)->group;
	bool last;
	int error = 0;

	(void)pasid;
	port_lock(&host->lock);
	last = group->attached == 1;
	port_unlock(&host->lock);
	if (last)
		error = type1_group_clear(group);
	port_lock(&host->lock);
	if (!error && !--group->attached)
		leave(type1_space(host_space), group);
	port_unlock(&host->lock);
	return error;
}

void type1_space_destroy(struct host_space *host_space)
{
	struct type1_space *space = type1_space(host_space);
	struct type1_host *host = type1_host(host_space->host);

	while (space->groups) {
		struct type1_group *group = space->groups;

		/*
		 * A detach of it failed. If this fails as well, the next attach and the container's
		 * end see to it.
		 */
		type1_group_clear(group);
		port_lock(&host->lock);
		group->attached = 0;
		leave(space, group);
		port_unlock(&host->lock);
	}
	mappings_free(&space->mappings);
	space->memory->free(space->memory->ctx, space, sizeof(*space), 0);
}
