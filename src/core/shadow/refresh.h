/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The generic refresh: a template that is included once for each guest format (#define
 * VIOMMU_FORMAT, include its header, include this), and yields its struct shadow_ops.
 *
 * A refresh is a scan and a fill. The scan goes down the guest's tables and the shadow side by
 * side: what the shadow has and the tables no longer say is taken out of the host's space, what the
 * tables say and the shadow does not have is noted. After the scan comes the flush, then what was
 * taken out is unpinned (commit), and only then the fill pins and maps what was noted: so a refresh
 * of the whole aperture frees what it needs, and no page is unpinned while a device may reach it.
 *
 * Tables change while they are read. Each entry is loaded once and judged on the copy, in the scan
 * and again in the fill; what the scan found unchanged the fill leaves alone, even if it differs by
 * then: it was true during the call, and the guest owes another refresh.
 *
 * Where a table's entries come from is its source. Besides guest memory there are three that need
 * none. A frame is mapped by one entry of a higher table and seen here as a table of pages. An
 * alias is a level above the root's: the aperture is wider than the root table reaches, and the
 * format ignores the bits above, or has several tables at the root. A skipped level lies between an
 * entry and the table that it names; it has nothing at indexes other than 0.
 */
#ifndef VIOMMU_CORE_SHADOW_REFRESH_H
#define VIOMMU_CORE_SHADOW_REFRESH_H

#include "core/result.h"
#include "core/shadow/formats.h"
#include "core/shadow/shadow.h"
#include "core/vm.h"
#include "port/sized.h"

/* How often to try to set access flags in an entry that a guest goes on changing. */
#define SHADOW_TOUCHES 16u

/*
 * How many tables of leaves ahead. Fewer come too late where the copies are in no near cache, and
 * more gain nothing.
 */
#define SHADOW_AHEAD 4u

/*
 * The page of guest memory from which entries were loaded last, and which is mapped until the
 * cursor is closed.
 */
struct shadow_cursor {
	uint64_t page; /* GPA, not a multiple of a page where there is none yet */
	const struct slot *slot;
	uint64_t *entries; /* NULL: there is no memory */
};
#define SHADOW_CURSOR_INIT \
	{                  \
		.page = 1  \
	}

/* The slot that backs a GPA, unless it is on its way out. */
static inline struct slot *shadow_slot(struct shadow_pass *pass, uint64_t gpa)
{
	struct slot *slot = pass->slot;

	if (!slot || gpa < slot->first || gpa > slot->last)
		slot = pass->slot = slots_find(pass->slots, gpa);
	return slot && !port_load_relaxed(&slot->removing) ? slot : NULL;
}

/*
 * The host's part of the refresh of one page without a pass. Errors are the host's, and are logged.
 */
static inline int shadow_map_page(struct viommu_domain *domain, const struct slot *slot, uint64_t iova, uint64_t gpa, uint32_t prot)
{
	struct host_mapping mapping = shadow_mapping(slot, iova, gpa, VIOMMU_PAGE_SIZE, prot);
	int error = domain->host_space->ops->map(domain->host_space, &mapping);

	domain->stats.host_maps++;
	if (error)
		shadow_log_refused(domain->vm, mapping.first, mapping.last, error);
	return error;
}

static inline int shadow_remove_page(struct viommu_domain *domain, uint64_t iova)
{
	int error = space_unmap(domain->host_space, iova, iova + (VIOMMU_PAGE_SIZE - 1)), flush_error = domain_flush(domain);

	domain->stats.host_unmaps++;
	domain->stats.host_flushes++;
	if (!error)
		error = flush_error;
	if (error)
		shadow_log_kept(domain->vm, error);
	return error;
}

static inline void shadow_close(struct shadow_cursor *cursor)
{
	if (cursor->entries)
		slot_unmap_page(cursor->slot, cursor->entries);
}

static inline const uint64_t *shadow_locate(struct shadow_pass *pass, struct shadow_cursor *cursor, uint64_t gpa)
{
	uint64_t page = gpa & ~(VIOMMU_PAGE_SIZE - 1);

	if (cursor->page != page) {
		shadow_close(cursor);
		cursor->page = page;
		cursor->slot = shadow_slot(pass, page);
		cursor->entries = cursor->slot ? slot_map_page(cursor->slot, page) : NULL;
	}
	return cursor->entries ? cursor->entries + (gpa - page) / sizeof(uint64_t) : NULL;
}

/* Whether n entries of the guest's are what the copy says. Each is loaded once. */
static inline bool shadow_equal(const struct shadow *shadow, const uint64_t *guest, const uint64_t *copy, unsigned int n)
{
	if (n >= PORT_WIDE_ENTRIES)
		return shadow->equal(guest, copy, n);
	for (unsigned int i = 0; i < n; i++)
		if (port_load_entry(&guest[i]) != copy[i])
			return false;
	return true;
}

/* Whether the bits of a mask are these in each of n entries. */
static inline bool shadow_all_have(const uint64_t *guest, unsigned int n, uint64_t mask, uint64_t bits)
{
	uint64_t differs = 0;

	for (unsigned int i = 0; i < n; i++)
		differs |= port_load_entry(&guest[i]) ^ bits;
	return !(differs & mask);
}

/*
 * Reports each step of a scan or a fill to core/tracking.h: to a table, or to none although there
 * may have been one. (A frame is such a case for the fill alone: the scan notes what it releases
 * for it.)
 */
static inline void shadow_no_table(struct shadow_pass *pass, unsigned int level, uint64_t first, uint64_t last)
{
	if (pass->tracking.tracked)
		tracking_no_table(&pass->tracking, level, first, last);
}

/*
 * Whether a table need not be scanned, since nothing in it or beneath it was written since it was
 * made true. Asked before its entries are loaded.
 */
static inline bool shadow_is_known(struct shadow_pass *pass, unsigned int level, const struct shadow_source *source, uint64_t first, uint64_t last)
{
	struct format_root table;

	if (!pass->tracking.tracked || source->kind != SHADOW_TABLE)
		return false;
	table = (struct format_root){ .table = source->address, .level = level, .prot = source->prot, .bounds = source->bounds };
	return !tracking_enter(&pass->tracking, pass->slots, &table, first, last);
}

/*
 * The same, where the way was not walked table by table: of the leaves at iova, NULL if there are
 * none.
 */
static inline void shadow_leaves_are(struct shadow_pass *pass, const struct shadow_source *source, uint64_t iova)
{
	if (pass->tracking.tracked)
		tracking_leaves(&pass->tracking, source && source->kind == SHADOW_TABLE ? source->address : UINT64_MAX, source ? source->prot : 0, iova);
}

/*
 * Whether the scan went past a table for that reason, so that there is nothing to fill beneath it.
 */
static inline bool shadow_was_known(struct shadow_pass *pass, unsigned int level, const struct shadow_source *source, uint64_t first, uint64_t last)
{
	struct format_root table;

	if (pass->tracking.tracked && source->kind == SHADOW_TABLE) {
		table = (struct format_root){ .table = source->address, .level = level, .prot = source->prot, .bounds = source->bounds };
		return !tracking_fill(&pass->tracking, &table, first, last);
	}
	if (source->kind == SHADOW_FRAME)
		shadow_no_table(pass, level, first, last);
	return false;
}

#endif

_Static_assert(F(max_level) < SHADOW_MAX_LEVELS, "room for every level");

