/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host's table: the template of a translation table in the format VIOMMU_FORMAT, written by one
 * thread and read by any number of others.
 *
 * It keeps true:
 *  - map is all or nothing, and is not seen half done: it first plans, changing nothing, then has
 *    every page of memory that it will need, then writes.
 *  - unmap needs no memory. To remove part of a leaf that covers more than a page, the leaf is
 *    split: replaced by a table that says the same in smaller leaves. The pages for splitting a
 *    leaf all the way down are set aside when the leaf is written (promised), so that a large leaf
 *    saves time and steps of a walk, and no memory. Splitting one completely needs no more tables
 *    than mapping its pages one by one. A mapping that is only removed as a whole
 *    (host_mapping.whole) needs no such pages.
 *  - A table other than the top one has at least one entry that is not invalid. Its number of
 *    those, its live count, is kept in the entry that points at it, in bits that the format leaves
 *    to software. A table whose live count falls to 0 is taken out of the tree.
 *  - Work is proportional to what is mapped in a range, not to the range: an invalid entry is
 *    skipped with all that it covers.
 *  - In a steady state nothing is allocated: pages go round between the tree, the parked list and
 *    the spare list, and back to the VM only when it is short of memory (trim), or in the end.
 *
 * How lookup does without a lock. Pages are type-stable: while a lookup may be in it, a page that
 * once was a table holds entries, so that following a stale pointer reads an entry, if perhaps one
 * of another table that the page has become since. What must not happen is that such an entry is
 * believed, or that a leaf read in a page that was a higher table is followed as if it pointed at
 * one. Hence three rules:
 *  1. A table that is taken out of the tree is parked, all its entries invalid, until the next
 *     flush. Its link in the parked list is in its first entry, in the form of an invalid entry. A
 *     lookup that is still in it finds nothing, which is what the table said.
 *  2. flush first increments the space's generation, and only then makes parked pages spare ones,
 *     which get new content.
 *  3. lookup reads the generation, and reads it again after each entry that it loads, before it
 *     does anything with the entry. If it has changed, it begins anew. It does so once for each
 *     flush that happens in its time at the most.
 * All entries are written by release stores and loaded by acquire loads. So a thread that loads an
 * entry that was written after a flush also sees that flush's generation (2 is before the store, 3
 * after the load), and an entry that passes rule 3 is one of the table that it was meant to be in.
 * And a thread that reads a generation sees all that was removed before the flush that made it: an
 * answer is never older than its generation. Nothing here needs a fence.
 *
 * The format must have 8-byte entries in tables of at most 4096 bytes, 0 for its invalid entry,
 * and, beyond the list in format.h:
 *   bool X_can_address(address)             whether an entry can hold an address
 *   unsigned X_software(e), uint64_t X_with_software(e, number)      a number, up to 512 at least,
 *                                                                    in an entry that points at a
 *                                                                    table, or a leaf
 *   uint64_t X_parked_entry(address), uint64_t X_parked_address(e)   an invalid entry that holds
 *                                                                    the address of a page, or 0
 *
 * A unit that instantiates the template includes it once, and gets the functions at the end, with
 * external linkage, under the format's name.
 */
#ifndef VIOMMU_HOST_TABLE_H
#define VIOMMU_HOST_TABLE_H

#include "format/walk.h"
#include "host/host.h"
#include "port/port.h"

#define TABLE_BYTES 4096u

/* No hardware has fewer than three levels. */
#define TABLE_LEAST_TOP 2u

struct host_table {
	struct host_space space;
	const struct host_memory *memory;
	uint64_t first, last;
	/*
	 * Leaves hold HVAs less this: entries have room for fewer bits than HVAs have. Fixed once
	 * something was mapped.
	 */
	uint64_t base;
	struct format_root root;

