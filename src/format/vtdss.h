/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vtdss: second-stage tables of Intel VT-d (Intel Virtualization Technology for Directed I/O,
 * Architecture Specification: "Second-Stage Translation" and "Second-Stage Paging Entries").
 *
 *   level  entry              entries  IOVA bits  one entry covers
 *   5      (6-level paging)   128      57-63      128 PiB
 *   4      SS-PML5E           512      48-56      256 TiB
 *   3      SS-PML4E           512      39-47      512 GiB
 *   2      SS-PDPE            512      30-38      1 GiB, may be a leaf
 *   1      SS-PDE             512      21-29      2 MiB, may be a leaf
 *   0      SS-PTE             512      12-20      4 KiB
 *
 * Level 5 comes from the address width of 64 bits that the specification's first editions define
 * and that no hardware has; the soft host uses it to translate all 64 bits of an IOVA. Entries are
 * little-endian.
 *
 * A designation is what a context entry says: the top table's address in bits 63-12 (SSPTPTR), and
 * the address width (AW) in bits 2-0.
 *
 * An entry is present if it allows anything, loads or stores. Reserved bits make an entry malformed
 * where the specification reserves them whatever the hardware can do; SNP and TM of a leaf, and
 * address bits above the hardware's width, depend on the hardware and are not judged.
 *
 * Software may keep bits of its own where hardware looks away: in bits 61-52 of a present entry,
 * and in all of an entry that is not present. The functions at the end are for software that does
 * (host/table.h).
 */
#ifndef VIOMMU_FORMAT_VTDSS_H
#define VIOMMU_FORMAT_VTDSS_H

#include "format/format.h"
#include "port/port.h"

/* The designation. */
#define VTDSS_ROOT_SSPTPTR UINT64_C(0x000ffffffffff000)
#define VTDSS_ROOT_AW	   UINT64_C(0x7)
#define VTDSS_AW_39	   1u /* 3 levels */
#define VTDSS_AW_64	   4u /* 6 levels */

/* Entries. */
#define VTDSS_R UINT64_C(0x1)
#define VTDSS_W UINT64_C(0x2)
/* page size: a leaf at level 1 or 2. Ignored at level 0, reserved above level 2. */
#define VTDSS_PS      UINT64_C(0x80)
#define VTDSS_SNP     (UINT64_C(1) << 11)
#define VTDSS_ADDRESS UINT64_C(0x000ffffffffff000)
#define VTDSS_TM      (UINT64_C(1) << 62)

#define VTDSS_SOFTWARE_SHIFT 52
#define VTDSS_SOFTWARE	     (UINT64_C(0x3ff) << VTDSS_SOFTWARE_SHIFT)

enum { vtdss_max_level = 5 };

static inline unsigned int vtdss_index_bits(unsigned int level)
{
	return level == vtdss_max_level ? 7 : 9;
}

#define FORMAT_NAME vtdss
#define FORMAT_OWN_INDEX_BITS
#include "format/format_defaults.h"

/* Widths of 39, 48, 57 and 64 bits are 1 to 4, for tables of 3 to 6 levels. */
static inline int vtdss_root(const struct format_designation *designation, struct format_root *root)
{
	uint64_t width = designation->table & VTDSS_ROOT_AW;
	unsigned int bits;

	if (designation->table & ~(VTDSS_ROOT_SSPTPTR | VTDSS_ROOT_AW) || width < VTDSS_AW_39 || width > VTDSS_AW_64)
		return -PORT_EINVAL;
	root->table = designation->table & VTDSS_ROOT_SSPTPTR;
	root->level = 1 + (unsigned int)width;
	root->prot = VIOMMU_RW;
	root->bounds.first = 0;
	root->bounds.last = (1u << vtdss_index_bits(root->level)) - 1;
	bits = vtdss_shift(root->level) + vtdss_index_bits(root->level);
	root->first = 0;
	root->last = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	root->options = 0;
	return 0;
}

static inline bool vtdss_can_leaf(unsigned int level)
{
	return level <= 2;
}

/* Bits of an address that lie below what an entry of this level covers. */
static inline uint64_t vtdss_offset_bits(unsigned int level)
{
	return (UINT64_C(1) << vtdss_shift(level)) - 1;
}

static inline enum format_kind vtdss_kind(const struct format_root *root, unsigned int level, uint64_t entry)
{
	(void)root;
	uint64_t reserved;

	if (!(entry & (VTDSS_R | VTDSS_W)))
		return FORMAT_INVALID;
	if (level == 0)
		return FORMAT_LEAF;
	if (entry & VTDSS_PS && vtdss_can_leaf(level)) {
		reserved = VTDSS_ADDRESS & vtdss_offset_bits(level);
		return entry & reserved ? FORMAT_BAD_FORMAT : FORMAT_LEAF;
	}
	reserved = VTDSS_PS | VTDSS_SNP | VTDSS_TM;
	return entry & reserved ? FORMAT_BAD_FORMAT : FORMAT_TABLE;
}

static inline uint64_t vtdss_table_address(unsigned int level, uint64_t entry)
{
	(void)level;
	return entry & VTDSS_ADDRESS;
}

static inline uint64_t vtdss_leaf_address(unsigned int level, uint64_t entry)
{
	return entry & VTDSS_ADDRESS & ~vtdss_offset_bits(level);
}

static inline uint32_t vtdss_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	(void)root;
	(void)level;
	return (entry & VTDSS_R ? VIOMMU_READ : 0) | (entry & VTDSS_W ? VIOMMU_WRITE : 0);
}

static inline uint64_t vtdss_invalid_mask(unsigned int level)
{
	(void)level;
	return VTDSS_R | VTDSS_W;
}

static inline uint64_t vtdss_leaf_entry(unsigned int level, uint64_t address, uint32_t prot)
{
	return address | (prot & VIOMMU_READ ? VTDSS_R : 0) | (prot & VIOMMU_WRITE ? VTDSS_W : 0) | (level ? VTDSS_PS : 0);
}

static inline uint64_t vtdss_table_entry(unsigned int level, uint64_t address)
{
	(void)level;
	return address | VTDSS_R | VTDSS_W;
}

/* Whether an address can be put into an entry at all. */
static inline bool vtdss_can_address(uint64_t address)
{
	return !(address & ~VTDSS_ADDRESS);
}

/* A number from 0 to 1023 in a present entry. */
static inline unsigned int vtdss_software(uint64_t entry)
{
	return (unsigned int)((entry & VTDSS_SOFTWARE) >> VTDSS_SOFTWARE_SHIFT);
}

static inline uint64_t vtdss_with_software(uint64_t entry, unsigned int number)
{
	return (entry & ~VTDSS_SOFTWARE) | (uint64_t)number << VTDSS_SOFTWARE_SHIFT;
}

/*
 * An entry that is not present and carries the address of a table instead; 0 is carried as the
 * entry of zeros.
 */
static inline uint64_t vtdss_parked_entry(uint64_t address)
{
	return address;
}

static inline uint64_t vtdss_parked_address(uint64_t entry)
{
	return entry & VTDSS_ADDRESS;
}

#endif
