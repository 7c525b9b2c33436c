/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Invariants, for any contents of the tables:
 *  - Each entry is loaded once when its table is entered. That value is reported and followed.
 *  - TABLE_LEVELS bounds the depth. A walk without leaves enters a table once for each level and
 *    range of indexes. One with leaves enters TABLES_MAX tables at most.
 *  - A doubleword counts as reported only after it was reported.
 */
#include "tables.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>

#define TABLE_ENTRIES_MAX 8192u

/* The smallest table. The lengths of tables are multiples of it. */
#define GRANULE_SHIFT 11
#define QUARTER	      512u

struct stage {
	uint64_t entries[TABLE_ENTRIES_MAX];
	enum { UNREADABLE, SAME, CHANGED } states[TABLE_ENTRIES_MAX];
};

/*
 * A granule of memory as the start of a table of one level: the walk that entered it last, and the
 * lengths.
 */
struct stamp {
	uint32_t walk;
	uint32_t lengths;
};

struct tables_state {
	/* guest memory as it was reported; the kernel fills in pages on demand */
	uint64_t *reported;
	struct stamp *stamps[TABLE_LEVELS];
	uint32_t walks;
	struct stage stages[TABLE_LEVELS];
};

bool tables_init(struct tables *tables, const struct guest_ram *ram, bool big_endian)
{
	*tables = (struct tables){ .ram = ram, .big_endian = big_endian, .state = calloc(1, sizeof(struct tables_state)) };
	return tables->state;
}

/* Zeroed memory that is allocated when it is written. NULL if there is none. */
static void *map_zeros(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* Written pages are sparse. */
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	return memory;
}

static uint64_t stamp_bytes(const struct tables *tables)
{
	return ((tables->ram->bytes >> GRANULE_SHIFT) + 1) * sizeof(struct stamp);
}

void tables_finish(struct tables *tables)
{
	unsigned int level;

	if (tables->state->reported)
		munmap(tables->state->reported, tables->ram->bytes);
	for (level = 0; level < TABLE_LEVELS; level++) {
		if (tables->state->stamps[level])
			munmap(tables->state->stamps[level], stamp_bytes(tables));
	}
	free(tables->state);
	free(tables->changes.list);
}

struct changes tables_take_changes(struct tables *tables)
{
	struct changes changes = tables->changes;

	tables->changes = (struct changes){ 0 };
	return changes;
}

static bool load(const struct tables *tables, uint64_t gpa, uint64_t *value)
{
	uint64_t raw;

	if (!guest_ram_load(tables->ram, gpa, &raw))
		return false;
	*value = tables->big_endian ? be64toh(raw) : le64toh(raw);
	return true;
}

/* Loads a doubleword once, and reports it if it has changed. */
static bool load_and_report(struct tables *tables, uint64_t gpa, uint64_t *value, bool *changed)
{
	uint64_t *reported;

	if (!load(tables, gpa, value))
		return false;
	if (!tables->state->reported)
		tables->state->reported = map_zeros(tables->ram->bytes);
	if (!tables->state->reported) {
		tables->lost = true;
		return false;
	}
	reported = &tables->state->reported[(gpa - tables->ram->gpa) / 8];
	*changed = *value != *reported;
	if (!*changed)
		return true;
	tables->changed = true;
	if (changes_add(&tables->changes, gpa, *value))
		*reported = *value;
	else
		tables->lost = true;
	return true;
}

bool tables_load(struct tables *tables, uint64_t gpa, uint64_t *values, unsigned int count)
{
	unsigned int i;
	bool changed;

	for (i = 0; i < count; i++) {
		if (!load_and_report(tables, gpa + i * 8, &values[i], &changed))
			return false;
	}
	return true;
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

/* Registers of other devices, the targets of message interrupts, are not memory. */
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

/*
 * Whether to enter a table with these of its indexes. A whole table is entered once in a walk. The
 * others are on the paths to the ends of the range, two in a level.
 */
static bool may_enter(struct walk *walk, const struct table_root *root, unsigned int first, unsigned int last)
{
	struct tables *tables = walk->tables;
	uint64_t at = root->table - tables->ram->gpa;
	struct stamp **stamps = &tables->state->stamps[root->level], *stamp;
	uint32_t length = 1u << ((root->first / QUARTER & 3) << 2 | (root->last / QUARTER & 3));

	if (walk->leaves) {
		tables->lost |= ++walk->table_count > TABLES_MAX;
		return !tables->lost;
	}
	if (first != root->first || last != root->last)
		return true;
	if (!*stamps)
		*stamps = map_zeros(stamp_bytes(tables));
	if (!*stamps) {
		tables->lost = true;
		return false;
	}
	stamp = &(*stamps)[at >> GRANULE_SHIFT];
	if (stamp->walk != tables->state->walks)
		*stamp = (struct stamp){ .walk = tables->state->walks };
	if (stamp->lengths & length)
		return false;
	stamp->lengths |= length;
	return true;
}

/* root: the table and its level. whole: report all of it. */
static void enter(struct walk *walk, const struct table_root *root, bool whole)
{
	unsigned int shift = walk->layout->shift[root->level], first = root->first, last = root->last, i;
	struct stage *stage = &walk->tables->state->stages[root->level];
	bool changed;
	uint64_t at_first = walk->first > root->iova ? (walk->first - root->iova) >> shift : 0, at_last = (walk->last - root->iova) >> shift;

	/* A table that begins outside memory is not followed. */
	if (at_first > last || at_last < first || first > last || last >= TABLE_ENTRIES_MAX || !guest_ram_has(walk->tables->ram, root->table))
		return;
	if (at_first > first)
		first = (unsigned int)at_first;
	if (at_last < last)
		last = (unsigned int)at_last;
	if (walk->tables->lost || !may_enter(walk, root, first, last))
		return;
	for (i = whole ? root->first : first; i <= (whole ? root->last : last); i++) {
		stage->states[i] = UNREADABLE;
		if (load_and_report(walk->tables, root->table + i * UINT64_C(8), &stage->entries[i], &changed))
			stage->states[i] = changed ? CHANGED : SAME;
	}
	if (!root->level && !walk->leaves)
		return;
	for (i = first; i <= last && !walk->tables->lost; i++) {
		uint64_t iova = root->iova + ((uint64_t)i << shift);
		struct table_entry entry;

		if (stage->states[i] == UNREADABLE)
			continue;
		entry = walk->layout->entry(walk->layout, root->level, stage->entries[i]);
		if (entry.bits > shift)
			entry.address += iova & ((UINT64_C(1) << entry.bits) - 1);
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

	tables->state->walks++;
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