	/* From here on it is the writer's own, kept away from the lines that lookups read. */
	bool removed port_aligned(PORT_LINE_BYTES); /* something was, since the last flush */
	bool based;				    /* something was ever mapped */
	/*
	 * The lowest table that was used last, where it hangs in the tree, and its first IOVA.
	 * NULL: none was, or it may be gone.
	 */
	port_word *recent;
	port_word *recent_above;
	uint64_t recent_first;
	port_word *spare; /* pages to take, linked through their first entries */
	uint64_t spares;  /* how many */
	/* How many of them are set aside for splitting: no more than there are */
	uint64_t promised;
	/* Pages taken out since the last flush, the latest first */
	port_word *parked;
	port_word *parked_end; /* the earliest of them */
	uint64_t parked_pages;
};

static inline struct host_table *table_of(struct host_space *space)
{
	return (struct host_table *)(void *)space;
}

/*
 * An entry holds 52 bits of a table's address. A kernel's addresses are sign-extended from these.
 */
static inline port_word *table_pointer(uint64_t address)
{
#ifdef PORT_SIGNED_ADDRESSES
	return (port_word *)(uintptr_t)((int64_t)(address << 12) >> 12);
#else
	return (port_word *)(uintptr_t)address;
#endif
}

static inline uint64_t table_address(const port_word *table)
{
#ifdef PORT_SIGNED_ADDRESSES
	return (uint64_t)(uintptr_t)table << 12 >> 12;
#else
	return (uint64_t)(uintptr_t)table;
#endif
}

/* The entries: what only the writer does needs no order, since what it loads it has written. */
static inline uint64_t F(get)(const port_word *slot)
{
	return F(from_memory)(port_load_relaxed(slot));
}

static inline void F(set)(port_word *slot, uint64_t entry)
{
	port_store_release(slot, F(to_memory)(entry));
}

static inline unsigned int F(entries)(unsigned int level)
{
	return 1u << F(index_bits)(level);
}

static inline port_word *F(child)(unsigned int level, uint64_t entry)
{
	return table_pointer(F(table_address)(level, entry));
}

/*
 * Pages that splitting one leaf of this level down to the lowest takes: the table that replaces it,
 * and those that replace that one's leaves.
 */
static inline uint64_t F(split_pages)(unsigned int level)
{
	uint64_t pages = 0;

	for (unsigned int below = 0; below < level; below++)
		pages = 1 + F(entries)(below) * pages;
	return pages;
}

static void F(push_spare)(struct host_table *table, port_word *page)
{
	F(set)(page, F(parked_entry)(table_address(table->spare)));
	table->spare = page;
	table->spares++;
}

/* A page whose entries are all invalid, the one that was its link included. */
static port_word *F(pop_spare)(struct host_table *table)
{
	port_word *page = table->spare;

	table->spare = table_pointer(F(parked_address)(F(get)(page)));
	table->spares--;
	return page;
}

static void F(free_spare)(struct host_table *table)
{
	table->memory->free(table->memory->ctx, F(pop_spare)(table), TABLE_BYTES, TABLE_BYTES);
}

/*
 * Sees to it that there are so many spare pages beyond the promised ones. Without them, gives back
 * what it got: no lookup has ever seen those pages.
 */
static int F(reserve)(struct host_table *table, uint64_t pages)
{
	const struct host_memory *memory = table->memory;
	uint64_t got = 0;

	while (table->spares - table->promised < pages) {
		port_word *page = (port_word *)memory->alloc(memory->ctx, TABLE_BYTES, TABLE_BYTES);

		if (page && !F(can_address)(table_address(page))) {
			memory->free(memory->ctx, page, TABLE_BYTES, TABLE_BYTES);
			page = NULL;
		}
		if (!page) {
			while (got--)
				F(free_spare)(table);
			return -PORT_ENOMEM;
		}
		F(push_spare)(table, page);
		got++;
	}
	return 0;
}

/*
 * The level of the largest leaf that can begin at iova, translate to output, and end at last or
 * before.
 */
