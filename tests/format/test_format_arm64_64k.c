/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The format arm64_64k, described a second time: DDI 0487, D8.2.10 "64KB granule", D8.3. */
#include "arm64_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 0
#define SPEC_OUTPUT_BITS 52
#define SPEC_LOWEST	 1
#define SPEC_ANCHOR	 0
#define SPEC_CONTROL	 0x18c
#define SUITE_ADDRESS	 UINT64_C(0x000da40000000000)

#define ARM64_MOST_OUTPUT_BITS 52

static const struct spec_level spec_levels[] = {
	{ 12, 4, true },  /* in no memory */
	{ 16, 13, true }, /* L3 */
	{ 29, 13, true }, /* L2 */
	{ 42, 10, true }, /* L1 */
};

static const struct spec_bits spec_bits[] = {
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
};

static const struct spec_entry spec_entries[] = {
	/* Pages as Linux writes them for devices: nG, AF, inner shareable, unprivileged; read-only; with the highest address bits. */
	{ .level = 1, .entry = 0x12340f47, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_RW },
	{ .level = 1, .entry = 0x12340fc7, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_READ },
	{ .level = 1, .entry = 0x1234ff47, .kind = FORMAT_LEAF, .address = UINT64_C(0x000f000012340000), .prot = VIOMMU_RW },
	{ .level = 1, .entry = 0x12341f47, .kind = FORMAT_LEAF, .address = UINT64_C(0x0001000012340000), .prot = VIOMMU_RW },
	{ .level = 1, .entry = 0x12340f07, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = 0 },
	{ .level = 1, .entry = 0x0, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = UINT64_C(0xfffffffffffffffe), .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x12340f45, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x12340b47, .kind = FORMAT_BAD_ACCESS },
	{ .level = 1, .entry = UINT64_C(0xffffffffffffffff), .kind = FORMAT_LEAF, .address = UINT64_C(0x000fffffffff0000), .prot = VIOMMU_READ },
	{ .level = 1, .entry = UINT64_C(0x000f000012340f47), .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_RW },
	/* A block of 512 MiB, and of 4 TiB. */
	{ .level = 2, .entry = 0x60000f45, .kind = FORMAT_LEAF, .address = 0x60000000, .prot = VIOMMU_RW },
	{ .level = 2, .entry = 0x7fff3fc5, .kind = FORMAT_LEAF, .address = UINT64_C(0x0003000060000000), .prot = VIOMMU_READ },
	{ .level = 3, .entry = UINT64_C(0x0000080000000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000080000000000), .prot = VIOMMU_RW },
	{ .level = 3, .entry = UINT64_C(0x00000bffffffffc5), .kind = FORMAT_LEAF, .address = UINT64_C(0x000f080000000000), .prot = VIOMMU_READ },
	{ .level = 3, .entry = 0x60000f45, .kind = FORMAT_LEAF, .address = 0x0, .prot = VIOMMU_RW },
	{ .level = 2, .entry = 0x60000b45, .kind = FORMAT_BAD_ACCESS },
	{ .level = 3, .entry = UINT64_C(0x0000080000000b45), .kind = FORMAT_BAD_ACCESS },
	/* Contiguous. */
	{ .level = 1, .entry = UINT64_C(0x0010000012340f47), .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_RW },
	{ .level = 2, .entry = UINT64_C(0x0010000060000f45), .kind = FORMAT_LEAF, .address = 0x60000000, .prot = VIOMMU_RW },
	/* Tables: full ones below, of 8192. */
	{ .level = 2, .entry = 0x12340003, .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_RW, .last = 8191 },
	{ .level = 3, .entry = 0x12345003, .kind = FORMAT_TABLE, .address = UINT64_C(0x0005000012340000), .prot = VIOMMU_RW, .last = 8191 },
	{ .level = 3, .entry = UINT64_C(0x4000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_READ, .last = 8191 },
	{ .level = 2, .entry = UINT64_C(0x2000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = 0, .last = 8191 },
	{ .level = 3, .entry = UINT64_C(0xffffffffffffffff), .kind = FORMAT_TABLE, .address = UINT64_C(0x000fffffffff0000), .prot = 0, .last = 8191 },
	/* Parts of leaves: the address as it is, whatever else an entry has. */
	{ .level = 0, .entry = 0x12345001, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 },
	{ .level = 0, .entry = UINT64_C(0x000f000012345041), .kind = FORMAT_LEAF, .address = UINT64_C(0x000f000012345000), .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_C(0x000f0000123450c1), .kind = FORMAT_LEAF, .address = UINT64_C(0x000f000012345000), .prot = VIOMMU_READ },
	{ .level = 0, .entry = 0x12345040, .kind = FORMAT_INVALID },
};

/* The same under other contexts. */
static const struct arm64_case arm64_cases[] = {
	/* AP[1] is for those that are not privileged; AP[2] for all. */
	{ 0x1150, { .level = 1, .entry = 0x12340f07, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 1, .entry = 0x12340f87, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_READ } },
	{ 0x1150, { .level = 1, .entry = 0x12340f47, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 1, .entry = 0x12340fc7, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_READ } },
	{ 0x150, { .level = 1, .entry = 0x12340f07, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = 0 } },
	{ 0x150, { .level = 1, .entry = 0x12340f87, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = 0 } },
	/* APTable[0] and [1], the same; not with HAD, whatever the leaf's bits. */
	{ 0x1150, { .level = 2, .entry = UINT64_C(0x2000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 2, .entry = UINT64_C(0x4000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_READ } },
	{ 0x1150, { .level = 2, .entry = UINT64_C(0x6000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_READ } },
	{ 0x150, { .level = 2, .entry = UINT64_C(0x6000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = 0 } },
	{ 0x950, { .level = 2, .entry = UINT64_C(0x2000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 2, .entry = UINT64_C(0x4000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 2, .entry = UINT64_C(0x6000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_RW } },
	{ 0x1950, { .level = 2, .entry = UINT64_C(0x6000000012340003), .kind = FORMAT_TABLE, .address = 0x12340000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 1, .entry = UINT64_C(0x6000000012340fc7), .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_READ } },
	{ 0x950, { .level = 1, .entry = 0x12340f07, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = 0 } },
	{ 0x950, { .level = 2, .entry = UINT64_C(0x6000000040000f85), .kind = FORMAT_LEAF, .address = 0x40000000, .prot = 0 } },
	/* No access flag: with AFFD, and without; a block's as well. A table has none. */
	{ 0x150, { .level = 1, .entry = 0x12340b47, .kind = FORMAT_BAD_ACCESS } },
	{ 0x550, { .level = 1, .entry = 0x12340b47, .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_RW } },
	{ 0x150, { .level = 2, .entry = 0x40000b45, .kind = FORMAT_BAD_ACCESS } },
	{ 0x550, { .level = 2, .entry = 0x40000b45, .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_RW } },
	{ 0x550, { .level = 1, .entry = 0x12340b45, .kind = FORMAT_INVALID } },
	{ 0x550, { .level = 1, .entry = 0x12340b46, .kind = FORMAT_INVALID } },
	/* Output sizes of 32, 36, 40, 42, 44 and 48 bits: the last address, and the first beyond. That comes before the access flag. */
	{ 0x10, { .level = 1, .entry = 0xffff0f47, .kind = FORMAT_LEAF, .address = 0xffff0000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 1, .entry = UINT64_C(0x0000000100000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 1, .entry = UINT64_C(0x0000000100000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 3, .entry = 0xffff0003, .kind = FORMAT_TABLE, .address = 0xffff0000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 3, .entry = UINT64_C(0x0000000100000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 2, .entry = 0xe0000f45, .kind = FORMAT_LEAF, .address = 0xe0000000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 2, .entry = UINT64_C(0x0000000100000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 2, .entry = UINT64_C(0x0000000100000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x410, { .level = 2, .entry = UINT64_C(0x0000000100000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000000fffff0f47), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000000fffff0000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000001000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000001000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 3, .entry = UINT64_C(0x0000000fffff0003), .kind = FORMAT_TABLE, .address = UINT64_C(0x0000000fffff0000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 3, .entry = UINT64_C(0x0000001000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 2, .entry = UINT64_C(0x0000000fe0000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000000fe0000000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 2, .entry = UINT64_C(0x0000001000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 2, .entry = UINT64_C(0x0000001000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x450, { .level = 2, .entry = UINT64_C(0x0000001000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x000000ffffff0f47), .kind = FORMAT_LEAF, .address = UINT64_C(0x000000ffffff0000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x0000010000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x0000010000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 3, .entry = UINT64_C(0x000000ffffff0003), .kind = FORMAT_TABLE, .address = UINT64_C(0x000000ffffff0000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 3, .entry = UINT64_C(0x0000010000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 2, .entry = UINT64_C(0x000000ffe0000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x000000ffe0000000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 2, .entry = UINT64_C(0x0000010000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 2, .entry = UINT64_C(0x0000010000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x490, { .level = 2, .entry = UINT64_C(0x0000010000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x000003ffffff0f47), .kind = FORMAT_LEAF, .address = UINT64_C(0x000003ffffff0000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x0000040000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x0000040000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 3, .entry = UINT64_C(0x000003ffffff0003), .kind = FORMAT_TABLE, .address = UINT64_C(0x000003ffffff0000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 3, .entry = UINT64_C(0x0000040000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 2, .entry = UINT64_C(0x000003ffe0000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x000003ffe0000000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 2, .entry = UINT64_C(0x0000040000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 2, .entry = UINT64_C(0x0000040000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x4d0, { .level = 2, .entry = UINT64_C(0x0000040000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x00000fffffff0f47), .kind = FORMAT_LEAF, .address = UINT64_C(0x00000fffffff0000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x0000100000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x0000100000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 3, .entry = UINT64_C(0x00000fffffff0003), .kind = FORMAT_TABLE, .address = UINT64_C(0x00000fffffff0000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 3, .entry = UINT64_C(0x0000100000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 2, .entry = UINT64_C(0x00000fffe0000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x00000fffe0000000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 2, .entry = UINT64_C(0x0000100000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 2, .entry = UINT64_C(0x0000100000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x510, { .level = 2, .entry = UINT64_C(0x0000100000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x150, { .level = 1, .entry = UINT64_C(0x0000ffffffff0f47), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000ffffffff0000), .prot = VIOMMU_RW } },
	{ 0x150, { .level = 1, .entry = 0x12341f47, .kind = FORMAT_BAD_ADDRESS } },
	{ 0x150, { .level = 1, .entry = 0x12348b47, .kind = FORMAT_BAD_ADDRESS } },
	{ 0x150, { .level = 2, .entry = 0x60001f45, .kind = FORMAT_BAD_ADDRESS } },
	{ 0x150, { .level = 2, .entry = 0x12341003, .kind = FORMAT_BAD_ADDRESS } },
	{ 0x150, { .level = 3, .entry = 0x12348003, .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 1, .entry = 0x12341f47, .kind = FORMAT_BAD_ADDRESS } },
	/* 52 bits. Blocks of 4 TiB are for these alone. */
	{ 0x190, { .level = 1, .entry = UINT64_C(0x0000ffffffffff47), .kind = FORMAT_LEAF, .address = UINT64_C(0x000fffffffff0000), .prot = VIOMMU_RW } },
	{ 0x190, { .level = 3, .entry = UINT64_C(0x0000080000000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000080000000000), .prot = VIOMMU_RW } },
	{ 0x190, { .level = 3, .entry = UINT64_C(0x0000080000000b45), .kind = FORMAT_BAD_ACCESS } },
	{ 0x150, { .level = 3, .entry = UINT64_C(0x0000080000000f45), .kind = FORMAT_INVALID } },
	{ 0x110, { .level = 3, .entry = UINT64_C(0x0000080000000f45), .kind = FORMAT_INVALID } },
	{ 0x550, { .level = 3, .entry = UINT64_C(0x0000080000000f45), .kind = FORMAT_INVALID } },
};

static const struct arm64_tsz arm64_tsz[] = {
	{ 12, 21, 3 }, /* L1 */
	{ 22, 34, 2 },
	{ 35, 39, 1 },
};

static const struct spec_root spec_roots[] = {
	/* Full tables of each level: 52, 42 and 29 bits. Address bits below the table are RES0. */
	{ .anchor = UINT64_C(0xf123456783fff), .control = 0x18c, .level = 3, .table = UINT64_C(0xf123456782000) },
	{ .anchor = UINT64_C(0x12345ffff), .control = 0x196, .level = 2, .table = UINT64_C(0x123450000) },
	{ .anchor = UINT64_C(0xfffffffff0000), .control = 0x1a3, .level = 1, .table = UINT64_C(0xfffffffff0000) },
	/* Partial ones: 48, 43 and 25 bits. Where addresses have 52 bits, a table is aligned to 64 bytes, if it is smaller. */
	{ .anchor = UINT64_C(0x1234567ff),
	  .control = 0x190,
	  .level = 3,
	  .table = UINT64_C(0x123456600),
	  .bounds = { 0, 63 },
	  .first_iova = 0,
	  .last_iova = UINT64_C(0xffffffffffff) },
	{ .anchor = UINT64_C(0x1234567f8),
	  .control = 0x195,
	  .level = 3,
	  .table = UINT64_C(0x1234567c0),
	  .bounds = { 0, 1 },
	  .first_iova = 0,
	  .last_iova = UINT64_C(0x7ffffffffff) },
	{ .anchor = UINT64_C(0x1234567f8),
	  .control = 0x155,
	  .level = 3,
	  .table = UINT64_C(0x1234567f0),
	  .bounds = { 0, 1 },
	  .first_iova = 0,
	  .last_iova = UINT64_C(0x7ffffffffff) },
	{ .anchor = UINT64_C(0x123456fff),
	  .control = 0x1a7,
	  .level = 1,
	  .table = UINT64_C(0x123456000),
	  .bounds = { 0, 511 },
	  .first_iova = 0,
	  .last_iova = 0x1ffffff },
	/* TTB1. */
	{ .anchor = UINT64_C(0xf123456782000),
	  .control = 0x38c,
	  .level = 3,
	  .table = UINT64_C(0xf123456782000),
	  .bounds = { 0, 1023 },
	  .first_iova = UINT64_C(0xfff0000000000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = UINT64_C(0x1234567ff),
	  .control = 0x390,
	  .level = 3,
	  .table = UINT64_C(0x123454800),
	  .bounds = { 960, 1023 },
	  .first_iova = UINT64_C(0xffff000000000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = UINT64_C(0x123456fff),
	  .control = 0x3a7,
	  .level = 1,
	  .table = UINT64_C(0x123447000),
	  .bounds = { 7680, 8191 },
	  .first_iova = UINT64_C(0xfffffffffe000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = UINT64_C(0x1234567f8),
	  .control = 0x395,
	  .level = 3,
	  .table = UINT64_C(0x1234547d0),
	  .bounds = { 1022, 1023 },
	  .first_iova = UINT64_C(0xfffff80000000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	/* TSZ too small, or too large; a reserved IPS; unknown bits; tables beyond the output size. */
	{ .anchor = UINT64_C(0x123450000), .control = 0x18b, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123450000), .control = 0x1a8, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123450000), .control = 0x1d0, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123450000), .control = 0x2190, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x10000000000000), .control = 0x190, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x1000000000000), .control = 0x150, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x1000000000), .control = 0x50, .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 } },
	{ 0x403, { 0x03, 0x04, 0, 0, 0, 0, 0, 0 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ UINT64_C(0x40020010000), 3, { 0, 1, 1, 1 } },
	{ UINT64_C(0x4002001f000), 3, { 0xf, 1, 1, 1 } },
	{ UINT64_C(0xf123456789abc), 3, { 9, 0x1678, 0x11a2, 0x3c4 } },
	{ UINT64_C(0x123456789abc), 3, { 9, 0x1678, 0x11a2, 4 } },
	{ UINT64_C(0x20010000), 2, { 0, 1, 1 } },
	{ UINT64_C(0xfff8000000000000), 3, { 0, 0, 0, 0x200 } },
	{ UINT64_C(0xfffffc0000000000), 3, { 0, 0, 0, 0x3ff } },
	{ UINT64_C(0xfffffffffe00d000), 1, { 0xd, 0x1e00 } },
	{ UINT64_C(0xffffffffffffffff), 3, { 0xf, 0x1fff, 0x1fff, 0x3ff } },
};

#define VIOMMU_FORMAT arm64_64k
#include "format/arm64_64k.h"
#include "format_suite.h"
#include "arm64_suite.h"

int main(void)
{
	const struct CMUnitTest tests[] = { ARM64_SUITE_TESTS };

	return cmocka_run_group_tests_name("format arm64_64k", tests, suite_setup, NULL);
}
