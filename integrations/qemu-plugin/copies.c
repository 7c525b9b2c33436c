/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "copies.h"

#include <errno.h>
#include <stdlib.h>

static struct copy **copies_slot(const struct copies *copies, uint64_t page)
{
	size_t i = copies_mix(page) & (copies->room - 1);

	while (copies->slots[i] && copies->slots[i]->page != page)
		i = (i + 1) & (copies->room - 1);
	return &copies->slots[i];
}

struct copy *copies_find(const struct copies *copies, uint64_t page)
{
	return copies->room ? *copies_slot(copies, page) : NULL;
}

static int copies_grow(struct copies *copies)
{
	struct copies wider = { .room = copies->room ? copies->room * 2 : 64, .count = copies->count };
	size_t i;

	wider.slots = calloc(wider.room, sizeof(*wider.slots));
	if (!wider.slots)
		return -ENOMEM;
	for (i = 0; i < copies->room; i++) {
		if (copies->slots[i])
			*copies_slot(&wider, copies->slots[i]->page) = copies->slots[i];
	}
	free(copies->slots);
	*copies = wider;
	return 0;
}

struct copy *copies_get(struct copies *copies, uint64_t page)
{
	struct copy *copy = copies_find(copies, page);

	if (copy)
		return copy;
	if (copies->count * 2 >= copies->room && copies_grow(copies))
		return NULL;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return NULL;
	copy->page = page;
	*copies_slot(copies, page) = copy;
	copies->count++;
	return copy;
}

void copies_free(struct copies *copies)
{
	size_t i;

	for (i = 0; i < copies->room; i++)
		free(copies->slots[i]);
	free(copies->slots);
}
