/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second description of the formats arm64_4k, arm64_16k and arm64_64k (DDI 0487, D8.2.8 to
 * D8.2.10, D8.3). It is compiled once for each granule, with -DGRANULE=12, 14 or 16. Tests for all
 * granules use the levels L3 and L2, and PAGE, the address of a page. Each granule has a part of
 * its own. Contexts have additional tests.
 *
 * A control word is TSZ, and IPS << 6; 0x200 is TTB1, 0x400 AFFD, 0x800 HAD, 0x1000 privileged.
 */
#include "format_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 0
#define SPEC_DESIGNATION 0
#define SPEC_CASES

#define L3   (GRANULE == 12 ? 0 : 1)
#define L2   (L3 + 1)
#define PAGE (UINT64_C(0x12345000) >> GRANULE << GRANULE)

/*
 * NSTable; APTable[1], APTable[0]; UXNTable and PXNTable; ignored and RES0. Below the address:
 * ignored; not a block; valid.
 */
#define ARM64_TABLE_BITS(level, block)                                                                                                                         \
	{ level, SPEC_TABLE, 63, 63, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 62, 62, SPEC_PROT, VIOMMU_READ }, { level, SPEC_TABLE, 61, 61, SPEC_PROT, 0 },    \
		{ level, SPEC_TABLE, 60, 59, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 58, 48, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 11, 2, SPEC_NOTHING, 0 }, \
		{ level, SPEC_TABLE, 1, 1, SPEC_BECOMES, block },                                                                                              \
	{                                                                                                                                                      \
		level, SPEC_TABLE, 0, 0, SPEC_BECOMES, FORMAT_INVALID                                                                                          \
	}

/*
 * Ignored; PBHA or ignored; software; UXN, PXN, contiguous; DBM, GP, RES0. Below the address: nG;
 * AF; SH; AP[2]; AP[1]; NS; AttrIndx; the type; valid.
 */
#define ARM64_LEAF_BITS(level, other)                                                                                                                      \
	{ level, SPEC_LEAF, 63, 59, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 58, 55, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 54, 52, SPEC_NOTHING, 0 },       \
		{ level, SPEC_LEAF, 51, 48, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 11, 11, SPEC_NOTHING, 0 },                                              \
		{ level, SPEC_LEAF, 10, 10, SPEC_BECOMES, FORMAT_BAD_ACCESS }, { level, SPEC_LEAF, 9, 8, SPEC_NOTHING, 0 },                                \
		{ level, SPEC_LEAF, 7, 7, SPEC_PROT, VIOMMU_READ }, { level, SPEC_LEAF, 6, 6, SPEC_PROT, 0 }, { level, SPEC_LEAF, 5, 2, SPEC_NOTHING, 0 }, \
		{ level, SPEC_LEAF, 1, 1, SPEC_BECOMES, other },                                                                                           \
	{                                                                                                                                                  \
		level, SPEC_LEAF, 0, 0, SPEC_BECOMES, FORMAT_INVALID                                                                                       \
	}

/*
 * Zeros. With only bit 0 set: a block at 0 without an access flag at levels with blocks, otherwise
 * reserved.
 */
#define ARM64_INVALID_BITS(level, valid)                       \
	{ level, SPEC_INVALID, 63, 1, SPEC_NOTHING, 0 },       \
	{                                                      \
		level, SPEC_INVALID, 0, 0, SPEC_BECOMES, valid \
	}

/* Level 0 for granules above 4 KiB: parts of a leaf. It is not in memory. */
#define ARM64_PART_BITS                                                                                                                        \
	{ 0, SPEC_LEAF, 63, 52, SPEC_NOTHING, 0 }, { 0, SPEC_LEAF, 51, 12, SPEC_ADDRESS, 0 }, { 0, SPEC_LEAF, 11, 8, SPEC_NOTHING, 0 },        \
		{ 0, SPEC_LEAF, 7, 7, SPEC_PROT, VIOMMU_READ }, { 0, SPEC_LEAF, 6, 6, SPEC_PROT, 0 }, { 0, SPEC_LEAF, 5, 1, SPEC_NOTHING, 0 }, \
		{ 0, SPEC_LEAF, 0, 0, SPEC_BECOMES, FORMAT_INVALID }, ARM64_INVALID_BITS(0, FORMAT_LEAF)

/* The TSZ values whose top table is at a level. */
struct arm64_tsz {
	unsigned int first, last, level;
};

/* The last page, and the last block of L2, of an address size. */
#define LAST_PAGE(bits)	 ((UINT64_C(1) << (bits)) - (UINT64_C(1) << GRANULE))
#define LAST_BLOCK(bits) ((UINT64_C(1) << (bits)) - (UINT64_C(1) << (2 * GRANULE - 3)))

/* The last index of a lower table. */
#define TABLE_LAST ((1u << (GRANULE - 3)) - 1)

/* Rows. */
#define LEAF(at, value, to, rights)                                                             \
	{                                                                                       \
		.level = at, .entry = value, .kind = FORMAT_LEAF, .address = to, .prot = rights \
	}
#define TABLE(at, value, to, rights)                                                                                 \
	{                                                                                                            \
		.level = at, .entry = value, .kind = FORMAT_TABLE, .address = to, .prot = rights, .last = TABLE_LAST \
	}
#define OTHER(at, value, what)                            \
	{                                                 \
		.level = at, .entry = value, .kind = what \
	}
#define ROOT(to, word, at, where, low, high, from, until)                                                                                        \
	{                                                                                                                                        \
		.designation = to, .control = word, .level = at, .table = where, .bounds = { low, high }, .first_iova = from, .last_iova = until \
	}
