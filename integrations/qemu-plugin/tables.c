/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What holds, whatever the guest has written:
 *  - Each entry is loaded once when its table is entered, and reported and followed by that value.
 *  - Depth is bounded by TABLE_LEVELS. A walk without leaves enters a table once for each level and
 *    range of indexes; one with leaves enters TABLES_MAX tables at most.
 *  - A doubleword counts as reported only after it was reported.
 */
#include "tables.h"

#include <endian.h>
#include <stdlib.h>

#define COPY_SHIFT	  12
#define COPY_WORDS	  512u
#define TABLE_ENTRIES_MAX 8192u

struct copy {
	uint64_t page; /* GPA >> COPY_SHIFT */
	uint64_t words[COPY_WORDS];
};

/* Which part of which table: the key of the set of parts that a walk has entered. */
struct part {
	uint64_t gpa;
	uint16_t first;
	uint16_t last;
	uint8_t level;
	bool whole;
};

/* A slot belongs to the set if its generation is the current one. */
struct part_slot {
	struct part part;
	uint64_t generation;
};

struct stage {
	uint64_t entries[TABLE_ENTRIES_MAX];
	enum { UNREADABLE, SAME, CHANGED } states[TABLE_ENTRIES_MAX];
};

struct tables_state {
	/* Hash tables; their room is a power of two, or 0. */
	struct copy **copies;
	size_t copy_room;
	size_t copy_count;
	struct part_slot *parts;
	size_t part_room;
	size_t part_count;
	uint64_t generation;
	struct stage stages[TABLE_LEVELS];
};

static struct copy **copy_slot(struct copy **copies, size_t room, uint64_t page)
{
	size_t i = tables_mix(page) & (room - 1);

	while (copies[i] && copies[i]->page != page)
		i = (i + 1) & (room - 1);
	return &copies[i];
}

static struct copy *copy_find(const struct tables_state *state, uint64_t page)
{
	return state->copy_room ? *copy_slot(state->copies, state->copy_room, page) : NULL;
}

static bool copies_grow(struct tables_state *state)
{
	size_t room = state->copy_room ? state->copy_room * 2 : 64, i;
	struct copy **wider = calloc(room, sizeof(struct copy *));

	if (!wider)
		return false;
	for (i = 0; i < state->copy_room; i++) {
		if (state->copies[i])
			*copy_slot(wider, room, state->copies[i]->page) = state->copies[i];
	}
	free(state->copies);
	state->copies = wider;
	state->copy_room = room;
	return true;
}

static struct copy *copy_make(struct tables_state *state, uint64_t page)
{
	struct copy *copy;

	if (state->copy_count * 2 >= state->copy_room && !copies_grow(state))
		return NULL;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return NULL;
	copy->page = page;
	*copy_slot(state->copies, state->copy_room, page) = copy;
	state->copy_count++;
	return copy;
}

static bool part_equal(const struct part *a, const struct part *b)
{
	return a->gpa == b->gpa && a->first == b->first && a->last == b->last && a->level == b->level && a->whole == b->whole;
}

static struct part_slot *part_slot(const struct tables_state *state, struct part_slot *parts, size_t room, const struct part *part)
{
	size_t i = tables_mix(part->gpa ^ (uint64_t)part->first << 48 ^ (uint64_t)part->last << 33 ^ part->level) & (room - 1);

	while (parts[i].generation == state->generation && !part_equal(&parts[i].part, part))
		i = (i + 1) & (room - 1);
	return &parts[i];
}

static bool parts_grow(struct tables_state *state)
{
	size_t room = state->part_room ? state->part_room * 2 : 256, i;
	struct part_slot *wider = calloc(room, sizeof(*wider));

	if (!wider)
		return false;
	for (i = 0; i < state->part_room; i++) {
		if (state->parts[i].generation == state->generation)
			*part_slot(state, wider, room, &state->parts[i].part) = state->parts[i];
	}
	free(state->parts);
	state->parts = wider;
	state->part_room = room;
	return true;
}