static struct shadow_source F(root_source)(const struct shadow *shadow)
{
	return (struct shadow_source){ .kind = shadow->top_level > shadow->root.level ? SHADOW_ALIAS : SHADOW_TABLE,
				       .prot = shadow->root.prot,
				       .address = shadow->root.table,
				       .bounds = shadow->root.bounds,
				       .table_level = shadow->root.level,
				       .entry_level = shadow->root.level,
				       .entry_gpa = UINT64_MAX };
}

/*
 * Sets the access flags that a leaf lacks, for a guest whose hardware does that. Accesses of a
 * device are not seen here, so that what a page allows counts as done: flags are set when it is
 * established, and again if the guest clears them. Returns the word as it then is in memory. If the
 * flags cannot be set, returns an invalid word, since the page then must not be reached.
 */
static uint64_t F(touch)(struct shadow_pass *pass, const uint64_t *location, uint64_t gpa, unsigned int level, uint32_t prot, uint64_t iova, uint64_t word)
{
	const struct format_root *root = &pass->shadow->root;

	for (unsigned int i = 0; i < SHADOW_TOUCHES; i++) {
		uint64_t entry = F(from_memory)(word), touched;
		const struct slot *slot;

		if (F(kind)(root, level, entry) != FORMAT_LEAF)
			return word;
		touched = F(to_memory)(F(accessed)(root, level, entry, F(prot)(root, level, entry) & prot));
		if (touched == word)
			return word;
		slot = shadow_slot(pass, gpa);
		if (!slot || !(slot->prot & VIOMMU_WRITE)) {
			shadow_fault(pass, VIOMMU_FAULT_ACCESS_FLAG, iova, level, gpa, entry);
			break;
		}
		if (port_cmpxchg_entry(location, &word, touched))
			return touched;
	}
	return F(to_memory)(F(invalid_entry)(level));
}

/*
 * Judges an entry of a higher table. True if something may be beneath it, and then *below says
 * what; it may be *source. The entry becomes a step of the path, if there is one.
 */
static port_always_inline bool F(descend)(struct shadow_pass *pass, struct shadow_cursor *cursor, const struct shadow_source *source, unsigned int level,
					  uint64_t iova, struct shadow_source *below, struct shadow_path *path)
{
	unsigned int index = F(index)(level, iova);
	const uint64_t *location;
	enum format_kind kind;
	uint64_t gpa, word, entry;

	below->table = NULL;
	if (source->kind >= SHADOW_ALIAS) {
		*below = *source;
		if (source->kind == SHADOW_SKIPPED && index)
			return false;
		if (level - 1 == source->table_level) {
			if (source->kind == SHADOW_ALIAS)
				below->address += F(root_offset)(&pass->shadow->root, iova);
			below->kind = SHADOW_TABLE;
		}
		return true;
	}
	if (source->kind == SHADOW_FRAME) {
		*below = *source;
		below->address += (uint64_t)index << F(shift)(level);
		return true;
	}
	if (index < source->bounds.first || index > source->bounds.last) {
		shadow_fault(pass, VIOMMU_FAULT_ENTRY_LENGTH, iova, source->entry_level, source->entry_gpa, source->entry);
		return false;
	}
	gpa = source->address + index * sizeof(uint64_t);
	location = shadow_locate(pass, cursor, gpa);
	if (!location) {
		shadow_fault(pass, VIOMMU_FAULT_TABLE_UNBACKED, iova, level, gpa, 0);
		return false;
	}
	word = port_load_entry(location);
	if (F(updates))
		word = F(touch)(pass, location, gpa, level, source->prot, iova, word);
	if (path) {
		path->step[path->steps].slot = cursor->slot;
		path->step[path->steps].offset = gpa - cursor->slot->first;
		path->step[path->steps++].word = word;
	}
	entry = F(from_memory)(word);
	kind = F(kind)(&pass->shadow->root, level, entry);
	switch (kind) {
	case FORMAT_INVALID:
		return false;
	case FORMAT_TABLE:
		below->kind = SHADOW_TABLE;
		below->address = F(table_address)(level, entry);
		below->bounds = F(table_bounds)(level, entry);
		below->table_level = F(table_level)(level, entry);
		if (below->table_level != level - 1)
			below->kind = SHADOW_SKIPPED;
		break;
	case FORMAT_LEAF:
		if (F(shift)(level) > pass->shadow->widest)
			pass->shadow->widest = (uint8_t)F(shift)(level);
		below->kind = SHADOW_FRAME;
		below->address = F(output)(level, entry, format_span_first(iova, F(shift)(level)));
		break;
	default:
		shadow_fault(pass, format_reason(kind), iova, level, gpa, entry);
		return false;
	}
	below->prot = source->prot & F(prot)(&pass->shadow->root, level, entry);
	below->entry_level = level;
	below->entry_gpa = gpa;
	below->entry = entry;
	return true;
}

/*
 * Whether an entry of that level is, or lies in, a leaf that has no memory in at..end, IOVAs that
 * the entry covers. A guest may name any amount of address space with one leaf: what has no memory
 * is passed over at once.
 */
static inline bool F(is_empty)(const struct shadow_pass *pass, const struct shadow_source *below, unsigned int level, uint64_t at, uint64_t end)
{
	const struct slot *slot = pass->slot;
	uint64_t first, last;

	if (below->kind != SHADOW_FRAME)
		return false;
	first = below->address + (at & ((UINT64_C(1) << F(shift)(level)) - 1));
	last = first + (end - at);
	/* Most often the last one that something was found in has it. */
	return !(slot && first >= slot->first && last <= slot->last) && !slots_overlap(pass->slots, first, last);
}

/*
 * A table of leaves lies within one page of guest memory, so that it is found, or not, as a whole.
 * False where it is not; else it is to be closed.
 */
static bool F(open_table)(struct shadow_pass *pass, struct shadow_source *source, uint64_t iova)
{
	source->table = NULL;
	if (source->kind == SHADOW_FRAME)
		return true;
	source->slot = shadow_slot(pass, source->address);
	if (source->slot) {
		source->offset = source->address - source->slot->first;
		source->table = port_guest_map(&source->slot->memory, source->offset);
	}
	if (source->table)
		return true;
	shadow_fault(pass, VIOMMU_FAULT_TABLE_UNBACKED, iova, 0, source->address + F(index)(0, iova) * sizeof(uint64_t), 0);
	return false;
}

/*
 * The path that is kept for the table of leaves that iova is in: neighbours have different ones,
 * and so have tables at the same place of neighbouring higher tables.
 */
static inline struct shadow_path *F(path)(struct shadow *shadow, uint64_t iova)
{
	uint64_t table = iova >> (F(shift)(0) + F(index_bits)(0));

	return (table ^ table >> F(index_bits)(1)) & 1 ? &shadow->path[1] : &shadow->path[0];
}

/* Walks to the table of leaves that iova is in, and opens it. NULL if there is none. */
static port_noinline struct shadow_source *F(find_path)(struct shadow_pass *pass, uint64_t iova)
{
	struct shadow_path *path = F(path)(pass->shadow, iova);
	struct shadow_cursor cursor = SHADOW_CURSOR_INIT;
	unsigned int level;

	shadow_close_path(pass->shadow);
	port_store_relaxed(&path->first, SHADOW_NO_PATH);
	path->steps = 0;
	path->source = F(root_source)(pass->shadow);
	for (level = pass->shadow->top_level; level; level--)
		if (!F(descend)(pass, &cursor, &path->source, level, iova, &path->source, path))
			break;
	shadow_close(&cursor);
	if (level || !F(open_table)(pass, &path->source, iova))
		return NULL;
	port_store_relaxed(&path->first, iova & ~F(reach)(0));
	pass->shadow->open = &path->source;
	return &path->source;
}