#define NO_ROOT(to, word)                                                 \
	{                                                                 \
		.designation = to, .control = word, .error = -PORT_EINVAL \
	}

/*
 * The output size: the last address, and the first beyond it. This check precedes the access
 * flag's.
 */
#define SIZE_CASES(ips, bits)                                                                          \
	{ 0, ips << 6 | 16, LEAF(L3, LAST_PAGE(bits) | 0xf47, LAST_PAGE(bits), VIOMMU_RW) },           \
		{ 0, ips << 6 | 16, OTHER(L3, UINT64_C(1) << bits | 0xf47, FORMAT_BAD_ADDRESS) },      \
		{ 0, ips << 6 | 16, OTHER(L3, UINT64_C(1) << bits | 0xb47, FORMAT_BAD_ADDRESS) },      \
		{ 0, ips << 6 | 16, TABLE(3, LAST_PAGE(bits) | 3, LAST_PAGE(bits), VIOMMU_RW) },       \
		{ 0, ips << 6 | 16, OTHER(3, UINT64_C(1) << bits | 3, FORMAT_BAD_ADDRESS) },           \
		{ 0, ips << 6 | 16, LEAF(L2, LAST_BLOCK(bits) | 0xf45, LAST_BLOCK(bits), VIOMMU_RW) }, \
		{ 0, ips << 6 | 16, OTHER(L2, UINT64_C(1) << bits | 0xf45, FORMAT_BAD_ADDRESS) },      \
		{ 0, ips << 6 | 16, OTHER(L2, UINT64_C(1) << bits | 0xb45, FORMAT_BAD_ADDRESS) },      \
	{                                                                                              \
		0, ips << 6 | 16 | 0x400, OTHER(L2, UINT64_C(1) << bits | 0xb45, FORMAT_BAD_ADDRESS)   \
	}

#if GRANULE == 12
#define SPEC_OUTPUT_BITS       48
#define SPEC_CONTROL	       0x150
#define SUITE_ADDRESS	       UINT64_C(0x0000a5a540000000)
#define ARM64_MOST_OUTPUT_BITS 48
#define VIOMMU_FORMAT	       arm64_4k
#include "format/arm64_4k.h"
#elif GRANULE == 14
#define SPEC_OUTPUT_BITS       48
#define SPEC_LOWEST	       1
#define SPEC_CONTROL	       0x150
#define SUITE_ADDRESS	       UINT64_C(0x0000a5a540000000)
#define ARM64_MOST_OUTPUT_BITS 48
#define VIOMMU_FORMAT	       arm64_16k
#include "format/arm64_16k.h"
#elif GRANULE == 16
#define SPEC_OUTPUT_BITS       52
#define SPEC_LOWEST	       1
#define SPEC_CONTROL	       0x18c
#define SUITE_ADDRESS	       UINT64_C(0x000da40000000000)
#define ARM64_MOST_OUTPUT_BITS 52
#define VIOMMU_FORMAT	       arm64_64k
#include "format/arm64_64k.h"
#endif

static const struct spec_level spec_levels[] = {
#if GRANULE == 12
	{ 12, 9, true },  /* L3 */
	{ 21, 9, true },  /* L2 */
	{ 30, 9, true },  /* L1 */
	{ 39, 9, false }, /* L0 */
#elif GRANULE == 14
	{ 12, 2, true },   /* not in memory */
	{ 14, 11, true },  /* L3 */
	{ 25, 11, true },  /* L2 */
	{ 36, 11, false }, /* L1 */
	{ 47, 1, false },  /* L0 */
#elif GRANULE == 16
	{ 12, 4, true },  /* not in memory */
	{ 16, 13, true }, /* L3 */
	{ 29, 13, true }, /* L2 */
	{ 42, 10, true }, /* L1 */
#endif
};