static inline unsigned int F(leaf_level)(const struct host_table *table, uint64_t iova, uint64_t last, uint64_t output)
{
	unsigned int level = 0;

	while (level < table->root.level && F(can_leaf)(level + 1)) {
		uint64_t below = (UINT64_C(1) << F(shift)(level + 1)) - 1;

		if ((iova | output) & below || last - iova < below)
			break;
		level++;
	}
	return level;
}

/*
 * How many leaves of this level go, from iova on, into one table and end at last or before. At
 * least one does.
 */
static inline unsigned int F(leaf_count)(unsigned int level, uint64_t iova, uint64_t last)
{
	uint64_t below = (UINT64_C(1) << F(shift)(level)) - 1;
	uint64_t end = iova | F(reach)(level);

	if (end > last)
		end = last;
	return (unsigned int)((end - iova - below) >> F(shift)(level)) + 1;
}

/*
 * Counts the pages for mapping first..last to output: missing tables, and pages to promise. -EEXIST
 * if something is mapped there already.
 *
 * It goes leaf table by leaf table, as F(write) will. A table that is missing for one of these is
 * missing for the next one, too, if that lies in the same table's reach, and is counted only for
 * the first.
 */
static int F(plan)(const struct host_table *table, uint64_t first, uint64_t last, uint64_t output, bool whole, uint64_t *tables, uint64_t *promise)
{
	uint64_t iova = first, previous = first;

	*tables = 0;
	*promise = 0;
	for (;;) {
		unsigned int leaf = F(leaf_level)(table, iova, last, output + (iova - first));
		unsigned int count = F(leaf_count)(leaf, iova, last);
		uint64_t bytes = (uint64_t)count << F(shift)(leaf);
		unsigned int level = table->root.level;
		const port_word *slot = table_pointer(table->root.table) + F(index)(level, iova);
		enum format_kind kind;

		while ((kind = F(kind)(&table->root, level, F(get)(slot))) == FORMAT_TABLE && level > leaf) {
			slot = F(child)(level, F(get)(slot)) + F(index)(level - 1, iova);
			level--;
		}
		if (kind != FORMAT_INVALID)
			return -PORT_EEXIST;
		if (level == leaf) {
			bool taken = false;

			for (unsigned int i = 1; i < count; i++)
				taken |= F(kind)(&table->root, leaf, F(get)(slot + i)) != FORMAT_INVALID;
			if (taken)
				return -PORT_EEXIST;
		}
		for (unsigned int missing = leaf; missing < level; missing++)
			*tables += iova == first || (iova ^ previous) > F(reach)(missing);
		*promise += whole ? 0 : count * F(split_pages)(leaf);
		if (last - iova == bytes - 1)
			return 0;
		previous = iova;
		iova += bytes;
	}
}

/* A leaf that can be split has a 1 in the bits for software: pages are promised to it. */
static inline uint64_t F(new_leaf)(unsigned int level, uint64_t output, uint32_t prot, bool can_split)
{
	return F(with_software)(F(leaf_entry)(level, output, prot), level && can_split);
}

/* Carries out what was planned. There is a page for everything. */
static void F(write)(struct host_table *table, uint64_t first, uint64_t last, uint64_t output, uint32_t prot, bool whole)
{
	uint64_t iova = first;

	for (;;) {
		unsigned int leaf = F(leaf_level)(table, iova, last, output);
		unsigned int count = F(leaf_count)(leaf, iova, last);
		uint64_t bytes = (uint64_t)count << F(shift)(leaf);
		unsigned int level = table->root.level;
		port_word *slot = table_pointer(table->root.table) + F(index)(level, iova);
		port_word *above = NULL;

		for (; level > leaf; level--) {
			if (F(kind)(&table->root, level, F(get)(slot)) == FORMAT_INVALID) {
				F(set)(slot, F(table_entry)(level, table_address(F(pop_spare)(table))));
				if (above)
					F(set)(above, F(with_software)(F(get)(above), F(software)(F(get)(above)) + 1));
			}
			above = slot;
			slot = F(child)(level, F(get)(slot)) + F(index)(level - 1, iova);
		}
		for (unsigned int i = 0; i < count; i++)
			F(set)(slot + i, F(new_leaf)(leaf, output + ((uint64_t)i << F(shift)(leaf)), prot, !whole));
		if (above)
			F(set)(above, F(with_software)(F(get)(above), F(software)(F(get)(above)) + count));
		table->promised += whole ? 0 : count * F(split_pages)(leaf);
		if (last - iova == bytes - 1)
			return;
		iova += bytes;
		output += bytes;
	}
}