/* Whether each entry of the path says what it said. */
static inline bool F(is_path)(const struct shadow_path *path)
{
	uint64_t word;

	for (unsigned int i = 0; i < path->steps; i++)
		if (!port_guest_load(&path->step[i].slot->memory, path->step[i].offset, &word) || word != path->step[i].word)
			return false;
	return true;
}

/*
 * As F(find_path), but without a walk where the last one still is what the tables say. NULL, too,
 * if the pass is cut. The table stays open until the step ends or another one is opened.
 */
static struct shadow_source *F(follow_path)(struct shadow_pass *pass, uint64_t iova)
{
	struct shadow_path *path = F(path)(pass->shadow, iova);

	if (!shadow_spend(pass, pass->shadow->top_level, iova))
		return NULL;
	if (path->first != (iova & ~F(reach)(0)) || !F(is_path)(path))
		return F(find_path)(pass, iova);
	if (path->source.kind == SHADOW_TABLE && !path->source.table) {
		shadow_close_path(pass->shadow);
		pass->shadow->open = &path->source;
		path->source.table = port_guest_map(&path->source.slot->memory, path->source.offset);
		if (!path->source.table)
			return F(find_path)(pass, iova);
	}
	return &path->source;
}

/*
 * Loads the entries lo..hi of a block of a table of leaves, as in memory. Those of a frame are
 * computed and judged like others: X_leaf_entry() is a leaf with all rights under every root.
 */
static inline void F(load_block)(struct shadow_pass *pass, const struct shadow_source *source, uint64_t iova, unsigned int lo, unsigned int hi,
				 uint64_t word[SHADOW_BLOCK])
{
	/* The index of entry 0 of the block. It wraps where the table is smaller than a block. */
	unsigned int table_index = F(index)(0, iova) - lo;
	const uint64_t *table = source->table;

	for (unsigned int i = lo; i <= hi; i++)
		word[i] = table ? port_load_entry(&table[table_index + i])
				: F(to_memory)(F(leaf_entry)(0, source->address + ((uint64_t)(table_index + i) << SHADOW_PAGE_SHIFT), VIOMMU_RW));
	for (unsigned int i = lo; F(updates) && table && i <= hi; i++)
		word[i] = F(touch)(pass, &table[table_index + i], source->address + (table_index + i) * sizeof(uint64_t), 0, source->prot,
				   iova + ((uint64_t)(i - lo) << SHADOW_PAGE_SHIFT), word[i]);
}

/*
 * The page that an entry of level 0 at iova names. Entries that say one leaf name its parts. The
 * mask lets the compiler drop what is 0 for formats without such leaves.
 */
static inline uint64_t F(page)(uint64_t entry, uint64_t iova)
{
	return F(output)(0, entry, iova & ~(VIOMMU_PAGE_SIZE - 1));
}

static inline uint64_t F(page_in)(const struct shadow_leaves *leaves, unsigned int i)
{
	return F(page)(F(from_memory)(leaves->word[i]), leaves->first + ((uint64_t)i << SHADOW_PAGE_SHIFT));
}

/* Whether the words lo..hi of a block are what F(load_block) would load of a frame. */
static inline bool F(is_frame)(const struct shadow_source *source, unsigned int table_index, unsigned int lo, unsigned int hi,
			       const uint64_t word[SHADOW_BLOCK])
{
	uint64_t differs = 0;

	for (unsigned int i = lo; i <= hi; i++)
		differs |= word[i] ^ F(to_memory)(F(leaf_entry)(0, source->address + ((uint64_t)(table_index + i) << SHADOW_PAGE_SHIFT), VIOMMU_RW));
	return !differs;
}

/*
 * Whether an established leaf of a block is no longer true, as its entry now is `word`. A true one
 * takes the new word.
 */
static inline bool F(is_stale)(const struct format_root *root, struct shadow_leaves *leaves, const struct shadow_source *source, unsigned int i, uint64_t word)
{
	uint64_t bit = UINT64_C(1) << i, iova = leaves->first + ((uint64_t)i << SHADOW_PAGE_SHIFT);
	uint64_t entry = F(from_memory)(word), old = F(from_memory)(leaves->word[i]);
	uint32_t allowed = (leaves->readable & bit ? VIOMMU_READ : 0) | (leaves->writable & bit ? VIOMMU_WRITE : 0);

	if (leaves->doubtful & bit || F(kind)(root, 0, entry) != FORMAT_LEAF || F(page)(entry, iova) != F(page)(old, iova) ||
	    (F(prot)(root, 0, entry) & source->prot) != (F(prot)(root, 0, old) & allowed))
		return true;
	/*
	 * It may differ in bits that mean nothing, or say itself what a higher entry said before.
	 */
	leaves->word[i] = word;
	shadow_set_rights(leaves, source->prot, bit);
	return false;
}

/* Of the established leaves in `mask`, those that are no longer true. */
static uint64_t F(stale)(const struct format_root *root, struct shadow_leaves *leaves, const struct shadow_source *source, const uint64_t word[SHADOW_BLOCK],
			 uint64_t mask)
{
	uint64_t stale = 0;

	for (; mask; mask &= mask - 1) {
		unsigned int i = port_lowest_bit(mask);

		if (F(is_stale)(root, leaves, source, i, word[i]))
			stale |= UINT64_C(1) << i;
	}
	return stale;
}

/* Whether n entries of the guest's are all invalid. Others may be invalid, too. */
static inline bool F(all_invalid)(const uint64_t *entries, unsigned int n, unsigned int level)
{
	return shadow_all_have(entries, n, F(to_memory)(F(invalid_mask)(level)), F(to_memory)(F(invalid_bits)(level)));
}

/* Whether the entries lo..hi of one block are as they were applied: then there is nothing to do. */
static inline bool F(is_applied)(const struct shadow_pass *pass, const struct shadow_leaves *leaves, const struct shadow_source *source,
				 unsigned int table_index, unsigned int lo, unsigned int hi)
{
	/* Where one entry is valid, the first one most often is. */
	if (!leaves)
		return hi > lo && source->table && F(all_invalid)(&source->table[table_index + lo], 1, 0) &&
		       F(all_invalid)(&source->table[table_index + lo], hi - lo + 1, 0);
	if (shadow_differs(leaves, source->prot) & shadow_mask(lo, hi))
		return false;
	return source->table ? shadow_equal(pass->shadow, &source->table[table_index + lo], &leaves->word[lo], hi - lo + 1)
			     : F(is_frame)(source, table_index, lo, hi, leaves->word);
}

