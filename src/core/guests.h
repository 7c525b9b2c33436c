/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM's memory as its hosts keep it. A host that wants to know of guest memory (host_ops.guest_create) is told of each slot before anything of it is mapped
 * there, and that it goes after the last of it was unmapped. It is told from its first space or device of the VM on, until the VM is destroyed.
 *
 * Everything here but guests_find() happens with the VM's lock held.
 */
#ifndef VIOMMU_CORE_GUESTS_H
#define VIOMMU_CORE_GUESTS_H

#include "core/vm.h"
#include "host/host.h"

/* What a host keeps of the VM's memory, made with all slots if it is not there yet. *out is NULL where the host keeps nothing. 0, or what the host says. */
int guests_get(struct viommu_vm *vm, struct viommu_host *host, struct host_guest **out);

/* The same, if it is there already: else NULL. */
struct host_guest *guests_find(const struct viommu_vm *vm, const struct viommu_host *host);

/* add: each host is told, or none; -EBUSY where one would not let go again. remove: 0 or -EIO, and may be called again then. */
int guests_add_slot(struct viommu_vm *vm, const struct slot *slot);
int guests_remove_slot(struct viommu_vm *vm, const struct slot *slot);

/* When the VM has no space and no device any more. */
void guests_destroy(struct viommu_vm *vm);

#endif