/*
 * Replaces a leaf by a table that translates the same, with one of the pages that were promised for
 * this. Lookups see the one or the other.
 */
static void F(split)(struct host_table *table, unsigned int level, port_word *slot)
{
	uint64_t entry = F(get)(slot);
	uint64_t output = F(leaf_address)(level, entry);
	uint32_t prot = F(prot)(&table->root, level, entry);
	unsigned int count = F(entries)(level - 1);
	port_word *page = F(pop_spare)(table);

	table->promised--;
	for (unsigned int i = 0; i < count; i++)
		F(set)(page + i, F(new_leaf)(level - 1, output + ((uint64_t)i << F(shift)(level - 1)), prot, true));
	F(set)(slot, F(with_software)(F(table_entry)(level, table_address(page)), count));
}

static void F(park)(struct host_table *table, port_word *page)
{
	table->recent = NULL;
	F(set)(page, F(parked_entry)(table_address(table->parked)));
	if (!table->parked)
		table->parked_end = page;
	table->parked = page;
	table->parked_pages++;
}

/*
 * count entries of a table became invalid. slot points at that table, and *(path + 1) at the one
 * above: NULL after the top.
 */
static void F(account)(struct host_table *table, port_word **path, unsigned int level, unsigned int count)
{
	table->removed = true;
	for (; path[level]; level++) {
		uint64_t entry = F(get)(path[level]);
		unsigned int left = F(software)(entry) - count;

		if (left) {
			F(set)(path[level], F(with_software)(entry, left));
			return;
		}
		F(set)(path[level], 0);
		F(park)(table, F(child)(level, entry));
		count = 1;
	}
}

/*
 * Removes what is mapped from iova on, up to the end of a table or to last. Returns the last IOVA
 * that it has dealt with.
 */
static uint64_t F(remove_some)(struct host_table *table, uint64_t iova, uint64_t last)
{
	/* path[n] points at the table of level n - 1 that iova is in; NULL for the top table */
	port_word *path[F(max_level) + 2];
	unsigned int level = table->root.level;
	port_word *slot = table_pointer(table->root.table) + F(index)(level, iova);

	path[level + 1] = NULL;
	for (;; level--) {
		port_word *end = slot - F(index)(level, iova) + F(entries)(level);
		uint64_t entry, span_last;
		unsigned int removed = 0;

		/* Over what can be dealt with in this table. */
		for (;; slot++, iova = span_last + 1) {
			enum format_kind kind;

			entry = F(get)(slot);
			kind = F(kind)(&table->root, level, entry);
			span_last = format_span_last(iova, F(shift)(level));
			if (kind == FORMAT_TABLE)
				break;
			if (kind == FORMAT_LEAF) {
				bool can_split = F(software)(entry);

				if (can_split && (iova != format_span_first(iova, F(shift)(level)) || span_last > last)) {
					F(split)(table, level, slot);
					break;
				}
				/*
				 * One that cannot be split goes as a whole: rather too much than
				 * too little.
				 */
				F(set)(slot, 0);
				table->promised -= can_split ? F(split_pages)(level) : 0;
				removed++;
			}
			if (span_last >= last || slot + 1 == end) {
				if (removed)
					F(account)(table, path, level + 1, removed);
				return span_last;
			}
		}
		/* Into the table that slot points at. With that one live, this one is. */
		if (removed)
			F(account)(table, path, level + 1, removed);
		path[level] = slot;
		slot = F(child)(level, F(get)(slot)) + F(index)(level - 1, iova);
	}
}

