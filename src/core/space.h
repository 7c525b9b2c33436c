/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a nested domain and a direct domain have in common: one space of the host, and the devices that are attached to it. It is not a type that a user ever
 * sees, and neither of the two can be made into the other.
 *
 * Detaching, and flushing, keep the promise to readers (reader.h): space_flush() returns when no reader that was held before is still held; a detach, when
 * no reader of the device is inside a translation either, so that what it looked at may be freed.
 */
#ifndef VIOMMU_CORE_SPACE_H
#define VIOMMU_CORE_SPACE_H

#include "core/vm.h"
#include "host/host.h"

struct space;

struct space_ops {
	/*
	 * The way of a slot through a space, in this order, with the VM's lock held: it is charged for (0 or -EDQUOT), mapped, unmapped, and no more
	 * charged for. If mapping fails, nothing of it is mapped. Unmapping may be called again after it failed, and where nothing is mapped.
	 */
	int (*slot_charge)(struct space *space, struct slot *slot);
	int (*slot_map)(struct space *space, struct slot *slot);
	int (*slot_unmap)(struct space *space, struct slot *slot);
	void (*slot_uncharge)(struct space *space, struct slot *slot);
	void (*destroy)(struct space *space);
};

struct space {
	const struct space_ops *ops;
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct host_space *host_space;
	struct host_memory memory;
	struct port_lock lock; /* all calls to host_space but lookup; the list of devices and their lists of readers are read under it */
	struct list in_vm;
	struct list devices; /* changed under both locks */
	uint64_t first;	     /* IOVAs */
	uint64_t last;
};

/* Makes the host's space for first..last and enters it into the VM's list, with the VM's lock held. 0, -ERANGE, -ENOMEM, -ENOSPC, or -EIO. */
int space_create(struct space *space, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, const struct space_ops *ops);

/* The same, of all IOVAs, for a host that nests: what is in it are the guest's own tables, by this Stream Table Entry. -EINVAL, too. */
int space_create_nested(struct space *space, struct viommu_vm *vm, struct viommu_host *host, const uint64_t ste[2], const struct space_ops *ops);

/* Detaches the devices and destroys the host's space: from then on nothing of it is reached. With the VM's lock held. */
void space_destroy(struct space *space);

int space_attach(struct space *space, struct viommu_device *device);

/* With the space's lock held, after something was unmapped. */
int space_flush(struct space *space);

/* With the space's lock held: the host gives back the memory that it keeps for later. */
void space_trim(struct space *space);

#endif
