/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM, inside: what all its domains and devices share.
 *
 * vm_create.c has its life, limits and figures; vm_slots.c how its slots come and go. What it keeps
 * true:
 *  - Which slots, spaces, devices and readers there are changes under the VM's lock alone. Neither
 *    a refresh nor a translation takes it.
 *  - The array of slots is replaced as a whole. A thread that holds the lock of one of the VM's
 *    spaces may use the array that it loaded under that lock (slots.h).
 *  - Memory that is spent on the guest's behalf is counted in `memory`, and pinned guest memory in
 *    `pins`. Both have a limit.
 *
 * Locks of the core, in the order in which they are taken: the VM's, one space's (two in the order
 * of their addresses, where a device moves), then either the lock of all pins and after it one
 * chunk's, or the tracking lock.
 */
#ifndef VIOMMU_CORE_VM_H
#define VIOMMU_CORE_VM_H

#include <viommu/vm.h>

#include "core/list.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/pins.h"
#include "core/slots.h"
#include "core/tracking.h"
#include "port/port.h"

struct vm_host;

struct viommu_vm {
	struct viommu_vm_config config;
	struct log log;
	/* Taken before every other lock of core, and after those of a guest IOMMU. */
	struct port_lock lock;
	/* replaced with a release store; see slots.h for which thread may load it */
	struct slots *slots;
	struct list domains;
	struct list slots_users; /* slots.h; changed under the lock */
	struct list devices;
	struct vm_host *hosts; /* vm_hosts.h: added to under the lock, read without */
	/*
	 * Taken before a guest IOMMU's `lock` and a host's, with no lock held: one thread at a time
	 * takes events of nesting hardware from a host.
	 */
	struct port_lock events;
	struct list sinks;   /* of events: hardware.h; under `events` */
	port_word unclaimed; /* events that belong to no sink */
	/*
	 * Domains whose tables hardware walks, and whether a device was ever to be attached to one:
	 * from then on a host keeps all memory pinned. Under the lock.
	 */
	unsigned int hardware;
	bool kept;
	struct pins pins port_aligned(PORT_LINE_BYTES);
	struct memory memory;
	struct tracking tracking;
	/* All slots are, and are charged for: the policy, or the host's need (nesting.h) */
	bool pinned;
};

static inline const struct slots *vm_slots(const struct viommu_vm *vm)
{
	return port_load_acquire(&vm->slots);
}

/*
 * vm_slots.c: with the VM's lock held, from here on all slots are pinned. 0, or -EDQUOT and nothing
 * has changed.
 */
int vm_pin(struct viommu_vm *vm);
/* Takes that back. */
void vm_unpin(struct viommu_vm *vm);

/* vm_slots.c: of an array that is to be published. */
void vm_limit_refreshes(const struct viommu_vm *vm, struct slots *slots);

/* vm_slots.c: of a slot that is in no array. */
void vm_free_slot(struct slot *slot);

static inline void vm_log(const struct viommu_vm *vm, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b)
{
	log_write(&vm->log, level, what, a, b);
}

#endif