static void F(remove)(struct host_table *table, uint64_t first, uint64_t last)
{
	for (;;) {
		uint64_t done = F(remove_some)(table, first, last);

		if (done >= last)
			return;
		first = done + 1;
	}
}

/*
 * One lookup's view: what it loads counts only while the generation is the one that it began with.
 */
struct F(view) {
	const port_word *generation;
	uint64_t began;
};

static inline int F(load)(void *ctx, uint64_t address, uint64_t *raw)
{
	const struct F(view) *view = (const struct F(view) *)ctx;

	*raw = port_load_acquire(table_pointer(address));
	return port_load_relaxed(view->generation) == view->began ? 0 : -1;
}

/*
 * Finds the lowest table that all of first..last are in: where its entry of `first` is, or NULL
 * where there is no such table. What a guest maps and unmaps all day lies in few of them, so that
 * the last one is kept in mind.
 */
static port_noinline port_word *F(walk_lowest)(struct host_table *table, uint64_t first)
{
	unsigned int level = table->root.level;
	port_word *slot = table_pointer(table->root.table) + F(index)(level, first), *above = NULL;

	for (; level; level--) {
		if (F(kind)(&table->root, level, F(get)(slot)) != FORMAT_TABLE)
			return NULL;
		above = slot;
		slot = F(child)(level, F(get)(slot)) + F(index)(level - 1, first);
	}
	table->recent = slot - F(index)(0, first);
	table->recent_above = above;
	table->recent_first = first & ~F(reach)(0);
	return slot;
}

static port_always_inline port_word *F(find_lowest)(struct host_table *table, uint64_t first, uint64_t last)
{
	if ((first ^ last) > F(reach)(0))
		return NULL;
	if (table->recent && table->recent_first == (first & ~F(reach)(0)))
		return table->recent + F(index)(0, first);
	return F(walk_lowest)(table, first);
}

/* How many entries of the lowest table are not invalid, of so many from slot on. */
static inline unsigned int F(live)(const struct host_table *table, const port_word *slot, unsigned int number)
{
	unsigned int live = 0;

	for (unsigned int i = 0; i < number; i++)
		live += F(kind)(&table->root, 0, F(get)(slot + i)) != FORMAT_INVALID;
	return live;
}

/* Maps within a table that is there, with leaves of pages, if that is all that it takes. */
static bool F(map_within)(struct host_table *table, uint64_t first, uint64_t last, uint64_t output, uint32_t prot)
{
	unsigned int pages = (unsigned int)((last - first) >> F(shift)(0)) + 1;
	port_word *slot = F(find_lowest)(table, first, last), *above;
	uint64_t entry;

	/*
	 * A whole table may do with one leaf of the level above; there, too, it may be that
	 * something is mapped already.
	 */
	if (!slot || pages == F(entries)(0) || F(live)(table, slot, pages))
		return false;
	above = table->recent_above;
	for (unsigned int i = 0; i < pages; i++)
		F(set)(slot + i, F(new_leaf)(0, output + ((uint64_t)i << F(shift)(0)), prot, false));
	entry = F(get)(above);
	F(set)(above, F(with_software)(entry, F(software)(entry) + pages));
	return true;
}

/* Unmaps within a table, if something is left in it then. */
static bool F(unmap_within)(struct host_table *table, uint64_t first, uint64_t last)
{
	unsigned int pages = (unsigned int)((last - first) >> F(shift)(0)) + 1, live, left;
	port_word *slot = F(find_lowest)(table, first, last), *above;
	uint64_t entry;

	if (!slot)
		return false;
	above = table->recent_above;
	live = F(live)(table, slot, pages);
	entry = F(get)(above);
	left = F(software)(entry) - live;
	if (!left)
		return false;
	for (unsigned int i = 0; i < pages; i++)
		F(set)(slot + i, 0);
	F(set)(above, F(with_software)(entry, left));
	table->removed |= live > 0;
	return true;
}

