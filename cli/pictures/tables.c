// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tables that were found, and the walks that find them. A guest may have tables that all name each other: each is looked at once, and no more
 * entries than a fixed number are.
 */
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "format/arm64_16k.h"
#include "format/arm64_4k.h"
#include "format/arm64_64k.h"
#include "format/zpci_qemu.h"

#define ENTRIES_LIMIT (UINT64_C(1) << 26)
#define TABLES_LIMIT  (1u << 21)

#define VIOMMU_FORMAT zpci
#include "format/walk.h"
#include "tables_walk.h"

#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT zpci_qemu
#include "format/walk.h"
#include "tables_walk.h"

#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_4k
#include "format/walk.h"
#include "tables_walk.h"

#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_16k
#include "format/walk.h"
#include "tables_walk.h"

#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_64k
#include "format/walk.h"
#include "tables_walk.h"

/* The place of a table, or the free one where it belongs. There is one. */
static struct svg_table *find(struct svg_table *tables, unsigned int capacity, const struct svg_table *table)
{
	uint64_t hash = (table->first ^ (uint64_t)table->level << 56) * UINT64_C(0x9e3779b97f4a7c15);

	for (unsigned int i = (unsigned int)(hash >> 32);; i++) {
		struct svg_table *at = &tables[i & (capacity - 1)];
		if (!at->last || (at->first == table->first && at->last == table->last && at->level == table->level))
			return at;
	}
}

/* Keeps a quarter free at least. */
static bool grow(struct svg_tables *tables)
{
	unsigned int capacity = tables->capacity ? tables->capacity * 2 : 64;

	if (tables->count + 1 <= tables->capacity / 4 * 3)
		return true;
	struct svg_table *larger = capacity <= TABLES_LIMIT ? calloc(capacity, sizeof(*larger)) : NULL;
	if (!larger)
		return false;
	for (unsigned int i = 0; i < tables->capacity; i++) {
		if (tables->tables[i].last)
			*find(larger, capacity, &tables->tables[i]) = tables->tables[i];
	}
	free(tables->tables);
	tables->tables = larger;
	tables->capacity = capacity;
	return true;
}

bool svg_tables_note(struct svg_tables *tables, const struct svg_table *table)
{
	if (!grow(tables)) {
		tables->incomplete = true;
		return false;
	}
	struct svg_table *at = find(tables->tables, tables->capacity, table);
	if (at->last) {
		bool more = !at->whole;
		at->whole = at->whole || table->whole;
		return more;
	}
	*at = *table;
	tables->count++;
	tables->by_level[table->level]++;
	return true;
}

bool svg_tables_load(struct svg_tables *tables, struct guest *guest, uint64_t gpa, uint64_t *raw)
{
	const struct guest_slot *slot = guest_find(guest, gpa);

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

void svg_tables_begin(struct svg_tables *tables)
{
	*tables = (struct svg_tables){ .entries = ENTRIES_LIMIT };
}

void svg_tables_find(struct svg_tables *tables, struct guest *guest, const struct svg_root *root)
{
	switch (root->format) {
	case SVG_ZPCI:
		zpci_find_tables(tables, guest, root);
		break;
	case SVG_ZPCI_QEMU:
		zpci_qemu_find_tables(tables, guest, root);
		break;
	case SVG_ARM64_4K:
		arm64_4k_find_tables(tables, guest, root);
		break;
	case SVG_ARM64_16K:
		arm64_16k_find_tables(tables, guest, root);
		break;
	case SVG_ARM64_64K:
		arm64_64k_find_tables(tables, guest, root);
		break;
	}
}

void svg_tables_free(struct svg_tables *tables)
{
	free(tables->tables);
	*tables = (struct svg_tables){ 0 };
}
