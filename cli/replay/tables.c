// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tables that were found. Tables may all name each other: each is read once, and the number of
 * entries is limited.
 */
#include "view.h"

#include <inttypes.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_LIMIT (UINT64_C(1) << 26)
#define TABLES_LIMIT  (1u << 18)

struct table {
	uint64_t first, last; /* GPA range: the part that exists */
	uint64_t level;
	bool whole;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct table, whole));
}

bool view_tables_note(struct view_tables *tables, unsigned int level, uint64_t first, uint64_t last, bool whole)
{
	struct table *table = tables->count < TABLES_LIMIT ? malloc(sizeof(*table)) : NULL;
	struct table **at = NULL;

	if (table) {
		*table = (struct table){ first, last, level, whole };
		at = tsearch(table, &tables->seen, compare);
	}
	if (!at) {
		free(table);
		tables->incomplete = true;
		return false;
	}
	if (*at == table) {
		tables->count++;
		fprintf(tables->to, "[\"tables\",%u,%" PRIu64 ",%" PRIu64 "]\n", level, first, last);
		return true;
	}
	bool more = !(*at)->whole;
	(*at)->whole = (*at)->whole || whole;
	free(table);
	return more;
}

bool view_tables_load(struct view_tables *tables, uint64_t gpa, uint64_t *raw)
{
	const struct guest_slot *slot = guest_find(tables->guest, gpa);

	if (!slot)
		return false;
	if (!tables->entries) {
		tables->incomplete = true;
		return false;
	}
	tables->entries--;
	memcpy(raw, slot->memory + (gpa - slot->gpa), sizeof(*raw));
	return true;
}

bool view_tables_put(struct guest *guest, const struct view *view, FILE *to)
{
	struct view_tables tables = { .guest = guest, .to = to, .entries = ENTRIES_LIMIT };

	for (unsigned int i = 0; i < view->count; i++) {
		if (view->apertures[i].walk)
			view->apertures[i].walk(&tables, &view->apertures[i]);
	}
	tdestroy(tables.seen, free);
	return !tables.incomplete;
}
