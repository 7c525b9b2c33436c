/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interface between the core and a host. A host knows no guest IOMMU and no domain: it keeps
 * spaces, maps translations in them, and attaches devices to them.
 *
 * Invariants:
 *  - map is all or nothing. It never replaces: the core removes, flushes and then maps.
 *  - After unmap and then flush have returned 0, no device reaches what was unmapped. Between the
 *    two it may.
 *  - unmap of a range in which nothing, or not everything, is mapped is no error. Where caps.split
 *    is false, the core passes ranges whose first and last are the ends of mappings (as map was
 *    given them).
 *  - Calls for one space are made by one thread at a time, but for lookup, which is made by any
 *    thread at any time while the space exists. So are calls for one VM; a space's map runs
 *    concurrently with slot_add and slot_remove of ranges that it does not name.
 */
#ifndef VIOMMU_HOST_HOST_H
#define VIOMMU_HOST_HOST_H

#include <viommu/domain.h>
#include <viommu/hosts.h>

#include "port/port.h"

/*
 * Where a host takes memory from that it needs for one space, so that it is charged to the VM.
 * alloc yields zeroed memory, or NULL at the limit.
 */
struct host_memory {
	void *ctx;
	void *(*alloc)(void *ctx, size_t bytes, size_t align);
	void (*free)(void *ctx, void *memory, size_t bytes, size_t align);
};

/*
 * A range of guest memory: GPA first..last (page-aligned, inclusive) at hva. fd and offset name the
 * same memory as a file; fd -1 if there is none.
 */
struct host_slot {
	uint64_t first;
	uint64_t last;
	unsigned char *hva;
	uint64_t offset;
	uint32_t prot;
	int32_t fd;
};

struct host_ops;

/*
 * A host's record of a VM: its slots, which all its spaces share. A host that keeps one embeds
 * this.
 */
struct host_vm {
	struct viommu_host *host;
};

/*
 * A translation: IOVA first..last (page-aligned, inclusive) to host memory at hva, which is guest
 * memory from gpa on, contiguous in both. fd and offset name the same memory as a file; fd -1 if
 * there is none. It may go from one slot into the next.
 */
struct host_mapping {
	uint64_t first;
	uint64_t last;
	uint64_t gpa;
	unsigned char *hva;
	uint64_t offset;
	uint32_t prot;
	int32_t fd;
	/*
	 * No part of it will be removed without the rest, so that nothing need be set aside for
	 * that
	 */
	bool whole;
};

struct host_space {
	struct viommu_host *host;
	/* The core's: the host's, so that what goes page by page need not load it from there */
	const struct host_ops *ops;
	/*
	 * Counts flushes that took something away, for caches of lookups: a lookup that was made
	 * while this had one value is good while it still has it. Written by flush, read by any
	 * thread; aligned so that this is one access on 32-bit machines, too.
	 */
	uint64_t generation port_aligned(8);
	/* The core's: where ranges that are unmapped are noted; NULL: nowhere */
	struct removed *removed;
};

/*
 * Data of one architecture, passed through as it is: type and data of viommu_domain_create(), or
 * what nesting.h says. type: enum viommu_domain_type.
 */
struct host_nest_data {
	uint32_t type; /* 0: none */
	uint32_t bytes;
	const void *data;
};

/*
 * Data of compose for a direct domain: IOVA = GPA + offset, with no more rights than prot. Its type
 * is no guest IOMMU's.
 */
#define HOST_DIRECT 32u
struct host_direct {
	uint32_t size;
	uint32_t prot;
	uint64_t first; /* IOVAs */
	uint64_t last;
	uint64_t offset;
};

/*
 * An event of hardware that walks a guest's tables. bytes is filled in: of the record, 0 if there
 * is none. lost: before it, others were lost.
 */
struct host_nest_event {
	uint32_t bytes;
	void *record;
	bool lost;
};

/* The host's part of a device. A host that needs more embeds it. */
struct host_device {
	struct viommu_host *host;
};

/* lookup_pages' answer for one page. */
struct host_page {
	unsigned char *hva;
	uint32_t prot;
};