/* Scans the entries lo..hi of one block. */
static void F(scan_block)(struct shadow_pass *pass, struct shadow_leaves *leaves, const struct shadow_source *source, uint64_t iova, unsigned int lo,
			  unsigned int hi)
{
	uint64_t base = iova & ~(((uint64_t)SHADOW_BLOCK << SHADOW_PAGE_SHIFT) - 1);
	/* modulo 2^32: of entry 0, which a small table may not have */
	unsigned int table_index = F(index)(0, iova) - lo;
	uint64_t mask = shadow_mask(lo, hi), established, stale = 0, valid = 0, bad = 0;
	uint64_t word[SHADOW_BLOCK];

	if (F(is_applied)(pass, leaves, source, table_index, lo, hi))
		return;
	established = leaves ? leaves->leaf & mask : 0;
	F(load_block)(pass, source, iova, lo, hi, word);
	for (unsigned int i = lo; i <= hi; i++) {
		enum format_kind kind = F(kind)(&pass->shadow->root, 0, F(from_memory)(word[i]));

		valid |= (uint64_t)(kind == FORMAT_LEAF) << i;
		bad |= (uint64_t)(kind != FORMAT_LEAF && kind != FORMAT_INVALID) << i;
	}
	if (leaves) {
		stale = F(stale)(&pass->shadow->root, leaves, source, word, established);
		/*
		 * The copy of what is not established is what lets the next refresh find at once
		 * that nothing changed.
		 */
		for (uint64_t bits = mask & ~established & ~valid & ~bad; bits; bits &= bits - 1)
			leaves->word[port_lowest_bit(bits)] = word[port_lowest_bit(bits)];
		if (stale)
			shadow_release_leaves(pass, leaves, stale);
	}
	valid &= ~(established & ~stale);
	if (valid)
		shadow_note(pass, base + ((uint64_t)port_lowest_bit(valid) << SHADOW_PAGE_SHIFT),
			    base + ((uint64_t)(port_highest_bit(valid) + 1) << SHADOW_PAGE_SHIFT) - 1);
	for (; bad; bad &= bad - 1) {
		unsigned int i = port_lowest_bit(bad);

		shadow_fault(pass, format_reason(F(kind)(&pass->shadow->root, 0, F(from_memory)(word[i]))), base + ((uint64_t)i << SHADOW_PAGE_SHIFT), 0,
			     source->address + (table_index + i) * sizeof(uint64_t), F(from_memory)(word[i]));
	}
}

/* Copies lie here and there, where no hardware foresees them, as it does the guest's tables. */
static inline void F(prefetch)(const struct shadow_leaves *leaves)
{
	for (unsigned int at = 0; leaves && at < sizeof(*leaves); at += PORT_LINE_BYTES)
		__builtin_prefetch((const unsigned char *)leaves + at);
}

static void F(scan_leaves)(struct shadow_pass *pass, struct shadow_node *node, const struct shadow_node *ahead, const struct shadow_source *source,
			   uint64_t first, uint64_t last)
{
	for (uint64_t at = first;;) {
		struct shadow_span span = shadow_span(at, last);

		if (!shadow_spend(pass, span.hi - span.lo + 1, at))
			return;
		if (ahead)
			F(prefetch)(ahead->block[shadow_index(ahead, at) / SHADOW_BLOCK]);
		F(scan_block)(pass, node ? node->block[shadow_index(node, at) / SHADOW_BLOCK] : NULL, source, at, span.lo, span.hi);
		if (span.last == last)
			return;
		at = span.last + 1;
	}
}

/*
 * How many entries of a block, from that of `at` on, can be passed over at once: `at` is their
 * first IOVA, all end before `last`, nothing is established beneath them, and none is valid. An
 * aperture is mostly this.
 */
static unsigned int F(skip)(struct shadow_pass *pass, struct shadow_cursor *cursor, const struct shadow_node *node, unsigned int level,
			    const struct shadow_source *source, uint64_t at, uint64_t last)
{
	unsigned int index = F(index)(level, at), in_block = index % SHADOW_BLOCK, most = SHADOW_BLOCK - in_block, n = 0;
	const struct shadow_branches *branches = node ? node->block[index / SHADOW_BLOCK] : NULL;
	const uint64_t *entries;

	if (source->kind != SHADOW_TABLE || at & ((UINT64_C(1) << F(shift)(level)) - 1) || index < source->bounds.first ||
	    index + most - 1 > source->bounds.last || (last - at) >> F(shift)(level) < most || pass->budget < most)
		return 0;
	entries = shadow_locate(pass, cursor, source->address + index * sizeof(uint64_t));
	if (!entries || !F(all_invalid)(entries, 1, level))
		return 0;
	if (!branches && F(all_invalid)(entries, most, level))
		n = most;
	while (n < most && !(branches && branches->child[in_block + n]) && F(all_invalid)(&entries[n], 1, level))
		n++;
	(void)shadow_spend(pass, n, at);
	return n;
}

/*
 * The node of a table some way ahead, whose copies are fetched block by block while this one is
 * compared; and, already, the node after it.
 */
static const struct shadow_node *F(ahead)(const struct shadow_node *node, const struct shadow_source *source, unsigned int index)
{
	index += SHADOW_AHEAD;
	if (index + 1 <= source->bounds.last)
		__builtin_prefetch(shadow_child(node, index + 1));
	return index <= source->bounds.last ? shadow_child(node, index) : NULL;
}

/* Scans first..last of a table at a level above 0; node is NULL where nothing is established. */
static void F(scan_table)(struct shadow_pass *pass, struct shadow_node *node, unsigned int level, const struct shadow_source *source, uint64_t first,
			  uint64_t last)
{
	struct shadow_cursor cursor = SHADOW_CURSOR_INIT;

	for (uint64_t at = first;;) {
		uint64_t end = shadow_entry_last(F(shift)(level), at);
		struct shadow_node *child = node ? shadow_child(node, F(index)(level, at)) : NULL;
		unsigned int skipped = child ? 0 : F(skip)(pass, &cursor, node, level, source, at, last);
		struct shadow_source below;

		if (skipped) {
			at += (uint64_t)skipped << F(shift)(level);
			continue;
		}
		if (end > last)
			end = last;
		if (!shadow_spend(pass, 1, at))
			break;
		if (!F(descend)(pass, &cursor, source, level, at, &below, NULL) || (level == 1 && !F(open_table)(pass, &below, at))) {
			if (child) {
				shadow_no_table(pass, level - 1, at, end);
				shadow_release_node(pass, child, at, end);
			}
		} else if (F(is_empty)(pass, &below, level, at, end)) {
			if (child)
				shadow_release_node(pass, child, at, end);
			/* The fill counts what has no memory. */
			if (!pass->cut || pass->next > at)
				shadow_note(pass, at, pass->cut ? pass->next - 1 : end);
		} else if (shadow_is_known(pass, level - 1, &below, at, end)) {
			/* nothing to do beneath it */
		} else if (level == 1) {
			F(scan_leaves)
			(pass, child, child && end != last && source->kind == SHADOW_TABLE ? F(ahead)(node, source, F(index)(level, at)) : NULL, &below, at,
			 end);
		} else {
			F(scan_table)(pass, child, level - 1, &below, at, end);
		}
		shadow_close_table(&below);
		if (pass->cut || end == last)
			break;
		at = end + 1;
	}
	shadow_close(&cursor);
}

/* Scans a range that one table of leaves translates: what most refreshes are. */
static void F(scan_within)(struct shadow_pass *pass, uint64_t first, uint64_t last)
{
	struct shadow_node *node = shadow_leaf_node(pass->shadow, first, F(reach)(0));
	struct shadow_source *source = F(follow_path)(pass, first);

	if (source || (node && !pass->cut))
		shadow_leaves_are(pass, source, first);
	if (source) {
		F(scan_leaves)(pass, node, NULL, source, first, last);
	} else if (node && !pass->cut) {
		shadow_release_node(pass, node, first, last);
	}
}

