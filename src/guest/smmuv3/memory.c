/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Structures in guest memory.
 *
 * What holds: nothing is reached but through a slot of the VM, found and used with the VM's lock held, under which slots come and go; so a slot that was
 * removed is not touched any more when its removal has returned. A slot that is on its way out counts as gone. What was loaded is a copy: the guest may go on
 * writing.
 */
#include "memory.h"

#include "core/vm.h"
#include "format/format.h"

/* With the VM's lock held. */
static uint64_t *find(struct viommu_vm *vm, uint64_t gpa, uint32_t access)
{
	struct slot *slot = slots_find(vm_slots(vm), gpa);

	if (!slot || port_load_relaxed(&slot->removing) || access & ~slot->prot)
		return NULL;
	return (uint64_t *)(void *)(slot->hva + (gpa - slot->first));
}

bool smmuv3_load(struct viommu_vm *vm, uint64_t gpa, uint64_t *to, unsigned int words)
{
	const uint64_t *from;
	unsigned int i;

	port_lock(&vm->lock);
	from = find(vm, gpa, VIOMMU_READ);
	for (i = 0; from && i < words; i++)
		to[i] = format_swap_if_big(port_load_entry(&from[i]));
	port_unlock(&vm->lock);
	return from;
}

bool smmuv3_store(struct viommu_vm *vm, uint64_t gpa, const uint64_t *from, unsigned int words)
{
	uint64_t *to;
	unsigned int i;

	port_lock(&vm->lock);
	to = find(vm, gpa, VIOMMU_WRITE);
	for (i = 0; to && i < words; i++)
		port_store_entry(&to[i], format_swap_if_big(from[i]));
	port_unlock(&vm->lock);
	return to;
}
