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

/* With the user's lock held: the slot that backs a structure for an access, or NULL. */
static const struct slot *backing(const struct guest_memory *memory, uint64_t gpa, uint32_t access)
{
	const struct slot *slot = slots_backing(vm_slots(memory->vm), gpa);

	return slot && !(access & ~slot->prot) ? slot : NULL;
}

bool guest_memory_load(struct guest_memory *memory, uint64_t gpa, uint64_t *to, unsigned int words)
{
	const struct slot *slot;
	uint64_t word = 0;
	bool loaded;

	port_lock(&memory->user.lock);
	slot = backing(memory, gpa, VIOMMU_READ);
	loaded = slot;
	for (unsigned int i = 0; loaded && i < words; i++) {
		loaded = port_guest_load(&slot->memory, gpa - slot->first + i * sizeof(*to), &word);
		to[i] = format_swap_if_big(word);
	}
	port_unlock(&memory->user.lock);
	return loaded;
}

bool guest_memory_store(struct guest_memory *memory, uint64_t gpa, const uint64_t *from, unsigned int words)
{
	const struct slot *slot;
	bool stored;

	port_lock(&memory->user.lock);
	slot = backing(memory, gpa, VIOMMU_WRITE);
	stored = slot;
	for (unsigned int i = 0; stored && i < words; i++)
		stored = port_guest_store(&slot->memory, gpa - slot->first + i * sizeof(*from), format_swap_if_big(from[i]), sizeof(*from));
	port_unlock(&memory->user.lock);
	return stored;
}

bool guest_memory_store32(struct guest_memory *memory, uint64_t gpa, uint32_t value)
{
	const struct slot *slot;
	bool stored;

	port_lock(&memory->user.lock);
	slot = backing(memory, gpa, VIOMMU_WRITE);
	stored = slot && port_guest_store(&slot->memory, gpa - slot->first, format_swap_if_big((uint64_t)value << 32 | value), sizeof(value));
	port_unlock(&memory->user.lock);
	return stored;
}
