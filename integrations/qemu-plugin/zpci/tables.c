/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk over the guest's tables that finds what has changed.
 *
 * What is kept is a copy of each page of guest memory in which a table entry was ever seen to differ from zero, as it was reported. So whoever begins
 * with memory full of zeros and applies every change has, for each operation, the entries that the guest had.
 *
 * What holds, whatever the guest has written:
 *  - Each entry is loaded once in a scan, and both compared and followed by that value.
 *  - A table is looked at once in a scan for each level at which it stands and each range of its indexes. A scan therefore ends after at most (levels
 *    x tables that fit into guest memory), loops and self-references included.
 *  - Depth is bounded by the format, and nothing recurses.
 *  - Entries where the guest has no memory are skipped.
 */
#include "tables.h"

#include <errno.h>
#include <stdlib.h>

#include "copies.h"
#include "format/zpci.h"

#define VIOMMU_FORMAT zpci

#define LEVELS		  (F(max_level) + 1)
#define TABLE_ENTRIES_MAX 2048u

/* Which part of which table. The key of the set of those that were looked at. */
struct part {
	uint64_t gpa;
	uint16_t first; /* indexes that are concerned */
	uint16_t last;
	uint8_t level;
	bool whole; /* report the others too */
};

/* A set of parts, emptied by counting up its generation. */
struct part_set {
	struct part_slot {
		struct part part;
		uint64_t generation;
	} * slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
	uint64_t generation;
};

/* One table on the way down: what was loaded from it, and how far it has been followed. */
struct stage {
	uint64_t entries[TABLE_ENTRIES_MAX];
	bool changed[TABLE_ENTRIES_MAX];
	uint64_t iova; /* first IOVA of the table */
	unsigned int next;
	unsigned int last;
};

struct tables {
	struct copies copies;
	struct part_set seen;
	struct stage stages[LEVELS];
};

static bool part_equal(const struct part *a, const struct part *b)
{
	return a->gpa == b->gpa && a->first == b->first && a->last == b->last && a->level == b->level && a->whole == b->whole;
}

static struct part_slot *part_slot(const struct part_set *set, const struct part *part)
{
	size_t i = copies_mix(part->gpa ^ (uint64_t)part->first << 48 ^ (uint64_t)part->last << 33 ^ part->level) & (set->room - 1);

	while (set->slots[i].generation == set->generation && !part_equal(&set->slots[i].part, part))
		i = (i + 1) & (set->room - 1);
	return &set->slots[i];
}

static int parts_grow(struct part_set *set)
{
	struct part_set wider = { .room = set->room ? set->room * 2 : 256, .count = set->count, .generation = set->generation };
	size_t i;

	wider.slots = calloc(wider.room, sizeof(*wider.slots));
	if (!wider.slots)
		return -ENOMEM;
	for (i = 0; i < set->room; i++) {
		if (set->slots[i].generation == set->generation)
			*part_slot(&wider, &set->slots[i].part) = set->slots[i];
	}
	free(set->slots);
	*set = wider;
	return 0;
}

/* Adds a part: 1, or 0 if it is there already, or -ENOMEM. */
static int parts_add(struct part_set *set, const struct part *part)
{
	struct part_slot *slot;

	if (set->count * 2 >= set->room && parts_grow(set))
		return -ENOMEM;
	slot = part_slot(set, part);
	if (slot->generation == set->generation)
		return 0;
	slot->part = *part;
	slot->generation = set->generation;
	set->count++;
	return 1;
}

static void parts_empty(struct part_set *set)
{
	set->count = 0;
	set->generation++;
}

/* Loads the indexes first..last of the table at gpa into the stage of its level, and reports those that have changed. 1 if there were any, 0, or -ENOMEM. */
static int load(struct tables *tables, const struct guest_ram *ram, unsigned int level, uint64_t gpa, unsigned int first, unsigned int last,
		struct changes *changes)
{
	struct stage *stage = &tables->stages[level];
	struct copy *copy = NULL;
	unsigned int i;
	int any = 0;

	for (i = first; i <= last; i++) {
		uint64_t at = gpa + i * UINT64_C(8), raw, before;
		unsigned int in_page = (unsigned int)(at / 8 % COPY_ENTRIES);

		/* What cannot be read is followed nowhere. */
		stage->entries[i] = F(invalid_entry)(level);
		stage->changed[i] = false;
		if (!guest_ram_load(ram, at, &raw))
			continue;
		if (!copy || copy->page != at >> COPY_SHIFT)
			copy = copies_find(&tables->copies, at >> COPY_SHIFT);
		before = copy ? copy->raw[in_page] : 0;
		stage->entries[i] = F(from_memory)(raw);
		if (raw == before)
			continue;
		stage->changed[i] = true;
		if (!copy)
			copy = copies_get(&tables->copies, at >> COPY_SHIFT);
		/* Report first: what could not be reported must not count as reported. */
		if (!copy || changes_add(changes, at, stage->entries[i]))
			return -ENOMEM;
		copy->raw[in_page] = raw;
		any = 1;
	}
	return any;
}

