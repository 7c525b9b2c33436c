/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/slots.h"

struct slots *slots_alloc(unsigned int number)
{
	struct slots *slots = port_alloc(sizeof(*slots) + number * sizeof(slots->slot[0]), 0);

	if (slots)
		slots->number = number;
	return slots;
}

void slots_free(struct slots *slots)
{
	port_free(slots, sizeof(*slots) + slots->number * sizeof(slots->slot[0]), 0);
}

struct slots *slots_with(const struct slots *old, struct slot *slot, int *error)
{
	struct slots *slots;
	unsigned int at = 0;

	while (at < old->number && old->slot[at]->last < slot->first)
		at++;
	*error = at < old->number && old->slot[at]->first <= slot->last ? -PORT_EEXIST : -PORT_ENOMEM;
	slots = *error == -PORT_EEXIST ? NULL : slots_alloc(old->number + 1);
	for (unsigned int i = 0; slots && i < slots->number; i++)
		slots->slot[i] = i < at ? old->slot[i] : i == at ? slot : old->slot[i - 1];
	return slots;
}

struct slots *slots_without(const struct slots *old, const struct slot *slot)
{
	struct slots *slots = slots_alloc(old->number - 1);

	for (unsigned int i = 0, at = 0; slots && i < old->number; i++)
		if (old->slot[i] != slot)
			slots->slot[at++] = old->slot[i];
	return slots;
}

struct slot *slots_find_memory(const struct slots *slots, const unsigned char *hva, uint32_t prot)
{
	for (unsigned int i = 0; i < slots->number; i++) {
		struct slot *slot = slots->slot[i];

		if ((uintptr_t)hva >= slot->hva && (uintptr_t)hva - slot->hva <= slot->last - slot->first && !(prot & ~slot->prot))
			return slot;
	}
	return NULL;
}
