/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A format is a header of short inline functions that describe the table entries of one
 * architecture.
 *
 * Formats are compiled in, not called through. A translation unit names one (#define VIOMMU_FORMAT
 * x), includes its header and then a template (format/walk.h, core/shadow/refresh.h,
 * host/table.h), which reaches the format's functions through F(). For a format X the list is as
 * follows; [a default] comes from format/format_defaults.h unless the format says otherwise:
 *
 *   enum { X_max_level }          highest level that the format knows; level 0 has only leaves
 *   enum { X_lowest_table }       [0] level of the lowest tables in memory. The entries of a level
 *                                 below it are parts of a leaf above, written by X_leaf_entry()
 *   enum { X_wraps }              [0] 1: IOVA bits above the root table's reach are ignored;
 *                                 0: such IOVAs have no translation
 *   enum { X_root_tables }        [1] most tables that may follow each other at the root
 *   enum { X_leaf_step }          [4096] difference between the level 0 entries of two consecutive
 *                                 pages, where one entry says one leaf
 *   enum { X_updates }            [0] 1: hardware may set access flags in entries
 *   unsigned X_shift(level)       [12 + 9 * level] log2 of the bytes that one entry covers
 *   unsigned X_index_bits(level)  [9] log2 of the number of entries of a table
 *   uint64_t X_from_memory(raw), X_to_memory(e)   [little-endian] byte order of memory and CPU
 *   int X_root(const struct format_designation *, struct format_root *)   decodes a root
 *                                                                         designation:
 *                                 0, or -EINVAL if the architecture has no such root
 *   enum format_kind X_kind(root, level, e)       what an entry is, in tables with that root
 *   uint64_t X_table_address(level, e)            of a FORMAT_TABLE: address of the table it names
 *   unsigned X_table_level(level, e)              [level - 1] of a FORMAT_TABLE: level of that
 *                                                 table.
 *                                 Levels between the two are skipped: their indexes must be 0
 *   struct format_bounds X_table_bounds(level, e) [all] of a FORMAT_TABLE: indexes of that table
 *   uint64_t X_leaf_address(level, e)             of a FORMAT_LEAF: first byte of the whole leaf
 *   unsigned X_leaf_repeat(level, e)              [1] of a FORMAT_LEAF: how many consecutive
 *                                                 entries
 *                                 say this one leaf, with the same word: a power of two. The first
 *                                 of them is at a multiple of that number
 *   uint32_t X_prot(root, level, e)               of either: rights left at and below this entry
 *   uint64_t X_accessed(root, level, e, prot)     [e] of a FORMAT_LEAF: the entry with the flags
 *                                                 set
 *                                 that accesses with these rights leave
 *   bool X_can_leaf(level)                        whether an entry at that level may be a leaf
 *   uint64_t X_invalid_entry(level)               [0] an invalid entry, as software writes it
 *   uint64_t X_invalid_mask(level), X_invalid_bits(level)   [, 0] an entry e with (e & mask) ==
 *                                                           bits
 *                                 is FORMAT_INVALID; others may be, too
 *   uint64_t X_leaf_entry(level, address, prot)   a leaf with these rights, under every root; its
 *                                 X_leaf_repeat() is 1
 *   uint64_t X_table_entry(level, address)        a pointer to a full table at level - 1
 *
 * Entries are 8 bytes. An entry of level 0 plus X_leaf_step is the leaf of the next page, up to the
 * end of memory. Past the last address of a root it is malformed, or its address begins again at 0.
 * An entry is judged as a value that was loaded once; no function here loads anything.
 */
#ifndef VIOMMU_FORMAT_FORMAT_H
#define VIOMMU_FORMAT_FORMAT_H

#include <port_types.h>

#include <viommu/types.h>

#define FORMAT_PASTE_(a, b) a##_##b
#define FORMAT_PASTE(a, b)  FORMAT_PASTE_(a, b)
#define F(name)		    FORMAT_PASTE(VIOMMU_FORMAT, name)

enum format_kind {
	FORMAT_INVALID, /* yields nothing, and is no error in a refresh */
	FORMAT_TABLE,	/* names a lower table */
	FORMAT_LEAF,	/* yields an output address */
	/* malformed, in the ways that architectures distinguish: see enum viommu_fault_reason */
	FORMAT_BAD_TYPE,
	FORMAT_BAD_LENGTH,
	FORMAT_BAD_FORMAT,
	FORMAT_BAD_ZERO,
	FORMAT_BAD_ACCESS,
	FORMAT_BAD_ADDRESS,
};

/* The indexes of a table, inclusive; first > last: it has none. */
struct format_bounds {
	unsigned int first;
	unsigned int last;
};

/* A root designation, in the architecture's own layout. */
struct format_designation {
	uint64_t table;	  /* designates the top table */
	uint64_t control; /* further rules for reading the tables; 0 where the format has none */
};

struct format_root {
	/* address of the top table; modulo 2^64, where its first index is not 0 */
	uint64_t table;
	unsigned int level; /* its level */
	/* Where X_root_tables > 1: how many follow each other, a power of two */
	unsigned int tables;
	uint32_t prot;		     /* rights at the most */
	struct format_bounds bounds; /* its indexes */
	uint64_t first;		     /* IOVAs that it translates; all of them where X_wraps */
	uint64_t last;
	uint32_t options; /* for X_kind(), X_prot() and X_accessed() alone */
};

/* The fault reason of a malformed entry; VIOMMU_FAULT_NONE for the others. */
static inline enum viommu_fault_reason format_reason(enum format_kind kind)
{
	switch (kind) {
	case FORMAT_BAD_TYPE:
		return VIOMMU_FAULT_ENTRY_TYPE;
	case FORMAT_BAD_LENGTH:
		return VIOMMU_FAULT_ENTRY_LENGTH;
	case FORMAT_BAD_FORMAT:
		return VIOMMU_FAULT_ENTRY_FORMAT;
	case FORMAT_BAD_ZERO:
		return VIOMMU_FAULT_ENTRY_ZERO;
	case FORMAT_BAD_ACCESS:
		return VIOMMU_FAULT_ACCESS_FLAG;
	case FORMAT_BAD_ADDRESS:
		return VIOMMU_FAULT_ADDRESS_SIZE;
	default:
		return VIOMMU_FAULT_NONE;
	}
}

static inline uint64_t format_swap_if_little(uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(value);
#else
	return value;
#endif
}

static inline uint64_t format_swap_if_big(uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return value;
#else
	return __builtin_bswap64(value);
#endif
}

#endif