int F(space_create)(struct viommu_host *host, struct host_vm *vm, uint64_t first, uint64_t last, const struct host_memory *memory, struct host_space **out)
{
	struct host_table *table = (struct host_table *)memory->alloc(memory->ctx, sizeof(*table), _Alignof(struct host_table));
	unsigned int level = TABLE_LEAST_TOP;

	(void)vm;
	if (!table)
		return -PORT_ENOMEM;
	table->space.host = host;
	table->memory = memory;
	table->first = first;
	table->last = last;
	if (F(reserve)(table, 1)) {
		memory->free(memory->ctx, table, sizeof(*table), _Alignof(struct host_table));
		return -PORT_ENOMEM;
	}
	while (level < F(max_level) && last > F(reach)(level))
		level++;
	table->root.table = table_address(F(pop_spare)(table));
	table->root.level = level;
	table->root.prot = VIOMMU_RW;
	table->root.last = F(reach)(level);
	table->root.bounds.last = F(entries)(level) - 1;
	*out = &table->space;
	return 0;
}

int F(space_flush)(struct host_space *space)
{
	struct host_table *table = table_of(space);

	if (!table->removed)
		return 0;
	port_store_release(&space->generation, space->generation + 1);
	table->removed = false;
	if (table->parked) {
		F(set)(table->parked_end, F(parked_entry)(table_address(table->spare)));
		table->spare = table->parked;
		table->spares += table->parked_pages;
		table->parked = NULL;
		table->parked_pages = 0;
	}
	return 0;
}

void F(space_trim)(struct host_space *space)
{
	struct host_table *table = table_of(space);

	while (table->spares > table->promised)
		F(free_spare)(table);
}

void F(space_destroy)(struct host_space *space)
{
	struct host_table *table = table_of(space);
	const struct host_memory *memory = table->memory;

	F(remove)(table, 0, F(reach)(table->root.level));
	F(space_flush)(space);
	while (table->spares)
		F(free_spare)(table);
	memory->free(memory->ctx, table_pointer(table->root.table), TABLE_BYTES, TABLE_BYTES);
	memory->free(memory->ctx, table, sizeof(*table), _Alignof(struct host_table));
}

/* The bits of an offset into a page. */
static inline uint64_t F(below)(void)
{
	return (UINT64_C(1) << F(shift)(0)) - 1;
}

/* Whether first..last are whole pages. */
static inline bool F(whole)(uint64_t first, uint64_t last)
{
	return first <= last && !((first | ~last) & F(below)());
}

static inline bool F(can_hold)(uint64_t output, uint64_t last)
{
	return output <= last && F(can_address)(output) && F(can_address)(last - (VIOMMU_PAGE_SIZE - 1));
}

/*
 * Sets the base by the first HVA: 0, or so that HVAs as far below it as above fit. It is a multiple
 * of what the largest leaf covers.
 */
#define TABLE_AROUND (UINT64_C(1) << 51)
static port_noinline void F(set_base)(struct host_table *table, uint64_t hva)
{
	unsigned int level = 0;

	while (level < F(max_level) && F(can_leaf)(level + 1))
		level++;
	table->base = hva < TABLE_AROUND ? 0 : format_span_first(hva - TABLE_AROUND, F(shift)(level));
}

/* With tables that are missing, or with large leaves. */
static port_noinline int F(map_tables)(struct host_table *table, const struct host_mapping *mapping, uint64_t output)
{
	uint64_t tables, promise;
	int error = F(plan)(table, mapping->first, mapping->last, output, mapping->whole, &tables, &promise);

	if (!error)
		error = F(reserve)(table, tables + promise);
	if (!error)
		F(write)(table, mapping->first, mapping->last, output, mapping->prot, mapping->whole);
	table->based |= !error;
	return error;
}

