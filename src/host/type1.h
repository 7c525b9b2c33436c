/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host type1: VFIO containers with the IOMMU driver VFIO_TYPE1v2_IOMMU.
 *
 *   type1.c        the host: its devices, and what it can do
 *   type1_group.c  a group and its container, from files to what the kernel says of it
 *   type1_space.c  spaces, and attaching
 *
 * The kernel ties a group to its container for as long as one of the group's devices is open
 * (VFIO_GROUP_UNSET_CONTAINER is -EBUSY until then), so that a device cannot be moved from one
 * container to another. Therefore each group has a container of its own from the first device's
 * creation to the last one's destruction, and a space has none: it has a record of its mappings,
 * which stand in the container of each group that is attached. Detaching a group empties its
 * container.
 *
 * A group is the least that an IOMMU can tell apart: devices of one group are attached to one space
 * only, and while one of them is, the others reach what it reaches.
 */
#ifndef VIOMMU_HOST_TYPE1_H
#define VIOMMU_HOST_TYPE1_H

#include "host/host.h"
#include "host/mappings.h"
#include "host/ranges.h"
#include "host/vfio_named.h"
#include "port/port.h"

/* The properties of a container. */
struct type1_info {
	struct ranges usable;
	uint64_t page_sizes;
	uint64_t entry_limit;
};

struct type1_group {
	struct type1_group *next; /* in the host */
	struct type1_group *next_in_space;
	uint64_t file; /* which group it is: the number of its file */
	int32_t fd, container;
	bool own_fd, own_container, set; /* set: we put it into its container */
	unsigned int devices, attached;
	struct host_space *space;
};

struct type1_device {
	struct host_device device;
	struct type1_device *next; /* in the host */
	struct vfio_named named;
	struct type1_group *group;
	int32_t fd;
	bool held; /* opened by the host's creation, and not yet asked for */
};

struct type1_host {
	struct viommu_host host;
	/*
	 * The lists, and which space a group is attached to. Taken last; no memory is pinned,
	 * mapped or unmapped under it.
	 */
	struct port_lock lock;
	struct ranges usable;
	struct type1_group *groups;
	struct type1_device *devices;
};

struct type1_space {
	struct host_space space;
	uint64_t first, last;
	const struct host_memory *memory;
	struct mappings mappings;
	struct type1_group *groups; /* that are attached */
	bool removed;		    /* something was, since the last flush */
};

static inline struct type1_host *type1_host(struct viommu_host *host)
{
	return (struct type1_host *)(void *)host;
}

static inline struct type1_device *type1_device(struct host_device *device)
{
	return (struct type1_device *)(void *)device;
}

static inline struct type1_space *type1_space(struct host_space *space)
{
	return (struct type1_space *)(void *)space;
}

/*
 * type1_group.c. With the host's lock. A group that the host has already is shared, and *info stays
 * empty then.
 */
int type1_group_get(struct type1_host *host, const struct vfio_named *named, const struct vfio_found *found, struct type1_group **out, struct type1_info *info,
		    const struct vfio_why *why);
void type1_group_put(struct type1_host *host, struct type1_group *group);
/* Takes all translations out of its container. */
int type1_group_clear(const struct type1_group *group);

/* type1_space.c */
int type1_space_create(struct viommu_host *host, struct host_vm *vm, uint64_t first, uint64_t last, const struct host_memory *memory, struct host_space **out);
void type1_space_destroy(struct host_space *space);
int type1_map(struct host_space *space, const struct host_mapping *mapping);
int type1_unmap(struct host_space *space, uint64_t first, uint64_t last);
int type1_flush(struct host_space *space);
void type1_trim(struct host_space *space);
int type1_attach(struct host_space *space, struct host_device *device, uint32_t pasid);
int type1_detach(struct host_space *space, struct host_device *device, uint32_t pasid);

#endif