static void F(scan)(struct shadow_pass *pass, uint64_t first, uint64_t last)
{
	struct shadow_source source;

	/* Where there are records, it is each table on the way that is held against them. */
	if ((first ^ last) <= F(reach)(0) && !pass->tracking.learns) {
		F(scan_within)(pass, first, last);
		return;
	}
	source = F(root_source)(pass->shadow);
	if (shadow_is_known(pass, pass->shadow->top_level, &source, first, last))
		return;
	F(scan_table)(pass, pass->shadow->top, pass->shadow->top_level, &source, first, last);
}

/*
 * The page could not be had, and is as if it had never been established. pinned: it was pinned
 * already. It stands after the scan, where such a page's block is as a pass leaves it.
 */
static port_noinline int F(give_up_page)(struct shadow *shadow, struct viommu_domain *domain, uint64_t iova, bool pinned, int error)
{
	struct shadow_leaves *leaves = shadow_find(shadow, iova);
	unsigned int i = (unsigned int)(iova >> SHADOW_PAGE_SHIFT) % SHADOW_BLOCK;
	uint64_t gpa = F(page_in)(leaves, i);

	if (pinned)
		pins_put_page(&domain->vm->pins, slots_find(vm_slots(domain->vm), gpa), gpa);
	leaves->word[i] = F(to_memory)(F(invalid_entry)(0));
	shadow_unset(leaves, UINT64_C(1) << i);
	shadow->mapped--;
	domain->stats.mapped_pages--;
	domain->stats.insufficient += error != -PORT_ENOMEM;
	/* A pass gives up what is only kept for later, and tries again. */
	return error == -PORT_ENOMEM ? SHADOW_LONG : -PORT_ENOSPC;
}

/* An established page, whose entry is now an invalid one. */
static port_noinline int F(release_page)(struct shadow *shadow, struct viommu_domain *domain, const struct shadow_path *path, uint64_t iova, uint64_t word)
{
	unsigned int i = (unsigned int)(iova >> SHADOW_PAGE_SHIFT) % SHADOW_BLOCK;
	struct shadow_leaves *leaves = path->block;
	uint64_t bit = UINT64_C(1) << i, gpa;

	if (shadow_remove_page(domain, iova)) {
		leaves->doubtful |= bit;
		return -PORT_EIO;
	}
	gpa = F(page_in)(leaves, i);
	leaves->word[i] = word;
	leaves->doubtful &= ~bit;
	shadow_unset(leaves, bit);
	shadow->mapped--;
	domain->stats.mapped_pages--;
	domain->stats.released++;
	if (domain->vm->pins.on_refresh)
		pins_put_page(&domain->vm->pins, shadow_slot_at(path->source.slot, domain->vm, gpa), gpa);
	if (!leaves->leaf)
		shadow_rest(shadow, leaves);
	return 0;
}

/*
 * Refreshes one page without a pass: most refreshes of a strict guest are of one page. Returns
 * SHADOW_LONG, and changes nothing, if the path to the table is unknown or has changed, if nothing
 * of the block was ever established, if the entry is malformed, or if it maps another page than
 * before or a page without memory.
 *
 * The order of release, flush, unpin, pin and map, and the result, are those of a pass. One page
 * never exceeds the limits of a step. The entry is loaded once, for the scan and for the fill.
 */
static port_always_inline int F(try_page)(struct shadow *shadow, struct viommu_domain *domain, struct shadow_path *path, uint64_t iova,
					  struct viommu_refresh_result *result)
{
	const struct shadow_source *source = &path->source;
	unsigned int i = (unsigned int)(iova >> SHADOW_PAGE_SHIFT) % SHADOW_BLOCK;
	uint64_t bit = UINT64_C(1) << i, word, entry, gpa;
	struct shadow_leaves *leaves;
	enum format_kind kind;
	struct slot *slot;
	uint32_t prot;
	int error;

	if (path->first != (iova & ~F(reach)(0)) || source->kind != SHADOW_TABLE || !F(is_path)(path))
		return SHADOW_LONG;
	leaves = shadow_block(shadow, path, iova, F(reach)(0));
	if (!leaves || !port_guest_load(&source->slot->memory, source->offset + F(index)(0, iova) * sizeof(uint64_t), &word))
		return SHADOW_LONG;
	if (word == leaves->word[i] && !(shadow_differs(leaves, source->prot) & bit))
		return 0;
	entry = F(from_memory)(word);
	kind = F(kind)(&shadow->root, 0, entry);
	if (kind == FORMAT_INVALID) {
		if (!(leaves->leaf & bit)) {
			leaves->word[i] = word;
			return 0;
		}
		error = F(release_page)(shadow, domain, path, iova, word);
		result->released = !error;
		return error;
	}
	if (kind != FORMAT_LEAF || (F(updates) && F(accessed)(&shadow->root, 0, entry, F(prot)(&shadow->root, 0, entry) & source->prot) != entry))
		return SHADOW_LONG;
	if (leaves->leaf & bit)
		return F(is_stale)(&shadow->root, leaves, source, i, word) ? SHADOW_LONG : 0;

	gpa = F(page)(entry, iova);
	slot = shadow_slot_at(source->slot, domain->vm, gpa);
	if (!slot || port_load_relaxed(&slot->removing))
		return SHADOW_LONG;
	prot = F(prot)(&shadow->root, 0, entry) & source->prot & slot->prot;
	if (!prot)
		return SHADOW_LONG;
	/* It is counted as the fill of a pass, too. */
	result->entries *= 2;
	leaves->word[i] = word;
	leaves->leaf |= bit;
	shadow_set_rights(leaves, source->prot, bit);
	shadow->mapped++;
	domain->stats.mapped_pages++;
	if (domain->vm->pins.on_refresh && !pins_get_page(&domain->vm->pins, slot, gpa)) {
		result->unestablished = 1;
		return F(give_up_page)(shadow, domain, iova, false, -PORT_EDQUOT);
	}
	error = shadow_map_page(domain, slot, iova, gpa, prot);
	if (error) {
		result->unestablished = 1;
		return F(give_up_page)(shadow, domain, iova, domain->vm->pins.on_refresh, error);
	}
	result->established = 1;
	domain->stats.established++;
	if (domain->stats.mapped_pages > domain->stats.mapped_pages_peak)
		domain->stats.mapped_pages_peak = domain->stats.mapped_pages;
	return 0;
}

static port_noinline int F(refresh_at)(struct shadow *shadow, struct viommu_domain *domain, struct shadow_path *path, uint64_t iova,
				       struct viommu_refresh_result *result)
{
	struct domain_figures *stats = &domain->stats;
	int error;

	refresh_result_init(result);
	result->steps = 1;
	result->entries = shadow->top_level + 1;
	port_lock(&domain->lock);
	error = F(try_page)(shadow, domain, path, iova, result);
	/* A pass goes on with the lock held. */
	if (error == SHADOW_LONG)
		return SHADOW_LONG_LOCKED;
	stats->refreshes++;
	stats->steps++;
	stats->entries += result->entries;
	port_unlock(&domain->lock);
	return error;
}

static port_noinline int F(refresh_unseen)(struct shadow *shadow, struct viommu_domain *domain, struct shadow_path *path, uint64_t iova)
{
	struct viommu_refresh_result result;

	return F(refresh_at)(shadow, domain, path, iova, &result);
}