/*
 * -EINVAL, -EEXIST, -ENOMEM, or -ERANGE: outside the space's IOVAs, or too far from what was mapped
 * first for the entries.
 */
int F(space_map)(struct host_space *space, const struct host_mapping *mapping)
{
	struct host_table *table = table_of(space);
	uint64_t first = mapping->first, last = mapping->last, hva = (uint64_t)(uintptr_t)mapping->hva;
	uint64_t output;

	/* With that, the memory ends with a page, too. */
	if (!F(whole)(first, last) || hva & F(below)() || hva + (last - first) < hva || !(mapping->prot & VIOMMU_RW))
		return -PORT_EINVAL;
	if (first < table->first || last > table->last)
		return -PORT_ERANGE;
	if (!table->based)
		F(set_base)(table, hva);
	output = hva - table->base;
	if (!F(can_hold)(output, output + (last - first)))
		return -PORT_ERANGE;
	if (F(map_within)(table, first, last, output, mapping->prot))
		return 0;
	return F(map_tables)(table, mapping, output);
}

int F(space_unmap)(struct host_space *space, uint64_t first, uint64_t last)
{
	struct host_table *table = table_of(space);

	if (!F(whole)(first, last))
		return -PORT_EINVAL;
	/* Outside of first..last nothing is mapped. */
	if (last > table->root.last)
		last = table->root.last;
	if (first <= last && !F(unmap_within)(table, first, last))
		F(remove)(table, first, last);
	return 0;
}

/* Until all that a walk loaded is of one generation, which view has then. */
static port_always_inline void F(look_up)(struct host_table *table, uint64_t iova, struct F(view) * view, struct format_walk *walk)
{
	do {
		view->began = port_load_acquire(&table->space.generation);
		F(walk)(&table->root, iova, F(load), view, walk);
	} while (walk->reason == VIOMMU_FAULT_TABLE_UNBACKED);
}

int F(space_lookup)(struct host_space *space, uint64_t iova, struct host_mapping *mapping, port_word *generation)
{
	struct host_table *table = table_of(space);
	struct F(view) view = { &space->generation, 0 };
	struct format_walk walk;

	F(look_up)(table, iova, &view, &walk);
	*generation = view.began;
	if (walk.reason)
		return -PORT_ENOENT;
	mapping->first = walk.first;
	mapping->last = walk.last;
	mapping->hva = (unsigned char *)(uintptr_t)(table->base + walk.output - (iova - walk.first));
	mapping->offset = 0;
	mapping->prot = walk.prot;
	mapping->fd = -1;
	return 0;
}

/*
 * Entries of a lowest table are not followed, so that rule 3 may be kept for all of them at once. A
 * table_entry allows everything.
 */
unsigned int F(space_lookup_pages)(struct host_space *space, uint64_t iova, struct host_page *pages, unsigned int max)
{
	struct host_table *table = table_of(space);
	struct F(view) view = { &space->generation, 0 };
	unsigned int number, left = F(entries)(0) - F(index)(0, iova);
	struct format_walk walk;

	if (max > left)
		max = left;
	do {
		const port_word *slot;

		F(look_up)(table, iova, &view, &walk);
		if (walk.reason || walk.level)
			return 0;
		slot = table_pointer(walk.entry_address);
		for (number = 0; number < max; number++) {
			uint64_t entry = F(get)(slot + number);

			if (F(kind)(&table->root, 0, entry) != FORMAT_LEAF)
				break;
			pages[number].hva = (unsigned char *)(uintptr_t)(table->base + F(leaf_address)(0, entry));
			pages[number].prot = F(prot)(&table->root, 0, entry);
		}
	} while (port_load_relaxed(&space->generation) != view.began);
	return number;
}

#endif
