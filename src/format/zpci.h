/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * zpci: the I/O translation tables of s390.
 *
 * IBM publishes no specification of them. Sources are Linux, which writes them
 * (arch/s390/include/asm/pci_dma.h, drivers/iommu/s390-iommu.c), and QEMU, which reads them
 * (hw/s390x/s390-pci-inst.c). Where both are silent, the tables are taken for those of the CPU's
 * dynamic address translation (z/Architecture Principles of Operation, chapter "Storage",
 * SA22-7832).
 *
 *   level  table          entries  IOVA bits  one entry covers  entry
 *   4      region first   2048     53-63      8 PiB             RFTE
 *   3      region second  2048     42-52      4 TiB             RSTE
 *   2      region third   2048     31-41      2 GiB             RTTE
 *   1      segment        2048     20-30      1 MiB             STE
 *   0      page           256      12-19      4 KiB             PTE
 *
 * An IOTA (I/O translation anchor) designates a table of any level but 0. IOVA bits above its reach
 * are ignored, so that addresses alias; the registered range (PBA, PAL) is what limits a device.
 * Entries are big-endian.
 *
 * Rules: the invalid bit comes before anything else, since Linux leaves the old frame address in an
 * invalid PTE; then the entry must be of the type that belongs to its table. Bits that are not
 * named here are ignored in entries. In an IOTA they are refused: their meaning is unknown, and a
 * designation that is misread is a wrong table. An entry of zeros is nothing special (zpci_qemu.h
 * differs): it is a valid STE that names a page table at 0, a valid PTE that names the frame at 0,
 * and in a region table an entry of the wrong type.
 *
 * Bits are written as masks of the doubleword in the CPU's order; bit numbers in comments count
 * from the right, bit 0 = 1.
 */
#ifndef VIOMMU_FORMAT_ZPCI_H
#define VIOMMU_FORMAT_ZPCI_H

#include "format/format.h"
#include "port/port.h"

/* The IOTA. */
#define ZPCI_IOTA_ORIGIN   (~UINT64_C(0xfff))
#define ZPCI_IOTA_T	   UINT64_C(0x800) /* translation: 0 = there are no tables */
#define ZPCI_IOTA_DT	   UINT64_C(0x01c) /* designation type */
#define ZPCI_IOTA_DT_SHIFT 2
/* frame size: of a designation that names a frame and no table */
#define ZPCI_IOTA_FS UINT64_C(0x003)

/* Designation types that name a table. */
enum zpci_designation {
	ZPCI_DT_STO = 0,  /* segment table */
	ZPCI_DT_RTTO = 1, /* region third table */
	ZPCI_DT_RSTO = 2, /* region second table */
	ZPCI_DT_RFTO = 3, /* region first table */
};

/* Every entry. */
#define ZPCI_ENTRY_P UINT64_C(0x200) /* protection: no stores at and below this entry */

/* Region and segment table entries. */
#define ZPCI_ENTRY_I	    UINT64_C(0x020) /* invalid */
#define ZPCI_ENTRY_TT	    UINT64_C(0x00c) /* table type: which table this entry stands in */
#define ZPCI_ENTRY_TT_SHIFT 2

/*
 * Region table entries. TF and TL count quarters, of 512 entries, of the table that is named; it
 * begins at the origin even where TF leaves quarters out.
 */
#define ZPCI_RTE_ORIGIN (~UINT64_C(0xfff))
#define ZPCI_RTE_FC	UINT64_C(0x400) /* format control, in an RTTE: would be a 2 GiB frame */
/* table offset: quarters that are missing at the beginning */
#define ZPCI_RTE_TF	   UINT64_C(0x0c0)
#define ZPCI_RTE_TF_SHIFT  6
#define ZPCI_RTE_TL	   UINT64_C(0x003) /* table length: the last quarter that is there */
#define ZPCI_RTE_TL_FULL   UINT64_C(0x003)
#define ZPCI_QUARTER_COUNT 512u

/* Segment table entries. */
#define ZPCI_STE_ORIGIN (~UINT64_C(0x7ff))   /* page table, FC = 0 */
#define ZPCI_STE_FRAME	(~UINT64_C(0xfffff)) /* segment frame, FC = 1 */
#define ZPCI_STE_FC	UINT64_C(0x400)	     /* format control: a frame of 1 MiB */

/* Page table entries: no type, and the invalid bit elsewhere. */
#define ZPCI_PTE_FRAME (~UINT64_C(0xfff))
#define ZPCI_PTE_I     UINT64_C(0x400)

enum { ZPCI_PAGE, ZPCI_SEGMENT, ZPCI_REGION_THIRD, ZPCI_REGION_SECOND, ZPCI_REGION_FIRST };
enum { zpci_max_level = ZPCI_REGION_FIRST };
enum { zpci_wraps = 1 };

static inline unsigned int zpci_shift(unsigned int level)
{
	return level == ZPCI_PAGE ? 12 : 20 + 11 * (level - ZPCI_SEGMENT);
}

static inline unsigned int zpci_index_bits(unsigned int level)
{
	return level == ZPCI_PAGE ? 8 : 11;
}

static inline uint64_t zpci_from_memory(uint64_t raw)
{
	return format_swap_if_little(raw);
}

static inline uint64_t zpci_to_memory(uint64_t entry)
{
	return format_swap_if_little(entry);
}