/* true if the part was not entered in this walk before. */
static bool part_is_new(struct tables *tables, const struct part *part)
{
	struct tables_state *state = tables->state;
	struct part_slot *slot;

	if (state->part_count * 2 >= state->part_room && !parts_grow(state)) {
		tables->lost = true;
		return false;
	}
	slot = part_slot(state, state->parts, state->part_room, part);
	if (slot->generation == state->generation)
		return false;
	*slot = (struct part_slot){ .part = *part, .generation = state->generation };
	state->part_count++;
	return true;
}

bool tables_init(struct tables *tables, const struct guest_ram *ram, bool big_endian)
{
	*tables = (struct tables){ .ram = ram, .big_endian = big_endian, .state = calloc(1, sizeof(struct tables_state)) };
	return tables->state;
}

void tables_finish(struct tables *tables)
{
	size_t i;

	for (i = 0; i < tables->state->copy_room; i++)
		free(tables->state->copies[i]);
	free(tables->state->copies);
	free(tables->state->parts);
	free(tables->state);
	free(tables->changes.list);
}

struct changes tables_take_changes(struct tables *tables)
{
	struct changes changes = tables->changes;

	tables->changes = (struct changes){ 0 };
	return changes;
}

void tables_report(struct tables *tables, uint64_t gpa, uint64_t value)
{
	struct copy *copy = copy_find(tables->state, gpa >> COPY_SHIFT);
	unsigned int i = (unsigned int)(gpa / 8 % COPY_WORDS);

	if (value == (copy ? copy->words[i] : 0))
		return;
	tables->changed = true;
	if (!copy)
		copy = copy_make(tables->state, gpa >> COPY_SHIFT);
	if (!copy || !changes_add(&tables->changes, gpa, value)) {
		tables->lost = true;
		return;
	}
	copy->words[i] = value;
}

static bool load(const struct tables *tables, uint64_t gpa, uint64_t *value)
{
	uint64_t raw;

	if (!guest_ram_load(tables->ram, gpa, &raw))
		return false;
	*value = tables->big_endian ? be64toh(raw) : le64toh(raw);
	return true;
}

bool tables_load(struct tables *tables, uint64_t gpa, uint64_t *values, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!load(tables, gpa + i * 8, &values[i]))
			return false;
		tables_report(tables, gpa + i * 8, values[i]);
	}
	return true;
}

/* Loads indexes of a table, and reports those that have changed. */
static void fill_stage(struct tables *tables, struct stage *stage, uint64_t table, unsigned int first, unsigned int last)
{
	const struct copy *copy = NULL;
	bool searched = false;
	unsigned int i;

	for (i = first; i <= last; i++) {
		uint64_t gpa = table + i * UINT64_C(8);

		stage->states[i] = UNREADABLE;
		if (!load(tables, gpa, &stage->entries[i]))
			continue;
		if (!searched || gpa % (UINT64_C(1) << COPY_SHIFT) == 0)
			copy = copy_find(tables->state, gpa >> COPY_SHIFT);
		searched = true;
		stage->states[i] = SAME;
		if (stage->entries[i] == (copy ? copy->words[gpa / 8 % COPY_WORDS] : 0))
			continue;
		stage->states[i] = CHANGED;
		tables_report(tables, gpa, stage->entries[i]);
		copy = copy_find(tables->state, gpa >> COPY_SHIFT);
	}
}

struct walk {
	struct tables *tables;
	const struct table_layout *layout;
	uint64_t first;
	uint64_t last;
	struct runs *leaves;
	unsigned int table_count;
	uint64_t page_count;
};

/* Registers of other devices, to which messages of interrupts go, are not memory. */
static void add_leaf(struct walk *walk, uint64_t iova, unsigned int shift, const struct table_entry *leaf)
{
	const struct guest_ram *ram = walk->tables->ram;
	uint64_t first = leaf->address, last = first + ((UINT64_C(1) << shift) - 1), pages;

	if (last < ram->gpa || first > ram->gpa + (ram->bytes - 1) || last < first)
		return;
	if (first < ram->gpa)
		first = ram->gpa;
	if (last > ram->gpa + (ram->bytes - 1))
		last = ram->gpa + (ram->bytes - 1);
	pages = (last - first) / CAPTURE_PAGE_SIZE + 1;
	walk->page_count += pages;
	if (walk->page_count <= TABLE_PAGES_MAX)
		runs_add(walk->leaves, iova + (first - leaf->address), first, leaf->prot, pages);
	if (walk->page_count > TABLE_PAGES_MAX || walk->leaves->lost)
		walk->tables->lost = true;
}

