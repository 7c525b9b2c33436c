/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM's memory as its hosts keep it. A host with host_ops.guest_create learns of each slot before a
 * part of it is mapped, and of its removal after the last part was unmapped. That begins with the VM's
 * first space or device on the host, and ends when the VM is destroyed.
 *
 * The VM's lock is held for each call but guests_find().
 */
#ifndef VIOMMU_CORE_GUESTS_H
#define VIOMMU_CORE_GUESTS_H

#include "core/vm.h"
#include "host/host.h"

/*
 * The host's record of the VM's memory, created with all slots at the first call. *out is NULL where
 * the host keeps none. 0, or the host's error.
 */
int guests_get(struct viommu_vm *vm, struct viommu_host *host, struct host_guest **out);

/* The same, if it is there already: else NULL. */
struct host_guest *guests_find(const struct viommu_vm *vm, const struct viommu_host *host);

/*
 * add: all hosts take the slot, or none; -EBUSY if one does not release it again. remove: 0, or -EIO
 * and may be called again.
 */
int guests_add_slot(struct viommu_vm *vm, const struct slot *slot);
int guests_remove_slot(struct viommu_vm *vm, const struct slot *slot);

/* When the VM has no space and no device any more. */
void guests_destroy(struct viommu_vm *vm);

#endif