#define FORMAT_NAME zpci
#define FORMAT_OWN_WRAPS
#define FORMAT_OWN_SHIFT
#define FORMAT_OWN_INDEX_BITS
#define FORMAT_OWN_BYTE_ORDER
#define FORMAT_OWN_TABLE_BOUNDS
#define FORMAT_OWN_INVALID
#include "format/format_defaults.h"

/*
 * An IOTA has no length: its table is full. Refused are T = 0 (no tables: what there is then is
 * direct.h), designations of frames, a frame size that has nothing to be the size of, and bits
 * without a known meaning.
 */
static inline int zpci_root(const struct format_designation *designation, struct format_root *root)
{
	uint64_t iota = designation->table;
	uint64_t type = (iota & ZPCI_IOTA_DT) >> ZPCI_IOTA_DT_SHIFT;

	if ((iota & ~ZPCI_IOTA_ORIGIN & ~ZPCI_IOTA_DT) != ZPCI_IOTA_T || type > ZPCI_DT_RFTO)
		return -PORT_EINVAL;
	root->table = iota & ZPCI_IOTA_ORIGIN;
	root->level = ZPCI_SEGMENT + (unsigned int)type;
	root->prot = VIOMMU_RW;
	root->bounds.first = 0;
	root->bounds.last = (1u << zpci_index_bits(root->level)) - 1;
	root->first = 0;
	root->last = UINT64_MAX;
	root->options = 0;
	return 0;
}

/*
 * The type field of an entry in a segment table is 0, in a region third table 1, and so on upwards.
 */
static inline uint64_t zpci_type(unsigned int level)
{
	return (uint64_t)(level - ZPCI_SEGMENT) << ZPCI_ENTRY_TT_SHIFT;
}

static inline enum format_kind zpci_kind(const struct format_root *root, unsigned int level, uint64_t entry)
{
	(void)root;
	if (level == ZPCI_PAGE)
		return entry & ZPCI_PTE_I ? FORMAT_INVALID : FORMAT_LEAF;
	if (entry & ZPCI_ENTRY_I)
		return FORMAT_INVALID;
	if ((entry & ZPCI_ENTRY_TT) != zpci_type(level))
		return FORMAT_BAD_TYPE;
	if (level == ZPCI_SEGMENT)
		return entry & ZPCI_STE_FC ? FORMAT_LEAF : FORMAT_TABLE;
	/*
	 * Neither Linux nor QEMU has frames of 2 GiB. To take such an entry for a table would make
	 * tables of the guest's data.
	 */
	if (level == ZPCI_REGION_THIRD && entry & ZPCI_RTE_FC)
		return FORMAT_BAD_FORMAT;
	return FORMAT_TABLE;
}

static inline uint64_t zpci_table_address(unsigned int level, uint64_t entry)
{
	return entry & (level == ZPCI_SEGMENT ? ZPCI_STE_ORIGIN : ZPCI_RTE_ORIGIN);
}

static inline struct format_bounds zpci_table_bounds(unsigned int level, uint64_t entry)
{
	struct format_bounds bounds = { 0, (1u << zpci_index_bits(ZPCI_PAGE)) - 1 };

	if (level == ZPCI_SEGMENT)
		return bounds;
	bounds.first = (unsigned int)((entry & ZPCI_RTE_TF) >> ZPCI_RTE_TF_SHIFT) * ZPCI_QUARTER_COUNT;
	bounds.last = (unsigned int)(entry & ZPCI_RTE_TL) * ZPCI_QUARTER_COUNT + ZPCI_QUARTER_COUNT - 1;
	return bounds;
}

static inline uint64_t zpci_leaf_address(unsigned int level, uint64_t entry)
{
	return entry & (level == ZPCI_PAGE ? ZPCI_PTE_FRAME : ZPCI_STE_FRAME);
}

/* Loads are always allowed. */
static inline uint32_t zpci_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	(void)root;
	(void)level;
	return entry & ZPCI_ENTRY_P ? VIOMMU_READ : VIOMMU_RW;
}

static inline bool zpci_can_leaf(unsigned int level)
{
	return level <= ZPCI_SEGMENT;
}

static inline uint64_t zpci_invalid_entry(unsigned int level)
{
	return level == ZPCI_PAGE ? ZPCI_PTE_I : ZPCI_ENTRY_I;
}

/* The invalid bit is looked at before anything else. */
static inline uint64_t zpci_invalid_mask(unsigned int level)
{
	return level == ZPCI_PAGE ? ZPCI_PTE_I : ZPCI_ENTRY_I;
}

static inline uint64_t zpci_invalid_bits(unsigned int level)
{
	return zpci_invalid_mask(level);
}

/* prot has VIOMMU_READ: the format cannot say anything less. */
static inline uint64_t zpci_leaf_entry(unsigned int level, uint64_t address, uint32_t prot)
{
	return address | (prot & VIOMMU_WRITE ? 0 : ZPCI_ENTRY_P) | (level == ZPCI_SEGMENT ? ZPCI_STE_FC : 0);
}

static inline uint64_t zpci_table_entry(unsigned int level, uint64_t address)
{
	return address | zpci_type(level) | (level == ZPCI_SEGMENT ? 0 : ZPCI_RTE_TL_FULL);
}

#endif
