/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a format is: a header of short inline functions that know how one architecture's table entries are laid out, and nothing else.
 *
 * Formats are compiled in, not called through. A translation unit names one (#define VIOMMU_FORMAT zpci), includes its header and then a template
 * (format/walk.h, core/shadow/refresh.h, host/table.h), which finds the format's functions through F(). The list, for a format called X:
 *
 *   enum { X_max_level }                         level of the highest table that the format knows; 0 = tables of only leaves
 *   enum { X_lowest_table }                      level of the lowest tables in memory. A level below it has the parts of leaves above, as entries that
 *                                                X_leaf_entry() makes; these are leaves with the rights that it was given, under every root
 *   enum { X_wraps }                             1: IOVA bits above the root table's reach are ignored; 0: they have no translation
 *   unsigned X_shift(level)                      log2 of what one entry at that level covers, in bytes
 *   unsigned X_index_bits(level)                 log2 of the number of entries of a table at that level
 *   uint64_t X_from_memory(raw), X_to_memory(e)  byte order of memory <-> of the CPU
 *   int X_root(const struct format_anchor *, struct format_root *)   takes a root designation apart: 0, or -EINVAL if the architecture has no such root
 *   enum format_kind X_kind(root, level, e)      what an entry is, in tables with that root
 *   uint64_t X_table_address(level, e)           of a FORMAT_TABLE: where the next lower table is
 *   struct format_bounds X_table_bounds(level, e)   of a FORMAT_TABLE: which indexes the next lower table has
 *   uint64_t X_leaf_address(level, e)            of a FORMAT_LEAF: the first byte that it yields
 *   uint32_t X_prot(root, level, e)              of either: rights that remain at and below this entry
 *   bool X_can_leaf(level)                       whether an entry at that level may be a leaf
 *   uint64_t X_invalid_entry(level)              an entry that yields nothing, as software of that architecture writes it
 *   uint64_t X_invalid_mask(level), X_invalid_bits(level)   an entry e with (e & mask) == bits is FORMAT_INVALID; others may be, too
 *   uint64_t X_leaf_entry(level, address, prot)  writes a leaf
 *   uint64_t X_table_entry(level, address)       writes a pointer to a full table at level - 1
 *
 * Entries are 8 bytes. Leaves of level 0 whose addresses follow each other, and whose other bits are the same, are entries that differ by 4096 one from the
 * next; and what follows a leaf so, is the leaf of the next page, as far as memory reaches. Only where this root's addresses end before memory does, it is
 * FORMAT_BAD_ADDRESS, or its address begins again at 0. An entry is judged as a value that was loaded once; no function here loads anything.
 */
#ifndef VIOMMU_FORMAT_FORMAT_H
#define VIOMMU_FORMAT_FORMAT_H

#include <port_types.h>

#include <viommu/types.h>

#define FORMAT_PASTE_(a, b) a##_##b
#define FORMAT_PASTE(a, b)  FORMAT_PASTE_(a, b)
#define F(name)		    FORMAT_PASTE(VIOMMU_FORMAT, name)

enum format_kind {
	FORMAT_INVALID,	 /* yields nothing, and is no error in a refresh */
	FORMAT_TABLE,	 /* names a table one level lower */
	FORMAT_LEAF,	 /* yields an output address */
	FORMAT_BAD_TYPE, /* malformed, in each of the ways that an architecture tells apart: see enum viommu_fault_reason */
	FORMAT_BAD_LENGTH,
	FORMAT_BAD_FORMAT,
	FORMAT_BAD_ZERO,
	FORMAT_BAD_ACCESS,
	FORMAT_BAD_ADDRESS,
};

/* Indexes that a table has, inclusive; first > last where it has none. */
struct format_bounds {
	unsigned int first;
	unsigned int last;
};

/* What a guest IOMMU says about where tables begin, in its architecture's own layout. */
struct format_anchor {
	uint64_t table;	  /* what designates the top table */
	uint64_t control; /* how its tables are to be read, where that does not stand in the tables; else 0 */
};

struct format_root {
	uint64_t table;		     /* address of the top table; modulo 2^64, where its first index is not 0 */
	unsigned int level;	     /* its level */
	uint32_t prot;		     /* rights at the most */
	struct format_bounds bounds; /* its indexes */
	uint64_t first;		     /* IOVAs that it translates; all of them where X_wraps */
	uint64_t last;
	uint32_t options; /* for X_kind() and X_prot() alone */
};

/* The reason that goes with a malformed entry, VIOMMU_FAULT_NONE for the others. */
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
