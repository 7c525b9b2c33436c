/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The functions that most formats share: a template that each format's header includes, after its
 * X_index_bits() if it has one of its own, with
 *   FORMAT_NAME        the format's name
 *   FORMAT_OWN_<group> for each group of functions that it defines itself
 *   FORMAT_BASE        if it differs little from another format: that one, whose functions then are
 *                      the defaults, those for leaves and for writing entries included
 *
 * Without a base, the defaults are little-endian tables of 512 entries, each 9 bits of the IOVA, with
 * entries of zeros for what is not there.
 */
#ifndef VIOMMU_FORMAT_FORMAT_DEFAULTS_H
#define VIOMMU_FORMAT_FORMAT_DEFAULTS_H

#include "format/format.h"

enum { format_default_lowest_table = 0 };
enum { format_default_wraps = 0 };
enum { format_default_root_tables = 1 };
enum { format_default_leaf_step = 4096 };
enum { format_default_updates = 0 };

static inline unsigned int format_default_shift(unsigned int level)
{
	return 12 + 9 * level;
}

static inline unsigned int format_default_index_bits(unsigned int level)
{
	(void)level;
	return 9;
}

static inline uint64_t format_default_from_memory(uint64_t raw)
{
	return format_swap_if_big(raw);
}

static inline uint64_t format_default_to_memory(uint64_t entry)
{
	return format_swap_if_big(entry);
}

static inline unsigned int format_default_table_level(unsigned int level, uint64_t entry)
{
	(void)entry;
	return level - 1;
}

static inline unsigned int format_default_leaf_repeat(unsigned int level, uint64_t entry)
{
	(void)level;
	(void)entry;
	return 1;
}

static inline uint64_t format_default_accessed(const struct format_root *root, unsigned int level, uint64_t entry, uint32_t prot)
{
	(void)root;
	(void)level;
	(void)prot;
	return entry;
}

static inline uint64_t format_default_invalid_entry(unsigned int level)
{
	(void)level;
	return 0;
}

static inline uint64_t format_default_invalid_bits(unsigned int level)
{
	(void)level;
	return 0;
}

#endif

#define D(name) FORMAT_PASTE(FORMAT_NAME, name)
#ifdef FORMAT_BASE
#define B(name) FORMAT_PASTE(FORMAT_BASE, name)
#else
#define B(name) FORMAT_PASTE(format_default, name)
#endif

#ifndef FORMAT_OWN_LOWEST_TABLE
enum { D(lowest_table) = B(lowest_table) };
#endif

#ifndef FORMAT_OWN_WRAPS
enum { D(wraps) = B(wraps) };
#endif

#ifndef FORMAT_OWN_ROOT_TABLES
enum { D(root_tables) = B(root_tables) };
#endif

#ifndef FORMAT_OWN_SHIFT
static inline unsigned int D(shift)(unsigned int level)
{
	return B(shift)(level);
}
#endif

#ifndef FORMAT_OWN_INDEX_BITS
static inline unsigned int D(index_bits)(unsigned int level)
{
	return B(index_bits)(level);
}
#endif

#ifndef FORMAT_OWN_BYTE_ORDER
static inline uint64_t D(from_memory)(uint64_t raw)
{
	return B(from_memory)(raw);
}

static inline uint64_t D(to_memory)(uint64_t entry)
{
	return B(to_memory)(entry);
}
#endif

#ifndef FORMAT_OWN_TABLE_LEVEL
static inline unsigned int D(table_level)(unsigned int level, uint64_t entry)
{
	return B(table_level)(level, entry);
}
#endif

#ifndef FORMAT_OWN_TABLE_BOUNDS
static inline struct format_bounds D(table_bounds)(unsigned int level, uint64_t entry)
{
#ifdef FORMAT_BASE
	return B(table_bounds)(level, entry);
#else
	struct format_bounds bounds = { 0, (1u << D(index_bits)(level - 1)) - 1 };

	(void)entry;
	return bounds;
#endif
}
#endif

#ifndef FORMAT_OWN_REPEAT
enum { D(leaf_step) = B(leaf_step) };

static inline unsigned int D(leaf_repeat)(unsigned int level, uint64_t entry)
{
	return B(leaf_repeat)(level, entry);
}
#endif

#ifndef FORMAT_OWN_UPDATES
enum { D(updates) = B(updates) };

static inline uint64_t D(accessed)(const struct format_root *root, unsigned int level, uint64_t entry, uint32_t prot)
{
	return B(accessed)(root, level, entry, prot);
}
#endif

#ifndef FORMAT_OWN_INVALID
static inline uint64_t D(invalid_entry)(unsigned int level)
{
	return B(invalid_entry)(level);
}

static inline uint64_t D(invalid_bits)(unsigned int level)
{
	return B(invalid_bits)(level);
}
#endif

#ifdef FORMAT_BASE
static inline uint64_t D(leaf_address)(unsigned int level, uint64_t entry)
{
	return B(leaf_address)(level, entry);
}

static inline uint32_t D(prot)(const struct format_root *root, unsigned int level, uint64_t entry)
{
	return B(prot)(root, level, entry);
}

static inline bool D(can_leaf)(unsigned int level)
{
	return B(can_leaf)(level);
}

static inline uint64_t D(invalid_mask)(unsigned int level)
{
	return B(invalid_mask)(level);
}

static inline uint64_t D(leaf_entry)(unsigned int level, uint64_t address, uint32_t prot)
{
	return B(leaf_entry)(level, address, prot);
}

static inline uint64_t D(table_entry)(unsigned int level, uint64_t address)
{
	return B(table_entry)(level, address);
}
#endif

#undef D
#undef B
#undef FORMAT_NAME
#undef FORMAT_BASE
#undef FORMAT_OWN_LOWEST_TABLE
#undef FORMAT_OWN_WRAPS
#undef FORMAT_OWN_ROOT_TABLES
#undef FORMAT_OWN_SHIFT
#undef FORMAT_OWN_INDEX_BITS
#undef FORMAT_OWN_BYTE_ORDER
#undef FORMAT_OWN_TABLE_LEVEL
#undef FORMAT_OWN_TABLE_BOUNDS
#undef FORMAT_OWN_REPEAT
#undef FORMAT_OWN_UPDATES
#undef FORMAT_OWN_INVALID