/* Whether a table has anything in memory. It may go on at 0 from the end of the address space. */
static bool overlaps(const struct guest_ram *ram, uint64_t table, unsigned int entries)
{
	uint64_t at = table - ram->gpa;

	return at < ram->bytes || at > UINT64_MAX - entries * UINT64_C(8);
}

/* root: the table and its level; whole: all of it is to be reported. */
static void enter(struct walk *walk, const struct table_root *root, bool whole)
{
	unsigned int shift = walk->layout->shift[root->level], first = root->first, last = root->last, i;
	struct stage *stage = &walk->tables->state->stages[root->level];
	uint64_t at_first = walk->first > root->iova ? (walk->first - root->iova) >> shift : 0, at_last = (walk->last - root->iova) >> shift;
	struct part part;

	if (at_first > last || at_last < first || first > last || last >= TABLE_ENTRIES_MAX || !overlaps(walk->tables->ram, root->table, last + 1))
		return;
	if (at_first > first)
		first = (unsigned int)at_first;
	if (at_last < last)
		last = (unsigned int)at_last;
	part = (struct part){ .gpa = root->table, .first = (uint16_t)first, .last = (uint16_t)last, .level = (uint8_t)root->level, .whole = whole };
	if (walk->leaves && ++walk->table_count > TABLES_MAX)
		walk->tables->lost = true;
	if (walk->tables->lost || (!walk->leaves && !part_is_new(walk->tables, &part)))
		return;
	fill_stage(walk->tables, stage, root->table, whole ? root->first : first, whole ? root->last : last);
	if (!root->level && !walk->leaves)
		return;
	for (i = first; i <= last && !walk->tables->lost; i++) {
		uint64_t iova = root->iova + ((uint64_t)i << shift);
		struct table_entry entry;

		if (stage->states[i] == UNREADABLE)
			continue;
		entry = walk->layout->entry(walk->layout, root->level, stage->entries[i]);
		if (entry.kind == TABLE_LEAF && walk->leaves)
			add_leaf(walk, iova, shift, &entry);
		else if (entry.kind == TABLE_NEXT && root->level)
			enter(walk,
			      &(struct table_root){ .table = entry.address, .level = root->level - 1, .first = entry.first, .last = entry.last, .iova = iova },
			      stage->states[i] == CHANGED);
	}
}

void tables_walk(struct tables *tables, const struct table_layout *layout, const struct table_root *root, uint64_t first, uint64_t last, struct runs *leaves)
{
	struct walk walk = { .tables = tables, .layout = layout, .first = first, .last = last, .leaves = leaves };

	tables->state->part_count = 0;
	tables->state->generation++;
	enter(&walk, root, false);
}

void tables_path(const struct tables *tables, const struct table_layout *layout, const struct table_root *root, uint64_t iova,
		 void (*fn)(void *ctx, unsigned int level, uint64_t gpa, bool readable, uint64_t value), void *ctx)
{
	uint64_t table = root->table, value = 0;
	unsigned int level = root->level;

	iova -= root->iova;
	for (;;) {
		uint64_t entries = level == root->level ? root->last + UINT64_C(1) : UINT64_C(1) << (layout->shift[level + 1] - layout->shift[level]);
		uint64_t gpa = table + (iova >> layout->shift[level]) % entries * 8;
		bool readable = load(tables, gpa, &value);
		struct table_entry entry;

		fn(ctx, level, gpa, readable, value);
		if (!readable || !level)
			return;
		entry = layout->entry(layout, level--, value);
		if (entry.kind != TABLE_NEXT)
			return;
		table = entry.address;
	}
}