static const struct spec_bits spec_bits[] = {
#if GRANULE == 12
	ARM64_LEAF_BITS(0, FORMAT_INVALID),
	{ 0, SPEC_LEAF, 47, 12, SPEC_ADDRESS, 0 },
	ARM64_INVALID_BITS(0, FORMAT_INVALID),
	/* L2. Bits 20-12 of a block are RES0, and nT. */
	ARM64_LEAF_BITS(1, FORMAT_TABLE),
	{ 1, SPEC_LEAF, 47, 21, SPEC_ADDRESS, 0 },
	{ 1, SPEC_LEAF, 20, 12, SPEC_NOTHING, 0 },
	ARM64_TABLE_BITS(1, FORMAT_BAD_ACCESS),
	{ 1, SPEC_TABLE, 47, 12, SPEC_ADDRESS, 0 },
	ARM64_INVALID_BITS(1, FORMAT_BAD_ACCESS),
	/* L1. */
	ARM64_LEAF_BITS(2, FORMAT_TABLE),
	{ 2, SPEC_LEAF, 47, 30, SPEC_ADDRESS, 0 },
	{ 2, SPEC_LEAF, 29, 12, SPEC_NOTHING, 0 },
	ARM64_TABLE_BITS(2, FORMAT_BAD_ACCESS),
	{ 2, SPEC_TABLE, 47, 12, SPEC_ADDRESS, 0 },
	ARM64_INVALID_BITS(2, FORMAT_BAD_ACCESS),
	/* L0 has no blocks. */
	ARM64_TABLE_BITS(3, FORMAT_INVALID),
	{ 3, SPEC_TABLE, 47, 12, SPEC_ADDRESS, 0 },
	ARM64_INVALID_BITS(3, FORMAT_INVALID),
#elif GRANULE == 14
	ARM64_PART_BITS,
	/* L3: pages of 16 KiB. */
	ARM64_LEAF_BITS(1, FORMAT_INVALID),
	{ 1, SPEC_LEAF, 47, 14, SPEC_ADDRESS, 0 },
	{ 1, SPEC_LEAF, 13, 12, SPEC_NOTHING, 0 },
	ARM64_INVALID_BITS(1, FORMAT_INVALID),
	/* L2. */
	ARM64_LEAF_BITS(2, FORMAT_TABLE),
	{ 2, SPEC_LEAF, 47, 25, SPEC_ADDRESS, 0 },
	{ 2, SPEC_LEAF, 24, 12, SPEC_NOTHING, 0 },
	ARM64_TABLE_BITS(2, FORMAT_BAD_ACCESS),
	{ 2, SPEC_TABLE, 47, 14, SPEC_ADDRESS, 0 },
	{ 2, SPEC_TABLE, 13, 12, SPEC_NOTHING, 0 },
	ARM64_INVALID_BITS(2, FORMAT_BAD_ACCESS),
	/* L1 and L0 have no blocks. */
	ARM64_TABLE_BITS(3, FORMAT_INVALID),
	{ 3, SPEC_TABLE, 47, 14, SPEC_ADDRESS, 0 },
	{ 3, SPEC_TABLE, 13, 12, SPEC_NOTHING, 0 },
	ARM64_INVALID_BITS(3, FORMAT_INVALID),
	ARM64_TABLE_BITS(4, FORMAT_INVALID),
	{ 4, SPEC_TABLE, 47, 14, SPEC_ADDRESS, 0 },
	{ 4, SPEC_TABLE, 13, 12, SPEC_NOTHING, 0 },
	ARM64_INVALID_BITS(4, FORMAT_INVALID),
#elif GRANULE == 16
	ARM64_PART_BITS,
	/* L3: pages of 64 KiB. */
	ARM64_LEAF_BITS(1, FORMAT_INVALID),
	{ 1, SPEC_LEAF, 47, 16, SPEC_ADDRESS, 0 },
	{ 1, SPEC_LEAF, 15, 12, SPEC_HIGHER, 36 },
	ARM64_INVALID_BITS(1, FORMAT_INVALID),
	/* L2. */
	ARM64_LEAF_BITS(2, FORMAT_TABLE),
	{ 2, SPEC_LEAF, 47, 29, SPEC_ADDRESS, 0 },
	{ 2, SPEC_LEAF, 28, 16, SPEC_NOTHING, 0 },
	{ 2, SPEC_LEAF, 15, 12, SPEC_HIGHER, 36 },
	ARM64_TABLE_BITS(2, FORMAT_BAD_ACCESS),
	{ 2, SPEC_TABLE, 47, 16, SPEC_ADDRESS, 0 },
	{ 2, SPEC_TABLE, 15, 12, SPEC_HIGHER, 36 },
	ARM64_INVALID_BITS(2, FORMAT_BAD_ACCESS),
	/* L1: blocks, with an output size of 52 bits. */
	ARM64_LEAF_BITS(3, FORMAT_TABLE),
	{ 3, SPEC_LEAF, 47, 42, SPEC_ADDRESS, 0 },
	{ 3, SPEC_LEAF, 41, 16, SPEC_NOTHING, 0 },
	{ 3, SPEC_LEAF, 15, 12, SPEC_HIGHER, 36 },
	ARM64_TABLE_BITS(3, FORMAT_BAD_ACCESS),
	{ 3, SPEC_TABLE, 47, 16, SPEC_ADDRESS, 0 },
	{ 3, SPEC_TABLE, 15, 12, SPEC_HIGHER, 36 },
	ARM64_INVALID_BITS(3, FORMAT_BAD_ACCESS),
#endif
};

