/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * riscv_sv: RISC-V's page tables, Sv39, Sv48 and Sv57 (RISC-V Privileged Architecture, chapters
 * "Supervisor-Level ISA" and "Hypervisor Extension", with Svnapot, Svpbmt and Svadu), as a RISC-V
 * IOMMU walks them: at the first stage, and at the second with the roots of Sv39x4, Sv48x4, Sv57x4.
 *
 *   level  one entry covers
 *   5      128 PiB   in no memory: the root tables of Sv57x4 that follow each other
 *   4      256 TiB   the top of Sv57
 *   3      512 GiB   the top of Sv48
 *   2      1 GiB     the top of Sv39
 *   1      2 MiB
 *   0      4 KiB     64 KiB with 16 entries that have N
 *
 * Every table has 512 entries; all levels but 5 may have leaves. Entries are little-endian.
 *
 * A designation has the register that names the root (iosatp or iohgatp: MODE and PPN), and in
 * RISCV_CONTROL_* what the device or process context says. A first-stage root translates both ends
 * of the addresses, since IOVAs are sign-extended: one designation is for either half. A
 * second-stage root is four tables, one after the other.
 *
 * Reserved bits and encodings make an entry malformed, as the specification requires; bits 60 and
 * 59 are reserved (Svrsw60t59b is not there), and RSW and G are ignored. A leaf without A is a
 * fault, and one without D cannot be written, unless hardware sets these bits (ADUE). U is judged
 * as for accesses in user mode. Supervisor accesses are there with SUM alone, which makes U no
 * matter.
 */
#ifndef VIOMMU_FORMAT_RISCV_SV_H
#define VIOMMU_FORMAT_RISCV_SV_H

#include "format/format.h"
#include "port/port.h"

/* format_designation.table. */
#define RISCV_ROOT_PPN	      UINT64_C(0x00000fffffffffff)
#define RISCV_ROOT_GSCID      UINT64_C(0x0ffff00000000000) /* of iohgatp; reserved in iosatp */
#define RISCV_ROOT_MODE_SHIFT 60
#define RISCV_MODE_SV39	      8u
#define RISCV_MODE_SV57	      10u

/* format_designation.control; the last three are format_root.options, too. */
#define RISCV_CONTROL_STAGE2	 UINT64_C(0x01)
#define RISCV_CONTROL_UPPER	 UINT64_C(0x02) /* stage 1: the IOVAs at the end of all addresses */
#define RISCV_CONTROL_SUPERVISOR UINT64_C(0x04) /* stage 1 */
#define RISCV_CONTROL_PBMT	 UINT64_C(0x08)
#define RISCV_CONTROL_ADUE	 UINT64_C(0x10)
#define RISCV_CONTROL_ALL	 UINT64_C(0x1f)

#define RISCV_V	       UINT64_C(0x01)
#define RISCV_R	       UINT64_C(0x02)
#define RISCV_W	       UINT64_C(0x04)
#define RISCV_X	       UINT64_C(0x08)
#define RISCV_U	       UINT64_C(0x10)
#define RISCV_A	       UINT64_C(0x40)
#define RISCV_D	       UINT64_C(0x80)
#define RISCV_PPN      UINT64_C(0x003ffffffffffc00)
#define RISCV_PPN_UP   2 /* from a PPN to the address */
#define RISCV_RESERVED UINT64_C(0x1fc0000000000000)
#define RISCV_PBMT     UINT64_C(0x6000000000000000)
#define RISCV_N	       UINT64_C(0x8000000000000000)

/* Svnapot: the only size that there is, 64 KiB, as the lowest bits of the PPN. */
#define RISCV_NAPOT	 UINT64_C(0x2000)
#define RISCV_NAPOT_BITS UINT64_C(0x3c00)

enum { riscv_sv_max_level = 5 };
enum { riscv_sv_root_tables = 4 };
enum { riscv_sv_leaf_step = 0x400 };
enum { riscv_sv_updates = 1 };

static inline unsigned int riscv_sv_index_bits(unsigned int level)
{
	return level == riscv_sv_max_level ? 7 : 9;
}

static inline unsigned int riscv_sv_leaf_repeat(unsigned int level, uint64_t entry)
{
	(void)level;
	return entry & RISCV_N ? 16 : 1;
}

static inline uint64_t riscv_sv_accessed(const struct format_root *root, unsigned int level, uint64_t entry, uint32_t prot)
{
	(void)level;
	if (!(root->options & RISCV_CONTROL_ADUE) || !prot)
		return entry;
	return entry | RISCV_A | (prot & VIOMMU_WRITE ? RISCV_D : 0);
}

#define FORMAT_NAME riscv_sv
#define FORMAT_OWN_ROOT_TABLES
#define FORMAT_OWN_INDEX_BITS
#define FORMAT_OWN_REPEAT
#define FORMAT_OWN_UPDATES
#include "format/format_defaults.h"

