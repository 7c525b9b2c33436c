/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * amdv1: AMD's I/O page tables for host translations (AMD I/O Virtualization Technology (IOMMU)
 * Specification, 48882, section "I/O Page Tables for Host Translations").
 *
 *   level  AMD's  entries  one entry covers
 *   5      6      128      128 PiB, never a leaf
 *   4      5      512      256 TiB
 *   3      4      512      512 GiB
 *   2      3      512      1 GiB
 *   1      2      512      2 MiB
 *   0      1      512      4 KiB
 *
 * An entry names the level of the next lower table (Next Level, in AMD's numbers), which may be any
 * below its own: IOVA bits of skipped levels must be 0. Next Level 0 is a leaf of the size that the
 * entry covers. 7 is a leaf whose size stands in its address: the lowest bit that is 0, from bit 12
 * on, is half of it. As many entries as the leaf covers hold the same word. A size must be at least
 * what one entry covers, and at most what its table does. Entries are little-endian.
 *
 * IR and IW of every entry on the way, and of the designation, restrict what is below. FC and U say
 * nothing about reach and rights, nor do A and D, which hardware sets in leaves if the designation
 * asks for it. Reserved bits make an entry malformed; address bits of a leaf below its size are
 * ignored.
 *
 * A designation is what a device table entry says in its first doubleword: HAD, Mode (AMD's top
 * level), the top table's address, IR and IW.
 */
#ifndef VIOMMU_FORMAT_AMDV1_H
#define VIOMMU_FORMAT_AMDV1_H

#include "format/format.h"
#include "port/port.h"

/*
 * The designation; IR, IW, the address and Mode are where entries have them and their Next Level.
 */
#define AMDV1_ROOT_HAD_ACCESSED UINT64_C(0x080)
#define AMDV1_ROOT_HAD_DIRTY	UINT64_C(0x100) /* not without the other */
#define AMDV1_ROOT_HAD		UINT64_C(0x180)

/* Every entry. */
#define AMDV1_PR	       UINT64_C(0x1)
#define AMDV1_NEXT_LEVEL       UINT64_C(0xe00)
#define AMDV1_NEXT_LEVEL_SHIFT 9
#define AMDV1_ADDRESS	       UINT64_C(0x000ffffffffff000)
#define AMDV1_IR	       (UINT64_C(1) << 61)
#define AMDV1_IW	       (UINT64_C(1) << 62)

#define AMDV1_LEAF	     0u /* Next Level */
#define AMDV1_LEAF_OF_A_SIZE 7u

/* Leaves; FC is bit 60, U 59. */
#define AMDV1_A		    UINT64_C(0x20)
#define AMDV1_D		    UINT64_C(0x40)
#define AMDV1_LEAF_RESERVED UINT64_C(0x07f0000000000000)

#define AMDV1_TABLE_RESERVED UINT64_C(0x1ff0000000000000)

enum { amdv1_max_level = 5 };
enum { amdv1_leaf_step = 4096 };
enum { amdv1_updates = 1 };

static inline unsigned int amdv1_index_bits(unsigned int level)
{
	return level == amdv1_max_level ? 7 : 9;
}

static inline unsigned int amdv1_next_level(uint64_t entry)
{
	return (unsigned int)((entry & AMDV1_NEXT_LEVEL) >> AMDV1_NEXT_LEVEL_SHIFT);
}

static inline unsigned int amdv1_table_level(unsigned int level, uint64_t entry)
{
	(void)level;
	return amdv1_next_level(entry) - 1;
}

/* log2 of the bytes that a leaf covers, be it valid or not. */
static inline unsigned int amdv1_leaf_bits(unsigned int level, uint64_t entry)
{
	if (amdv1_next_level(entry) != AMDV1_LEAF_OF_A_SIZE)
		return 12 + 9 * level;
	return 13 + port_lowest_bit(~((entry & AMDV1_ADDRESS) >> 12));
}

static inline unsigned int amdv1_leaf_repeat(unsigned int level, uint64_t entry)
{
	return 1u << (amdv1_leaf_bits(level, entry) - (12 + 9 * level));
}

static inline uint64_t amdv1_accessed(const struct format_root *root, unsigned int level, uint64_t entry, uint32_t prot)
{
	(void)level;
	if (prot && root->options & AMDV1_ROOT_HAD_ACCESSED)
		entry |= AMDV1_A;
	return prot & VIOMMU_WRITE && root->options & AMDV1_ROOT_HAD_DIRTY ? entry | AMDV1_D : entry;
}

#define FORMAT_NAME amdv1
#define FORMAT_OWN_INDEX_BITS
#define FORMAT_OWN_TABLE_LEVEL
#define FORMAT_OWN_REPEAT
#define FORMAT_OWN_UPDATES
#include "format/format_defaults.h"

static inline uint32_t amdv1_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	(void)root;
	(void)level;
	return (entry & AMDV1_IR ? VIOMMU_READ : 0) | (entry & AMDV1_IW ? VIOMMU_WRITE : 0);
}