struct scan {
	struct tables *tables;
	const struct guest_ram *ram;
	struct changes *changes;
	uint64_t first; /* IOVAs, counted from the start of the root table */
	uint64_t last;
	bool any; /* something has changed */
};

/*
 * Enters a table whose first IOVA is iova: loads what is concerned of it, and makes its stage ready to be followed. bounds are the indexes that it
 * has, whole says that all of it is to be reported. 1; 0 if there is nothing to follow; -ENOMEM.
 */
static int enter(struct scan *scan, unsigned int level, uint64_t gpa, uint64_t iova, struct format_bounds bounds, bool whole)
{
	struct stage *stage = &scan->tables->stages[level];
	unsigned int shift = F(shift)(level);
	uint64_t reach = ((UINT64_C(1) << F(index_bits)(level)) - 1) << shift | ((UINT64_C(1) << shift) - 1);
	uint64_t first = scan->first > iova ? scan->first - iova : 0;
	uint64_t last = scan->last - iova < reach ? scan->last - iova : reach;
	struct part part = { .gpa = gpa, .level = (uint8_t)level, .whole = whole };
	unsigned int load_first, load_last;
	int ret;

	/* Outside memory there is nothing to look at; but from the end of the address space a table goes on at 0. */
	if (gpa >= scan->ram->bytes && gpa <= UINT64_MAX - sizeof(stage->entries))
		return 0;
	load_first = part.first = (uint16_t)(first >> shift);
	load_last = part.last = (uint16_t)(last >> shift);
	if (bounds.first > bounds.last || load_last < bounds.first || load_first > bounds.last)
		return 0;
	if (load_first < bounds.first)
		load_first = part.first = (uint16_t)bounds.first;
	if (load_last > bounds.last)
		load_last = part.last = (uint16_t)bounds.last;
	ret = parts_add(&scan->tables->seen, &part);
	if (ret <= 0)
		return ret;
	if (whole) {
		load_first = bounds.first;
		load_last = bounds.last;
	}
	ret = load(scan->tables, scan->ram, level, gpa, load_first, load_last, scan->changes);
	if (ret < 0)
		return ret;
	if (ret)
		scan->any = true;
	stage->iova = iova;
	stage->next = part.first;
	stage->last = part.last;
	return level > 0;
}

int tables_scan(struct tables *tables, const struct guest_ram *ram, uint64_t anchor, uint64_t first, uint64_t last, struct changes *changes)
{
	struct scan scan = { .tables = tables, .ram = ram, .changes = changes, .first = first, .last = last };
	struct format_root root;
	unsigned int level, bits;
	int ret;

	if (F(root)(&(struct format_anchor){ anchor, 0 }, &root) || first > last)
		return 0;
	/* IOVA bits above the root's reach take no part: a range that goes round is one over everything, which at worst looks at too much. */
	bits = F(shift)(root.level) + F(index_bits)(root.level);
	if (bits < 64) {
		uint64_t mask = (UINT64_C(1) << bits) - 1;
		bool round = last - first >= mask || (first & mask) > (last & mask);

		scan.first = round ? 0 : first & mask;
		scan.last = round ? mask : last & mask;
	}

	parts_empty(&tables->seen);
	level = root.level;
	ret = enter(&scan, level, root.table, 0, root.bounds, false);
	while (ret > 0) {
		struct stage *stage = &tables->stages[level];
		unsigned int index = stage->next;
		uint64_t entry;

		if (index > stage->last) {
			if (level == root.level)
				break;
			level++;
			continue;
		}
		stage->next++;
		entry = stage->entries[index];
		if (F(kind)(&root, level, entry) != FORMAT_TABLE)
			continue;
		ret = enter(&scan, level - 1, F(table_address)(level, entry), stage->iova + ((uint64_t)index << F(shift)(level)), F(table_bounds)(level, entry),
			    stage->changed[index]);
		if (ret > 0)
			level--;
		else if (!ret)
			ret = 1;
	}
	return ret < 0 ? ret : scan.any;
}

struct tables *tables_create(void)
{
	struct tables *tables = calloc(1, sizeof(*tables));

	/* Slots of a fresh set are of generation 0, which is never the current one. */
	if (tables)
		tables->seen.generation = 1;
	return tables;
}

void tables_destroy(struct tables *tables)
{
	if (!tables)
		return;
	copies_free(&tables->copies);
	free(tables->seen.slots);
	free(tables);
}