struct host_ops {
	/*
	 * Guest memory. All four are NULL where the host has no use for it; else a VM's memory is
	 * made before its first space or device there, and is destroyed after the last. pinned: all
	 * of it is to be pinned at all times. add: 0, -ENOSPC, -ENOMEM or another errno, and then
	 * nothing has changed. remove is of a range that was added so, when nothing of it is mapped
	 * any more: 0, or an errno and it stays. Removing what is not there is no error.
	 */
	int (*vm_create)(struct viommu_host *host, bool pinned, struct host_vm **out);
	void (*vm_destroy)(struct host_vm *vm);
	int (*slot_add)(struct host_vm *vm, const struct host_slot *slot);
	int (*slot_remove)(struct host_vm *vm, const struct host_slot *slot);

	/*
	 * A space that translates IOVAs in first..last, which lie inside the host's aperture, to
	 * memory of vm (NULL where there is no vm_create). memory stays valid while the space
	 * exists.
	 */
	int (*space_create)(struct viommu_host *host, struct host_vm *vm, uint64_t first, uint64_t last, const struct host_memory *memory,
			    struct host_space **out);
	/*
	 * Drops all that is still mapped. No lookup is under way, and no device is attached any
	 * more, but for those whose detach failed: they reach nothing from here on, and count as
	 * detached.
	 */
	void (*space_destroy)(struct host_space *space);

	/*
	 * 0; -ENOSPC, -ENOMEM: the host, or the VM, has no more room, or a part is reserved;
	 * another errno: the host failed.
	 */
	int (*map)(struct host_space *space, const struct host_mapping *mapping);
	int (*unmap)(struct host_space *space, uint64_t first, uint64_t last);
	int (*flush)(struct host_space *space);
	/*
	 * Gives back memory that the space keeps for later. Called after a flush, when every lookup
	 * that began before it has ended; others may be under way. NULL where nothing is kept.
	 */
	void (*trim)(struct host_space *space);

	/*
	 * Reads a translation back: the mapping of iova, as far around it as the host finds at
	 * once. -ENOENT if there is none. *generation is the space's generation that the answer is
	 * good for; its gpa, fd and offset mean nothing. Without lock or allocation. NULL where
	 * caps.lookup is false.
	 */
	int (*lookup)(struct host_space *space, uint64_t iova, struct host_mapping *mapping, uint64_t *generation);
	/*
	 * The same for many small mappings at once: pages of VIOMMU_PAGE_SIZE from iova, a multiple
	 * of it, on. Fills in at most max, and returns how many. It stops before a page that has no
	 * mapping, or one of another size, and may stop elsewhere. NULL where nothing is gained.
	 */
	unsigned int (*lookup_pages)(struct host_space *space, uint64_t iova, struct host_page *pages, unsigned int max);

	/*
	 * Devices. Created detached: a detached device reaches nothing. data is the user's, as it
	 * came; vm as for a space. destroy is of a detached one. attach is 0, -ENOSPC or -ENOMEM
	 * where what is mapped does not fit, or another errno; on failure the device is detached.
	 * device_fd may be NULL. pasid: VIOMMU_NO_PASID, or one below 2^caps.pasid_bits, which is
	 * attached and detached on its own.
	 */
	int (*device_create)(struct viommu_host *host, struct host_vm *vm, const void *data, struct host_device **out);
	void (*device_destroy)(struct host_device *device);
	int (*device_fd)(const struct host_device *device);
	int (*attach)(struct host_space *space, struct host_device *device, uint32_t pasid);
	int (*detach)(struct host_space *space, struct host_device *device, uint32_t pasid);
	/*
	 * Takes a device from where it is attached to another space of the same VM in one step:
	 * each of its accesses meets the one or the other. 0, or an errno, and then it is attached
	 * where it was. NULL where a host has no such step.
	 */
	int (*replace)(struct host_space *from, struct host_space *to, struct host_device *device, uint32_t pasid);

