/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/memory.h"

#include "format/format.h"

void guest_memory_init(struct guest_memory *memory, struct viommu_vm *vm)
{
	memory->vm = vm;
	port_lock(&vm->lock);
	slots_user_add(vm, &memory->user);
	port_unlock(&vm->lock);
}

void guest_memory_destroy(struct guest_memory *memory)
{
	port_lock(&memory->vm->lock);
	slots_user_remove(&memory->user);
	port_unlock(&memory->vm->lock);
}

/*
 * With the user's lock held: the memory of a structure, which lies within one page. NULL: there is
 * none.
 */
static void *map(const struct guest_memory *memory, uint64_t gpa, uint32_t access, const struct slot **slot)
{
	*slot = slots_backing(vm_slots(memory->vm), gpa);
	return *slot && !(access & ~(*slot)->prot) ? slot_map_page(*slot, gpa) : NULL;
}

bool guest_memory_load(struct guest_memory *memory, uint64_t gpa, uint64_t *to, unsigned int words)
{
	const struct slot *slot;
	uint64_t *from;

	port_lock(&memory->user.lock);
	from = map(memory, gpa, VIOMMU_READ, &slot);
	for (unsigned int i = 0; from && i < words; i++)
		to[i] = format_swap_if_big(port_load_entry(&from[i]));
	if (from)
		slot_unmap_page(slot, from);
	port_unlock(&memory->user.lock);
	return from;
}

bool guest_memory_store(struct guest_memory *memory, uint64_t gpa, const uint64_t *from, unsigned int words)
{
	const struct slot *slot;
	uint64_t *to;

	port_lock(&memory->user.lock);
	to = map(memory, gpa, VIOMMU_WRITE, &slot);
	for (unsigned int i = 0; to && i < words; i++)
		port_store_entry(&to[i], format_swap_if_big(from[i]));
	if (to)
		slot_unmap_page(slot, to);
	port_unlock(&memory->user.lock);
	return to;
}

bool guest_memory_store32(struct guest_memory *memory, uint64_t gpa, uint32_t value)
{
	const struct slot *slot;
	uint32_t *to;

	port_lock(&memory->user.lock);
	to = map(memory, gpa, VIOMMU_WRITE, &slot);
	if (to) {
		port_store_relaxed(to, (uint32_t)(format_swap_if_big((uint64_t)value << 32 | value)));
		slot_unmap_page(slot, to);
	}
	port_unlock(&memory->user.lock);
	return to;
}
