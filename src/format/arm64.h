/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arm64: stage 1 of Arm's VMSAv8-64 (Arm Architecture Reference Manual, DDI 0487, chapter D8), as
 * an SMMUv3 uses it (IHI 0070, sections 3.4 and 5.4). One format for each granule: this header is
 * the template of arm64_4k.h, arm64_16k.h and arm64_64k.h.
 *
 *   Arm's   4K: level, entries, covers 16K: level, entries, covers 64K: level, entries, covers
 *   L0      3   512   512 GiB               4   2     128 TiB
 *   L1      2 512 1 GiB, may be a leaf 3 2048 64 GiB 3 1024 4 TiB, may be a leaf
 *   L2      1 512 2 MiB, may be a leaf 2 2048 32 MiB, may be a leaf 2 8192 512 MiB, may be a leaf
 *   L3      0   512   4 KiB                 1   2048  16 KiB                1   8192  64 KiB
 *   none                                    0   4     4 KiB                 0   16    4 KiB
 *
 * The library's page is 4 KiB. Where the granule is larger, level 0 is in no memory: its entries
 * are the pages of a leaf above, made by X_leaf_entry(). They hold the address as it is, and
 * nothing of them is judged but their rights: the leaf that they are parts of was judged before.
 *
 * Addresses have 48 bits with granules of 4K and 16K (no LPA2), and 52 with 64K, whose entries have
 * bits 51-48 in bits 15-12. A leaf of 4 TiB is there for an SMMU with 52 bits of output (FEAT_LPA);
 * since nothing else here says which one it is, for contexts with an output size of 52 bits.
 *
 * A designation has the address of the top table (CD.TTB0 or TTB1), and what else the context
 * descriptor says about it, in ARM64_CONTROL_*. The top table is as large as TSZ asks for, at
 * either end of all addresses; IOVAs have no top byte that is ignored (TBI).
 *
 * Rules: reserved bits, and those that say nothing about reach and rights
 * (attributes, shareability, the contiguous hint, nG, NS, XN, DBM, software's), are ignored.
 * Hardware updates of flags are for SMMUs that have them (HTTU), which the guest's has not: an
 * access flag of 0 is a fault, unless these are disabled. An address that is too large is found
 * before that, as in Arm's pseudocode (AArch64.S1Translate). Entries are little-endian.
 */
#ifndef VIOMMU_FORMAT_ARM64_H
#define VIOMMU_FORMAT_ARM64_H

#include "format/format.h"
#include "format/arm64_sizes.h"
#include "port/port.h"

/* format_designation.control. */
#define ARM64_CONTROL_TSZ	 UINT64_C(0x3f)	 /* T0SZ or T1SZ: IOVAs have 64 - TSZ bits */
#define ARM64_CONTROL_IPS	 UINT64_C(0x1c0) /* output size: arm64_sizes.h */
#define ARM64_CONTROL_IPS_SHIFT	 6
#define ARM64_CONTROL_UPPER	 UINT64_C(0x0200) /* TTB1: the IOVAs at the end of all addresses */
#define ARM64_CONTROL_AFFD	 UINT64_C(0x0400) /* an access flag of 0 is no fault */
#define ARM64_CONTROL_HAD	 UINT64_C(0x0800) /* tables do not restrict what is below them */
#define ARM64_CONTROL_PRIVILEGED UINT64_C(0x1000) /* accesses are */
#define ARM64_CONTROL_ALL	 UINT64_C(0x1fff)

/* TSZ (IHI 0070, 5.4, CD.T0SZ); 64K has IOVAs of 52 bits, too. */
#define ARM64_TSZ_MIN	  16u
#define ARM64_TSZ_MIN_64K 12u
#define ARM64_TSZ_MAX	  39u

/* format_root.options. */
#define ARM64_OPTION_BITS	0x03fu /* the output size */
#define ARM64_OPTION_AFFD	0x040u
#define ARM64_OPTION_HAD	0x080u
#define ARM64_OPTION_PRIVILEGED 0x100u

/* Every entry. */
#define ARM64_VALID UINT64_C(0x1)
/* And not a block; in an entry of L3: a page, and not reserved */
#define ARM64_TABLE   UINT64_C(0x2)
#define ARM64_ADDRESS UINT64_C(0x0000fffffffff000)
#define ARM64_HIGH    UINT64_C(0xf000) /* 64K: address bits 51-48 */
#define ARM64_HIGH_UP 36

/* Blocks and pages. */
#define ARM64_AP_UNPRIVILEGED UINT64_C(0x040) /* AP[1]: not for privileged accesses alone */
#define ARM64_AP_READ_ONLY    UINT64_C(0x080) /* AP[2] */
#define ARM64_AF	      UINT64_C(0x400)
#define ARM64_NG	      UINT64_C(0x800) /* nG: of one ASID */

/* Tables. */
/* APTable[0]: below, for privileged accesses alone */
#define ARM64_APTABLE_PRIVILEGED (UINT64_C(1) << 61)
#define ARM64_APTABLE_READ_ONLY	 (UINT64_C(1) << 62) /* APTable[1] */

/* The entries of level 0 that are in no memory. */
#define ARM64_PART_ADDRESS UINT64_C(0x000ffffffffff000)

/* In the following, granule is log2 of its bytes: 12, 14, 16. */

/* Of Arm's L3 tables, the lowest in memory. */
static inline unsigned int arm64_lowest(unsigned int granule)
{
	return granule == 12 ? 0 : 1;
}

static inline unsigned int arm64_max_level(unsigned int granule)
{
	return granule == 14 ? 4 : 3;
}

/* A table of entries of 8 bytes fills a granule. */
static inline unsigned int arm64_shift(unsigned int granule, unsigned int level)
{
	unsigned int lowest = arm64_lowest(granule);

	return level < lowest ? 12 : granule + (level - lowest) * (granule - 3);
}

/* The highest tables end where IOVAs do. */
static inline unsigned int arm64_index_bits(unsigned int granule, unsigned int level)
{
	if (level < arm64_lowest(granule))
		return granule - 12;
	if (level == arm64_max_level(granule))
		return 64 - (granule == 16 ? ARM64_TSZ_MIN_64K : ARM64_TSZ_MIN) - arm64_shift(granule, level);
	return granule - 3;
}

/*
 * An IPS of 52 bits is one of 48 with the granules that have no more (DDI 0487,
 * AArch64.PhysicalAddressSize). 0: reserved.
 */
static inline unsigned int arm64_output_bits(unsigned int granule, uint64_t control)
{
	unsigned int bits = arm64_size_bits((unsigned int)((control & ARM64_CONTROL_IPS) >> ARM64_CONTROL_IPS_SHIFT));

	return granule != 16 && bits == 52 ? 48 : bits;
}

static inline int arm64_root(unsigned int granule, const struct format_designation *designation, struct format_root *root)
{
	uint64_t control = designation->control, table = designation->table, bytes;
	unsigned int bits = arm64_output_bits(granule, control), level = arm64_lowest(granule), shift, entries;
	unsigned int tsz = (unsigned int)(control & ARM64_CONTROL_TSZ);

	if (control & ~ARM64_CONTROL_ALL || !bits || tsz < (granule == 16 ? ARM64_TSZ_MIN_64K : ARM64_TSZ_MIN) || tsz > ARM64_TSZ_MAX || table >> bits)
		return -PORT_EINVAL;
	while (arm64_shift(granule, level) + arm64_index_bits(granule, level) < 64 - tsz)
		level++;
	shift = arm64_shift(granule, level);
	/*
	 * The table is aligned to its size; and to 64 bytes where addresses have 52 bits (DDI 0487,
	 * AArch64.S1TTBaseAddress). Bits below are RES0.
	 */
	entries = 1u << (64 - tsz - shift);
	bytes = entries * UINT64_C(8);
	if (bits == 52 && bytes < 64)
		bytes = 64;
	root->table = table & ~(bytes - 1);
	root->level = level;
	root->prot = VIOMMU_RW;
	root->bounds.first = 0;
	root->bounds.last = entries - 1;
	root->first = 0;
	root->last = (UINT64_C(1) << (64 - tsz)) - 1;
	if (control & ARM64_CONTROL_UPPER) {
		/*
		 * All IOVA bits above are 1: as indexes of a full table, these are its last ones.
		 */
		unsigned int skipped = (1u << arm64_index_bits(granule, level)) - entries;

		root->bounds.first += skipped;
		root->bounds.last += skipped;
		root->table -= skipped * UINT64_C(8);
		root->first = ~root->last;
		root->last = UINT64_MAX;
	}
	root->options = bits | (control & ARM64_CONTROL_AFFD ? ARM64_OPTION_AFFD : 0) | (control & ARM64_CONTROL_HAD ? ARM64_OPTION_HAD : 0) |
			(control & ARM64_CONTROL_PRIVILEGED ? ARM64_OPTION_PRIVILEGED : 0);
	return 0;
}

/* Where an entry in memory points. */
static inline uint64_t arm64_address(unsigned int granule, uint64_t entry)
{
	uint64_t address = entry & ARM64_ADDRESS & ~((UINT64_C(1) << granule) - 1);

	return granule == 16 ? address | (entry & ARM64_HIGH) << ARM64_HIGH_UP : address;
}

/* The address bits of an entry in memory; the opposite of arm64_address(). */
static inline uint64_t arm64_pointer(unsigned int granule, uint64_t address)
{
	return granule == 16 ? (address & ARM64_ADDRESS) | (address >> ARM64_HIGH_UP & ARM64_HIGH) : address;
}

static inline uint64_t arm64_leaf_address(unsigned int granule, unsigned int level, uint64_t entry)
{
	if (level < arm64_lowest(granule))
		return entry & ARM64_PART_ADDRESS;
	return arm64_address(granule, entry) & ~((UINT64_C(1) << arm64_shift(granule, level)) - 1);
}

/*
 * Blocks: of L2, and of L1 with a granule of 4K; with 64K, of L1, if addresses have 52 bits (DDI
 * 0487, AArch64.BlockDescSupported).
 */
static inline bool arm64_can_leaf(unsigned int granule, unsigned int level)
{
	return level <= (granule == 16 ? 3 : 2);
}

static inline enum format_kind arm64_kind(unsigned int granule, const struct format_root *root, unsigned int level, uint64_t entry)
{
	unsigned int lowest = arm64_lowest(granule), bits = root->options & ARM64_OPTION_BITS;

	if (!(entry & ARM64_VALID))
		return FORMAT_INVALID;
	if (level < lowest)
		return FORMAT_LEAF;
	if (level > lowest && entry & ARM64_TABLE)
		return arm64_address(granule, entry) >> bits ? FORMAT_BAD_ADDRESS : FORMAT_TABLE;
	/* A page where there are pages, or a block where there are blocks. */
	if (level == lowest ? !(entry & ARM64_TABLE) : !arm64_can_leaf(granule, level) || (level == 3 && bits != 52))
		return FORMAT_INVALID;
	if (arm64_leaf_address(granule, level, entry) >> bits)
		return FORMAT_BAD_ADDRESS;
	return entry & ARM64_AF || root->options & ARM64_OPTION_AFFD ? FORMAT_LEAF : FORMAT_BAD_ACCESS;
}

/*
 * Rights of data accesses alone: nothing that a device does executes anything that XN or PXN would
 * forbid.
 */
static inline uint32_t arm64_prot(unsigned int granule, const struct format_root *root, unsigned int level, uint64_t entry)
{
	bool privileged = root->options & ARM64_OPTION_PRIVILEGED;

	if (level > arm64_lowest(granule) && entry & ARM64_TABLE) {
		if (root->options & ARM64_OPTION_HAD)
			return VIOMMU_RW;
		if (entry & ARM64_APTABLE_PRIVILEGED && !privileged)
			return 0;
		return entry & ARM64_APTABLE_READ_ONLY ? VIOMMU_READ : VIOMMU_RW;
	}
	if (!(entry & ARM64_AP_UNPRIVILEGED) && !privileged)
		return 0;
	return entry & ARM64_AP_READ_ONLY ? VIOMMU_READ : VIOMMU_RW;
}

/*
 * prot has VIOMMU_READ: the format cannot say anything less. It is the same for privileged accesses
 * and others.
 */
static inline uint64_t arm64_leaf_entry(unsigned int granule, unsigned int level, uint64_t address, uint32_t prot)
{
	unsigned int lowest = arm64_lowest(granule);

	return (level < lowest ? address : arm64_pointer(granule, address)) | (prot & VIOMMU_WRITE ? 0 : ARM64_AP_READ_ONLY) | ARM64_AP_UNPRIVILEGED |
	       ARM64_AF | (level > lowest ? 0 : ARM64_TABLE) | ARM64_VALID;
}

#endif

/*
 * The second part is the template: ARM64_FORMAT is the format's name, ARM64_GRANULE log2 of its
 * granule.
 */
#ifdef ARM64_FORMAT

#define A(name) FORMAT_PASTE(ARM64_FORMAT, name)

enum { A(max_level) = ARM64_GRANULE == 14 ? 4 : 3 };
enum { A(lowest_table) = ARM64_GRANULE == 12 ? 0 : 1 };

static inline unsigned int A(shift)(unsigned int level)
{
	return arm64_shift(ARM64_GRANULE, level);
}

static inline unsigned int A(index_bits)(unsigned int level)
{
	return arm64_index_bits(ARM64_GRANULE, level);
}

#define FORMAT_NAME ARM64_FORMAT
#define FORMAT_OWN_LOWEST_TABLE
#define FORMAT_OWN_SHIFT
#define FORMAT_OWN_INDEX_BITS
#include "format/format_defaults.h"

static inline int A(root)(const struct format_designation *designation, struct format_root *root)
{
	return arm64_root(ARM64_GRANULE, designation, root);
}

static inline enum format_kind A(kind)(const struct format_root *root, unsigned int level, uint64_t entry)
{
	return arm64_kind(ARM64_GRANULE, root, level, entry);
}

static inline uint64_t A(table_address)(unsigned int level, uint64_t entry)
{
	(void)level;
	return arm64_address(ARM64_GRANULE, entry);
}

static inline uint64_t A(leaf_address)(unsigned int level, uint64_t entry)
{
	return arm64_leaf_address(ARM64_GRANULE, level, entry);
}

static inline uint32_t A(prot)(const struct format_root *root, unsigned int level, uint64_t entry)
{
	return arm64_prot(ARM64_GRANULE, root, level, entry);
}

static inline bool A(can_leaf)(unsigned int level)
{
	return arm64_can_leaf(ARM64_GRANULE, level);
}

static inline uint64_t A(invalid_mask)(unsigned int level)
{
	(void)level;
	return ARM64_VALID;
}

static inline uint64_t A(leaf_entry)(unsigned int level, uint64_t address, uint32_t prot)
{
	return arm64_leaf_entry(ARM64_GRANULE, level, address, prot);
}

static inline uint64_t A(table_entry)(unsigned int level, uint64_t address)
{
	(void)level;
	return arm64_pointer(ARM64_GRANULE, address) | ARM64_TABLE | ARM64_VALID;
}

#undef A
#undef ARM64_FORMAT
#undef ARM64_GRANULE

#endif