static const struct spec_entry spec_entries[] = {
	/*
	 * Pages as Linux writes them for devices (io-pgtable-arm.c): nG, AF, inner shareable,
	 * unprivileged; with UXN and PXN; read-only.
	 */
	LEAF(L3, PAGE | 0xf47, PAGE, VIOMMU_RW),
	LEAF(L3, UINT64_C(0x0060000000000f47) | PAGE, PAGE, VIOMMU_RW),
	LEAF(L3, PAGE | 0xfc7, PAGE, VIOMMU_READ),
	/* No rights for unprivileged accesses. */
	LEAF(L3, PAGE | 0xf07, PAGE, 0),
	LEAF(L3, PAGE | 0xf87, PAGE, 0),
	/* Invalid, reserved, without an access flag. Invalid takes precedence. */
	OTHER(L3, 0, FORMAT_INVALID),
	OTHER(L3, UINT64_C(0xfffffffffffffffe), FORMAT_INVALID),
	OTHER(L3, PAGE | 0xf45, FORMAT_INVALID),
	OTHER(L3, PAGE | 0xb45, FORMAT_INVALID),
	OTHER(L3, PAGE | 0xb47, FORMAT_BAD_ACCESS),
	/* Contiguous. */
	LEAF(L3, UINT64_C(0x0010000000000f47) | PAGE, PAGE, VIOMMU_RW),
	/* Tables, and the rights that they leave to lower entries. */
	TABLE(L2, PAGE | 3, PAGE, VIOMMU_RW),
	TABLE(3, PAGE | 3, PAGE, VIOMMU_RW),
	OTHER(3, PAGE | 2, FORMAT_INVALID),
	TABLE(3, UINT64_C(0x4000000000000003) | PAGE, PAGE, VIOMMU_READ),
	TABLE(L2, UINT64_C(0x2000000000000003) | PAGE, PAGE, 0),
#if GRANULE == 12
	/* All bits set. Addresses have at most 48 bits. */
	LEAF(0, UINT64_C(0xffffffffffffffff), UINT64_C(0x0000fffffffff000), VIOMMU_READ),
	LEAF(0, UINT64_C(0x0003000012345f47), 0x12345000, VIOMMU_RW),
	/*
	 * The same number as a block of 2 MiB, of 1 GiB, and at a level without blocks. Address
	 * bits below the block are ignored.
	 */
	LEAF(1, 0x40200f45, 0x40200000, VIOMMU_RW),
	LEAF(2, 0x40200f45, 0x40000000, VIOMMU_RW),
	OTHER(3, 0x40200f45, FORMAT_INVALID),
	LEAF(1, 0x403fffc5, 0x40200000, VIOMMU_READ),
	OTHER(2, 0x7ffffb45, FORMAT_BAD_ACCESS),
	/* Contiguous. */
	LEAF(1, UINT64_C(0x0010000040200f45), 0x40200000, VIOMMU_RW),
	/* Tables, and the rights that they leave to lower entries. */
	TABLE(2, 0x12345003, 0x12345000, VIOMMU_RW),
	TABLE(2, UINT64_C(0xffffffffffffffff), UINT64_C(0x0000fffffffff000), 0),
	TABLE(3, UINT64_C(0x1803000012345fff), 0x12345000, VIOMMU_RW),
#elif GRANULE == 14
	/* With bits below a page; all bits set; with bits that addresses do not have. */
	LEAF(1, 0x12347f47, 0x12344000, VIOMMU_RW),
	LEAF(1, UINT64_C(0xffffffffffffffff), UINT64_C(0x0000ffffffffc000), VIOMMU_READ),
	LEAF(1, UINT64_C(0x0003000012344f47), 0x12344000, VIOMMU_RW),
	/* A block of 32 MiB, and at a level without blocks. */
	LEAF(2, 0x42000f45, 0x42000000, VIOMMU_RW),
	LEAF(2, 0x43ffffc5, 0x42000000, VIOMMU_READ),
	OTHER(3, 0x42000f45, FORMAT_INVALID),
	OTHER(4, 0x42000f45, FORMAT_INVALID),
	OTHER(2, 0x42000b45, FORMAT_BAD_ACCESS),
	/* Contiguous. */
	LEAF(2, UINT64_C(0x0010000042000f45), 0x42000000, VIOMMU_RW),
	/* Tables: the lower ones are full, of 2048 entries. */
	TABLE(2, 0x12347003, 0x12344000, VIOMMU_RW),
	TABLE(4, 0x12344003, 0x12344000, VIOMMU_RW),
	TABLE(4, UINT64_C(0x4000000012344003), 0x12344000, VIOMMU_READ),
	TABLE(3, UINT64_C(0xffffffffffffffff), UINT64_C(0x0000ffffffffc000), 0),
	/* Parts of leaves: other bits have no meaning. */
	LEAF(0, 0x12345001, 0x12345000, 0),
	LEAF(0, 0x12345041, 0x12345000, VIOMMU_RW),
	LEAF(0, 0x123450c1, 0x12345000, VIOMMU_READ),
	OTHER(0, 0x12345040, FORMAT_INVALID),
#elif GRANULE == 16
	/* With the highest address bits set. */
	LEAF(1, 0x1234ff47, UINT64_C(0x000f000012340000), VIOMMU_RW),
	LEAF(1, 0x12341f47, UINT64_C(0x0001000012340000), VIOMMU_RW),
	LEAF(1, UINT64_C(0xffffffffffffffff), UINT64_C(0x000fffffffff0000), VIOMMU_READ),
	LEAF(1, UINT64_C(0x000f000012340f47), 0x12340000, VIOMMU_RW),
	/* A block of 512 MiB, and of 4 TiB. */
	LEAF(2, 0x60000f45, 0x60000000, VIOMMU_RW),
	LEAF(2, 0x7fff3fc5, UINT64_C(0x0003000060000000), VIOMMU_READ),
	LEAF(3, UINT64_C(0x0000080000000f45), UINT64_C(0x0000080000000000), VIOMMU_RW),
	LEAF(3, UINT64_C(0x00000bffffffffc5), UINT64_C(0x000f080000000000), VIOMMU_READ),
	LEAF(3, 0x60000f45, 0x0, VIOMMU_RW),
	OTHER(2, 0x60000b45, FORMAT_BAD_ACCESS),
	OTHER(3, UINT64_C(0x0000080000000b45), FORMAT_BAD_ACCESS),
	/* Contiguous. */
	LEAF(2, UINT64_C(0x0010000060000f45), 0x60000000, VIOMMU_RW),
	/* Tables: the lower ones are full, of 8192 entries. */
	TABLE(3, 0x12345003, UINT64_C(0x0005000012340000), VIOMMU_RW),
	TABLE(3, UINT64_C(0xffffffffffffffff), UINT64_C(0x000fffffffff0000), 0),
	/* Parts of leaves: the address is unmodified, other bits have no meaning. */
	LEAF(0, 0x12345001, 0x12345000, 0),
	LEAF(0, UINT64_C(0x000f000012345041), UINT64_C(0x000f000012345000), VIOMMU_RW),
	LEAF(0, UINT64_C(0x000f0000123450c1), UINT64_C(0x000f000012345000), VIOMMU_READ),
	OTHER(0, 0x12345040, FORMAT_INVALID),
#endif
};

