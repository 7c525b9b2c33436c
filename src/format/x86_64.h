/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * x86_64: the page tables of x86-64 processors, as the first stage of Intel VT-d walks them (Intel
 * Virtualization Technology for Directed I/O, Architecture Specification: "First-Stage
 * Translation", "First-Stage Paging Entries").
 *
 *   level  entry      IOVA bits  one entry covers
 *   4      FS-PML5E   48-56      256 TiB
 *   3      FS-PML4E   39-47      512 GiB
 *   2      FS-PDPE    30-38      1 GiB, may be a leaf
 *   1      FS-PDE     21-29      2 MiB, may be a leaf
 *   0      FS-PTE     12-20      4 KiB
 *
 * Every table has 512 entries, little-endian. A designation is the top table's address, and in
 * X86_64_CONTROL_* what the PASID table entry says. IOVAs are canonical: a designation is for the
 * one or the other end of the addresses.
 *
 * U/S is judged as for requests with user privilege: each entry on the way has to be a user's.
 * Hardware sets A in an entry that it uses, and D in one that it writes through. Entries of tables
 * are not written here: nothing depends on their A. XD is reserved unless the PASID table entry has
 * NXE, and says nothing about data. PWT, PCD, PAT and G mean nothing here. Address bits above the
 * hardware's width depend on the hardware and are not judged.
 */
#ifndef VIOMMU_FORMAT_X86_64_H
#define VIOMMU_FORMAT_X86_64_H

#include "format/format.h"
#include "port/port.h"

/* format_designation.control; NXE is format_root.options, too. */
#define X86_64_CONTROL_UPPER UINT64_C(0x1) /* the IOVAs at the end of all addresses */
#define X86_64_CONTROL_FIVE  UINT64_C(0x2) /* levels; without it four */
#define X86_64_CONTROL_NXE   UINT64_C(0x4)
#define X86_64_CONTROL_ALL   UINT64_C(0x7)

#define X86_64_P       UINT64_C(0x01)
#define X86_64_RW      UINT64_C(0x02)
#define X86_64_US      UINT64_C(0x04)
#define X86_64_A       UINT64_C(0x20)
#define X86_64_D       UINT64_C(0x40)
#define X86_64_PS      UINT64_C(0x80)	/* leaf at level 1, 2; PAT at 0 */
#define X86_64_PAT     UINT64_C(0x1000) /* of a leaf at level 1 or 2 */
#define X86_64_XD      (UINT64_C(1) << 63)
#define X86_64_ADDRESS UINT64_C(0x000ffffffffff000)

enum { x86_64_max_level = 4 };
enum { x86_64_updates = 1 };

static inline uint64_t x86_64_accessed(const struct format_root *root, unsigned int level, uint64_t entry, uint32_t prot)
{
	(void)root;
	(void)level;
	return prot ? entry | X86_64_A | (prot & VIOMMU_WRITE ? X86_64_D : 0) : entry;
}

#define FORMAT_NAME x86_64
#define FORMAT_OWN_UPDATES
#include "format/format_defaults.h"

static inline int x86_64_root(const struct format_designation *designation, struct format_root *root)
{
	uint64_t control = designation->control, half;

	if (control & ~X86_64_CONTROL_ALL || designation->table & ~X86_64_ADDRESS)
		return -PORT_EINVAL;
	root->table = designation->table;
	root->level = control & X86_64_CONTROL_FIVE ? 4 : 3;
	root->tables = 1;
	root->prot = VIOMMU_RW;
	half = UINT64_C(1) << (x86_64_shift(root->level) + 8);
	root->bounds.first = control & X86_64_CONTROL_UPPER ? 256 : 0;
	root->bounds.last = control & X86_64_CONTROL_UPPER ? 511 : 255;
	root->first = control & X86_64_CONTROL_UPPER ? ~(half - 1) : 0;
	root->last = control & X86_64_CONTROL_UPPER ? UINT64_MAX : half - 1;
	root->options = (uint32_t)(control & X86_64_CONTROL_NXE);
	return 0;
}

static inline bool x86_64_can_leaf(unsigned int level)
{
	return level <= 2;
}

/* Bits of an address that lie below what an entry of this level covers. */
static inline uint64_t x86_64_offset_bits(unsigned int level)
{
	return (UINT64_C(1) << x86_64_shift(level)) - 1;
}

static inline enum format_kind x86_64_kind(const struct format_root *root, unsigned int level, uint64_t entry)
{
	if (!(entry & X86_64_P))
		return FORMAT_INVALID;
	if (entry & X86_64_XD && !(root->options & X86_64_CONTROL_NXE))
		return FORMAT_BAD_FORMAT;
	if (!level)
		return FORMAT_LEAF;
	if (!(entry & X86_64_PS))
		return FORMAT_TABLE;
	if (!x86_64_can_leaf(level) || entry & X86_64_ADDRESS & ~X86_64_PAT & x86_64_offset_bits(level))
		return FORMAT_BAD_FORMAT;
	return FORMAT_LEAF;
}

static inline uint64_t x86_64_table_address(unsigned int level, uint64_t entry)
{
	(void)level;
	return entry & X86_64_ADDRESS;
}

static inline uint64_t x86_64_leaf_address(unsigned int level, uint64_t entry)
{
	return entry & X86_64_ADDRESS & ~x86_64_offset_bits(level);
}

static inline uint32_t x86_64_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	(void)root;
	(void)level;
	if (!(entry & X86_64_US))
		return 0;
	return entry & X86_64_RW ? VIOMMU_RW : VIOMMU_READ;
}

static inline uint64_t x86_64_invalid_mask(unsigned int level)
{
	(void)level;
	return X86_64_P;
}

/* prot has VIOMMU_READ: there are no pages for stores alone. */
static inline uint64_t x86_64_leaf_entry(unsigned int level, uint64_t address, uint32_t prot)
{
	return address | (level ? X86_64_PS : 0) | X86_64_A | X86_64_US | (prot & VIOMMU_WRITE ? X86_64_D | X86_64_RW : 0) | X86_64_P;
}

static inline uint64_t x86_64_table_entry(unsigned int level, uint64_t address)
{
	(void)level;
	return address | X86_64_A | X86_64_US | X86_64_RW | X86_64_P;
}

#endif