static int F(refresh_page)(struct shadow *shadow, struct viommu_domain *domain, uint64_t iova, struct viommu_refresh_result *result)
{
	struct shadow_path *path = F(path)(shadow, iova);

	if (!shadow_may_be_path(path, iova, F(reach)(0)))
		return SHADOW_LONG;
	return result ? F(refresh_at)(shadow, domain, path, iova, result) : F(refresh_unseen)(shadow, domain, path, iova);
}

static int F(verify_block)(void *ctx, struct shadow_leaves *leaves, uint64_t mask)
{
	struct shadow_pass *pass = ctx;
	unsigned int lo = port_lowest_bit(mask);
	uint64_t iova = leaves->first + ((uint64_t)lo << SHADOW_PAGE_SHIFT);
	struct shadow_source *source;

	if (!shadow_may_release(pass, leaves, mask) || !shadow_spend(pass, SHADOW_BLOCK, iova))
		return 1;
	source = F(follow_path)(pass, iova);
	if (source) {
		F(scan_block)(pass, leaves, source, iova, lo, port_highest_bit(mask));
	} else if (!pass->cut) {
		shadow_release_leaves(pass, leaves, mask);
	}
	return pass->cut;
}

static void F(verify)(struct shadow_pass *pass, uint64_t first, uint64_t last)
{
	shadow_each(pass->shadow, first, last, F(verify_block), pass);
}

/*
 * Hands established entries from `index` on to the host, or to the run that they continue: of as
 * many pages as are said, which one slot backs, one after the other, with the same rights.
 */
static void F(map)(struct shadow_pass *pass, struct shadow_leaves *leaves, const struct slot *slot, unsigned int index, unsigned int pages)
{
	uint64_t entry = F(from_memory)(leaves->word[index]);
	uint64_t bit = UINT64_C(1) << index;
	uint64_t gpa = F(page_in)(leaves, index);
	uint64_t iova = leaves->first + ((uint64_t)index << SHADOW_PAGE_SHIFT);
	uint32_t allowed = (leaves->readable & bit ? VIOMMU_READ : 0) | (leaves->writable & bit ? VIOMMU_WRITE : 0);
	struct host_mapping run = shadow_mapping(slot, iova, gpa, (uint64_t)pages << SHADOW_PAGE_SHIFT, F(prot)(&pass->shadow->root, 0, entry) & allowed);

	leaves->start &= ~shadow_mask(index, index + pages - 1);
	if (runs_map(&pass->runs, &run))
		leaves->start |= bit;
}

/*
 * The number of entries from word[0] on, which is that of `iova`, that name consecutive pages with
 * the same rights: at most `most`. The last one is judged, since addresses may end before memory
 * does, and begin again at 0.
 */
static inline unsigned int F(run_length)(const struct format_root *root, const uint64_t *word, uint64_t iova, uint64_t gpa, unsigned int most)
{
	uint64_t entry = F(from_memory)(word[0]), step = F(leaf_step);
	unsigned int repeat = F(leaf_repeat)(0, entry), n = 1;

	if (repeat > 1) {
		unsigned int left = repeat - (unsigned int)(iova >> SHADOW_PAGE_SHIFT) % repeat;

		step = 0;
		most = left < most ? left : most;
	}
	while (n < most && F(from_memory)(word[n]) == entry + n * step)
		n++;
	for (; n > 1; n--) {
		uint64_t last = F(from_memory)(word[n - 1]), offset = (uint64_t)(n - 1) << SHADOW_PAGE_SHIFT;

		if (F(kind)(root, 0, last) == FORMAT_LEAF && F(page)(last, iova + offset) == gpa + offset)
			break;
	}
	return n;
}

static void F(unbacked)(struct shadow_pass *pass, const struct shadow_source *source, uint64_t iova, uint64_t pages)
{
	pass->result.unbacked += pages;
	if (pass->tracking.tracked)
		tracking_distrust(&pass->tracking, source->table ? 0 : source->entry_level, iova);
}

/*
 * Makes the entries lo..hi of one block true where nothing is established, a run at a time: pins
 * first, then maps.
 */
static void F(fill_block)(struct shadow_pass *pass, struct shadow_place *place, const struct shadow_source *source, uint64_t iova, unsigned int lo,
			  unsigned int hi)
{
	struct shadow_leaves *leaves = place->node ? place->node->block[shadow_index(place->node, iova) / SHADOW_BLOCK] : NULL;
	uint64_t base = iova & ~(((uint64_t)SHADOW_BLOCK << SHADOW_PAGE_SHIFT) - 1);
	bool pin = pass->vm->pins.on_refresh;
	uint64_t word[SHADOW_BLOCK];
	uint64_t todo = shadow_mask(lo, hi) & ~(leaves ? leaves->leaf : 0);

	F(load_block)(pass, source, iova, lo, hi, word);
	while (todo) {
		unsigned int i = port_lowest_bit(todo), most = shadow_ones(todo >> i), pages;
		uint64_t entry = F(from_memory)(word[i]), gpa;
		struct slot *slot;
		uint64_t made;

		if (F(kind)(&pass->shadow->root, 0, entry) != FORMAT_LEAF) {
			todo &= todo - 1;
			continue;
		}
		gpa = F(page)(entry, base + ((uint64_t)i << SHADOW_PAGE_SHIFT));
		slot = shadow_slot(pass, gpa);
		if (!slot || !(F(prot)(&pass->shadow->root, 0, entry) & source->prot & slot->prot)) {
			if (!slot)
				F(unbacked)(pass, source, base + ((uint64_t)i << SHADOW_PAGE_SHIFT), 1);
			todo &= todo - 1;
			continue;
		}
		if ((slot->last - gpa) >> SHADOW_PAGE_SHIFT < most)
			most = (unsigned int)((slot->last - gpa) >> SHADOW_PAGE_SHIFT) + 1;
		/* Such a host removes with one call all that one call mapped. */
		pages = 1;
		if (most > 1 && pass->runs.merge)
			pages = F(run_length)(&pass->shadow->root, &word[i], base + ((uint64_t)i << SHADOW_PAGE_SHIFT), gpa, most);
		if (!leaves) {
			leaves = shadow_make_leaves(pass->shadow, place, base, F(to_memory)(F(invalid_entry)(0)));
			if (!leaves) {
				pass->no_room = true;
				return;
			}
		}
		if (pin) {
			unsigned int got = pins_get(&pass->vm->pins, slot, gpa, pages);

			if (!got) {
				pass->result.unestablished++;
				todo &= todo - 1;
				continue;
			}
			pages = got;
		}
		made = shadow_mask(i, i + pages - 1);
		todo &= ~made;
		__builtin_memcpy(&leaves->word[i], &word[i], pages * sizeof(uint64_t));
		leaves->leaf |= made;
		shadow_set_rights(leaves, source->prot, made);
		pass->result.established += pages;
		pass->shadow->mapped += pages;
		F(map)(pass, leaves, slot, i, pages);
	}
	if (leaves && !leaves->leaf)
		shadow_list(pass, leaves);
}

static void F(fill_leaves)(struct shadow_pass *pass, struct shadow_place *place, const struct shadow_source *source, uint64_t first, uint64_t last)
{
	for (uint64_t at = first;;) {
		struct shadow_span span = shadow_span(at, last);

		if (!shadow_spend(pass, span.hi - span.lo + 1, at))
			return;
		F(fill_block)(pass, place, source, at, span.lo, span.hi);
		if (pass->no_room || span.last == last)
			return;
		at = span.last + 1;
	}
}