static const struct spec_case spec_cases[] = {
	/* AP[1] allows unprivileged accesses. AP[2] applies to all. */
	{ 0, 0x1150, LEAF(L3, PAGE | 0xf07, PAGE, VIOMMU_RW) },
	{ 0, 0x1150, LEAF(L3, PAGE | 0xf87, PAGE, VIOMMU_READ) },
	{ 0, 0x1150, LEAF(L3, PAGE | 0xf47, PAGE, VIOMMU_RW) },
	{ 0, 0x1150, LEAF(L3, PAGE | 0xfc7, PAGE, VIOMMU_READ) },
	{ 0, 0x150, LEAF(L3, PAGE | 0xf07, PAGE, 0) },
	{ 0, 0x150, LEAF(L3, PAGE | 0xf87, PAGE, 0) },
	/* The same for APTable[0] and [1]. With HAD they are ignored. */
	{ 0, 0x1150, TABLE(L2, UINT64_C(0x2000000000000003) | PAGE, PAGE, VIOMMU_RW) },
	{ 0, 0x1150, TABLE(L2, UINT64_C(0x4000000000000003) | PAGE, PAGE, VIOMMU_READ) },
	{ 0, 0x1150, TABLE(L2, UINT64_C(0x6000000000000003) | PAGE, PAGE, VIOMMU_READ) },
	{ 0, 0x150, TABLE(L2, UINT64_C(0x6000000000000003) | PAGE, PAGE, 0) },
	{ 0, 0x950, TABLE(L2, UINT64_C(0x2000000000000003) | PAGE, PAGE, VIOMMU_RW) },
	{ 0, 0x950, TABLE(L2, UINT64_C(0x4000000000000003) | PAGE, PAGE, VIOMMU_RW) },
	{ 0, 0x950, TABLE(L2, UINT64_C(0x6000000000000003) | PAGE, PAGE, VIOMMU_RW) },
	{ 0, 0x1950, TABLE(L2, UINT64_C(0x6000000000000003) | PAGE, PAGE, VIOMMU_RW) },
	{ 0, 0x950, LEAF(L3, UINT64_C(0x6000000000000fc7) | PAGE, PAGE, VIOMMU_READ) },
	{ 0, 0x950, LEAF(L3, PAGE | 0xf07, PAGE, 0) },
	{ 0, 0x950, LEAF(L2, UINT64_C(0x6000000000000f85) | 0x40000000, 0x40000000, 0) },
	/* Access flag clear: with and without AFFD, also in a block. */
	{ 0, 0x150, OTHER(L3, PAGE | 0xb47, FORMAT_BAD_ACCESS) },
	{ 0, 0x550, LEAF(L3, PAGE | 0xb47, PAGE, VIOMMU_RW) },
	{ 0, 0x150, OTHER(L2, 0x40000000 | 0xb45, FORMAT_BAD_ACCESS) },
	{ 0, 0x550, LEAF(L2, 0x40000000 | 0xb45, 0x40000000, VIOMMU_RW) },
	{ 0, 0x550, OTHER(L3, PAGE | 0xb45, FORMAT_INVALID) },
	{ 0, 0x550, OTHER(L3, PAGE | 0xb46, FORMAT_INVALID) },
	/* Output sizes of 48 bits and less. */
	{ 0, 0x150, LEAF(L3, LAST_PAGE(48) | 0xf47, LAST_PAGE(48), VIOMMU_RW) },
	SIZE_CASES(0, 32),
	SIZE_CASES(1, 36),
	SIZE_CASES(2, 40),
	SIZE_CASES(3, 42),
	SIZE_CASES(4, 44),
#if GRANULE == 12
	/*
	 * 52 bits are treated as 48: bits 49 and 48 of an entry are RES0. L1 has blocks, L0 has
	 * none.
	 */
	{ 0, 0x190, LEAF(0, UINT64_C(0x0000ffffffffff47), UINT64_C(0x0000fffffffff000), VIOMMU_RW) },
	{ 0, 0x190, LEAF(0, UINT64_C(0x0003000012345f47), 0x12345000, VIOMMU_RW) },
	{ 0, 0x10, LEAF(2, 0xc0000f45, 0xc0000000, VIOMMU_RW) },
	{ 0, 0x10, OTHER(2, UINT64_C(0x0000000100000f45), FORMAT_BAD_ADDRESS) },
	{ 0, 0x10, OTHER(2, UINT64_C(0x0000000100000b45), FORMAT_BAD_ADDRESS) },
	{ 0, 0x190, OTHER(3, 0x40000f45, FORMAT_INVALID) },
	{ 0, 0x410, OTHER(3, UINT64_C(0x0000010000000f45), FORMAT_INVALID) },
#elif GRANULE == 14
	/* 52 bits are treated as 48. L1 has no blocks. */
	{ 0, 0x190, LEAF(1, UINT64_C(0x0000ffffffffcf47), UINT64_C(0x0000ffffffffc000), VIOMMU_RW) },
	{ 0, 0x190, LEAF(1, UINT64_C(0x0003000012344f47), 0x12344000, VIOMMU_RW) },
	{ 0, 0x190, OTHER(3, UINT64_C(0x0000001000000f45), FORMAT_INVALID) },
#elif GRANULE == 16
	/* Bits 51-48, with fewer bits and with 52. Only 52 bits allow blocks of 4 TiB. */
	{ 0, 0x150, OTHER(1, 0x12341f47, FORMAT_BAD_ADDRESS) },
	{ 0, 0x150, OTHER(1, 0x12348b47, FORMAT_BAD_ADDRESS) },
	{ 0, 0x150, OTHER(2, 0x60001f45, FORMAT_BAD_ADDRESS) },
	{ 0, 0x150, OTHER(2, 0x12341003, FORMAT_BAD_ADDRESS) },
	{ 0, 0x150, OTHER(3, 0x12348003, FORMAT_BAD_ADDRESS) },
	{ 0, 0x10, OTHER(1, 0x12341f47, FORMAT_BAD_ADDRESS) },
	{ 0, 0x190, LEAF(1, UINT64_C(0x0000ffffffffff47), UINT64_C(0x000fffffffff0000), VIOMMU_RW) },
	{ 0, 0x190, LEAF(3, UINT64_C(0x0000080000000f45), UINT64_C(0x0000080000000000), VIOMMU_RW) },
	{ 0, 0x190, OTHER(3, UINT64_C(0x0000080000000b45), FORMAT_BAD_ACCESS) },
	{ 0, 0x150, OTHER(3, UINT64_C(0x0000080000000f45), FORMAT_INVALID) },
	{ 0, 0x110, OTHER(3, UINT64_C(0x0000080000000f45), FORMAT_INVALID) },
	{ 0, 0x550, OTHER(3, UINT64_C(0x0000080000000f45), FORMAT_INVALID) },
#endif
};