	/*
	 * A host that composes guests' tables itself, in the core's place; else NULL. It has no
	 * space_create, map, unmap, trim and lookup; vm_create gets all slots, and removing
	 * one removes what leads to it. Pages that tables name are the host's to pin: with `pinned`
	 * all of the VM's are, and else vm_pinned says how many bytes.
	 *
	 * compose makes a space from data, the registration of a guest's tables or a struct
	 * host_direct, and establishes what there is; *result is empty before. Slots that come
	 * later are in direct spaces when slot_add returns. attach, detach, flush and
	 * space_destroy are as for others. 0; -EINVAL; -ERANGE; -ENOMEM; -ENOSPC; -ENODEV (it
	 * takes a device of the VM to be there); or another errno.
	 *
	 * refresh is viommu_domain_refresh(), of whole pages in the domain: by any thread, with no
	 * lock of the core's. Errors that are not documented there are failures of the host. No
	 * direct space is refreshed.
	 */
	int (*compose)(struct viommu_host *host, struct host_vm *vm, const struct host_nest_data *data, const struct host_memory *memory,
		       struct viommu_refresh_result *result, struct host_space **out);
	int (*refresh)(struct host_space *space, uint64_t first, uint64_t last, struct viommu_refresh_result *result);
	uint64_t (*vm_pinned)(struct host_vm *vm);

	/*
	 * Nesting: NULL where caps.nests is 0. nesting.h says which data the types have.
	 *
	 * nest_create makes a space whose translations are a guest's own tables, which hardware
	 * walks; addresses in them, and of the tables themselves, are GPAs, and reach what is in
	 * the guest's slots with the slots' rights. attach, detach and space_destroy are as for
	 * others, and nothing else is called for it. A device needs its ID before it is attached to
	 * one. 0; -EINVAL (data that hardware would not take); -ENOMEM; -ENOSPC (a slot lies where
	 * the host has no IOVAs: slot_add says so afterwards) or another errno.
	 *
	 * The guest's memory is pinned whole from the first attach on, as long as the record of the
	 * VM exists.
	 */
	int (*nest_create)(struct viommu_host *host, struct host_vm *vm, const struct host_nest_data *data, const struct host_memory *memory,
			   struct host_space **out);
	/*
	 * Entries as the guest wrote them, in order; done when it returns 0. *done: how many were.
	 * By any thread.
	 */
	int (*nest_invalidate)(struct host_vm *vm, const void *entries, uint32_t number, uint32_t *done);
	/*
	 * The ID by which the guest knows a device; it is attached to no such space. Another device
	 * of the VM has another. 0 or an errno.
	 */
	int (*device_set_id)(struct host_device *device, uint32_t id);
	/*
	 * A file that polls readable when there are events: the host's, as long as the record of
	 * the VM exists. -ENODEV before the first attach to a space of nest_create.
	 */
	int (*nest_fd)(struct host_vm *vm);
	/*
	 * The next event, with room for one: 0; -ENOENT: there is none now; or another errno. By
	 * one thread at a time for a VM; it waits for nothing.
	 */
	int (*nest_event)(struct host_vm *vm, struct host_nest_event *event);

	void (*destroy)(struct viommu_host *host);

	/*
	 * Reports a failure that no call of the library returns. With a result: a refresh of
	 * first..last has failed with this error. Without: a device could not be attached, and
	 * reaches nothing. By any thread, with locks held: it must not call the library. May be
	 * NULL.
	 */
	void (*unseen)(struct viommu_host *host, uint64_t first, uint64_t last, int error, const struct viommu_refresh_result *result);
};

/* Properties of the one type that a host nests. */
struct host_nest {
	uint32_t type;	      /* 0: none */
	uint32_t entry_bytes; /* of an invalidation */
	uint32_t event_bytes; /* of a record */
	uint32_t info_bytes;
	uint32_t info_least; /* of its first version */
	const void *info;    /* what viommu_host_nest_info() fills in, its size first */
};

struct viommu_host {
	const struct host_ops *ops;
	struct viommu_host_caps caps;
	/* Parts of the aperture, ascending; NULL: all of it */
	const struct viommu_iova_range *usable;
	size_t usable_number;
	struct host_nest nest;
};

#endif