static inline int riscv_sv_root(const struct format_designation *designation, struct format_root *root)
{
	uint64_t control = designation->control, mode = designation->table >> RISCV_ROOT_MODE_SHIFT, ppn = designation->table & RISCV_ROOT_PPN, half;
	bool stage2 = control & RISCV_CONTROL_STAGE2;

	if (control & ~RISCV_CONTROL_ALL || mode < RISCV_MODE_SV39 || mode > RISCV_MODE_SV57)
		return -PORT_EINVAL;
	/* The root of the second stage is aligned to its 16 KiB. */
	if (stage2 ? ppn & 3 || control & (RISCV_CONTROL_UPPER | RISCV_CONTROL_SUPERVISOR) : designation->table & RISCV_ROOT_GSCID)
		return -PORT_EINVAL;
	root->table = ppn << 12;
	root->level = 2 + (unsigned int)(mode - RISCV_MODE_SV39);
	root->tables = stage2 ? riscv_sv_root_tables : 1;
	root->prot = VIOMMU_RW;
	root->bounds.first = 0;
	root->bounds.last = stage2 ? 511 : 255;
	/*
	 * Half of what one table translates: the other half is at the other end of the addresses.
	 */
	half = UINT64_C(1) << (riscv_sv_shift(root->level) + 8);
	root->first = 0;
	root->last = (stage2 ? 8 * half : half) - 1;
	if (control & RISCV_CONTROL_UPPER) {
		root->bounds.first = 256;
		root->bounds.last = 511;
		root->first = ~root->last;
		root->last = UINT64_MAX;
	}
	root->options = (uint32_t)(control & (RISCV_CONTROL_SUPERVISOR | RISCV_CONTROL_PBMT | RISCV_CONTROL_ADUE));
	return 0;
}

static inline bool riscv_sv_can_leaf(unsigned int level)
{
	return level < riscv_sv_max_level;
}

static inline uint64_t riscv_sv_table_address(unsigned int level, uint64_t entry)
{
	(void)level;
	return (entry & RISCV_PPN) << RISCV_PPN_UP;
}

static inline uint64_t riscv_sv_leaf_address(unsigned int level, uint64_t entry)
{
	return riscv_sv_table_address(level, entry & RISCV_N ? entry & ~RISCV_NAPOT_BITS : entry);
}

static inline enum format_kind riscv_sv_kind(const struct format_root *root, unsigned int level, uint64_t entry)
{
	if (!(entry & RISCV_V))
		return FORMAT_INVALID;
	if (entry & RISCV_RESERVED || (entry & RISCV_PBMT) == RISCV_PBMT || (entry & RISCV_PBMT && !(root->options & RISCV_CONTROL_PBMT)))
		return FORMAT_BAD_FORMAT;
	if (!(entry & (RISCV_R | RISCV_W | RISCV_X))) {
		if (!level)
			return FORMAT_BAD_TYPE;
		return entry & (RISCV_N | RISCV_PBMT | RISCV_D | RISCV_A | RISCV_U) ? FORMAT_BAD_FORMAT : FORMAT_TABLE;
	}
	if (!riscv_sv_can_leaf(level))
		return FORMAT_BAD_TYPE;
	if ((entry & (RISCV_R | RISCV_W)) == RISCV_W)
		return FORMAT_BAD_FORMAT;
	if (entry & RISCV_N && (level || (entry & RISCV_NAPOT_BITS) != RISCV_NAPOT))
		return FORMAT_BAD_FORMAT;
	if (!(entry & RISCV_A) && !(root->options & RISCV_CONTROL_ADUE))
		return FORMAT_BAD_ACCESS;
	return riscv_sv_leaf_address(level, entry) & ((UINT64_C(1) << riscv_sv_shift(level)) - 1) ? FORMAT_BAD_FORMAT : FORMAT_LEAF;
}

/* A page that may only be executed is of no use to data accesses. */
static inline uint32_t riscv_sv_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	(void)level;
	if (!(entry & (RISCV_R | RISCV_W | RISCV_X)))
		return VIOMMU_RW;
	if (!(entry & RISCV_R) || !(entry & RISCV_U || root->options & RISCV_CONTROL_SUPERVISOR))
		return 0;
	return entry & RISCV_W && (entry & RISCV_D || root->options & RISCV_CONTROL_ADUE) ? VIOMMU_RW : VIOMMU_READ;
}

static inline uint64_t riscv_sv_invalid_mask(unsigned int level)
{
	(void)level;
	return RISCV_V;
}

/* prot has VIOMMU_READ: writing alone is a reserved encoding. */
static inline uint64_t riscv_sv_leaf_entry(unsigned int level, uint64_t address, uint32_t prot)
{
	(void)level;
	return address >> RISCV_PPN_UP | RISCV_A | RISCV_U | (prot & VIOMMU_WRITE ? RISCV_D | RISCV_W : 0) | RISCV_R | RISCV_V;
}

static inline uint64_t riscv_sv_table_entry(unsigned int level, uint64_t address)
{
	(void)level;
	return address >> RISCV_PPN_UP | RISCV_V;
}

#endif