static const struct arm64_tsz arm64_tsz[] = {
#if GRANULE == 12
	{ 16, 24, 3 }, /* L0 */
	{ 25, 33, 2 },
	{ 34, 39, 1 },
#elif GRANULE == 14
	{ 16, 16, 4 }, /* L0 */
	{ 17, 27, 3 },
	{ 28, 38, 2 },
	{ 39, 39, 1 },
#elif GRANULE == 16
	{ 12, 21, 3 }, /* L1 */
	{ 22, 34, 2 },
	{ 35, 39, 1 },
#endif
};

static const struct spec_root spec_roots[] = {
#if GRANULE == 12
	/* Full tables of each level: 48, 39 and 30 bits. Address bits below the table are RES0. */
	{ .designation = UINT64_C(0x123456000), .control = 0x150, .level = 3, .table = UINT64_C(0x123456000) },
	{ .designation = UINT64_C(0x123456fff), .control = 0x159, .level = 2, .table = UINT64_C(0x123456000) },
	{ .designation = UINT64_C(0xfffffffff000), .control = 0x162, .level = 1, .table = UINT64_C(0xfffffffff000) },
	/* Partial ones: 25, 40 and 44 bits. */
	ROOT(UINT64_C(0x1234567f0), 0x167, 1, UINT64_C(0x123456780), 0, 15, 0, 0x1ffffff),
	ROOT(UINT64_C(0x123456798), 0x158, 3, UINT64_C(0x123456790), 0, 1, 0, UINT64_C(0xffffffffff)),
	ROOT(UINT64_C(0x1234567ff), 0x154, 3, UINT64_C(0x123456700), 0, 31, 0, UINT64_C(0xfffffffffff)),
	/* TTB1. */
	ROOT(UINT64_C(0x123456000), 0x350, 3, UINT64_C(0x123456000), 0, 511, UINT64_C(0xffff000000000000), UINT64_C(0xffffffffffffffff)),
	ROOT(UINT64_C(0x1234567f0), 0x367, 1, UINT64_C(0x123455800), 496, 511, UINT64_C(0xfffffffffe000000), UINT64_C(0xffffffffffffffff)),
	ROOT(UINT64_C(0x123456798), 0x358, 3, UINT64_C(0x1234557a0), 510, 511, UINT64_C(0xffffff0000000000), UINT64_C(0xffffffffffffffff)),
	ROOT(0, 0x367, 1, UINT64_C(0xfffffffffffff080), 496, 511, UINT64_C(0xfffffffffe000000), UINT64_C(0xffffffffffffffff)),
	/* Other options; an IPS of 52 bits. */
	{ .designation = UINT64_C(0x123456000), .control = 0x1d50, .level = 3, .table = UINT64_C(0x123456000) },
	{ .designation = 0xfffff000, .control = 0x10, .level = 3, .table = 0xfffff000 },
	{ .designation = UINT64_C(0xfffffffff000), .control = 0x190, .level = 3, .table = UINT64_C(0xfffffffff000) },
	/* TSZ out of range; a reserved IPS; unknown bits; tables beyond the output size. */
	NO_ROOT(UINT64_C(0x123456000), 0x14f),
	NO_ROOT(UINT64_C(0x123456000), 0x168),
	NO_ROOT(UINT64_C(0x123456000), 0x140),
	NO_ROOT(UINT64_C(0x123456000), 0x17f),
	NO_ROOT(UINT64_C(0x123456000), 0x1d0),
	NO_ROOT(UINT64_C(0x123456000), 0x2150),
	NO_ROOT(UINT64_C(0x123456000), UINT64_C(0x8000000000000150)),
	NO_ROOT(UINT64_C(0x1000000000000), 0x150),
	NO_ROOT(UINT64_C(0x1000000000000), 0x190),
	NO_ROOT(UINT64_C(0x100000000), 0x10),
	NO_ROOT(UINT64_C(0x8000000000000000), 0x150),
#elif GRANULE == 14
	/*
	 * Full tables of each level: 48, 47, 36 and 25 bits. Address bits below the table are RES0.
	 */
	{ .designation = UINT64_C(0x123456798), .control = 0x150, .level = 4, .table = UINT64_C(0x123456790) },
	{ .designation = UINT64_C(0x123457fff), .control = 0x151, .level = 3, .table = UINT64_C(0x123454000) },
	{ .designation = UINT64_C(0x123454000), .control = 0x15c, .level = 2, .table = UINT64_C(0x123454000) },
	{ .designation = UINT64_C(0xffffffffc000), .control = 0x167, .level = 1, .table = UINT64_C(0xffffffffc000) },
	/* Partial ones: 37, 26 and 33 bits. */
	ROOT(UINT64_C(0x123456798), 0x15b, 3, UINT64_C(0x123456790), 0, 1, 0, UINT64_C(0x1fffffffff)),
	ROOT(UINT64_C(0x123456798), 0x166, 2, UINT64_C(0x123456790), 0, 1, 0, 0x3ffffff),
	ROOT(UINT64_C(0x123456fff), 0x15f, 2, UINT64_C(0x123456800), 0, 255, 0, UINT64_C(0x1ffffffff)),
	/* TTB1. */
	ROOT(UINT64_C(0x123456798), 0x350, 4, UINT64_C(0x123456790), 0, 1, UINT64_C(0xffff000000000000), UINT64_C(0xffffffffffffffff)),
	ROOT(UINT64_C(0x123456fff), 0x35f, 2, UINT64_C(0x123453000), 1792, 2047, UINT64_C(0xfffffffe00000000), UINT64_C(0xffffffffffffffff)),
	ROOT(UINT64_C(0x123454000), 0x367, 1, UINT64_C(0x123454000), 0, 2047, UINT64_C(0xfffffffffe000000), UINT64_C(0xffffffffffffffff)),
	ROOT(UINT64_C(0x123456798), 0x35b, 3, UINT64_C(0x1234527a0), 2046, 2047, UINT64_C(0xffffffe000000000), UINT64_C(0xffffffffffffffff)),
	/* TSZ out of range; a reserved IPS; unknown bits; tables beyond the output size. */
	NO_ROOT(UINT64_C(0x123454000), 0x14f),
	NO_ROOT(UINT64_C(0x123454000), 0x168),
	NO_ROOT(UINT64_C(0x123454000), 0x1d0),
	NO_ROOT(UINT64_C(0x123454000), 0x2150),
	NO_ROOT(UINT64_C(0x1000000000000), 0x190),
	NO_ROOT(UINT64_C(0x10000000000), 0x90),
#elif GRANULE == 16
	/* Full tables of each level: 52, 42 and 29 bits. Address bits below the table are RES0. */
	{ .designation = UINT64_C(0xf123456783fff), .control = 0x18c, .level = 3, .table = UINT64_C(0xf123456782000) },
	{ .designation = UINT64_C(0x12345ffff), .control = 0x196, .level = 2, .table = UINT64_C(0x123450000) },
	{ .designation = UINT64_C(0xfffffffff0000), .control = 0x1a3, .level = 1, .table = UINT64_C(0xfffffffff0000) },
	/*
	 * Partial ones: 48, 43 and 25 bits. With addresses of 52 bits, a smaller table is aligned
	 * to 64 bytes.
	 */
	ROOT(UINT64_C(0x1234567ff), 0x190, 3, UINT64_C(0x123456600), 0, 63, 0, UINT64_C(0xffffffffffff)),
	ROOT(UINT64_C(0x1234567f8), 0x195, 3, UINT64_C(0x1234567c0), 0, 1, 0, UINT64_C(0x7ffffffffff)),
	ROOT(UINT64_C(0x1234567f8), 0x155, 3, UINT64_C(0x1234567f0), 0, 1, 0, UINT64_C(0x7ffffffffff)),
	ROOT(UINT64_C(0x123456fff), 0x1a7, 1, UINT64_C(0x123456000), 0, 511, 0, 0x1ffffff),
	/* TTB1. */
	ROOT(UINT64_C(0xf123456782000), 0x38c, 3, UINT64_C(0xf123456782000), 0, 1023, UINT64_C(0xfff0000000000000), UINT64_C(0xffffffffffffffff)),
	ROOT(UINT64_C(0x1234567ff), 0x390, 3, UINT64_C(0x123454800), 960, 1023, UINT64_C(0xffff000000000000), UINT64_C(0xffffffffffffffff)),
	ROOT(UINT64_C(0x123456fff), 0x3a7, 1, UINT64_C(0x123447000), 7680, 8191, UINT64_C(0xfffffffffe000000), UINT64_C(0xffffffffffffffff)),
	ROOT(UINT64_C(0x1234567f8), 0x395, 3, UINT64_C(0x1234547d0), 1022, 1023, UINT64_C(0xfffff80000000000), UINT64_C(0xffffffffffffffff)),
	/* TSZ out of range; a reserved IPS; unknown bits; tables beyond the output size. */
	NO_ROOT(UINT64_C(0x123450000), 0x18b),
	NO_ROOT(UINT64_C(0x123450000), 0x1a8),
	NO_ROOT(UINT64_C(0x123450000), 0x1d0),
	NO_ROOT(UINT64_C(0x123450000), 0x2190),
	NO_ROOT(UINT64_C(0x10000000000000), 0x190),
	NO_ROOT(UINT64_C(0x1000000000000), 0x150),
	NO_ROOT(UINT64_C(0x1000000000), 0x50),
#endif
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 } },
	{ 0x403, { 0x03, 0x04, 0, 0, 0, 0, 0, 0 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
#if GRANULE == 12
	{ UINT64_C(0x8040201000), 3, { 1, 1, 1, 1 } },
	{ UINT64_C(0x123456789abc), 3, { 0x189, 0xb3, 0xd1, 0x24 } },
	{ UINT64_C(0x40201fff), 2, { 1, 1, 1 } },
	{ UINT64_C(0xffff800000000000), 3, { 0, 0, 0, 0x100 } },
	{ UINT64_C(0xffffff8000001000), 2, { 1, 0, 0 } },
	{ UINT64_C(0xfffffffffe000000), 1, { 0, 0x1f0 } },
	{ UINT64_C(0xffffffffffffffff), 3, { 0x1ff, 0x1ff, 0x1ff, 0x1ff } },
#elif GRANULE == 14
	{ UINT64_C(0x801002004000), 4, { 0, 1, 1, 1, 1 } },
	{ UINT64_C(0x801002007000), 4, { 3, 1, 1, 1, 1 } },
	{ UINT64_C(0x123456789abc), 3, { 1, 0x1e2, 0x22b, 0x123 } },
	{ UINT64_C(0x2004000), 2, { 0, 1, 1 } },
	{ UINT64_C(0x1ffc000), 1, { 0, 0x7ff } },
	{ UINT64_C(0xffff800000000000), 4, { 0, 0, 0, 0, 1 } },
	{ UINT64_C(0xfffffffffe00d000), 1, { 1, 3 } },
	{ UINT64_C(0xffffffffffffffff), 4, { 3, 0x7ff, 0x7ff, 0x7ff, 1 } },
#elif GRANULE == 16
	{ UINT64_C(0x40020010000), 3, { 0, 1, 1, 1 } },
	{ UINT64_C(0x4002001f000), 3, { 0xf, 1, 1, 1 } },
	{ UINT64_C(0xf123456789abc), 3, { 9, 0x1678, 0x11a2, 0x3c4 } },
	{ UINT64_C(0x123456789abc), 3, { 9, 0x1678, 0x11a2, 4 } },
	{ UINT64_C(0x20010000), 2, { 0, 1, 1 } },
	{ UINT64_C(0xfff8000000000000), 3, { 0, 0, 0, 0x200 } },
	{ UINT64_C(0xfffffc0000000000), 3, { 0, 0, 0, 0x3ff } },
	{ UINT64_C(0xfffffffffe00d000), 1, { 0xd, 0x1e00 } },
	{ UINT64_C(0xffffffffffffffff), 3, { 0xf, 0x1fff, 0x1fff, 0x3ff } },
#endif
};

#include "format_suite.h"

static int arm64_root_of(uint64_t control, uint64_t table, struct format_root *root)
{
	return F(root)(&(struct format_designation){ table, control }, root);
}

/* Every TSZ with every IPS, in both halves. */
static void arm64_contexts(void **state)
{
	static const unsigned int output_bits[] = { 32, 36, 40, 42, 44, 48, ARM64_MOST_OUTPUT_BITS };

	(void)state;
	for (uint64_t control = 0; control < 0x400; control++) {
		unsigned int tsz = control % 64, ips = control / 64 % 8;
		const struct arm64_tsz *row = NULL;
		struct format_root root = { .level = 0 };
		uint64_t entries, size;
		bool upper = control & 0x200;

		for (size_t i = 0; i < SPEC_COUNT(arm64_tsz); i++)
			if (tsz >= arm64_tsz[i].first && tsz <= arm64_tsz[i].last)
				row = &arm64_tsz[i];
		if (!row || ips == 7) {
			assert_int_equal(arm64_root_of(control, 0, &root), -PORT_EINVAL);
			continue;
		}
		size = UINT64_C(1) << (64 - tsz);
		entries = size >> spec_levels[row->level].shift;
		assert_int_equal(arm64_root_of(control, 0, &root), 0);
		assert_int_equal(root.level, row->level);
		assert_true(root.first == (upper ? 0 - size : 0));
		assert_true(root.last == (upper ? UINT64_MAX : size - 1));
		assert_int_equal(root.bounds.last - root.bounds.first + 1, entries);
		assert_int_equal(root.bounds.first, upper ? suite_entries(row->level) - entries : 0);
		/* The first entry is at the table's address, and the first IOVA uses it. */
		assert_true(root.table + 8 * (uint64_t)root.bounds.first == 0);
		assert_int_equal(F(index)(row->level, root.first), root.bounds.first);
		assert_int_equal(F(index)(row->level, root.last), root.bounds.last);
		/* The last table address within the output size, and the first beyond it. */
		assert_int_equal(arm64_root_of(control, (UINT64_C(1) << output_bits[ips]) - 1, &root), 0);
		for (unsigned int bit = output_bits[ips]; bit < 64; bit++)
			assert_int_equal(arm64_root_of(control, UINT64_C(1) << bit, &root), -PORT_EINVAL);
		/* Unknown bits. */
		for (unsigned int bit = 13; bit < 64; bit++)
			assert_int_equal(arm64_root_of(control | UINT64_C(1) << bit, 0, &root), -PORT_EINVAL);
	}
}

/*
 * An entry that the core writes for a page, or for a part of a leaf, has the same meaning in every
 * context: its rights do not depend on the context.
 */
static void arm64_pages(void **state)
{
	static const uint64_t addresses[] = { 0, 0x1000, 0x5000, 0xffff000, UINT64_C(0xfffff000), UINT64_C(0x000fffffffffe000) };
	unsigned int judged = 0;

	(void)state;
	for (uint64_t control = 0; control < 0x2000; control++) {
		struct format_root root = { .level = 0 };

		if (arm64_root_of(control, 0, &root))
			continue;
		/* The output size limits pages. It does not limit parts, whose leaf was checked. */
		for (size_t i = 0; i < SPEC_COUNT(addresses) && (SPEC_LOWEST || addresses[i] >> 32 == 0); i++)
			for (uint32_t prot = VIOMMU_READ; prot <= VIOMMU_RW; prot += VIOMMU_WRITE) {
				uint64_t entry = F(leaf_entry)(0, addresses[i], prot);

				assert_int_equal(F(kind)(&root, 0, entry), FORMAT_LEAF);
				assert_true(F(leaf_address)(0, entry) == addresses[i]);
				assert_int_equal(F(prot)(&root, 0, entry), prot);
				judged++;
			}
	}
	assert_true(judged > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { FORMAT_SUITE_TESTS, cmocka_unit_test(arm64_contexts), cmocka_unit_test(arm64_pages) };

	return cmocka_run_group_tests_name("format arm64", tests, suite_setup, NULL);
}