static void F(fill_table)(struct shadow_pass *pass, struct shadow_place *place, unsigned int level, const struct shadow_source *source, uint64_t first,
			  uint64_t last)
{
	struct shadow_cursor cursor = SHADOW_CURSOR_INIT;

	for (uint64_t at = first;;) {
		uint64_t end = shadow_entry_last(F(shift)(level), at);
		struct shadow_source below;

		if (end > last)
			end = last;
		if (!shadow_spend(pass, 1, at))
			break;
		if (!F(descend)(pass, &cursor, source, level, at, &below, NULL)) {
			shadow_no_table(pass, level - 1, at, end);
		} else if (!shadow_was_known(pass, level - 1, &below, at, end)) {
			struct shadow_place child = { .above = place, .index = F(index)(level, at) };

			child.node = place->node ? shadow_child(place->node, child.index) : NULL;
			if (F(is_empty)(pass, &below, level, at, end))
				F(unbacked)(pass, &below, at, ((end - at) >> SHADOW_PAGE_SHIFT) + 1);
			else if (level > 1)
				F(fill_table)(pass, &child, level - 1, &below, at, end);
			else if (F(open_table)(pass, &below, at))
				F(fill_leaves)(pass, &child, &below, at, end);
			shadow_close_table(&below);
		}
		if (pass->cut || pass->no_room || end == last)
			break;
		at = end + 1;
	}
	shadow_close(&cursor);
}

static void F(fill)(struct shadow_pass *pass, uint64_t first, uint64_t last)
{
	struct shadow_place place = { .node = (first ^ last) <= F(reach)(0) ? shadow_leaf_node(pass->shadow, first, F(reach)(0)) : NULL };
	struct shadow_source source;

	if (place.node) {
		struct shadow_source *leaves = F(follow_path)(pass, first);

		if (!pass->cut)
			shadow_leaves_are(pass, leaves, first);
		if (leaves)
			F(fill_leaves)(pass, &place, leaves, first, last);
		return;
	}
	source = F(root_source)(pass->shadow);
	place.node = pass->shadow->top;
	F(fill_table)(pass, &place, pass->shadow->top_level, &source, first, last);
}

/*
 * Clears established entries of a block, which are in the host's space no more: unpinned, and no
 * longer a copy of anything.
 */
static void F(clear)(struct viommu_vm *vm, struct shadow *shadow, const struct slots *slots, struct shadow_leaves *leaves, uint64_t mask)
{
	bool pinned = vm->pins.on_refresh;
	uint64_t invalid = F(to_memory)(F(invalid_entry)(0));
	struct slot *slot = NULL;

	for (uint64_t bits = mask; bits;) {
		unsigned int i = port_lowest_bit(bits), pages = shadow_ones(bits >> i);
		uint64_t gpa = F(page_in)(leaves, i);

		if (pinned) {
			if (!slot || gpa < slot->first || gpa > slot->last)
				slot = slots_find(slots, gpa);
			if ((slot->last - gpa) >> SHADOW_PAGE_SHIFT < pages)
				pages = (unsigned int)((slot->last - gpa) >> SHADOW_PAGE_SHIFT) + 1;
			if (pages > 1)
				pages = F(run_length)(&shadow->root, &leaves->word[i], leaves->first + ((uint64_t)i << SHADOW_PAGE_SHIFT), gpa, pages);
			pins_put(&vm->pins, slot, gpa, pages);
		}
		for (unsigned int n = 0; n < pages; n++)
			leaves->word[i + n] = invalid;
		bits &= ~shadow_mask(i, i + pages - 1);
	}
	shadow_unset(leaves, mask);
	leaves->dying &= ~mask;
	leaves->gone &= ~mask;
	leaves->doubtful &= ~mask;
	shadow->mapped -= port_count_bits(mask);
}

/*
 * The slot may be one that is being removed: what is established in it stays true until it is
 * released.
 */
static void F(map_again)(struct shadow_pass *pass, struct shadow_leaves *leaves, unsigned int index)
{
	F(map)(pass, leaves, slots_find(pass->slots, F(page_in)(leaves, index)), index, 1);
}

static int F(restore_block)(void *ctx, struct shadow_leaves *leaves, uint64_t mask)
{
	struct shadow_pass *pass = ctx;
	uint64_t again = leaves->gone & mask & ~leaves->dying;

	leaves->gone &= ~again;
	leaves->doubtful &= ~again;
	for (; again; again &= again - 1) {
		/* Two former mappings do not become one. */
		if (leaves->start & again & -again)
			runs_end_map(&pass->runs);
		F(map_again)(pass, leaves, port_lowest_bit(again));
	}
	return 0;
}

/*
 * Maps again what shared a mapping with something released, on a host that cannot split. The guest
 * made it valid together, so that it is merged whatever this pass does with what is new.
 */
static void F(restore)(struct shadow_pass *pass, uint64_t first, uint64_t last)
{
	bool merge = pass->runs.merge;

	pass->restoring = true;
	pass->runs.merge = true;
	shadow_each(pass->shadow, first, last, F(restore_block), pass);
	runs_end_map(&pass->runs);
	pass->runs.merge = merge;
	pass->restoring = false;
}

static void F(commit)(struct shadow_pass *pass)
{
	for (struct shadow_leaves *leaves = pass->listed; leaves; leaves = leaves->next) {
		pass->result.released += port_count_bits(leaves->dying);
		F(clear)(pass->vm, pass->shadow, pass->slots, leaves, leaves->dying);
	}
	if (pass->gone_first <= pass->gone_last)
		F(restore)(pass, pass->gone_first, pass->gone_last);
	pass->gone_first = UINT64_MAX;
	pass->gone_last = 0;
	shadow_reap(pass);
}

static void F(forget)(struct shadow_pass *pass, uint64_t first, uint64_t last)
{
	for (uint64_t at = first;;) {
		struct shadow_leaves *leaves = shadow_find(pass->shadow, at);
		struct shadow_span span = shadow_span(at, last < (at | F(reach)(0)) ? last : at | F(reach)(0));
		unsigned int number = span.hi - span.lo + 1;

		F(clear)(pass->vm, pass->shadow, pass->slots, leaves, shadow_mask(span.lo, span.hi));
		shadow_list(pass, leaves);
		if (pass->restoring) {
			uint64_t from = at > pass->first ? at : pass->first;
			uint64_t to = span.last < pass->last ? span.last : pass->last;
			unsigned int within = from <= to ? (unsigned int)((to - from) >> SHADOW_PAGE_SHIFT) + 1 : 0;

			pass->result.released += number;
			pass->again |= within > 0;
			pass->lost += number - within;
			if (number > within)
				shadow_lose(pass->shadow, at, span.last);
		} else {
			pass->result.established -= number;
			pass->result.unestablished += number;
		}
		if (span.last == last)
			return;
		at = span.last + 1;
	}
}

struct F(release_slot_args) {
	struct shadow_pass *pass;
	const struct slot *slot;
};

