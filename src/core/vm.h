/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM, inside. Locks are taken in this order: the VM's lock, one space's lock, the pins' and those of their chunks, or the tracking lock. The VM's lock
 * guards which slots, spaces, devices and readers there are; it is never needed to refresh or to translate.
 */
#ifndef VIOMMU_CORE_VM_H
#define VIOMMU_CORE_VM_H

#include <viommu/vm.h>

#include "core/list.h"
#include "core/memory.h"
#include "core/pins.h"
#include "core/slots.h"
#include "core/tracking.h"
#include "port/port.h"

struct guest;

struct viommu_vm {
	struct viommu_vm_config config;
	struct port_lock lock;
	struct slots *slots; /* replaced with a release store; see slots.h for who may load it */
	struct list domains;
	struct list slots_users; /* slots.h; changed under the lock */
	struct list devices;
	struct guest *guests; /* guests.h: added to under the lock, read without */
	/* Taken before every other lock of the library: events of nesting hardware are taken from a host by one thread at a time. */
	struct port_lock events;
	struct pins pins;
	struct memory memory;
	struct tracking tracking;
	bool pinned; /* all slots are, and are charged for: the policy, or the host's need (nesting.h) */
};

static inline const struct slots *vm_slots(const struct viommu_vm *vm)
{
	return port_load_acquire(&vm->slots);
}

/* With the VM's lock held: from here on all slots are pinned. 0, or -EDQUOT and nothing has changed. slots.c */
int vm_pin(struct viommu_vm *vm);

static inline void vm_log(const struct viommu_vm *vm, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b)
{
	if (vm->config.log)
		vm->config.log(vm->config.log_ctx, level, what, a, b);
}

#endif
