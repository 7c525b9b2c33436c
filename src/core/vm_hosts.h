/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hosts that keep a record of a VM. A host with host_ops.vm_create gets each slot before a part
 * of it is mapped, and its removal after the last part was unmapped. That begins with the VM's
 * first space or device on the host, and ends when the VM is destroyed.
 *
 * The VM's lock is held for each call but vm_hosts_find().
 */
#ifndef VIOMMU_CORE_VM_HOSTS_H
#define VIOMMU_CORE_VM_HOSTS_H

#include "core/vm.h"
#include "host/host.h"

/*
 * The host's record of the VM, created with all slots at the first call. *out is NULL where
 * the host keeps none. 0, or the host's error.
 */
int vm_hosts_get(struct viommu_vm *vm, struct viommu_host *host, struct host_vm **out);

/* The host's record if there is one, else NULL. */
struct host_vm *vm_hosts_find(const struct viommu_vm *vm, const struct viommu_host *host);

/*
 * add: all hosts take the slot, or none; -EBUSY if one does not release it again. remove: 0, or
 * -EIO and may be called again.
 */
int vm_hosts_add_slot(struct viommu_vm *vm, const struct slot *slot);
int vm_hosts_remove_slot(struct viommu_vm *vm, const struct slot *slot);

/* Bytes that hosts have pinned which pin for themselves. */
uint64_t vm_hosts_pinned(struct viommu_vm *vm);

/* When the VM has no space and no device any more. */
void vm_hosts_destroy(struct viommu_vm *vm);

#endif