static int F(release_slot_block)(void *ctx, struct shadow_leaves *leaves, uint64_t mask)
{
	struct F(release_slot_args) *args = ctx;
	uint64_t bits = 0;

	if (!shadow_may_release(args->pass, leaves, mask))
		return 1;
	shadow_charge_release(args->pass, 0);
	for (uint64_t left = leaves->leaf & mask; left; left &= left - 1) {
		unsigned int i = port_lowest_bit(left);
		uint64_t gpa = F(page_in)(leaves, i);

		if (gpa >= args->slot->first && gpa <= args->slot->last)
			bits |= UINT64_C(1) << i;
	}
	shadow_release_leaves(args->pass, leaves, bits);
	return 0;
}

static void F(release_slot)(struct shadow_pass *pass, const struct slot *slot, uint64_t first)
{
	struct F(release_slot_args) args = { pass, slot };

	shadow_each(pass->shadow, first, UINT64_MAX, F(release_slot_block), &args);
}

struct F(each_run_args) {
	const struct format_root *root;
	const struct slots *slots;
	int (*fn)(void *ctx, const struct viommu_run *run);
	void *ctx;
	struct viommu_run run; /* being collected; prot 0: none */
};

static int F(each_run_block)(void *ctx, struct shadow_leaves *leaves, uint64_t mask)
{
	struct F(each_run_args) *args = ctx;

	for (uint64_t left = leaves->leaf & mask; left; left &= left - 1) {
		unsigned int i = port_lowest_bit(left);
		uint64_t bit = UINT64_C(1) << i;
		uint64_t entry = F(from_memory)(leaves->word[i]);
		uint64_t gpa = F(page_in)(leaves, i);
		uint64_t iova = leaves->first + ((uint64_t)i << SHADOW_PAGE_SHIFT);
		uint32_t allowed = (leaves->readable & bit ? VIOMMU_READ : 0) | (leaves->writable & bit ? VIOMMU_WRITE : 0);
		uint32_t prot = F(prot)(args->root, 0, entry) & allowed & slots_find(args->slots, gpa)->prot;
		struct viommu_run *run = &args->run;

		if (run->prot == prot && iova == run->last + 1 && gpa - run->gpa == iova - run->first) {
			run->last = shadow_entry_last(SHADOW_PAGE_SHIFT, iova);
			continue;
		}
		if (run->prot) {
			int result = args->fn(args->ctx, run);

			if (result) {
				run->prot = 0;
				return result;
			}
		}
		*run = (struct viommu_run){ .first = iova, .last = shadow_entry_last(SHADOW_PAGE_SHIFT, iova), .gpa = gpa, .prot = prot };
	}
	return 0;
}

static int F(each_run)(struct shadow *shadow, const struct slots *slots, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
		       void *ctx)
{
	struct F(each_run_args) args = { .root = &shadow->root, .slots = slots, .fn = fn, .ctx = ctx };
	int result = shadow_each(shadow, first, last, F(each_run_block), &args);

	return result || !args.run.prot ? result : fn(ctx, &args.run);
}

static int F(walk_load)(void *ctx, uint64_t address, uint64_t *raw)
{
	return slots_load(ctx, address, raw) ? 0 : -1;
}

static int F(walk_tables)(const struct shadow *shadow, const struct slots *slots, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault)
{
	struct viommu_fault ours = { .iova = iova, .pasid = VIOMMU_NO_PASID };
	struct format_walk walk;
	const struct slot *slot;
	uint32_t prot;

	F(walk)(&shadow->root, iova, F(walk_load), (void *)(uintptr_t)slots, &walk);
	/*
	 * As the fill judges: what it does not establish, the walk does not promise. Otherwise a
	 * device model that asks again on each miss never ends.
	 */
	if (F(updates) && walk.reason == VIOMMU_FAULT_NONE && F(accessed)(&shadow->root, walk.level, walk.entry, walk.prot) != walk.entry) {
		slot = slots_backing(slots, walk.entry_address);
		if (!slot || !(slot->prot & VIOMMU_WRITE))
			walk.reason = VIOMMU_FAULT_ACCESS_FLAG;
	}
	slot = walk.reason == VIOMMU_FAULT_NONE ? slots_backing(slots, walk.output) : NULL;
	prot = slot ? walk.prot & slot->prot : 0;
	if (walk.reason == VIOMMU_FAULT_NONE && walk.prot)
		*run = (struct viommu_run){
			.first = walk.first, .last = walk.last, .gpa = walk.output - (iova - walk.first), .prot = prot, .tables = walk.prot
		};
	if (prot)
		return 0;
	/* Whether a leaf gives any rights is asked before where it leads. */
	ours.reason = walk.reason != VIOMMU_FAULT_NONE ? walk.reason : walk.prot && !slot ? VIOMMU_FAULT_LEAF_UNBACKED : VIOMMU_FAULT_PROTECTION;
	ours.level = walk.level;
	ours.entry_gpa = walk.entry_address;
	ours.entry = walk.entry;
	if (fault)
		*fault = ours;
	return -PORT_EFAULT;
}

static int F(init)(struct shadow *shadow, const struct format_designation *designation, uint64_t first, uint64_t last)
{
	unsigned int level;
	int error = F(root)(designation, &shadow->root);

	if (error)
		return error;
	/*
	 * Where IOVA bits above the root table's reach are ignored, levels above it go up to where
	 * they reach everything.
	 */
	for (level = 0; level < SHADOW_MAX_LEVELS; level++) {
		shadow->shift[level] = (uint8_t)F(shift)(level);
		shadow->index_bits[level] = (uint8_t)F(index_bits)(level);
		if (F(wraps) ? F(reach)(level) == UINT64_MAX : level == F(max_level))
			break;
	}
	if (first < shadow->root.first || last > shadow->root.last)
		return -PORT_ERANGE;
	/*
	 * As many levels as it takes for first and last to lie in one table: the root table's
	 * aliases, and tables that follow it, are entries of a level above; so is a root that has
	 * only leaves.
	 */
	level = shadow->root.level;
	if (!level || (F(root_tables) > 1 && shadow->root.tables > 1))
		level++;
	while (F(reach)(level) != UINT64_MAX && (first & ~F(reach)(level)) != (last & ~F(reach)(level)))
		level++;
	shadow->top_level = level;
	shadow->equal = port_widest_equal();
	shadow->block_reach = F(reach)(0) & (((uint64_t)SHADOW_BLOCK << SHADOW_PAGE_SHIFT) - 1);
	shadow_forget_paths(shadow);
	return 0;
}

static int F(destroy_block)(void *ctx, struct shadow_leaves *leaves, uint64_t mask)
{
	struct shadow_pass *pass = ctx;

	F(clear)(pass->vm, pass->shadow, pass->slots, leaves, leaves->leaf & mask);
	shadow_list(pass, leaves);
	return 0;
}

static void F(destroy)(struct shadow_pass *pass)
{
	shadow_each(pass->shadow, 0, UINT64_MAX, F(destroy_block), pass);
	shadow_reap(pass);
	shadow_trim(pass->shadow);
}

const struct shadow_ops FORMAT_PASTE(FORMAT_PASTE(shadow, VIOMMU_FORMAT), ops) = {
	.init = F(init),
	.refresh_page = F(refresh_page),
	.scan = F(scan),
	.fill = F(fill),
	.verify = F(verify),
	.commit = F(commit),
	.restore = F(restore),
	.forget = F(forget),
	.release_slot = F(release_slot),
	.each_run = F(each_run),
	.walk = F(walk_tables),
	.destroy = F(destroy),
};
