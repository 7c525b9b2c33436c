/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk: finds what tables of the format VIOMMU_FORMAT say about one IOVA.
 *
 * It keeps true:
 *  - An entry is loaded once, by the caller's loader, and judged on that copy. What tables say may
 *    change while they are walked; the answer is then made of entries each of which was there at
 *    some moment of the walk.
 *  - It makes at most one load for each level from the root's down to 0, where no format has
 *    anything that names a table, whatever the entries say: tables that point at themselves or at
 *    each other end it like any others.
 *  - Tables are reached only through the loader, which decides what an address means and whether
 *    there is anything. An entry's address is the table's plus 8 times the index, modulo 2^64: a
 *    table at the very end of the address space goes on at its beginning, as in QEMU.
 *  - Rights are those that the root and all entries on the way allow.
 *
 * The answer comes with the range of IOVAs that shares it: what the last entry covers. Where the
 * format ignores IOVA bits above the root's reach, that is the entry's range around this IOVA, not
 * around its aliases.
 *
 * The first part needs no format. A file may include this header for several formats, with
 * VIOMMU_FORMAT redefined before each.
 */
#ifndef VIOMMU_FORMAT_WALK_H
#define VIOMMU_FORMAT_WALK_H

#include "format/format.h"

/*
 * Loads the entry at an address into *raw, as it is in memory. Returns a negative number if there
 * is nothing to load from: the walk then ends with VIOMMU_FAULT_TABLE_UNBACKED. Addresses are
 * multiples of 8, if those of the root and of all tables are. Inline, and known where the walk is
 * called, so that it is compiled into the walk.
 */
typedef int (*format_load)(void *ctx, uint64_t address, uint64_t *raw);

struct format_walk {
	enum viommu_fault_reason reason; /* VIOMMU_FAULT_NONE: there is a leaf */
	unsigned int level;		 /* of the entry at which the walk ended */
	uint64_t entry_address;		 /* UINT64_MAX if the walk never came to an entry */
	uint64_t entry;			 /* in the CPU's order; 0 if it could not be loaded */
	uint64_t output;		 /* of a leaf: what the IOVA itself translates to */
	/*
	 * Of a leaf: rights, of all levels together. 0 is possible where a format lets levels allow
	 * disjoint rights.
	 */
	uint32_t prot;
	uint64_t first, last; /* IOVAs that share this answer */
};

static inline uint64_t format_span_first(uint64_t iova, unsigned int shift)
{
	return iova & ~((UINT64_C(1) << shift) - 1);
}

static inline uint64_t format_span_last(uint64_t iova, unsigned int shift)
{
	return iova | ((UINT64_C(1) << shift) - 1);
}

#endif

/*
 * The second part is the template. It is left out where no format was named: for a header that only
 * needs the types.
 */
#ifdef VIOMMU_FORMAT

static inline unsigned int F(index)(unsigned int level, uint64_t iova)
{
	return (unsigned int)(iova >> F(shift)(level)) & ((1u << F(index_bits)(level)) - 1);
}

/* The output address of an IOVA in a leaf. The entry may be one of several that say the leaf. */
static inline uint64_t F(output)(unsigned int level, uint64_t entry, uint64_t iova)
{
	uint64_t bytes = (uint64_t)F(leaf_repeat)(level, entry) << F(shift)(level);

	return F(leaf_address)(level, entry) + (iova & (bytes - 1));
}

/* The last IOVA that a table at this level reaches. */
static inline uint64_t F(reach)(unsigned int level)
{
	unsigned int bits = F(shift)(level) + F(index_bits)(level);

	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* The distance of an IOVA's root table from the first one, where several follow each other. */
static inline uint64_t F(root_offset)(const struct format_root *root, uint64_t iova)
{
	unsigned int bits = F(index_bits)(root->level);

	if (F(root_tables) == 1)
		return 0;
	return (iova >> (F(shift)(root->level) + bits) & (root->tables - 1)) << (bits + 3);
}

/*
 * Levels that an entry skips have no table, and their indexes must be 0. Returns the level of the
 * table that the entry names; or the first skipped level, from above, whose index is not 0.
 */
static inline unsigned int F(skip_levels)(unsigned int level, uint64_t entry, uint64_t iova)
{
	unsigned int below = F(table_level)(level, entry);

	for (level--; level > below && !F(index)(level, iova); level--)
		;
	return level;
}

static port_always_inline void F(walk)(const struct format_root *root, uint64_t iova, format_load load, void *ctx, struct format_walk *walk)
{
	struct format_bounds bounds = root->bounds;
	uint64_t table = root->table;
	unsigned int level = root->level;

	walk->level = level;
	walk->entry_address = UINT64_MAX;
	walk->entry = 0;
	walk->output = 0;
	walk->prot = root->prot;
	if (!F(wraps) && (iova < root->first || iova > root->last)) {
		walk->reason = VIOMMU_FAULT_NOT_PRESENT;
		walk->first = iova < root->first ? 0 : root->last + 1;
		walk->last = iova < root->first ? root->first - 1 : UINT64_MAX;
		return;
	}
	table += F(root_offset)(root, iova);
	for (;;) {
		unsigned int index = F(index)(level, iova);
		enum format_kind kind;
		uint64_t raw;

		walk->first = format_span_first(iova, F(shift)(level));
		walk->last = format_span_last(iova, F(shift)(level));
		/*
		 * There is no entry to load. The fault is in the entry that gave the table its
		 * bounds, one level up: walk still describes that one.
		 */
		if (index < bounds.first || index > bounds.last) {
			walk->reason = VIOMMU_FAULT_ENTRY_LENGTH;
			return;
		}
		walk->level = level;
		walk->entry_address = table + index * UINT64_C(8);
		if (load(ctx, walk->entry_address, &raw) < 0) {
			walk->entry = 0;
			walk->reason = VIOMMU_FAULT_TABLE_UNBACKED;
			return;
		}
		walk->entry = F(from_memory)(raw);
		kind = F(kind)(root, level, walk->entry);
		if (kind == FORMAT_INVALID) {
			walk->reason = VIOMMU_FAULT_NOT_PRESENT;
			return;
		}
		if (kind == FORMAT_LEAF) {
			walk->prot &= F(prot)(root, level, walk->entry);
			walk->output = F(output)(level, walk->entry, iova);
			walk->reason = VIOMMU_FAULT_NONE;
			return;
		}
		if (kind != FORMAT_TABLE) {
			walk->reason = format_reason(kind);
			return;
		}
		walk->prot &= F(prot)(root, level, walk->entry);
		table = F(table_address)(level, walk->entry);
		bounds = F(table_bounds)(level, walk->entry);
		level = F(skip_levels)(level, walk->entry, iova);
		if (level > F(table_level)(walk->level, walk->entry)) {
			walk->reason = VIOMMU_FAULT_NOT_PRESENT;
			walk->first = format_span_first(iova, F(shift)(level));
			walk->last = format_span_last(iova, F(shift)(level));
			return;
		}
	}
}

#endif
