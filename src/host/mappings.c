/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/mappings.h"

#include "port/port.h"

void mappings_init(struct mappings *mappings, const struct host_memory *memory)
{
	*mappings = (struct mappings){ .memory = memory };
	/*
	 * A guest chooses IOVAs, and must not know what the dice will say: an address of ours is a
	 * secret that it does not have.
	 */
	mappings->dice = (uint64_t)(uintptr_t)mappings * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t roll(struct mappings *mappings)
{
	uint64_t x = mappings->dice += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
	x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(x >> 32);
}

/* Takes a tree apart: what begins before first, and the rest. */
static void split(struct mapping *tree, uint64_t first, struct mapping **before, struct mapping **rest)
{
	while (tree) {
		if (tree->first < first) {
			*before = tree;
			before = &tree->more;
			tree = tree->more;
		} else {
			*rest = tree;
			rest = &tree->less;
			tree = tree->less;
		}
	}
	*before = *rest = NULL;
}

/* Puts two trees together, of which the first has the lower IOVAs. */
static struct mapping *merge(struct mapping *low, struct mapping *high)
{
	struct mapping *root, **at = &root;

	while (low && high) {
		if (low->priority > high->priority) {
			*at = low;
			at = &low->more;
			low = low->more;
		} else {
			*at = high;
			at = &high->less;
			high = high->less;
		}
	}
	*at = low ? low : high;
	return root;
}

const struct mapping *mappings_from(const struct mappings *mappings, uint64_t iova)
{
	const struct mapping *found = NULL;

	for (const struct mapping *at = mappings->root; at;) {
		if (at->last >= iova) {
			found = at;
			at = at->less;
		} else {
			at = at->more;
		}
	}
	return found;
}

const struct mapping *mappings_at(const struct mappings *mappings, uint64_t iova)
{
	const struct mapping *found = mappings_from(mappings, iova);

	return found && found->first <= iova ? found : NULL;
}

const struct mapping *mappings_next(const struct mappings *mappings, const struct mapping *mapping)
{
	return mapping->last < UINT64_MAX ? mappings_from(mappings, mapping->last + 1) : NULL;
}

int mappings_add(struct mappings *mappings, const struct host_mapping *from)
{
	const struct mapping *next = mappings_from(mappings, from->first);
	struct mapping *mapping, **at = &mappings->root;

	if (next && next->first <= from->last)
		return -PORT_EEXIST;
	mapping = mappings->spare;
	if (mapping)
		mappings->spare = mapping->less;
	else
		mapping = mappings->memory->alloc(mappings->memory->ctx, sizeof(*mapping), 0);
	if (!mapping)
		return -PORT_ENOMEM;
	*mapping = (struct mapping){
		.first = from->first, .last = from->last, .gpa = from->gpa, .hva = from->hva, .prot = from->prot, .priority = roll(mappings)
	};
	while (*at && (*at)->priority > mapping->priority)
		at = (*at)->first < mapping->first ? &(*at)->more : &(*at)->less;
	split(*at, mapping->first, &mapping->less, &mapping->more);
	*at = mapping;
	return 0;
}

bool mappings_remove(struct mappings *mappings, uint64_t first, uint64_t last)
{
	struct mapping *before, *inside, *after = NULL, *rest;
	bool any;

	split(mappings->root, first, &before, &rest);
	inside = rest;
	if (last < UINT64_MAX)
		split(rest, last + 1, &inside, &after);
	any = inside;
	while (inside) {
		struct mapping *gone = inside;

		inside = merge(gone->less, gone->more);
		gone->less = mappings->spare;
		mappings->spare = gone;
	}
	mappings->root = merge(before, after);
	return any;
}

void mappings_trim(struct mappings *mappings)
{
	while (mappings->spare) {
		struct mapping *spare = mappings->spare;

		mappings->spare = spare->less;
		mappings->memory->free(mappings->memory->ctx, spare, sizeof(*spare), 0);
	}
}

void mappings_free(struct mappings *mappings)
{
	mappings_remove(mappings, 0, UINT64_MAX);
	mappings_trim(mappings);
}