static inline int amdv1_root(const struct format_designation *designation, struct format_root *root)
{
	uint64_t table = designation->table, had = table & AMDV1_ROOT_HAD;
	unsigned int mode = amdv1_next_level(table), bits;

	if (table & ~(AMDV1_ADDRESS | AMDV1_NEXT_LEVEL | AMDV1_ROOT_HAD | AMDV1_IR | AMDV1_IW) || designation->control || had == AMDV1_ROOT_HAD_DIRTY ||
	    !mode || mode - 1 > amdv1_max_level)
		return -PORT_EINVAL;
	root->table = table & AMDV1_ADDRESS;
	root->level = mode - 1;
	root->prot = amdv1_prot(root, root->level, table);
	root->bounds.first = 0;
	root->bounds.last = (1u << amdv1_index_bits(root->level)) - 1;
	bits = amdv1_shift(root->level) + amdv1_index_bits(root->level);
	root->first = 0;
	root->last = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	root->options = (uint32_t)had;
	return 0;
}

static inline bool amdv1_can_leaf(unsigned int level)
{
	return level < amdv1_max_level;
}

static inline enum format_kind amdv1_kind(const struct format_root *root, unsigned int level, uint64_t entry)
{
	unsigned int next = amdv1_next_level(entry), bits = amdv1_leaf_bits(level, entry), shift = amdv1_shift(level);

	(void)root;
	if (!(entry & AMDV1_PR))
		return FORMAT_INVALID;
	if (next == AMDV1_LEAF || next == AMDV1_LEAF_OF_A_SIZE) {
		if (!amdv1_can_leaf(level))
			return FORMAT_BAD_TYPE;
		return entry & AMDV1_LEAF_RESERVED || bits < shift || bits > shift + 9 || bits > 52 ? FORMAT_BAD_FORMAT : FORMAT_LEAF;
	}
	if (next > level)
		return FORMAT_BAD_TYPE;
	return entry & AMDV1_TABLE_RESERVED ? FORMAT_BAD_FORMAT : FORMAT_TABLE;
}

static inline uint64_t amdv1_table_address(unsigned int level, uint64_t entry)
{
	(void)level;
	return entry & AMDV1_ADDRESS;
}

static inline uint64_t amdv1_leaf_address(unsigned int level, uint64_t entry)
{
	return entry & AMDV1_ADDRESS & ~((UINT64_C(1) << amdv1_leaf_bits(level, entry)) - 1);
}

static inline uint64_t amdv1_invalid_mask(unsigned int level)
{
	(void)level;
	return AMDV1_PR;
}

static inline uint64_t amdv1_leaf_entry(unsigned int level, uint64_t address, uint32_t prot)
{
	(void)level;
	return address | (prot & VIOMMU_READ ? AMDV1_IR : 0) | (prot & VIOMMU_WRITE ? AMDV1_IW : 0) | AMDV1_PR;
}

static inline uint64_t amdv1_table_entry(unsigned int level, uint64_t address)
{
	return address | AMDV1_IR | AMDV1_IW | (uint64_t)level << AMDV1_NEXT_LEVEL_SHIFT | AMDV1_PR;
}

#endif
