/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/memory.h"

#include "format/format.h"

void guest_memory_init(struct guest_memory *memory, struct viommu_vm *vm)
{
	memory->vm = vm;
	slots_user_add(vm, &memory->user);
}

void guest_memory_destroy(struct guest_memory *memory)
{
	slots_user_remove(memory->vm, &memory->user);
}

/* With the user's lock held. */
static unsigned char *find(const struct guest_memory *memory, uint64_t gpa, uint32_t access)
{
	struct slot *slot = slots_find(vm_slots(memory->vm), gpa);

	if (!slot || port_load_relaxed(&slot->removing) || access & ~slot->prot)
		return NULL;
	return slot->hva + (gpa - slot->first);
}

bool guest_memory_load(struct guest_memory *memory, uint64_t gpa, uint64_t *to, unsigned int words)
{
	const uint64_t *from;

	port_lock(&memory->user.lock);
	from = (const uint64_t *)(const void *)find(memory, gpa, VIOMMU_READ);
	for (unsigned int i = 0; from && i < words; i++)
		to[i] = format_swap_if_big(port_load_entry(&from[i]));
	port_unlock(&memory->user.lock);
	return from;
}

bool guest_memory_store(struct guest_memory *memory, uint64_t gpa, const uint64_t *from, unsigned int words)
{
	uint64_t *to;

	port_lock(&memory->user.lock);
	to = (uint64_t *)(void *)find(memory, gpa, VIOMMU_WRITE);
	for (unsigned int i = 0; to && i < words; i++)
		port_store_relaxed(&to[i], format_swap_if_big(from[i]));
	port_unlock(&memory->user.lock);
	return to;
}

bool guest_memory_store32(struct guest_memory *memory, uint64_t gpa, uint32_t value)
{
	uint32_t *to;

	port_lock(&memory->user.lock);
	to = (uint32_t *)(void *)find(memory, gpa, VIOMMU_WRITE);
	if (to)
		port_store_relaxed(to, (uint32_t)(format_swap_if_big((uint64_t)value << 32 | value)));
	port_unlock(&memory->user.lock);
	return to;
}
