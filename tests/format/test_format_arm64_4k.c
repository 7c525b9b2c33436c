/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The format arm64_4k, described a second time: DDI 0487, D8.2.8 "4KB granule", D8.3. */
#include "arm64_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 0
#define SPEC_OUTPUT_BITS 48
#define SPEC_ANCHOR	 0
#define SPEC_CONTROL	 0x150
#define SUITE_ADDRESS	 UINT64_C(0x0000a5a540000000)

#define ARM64_MOST_OUTPUT_BITS 48

static const struct spec_level spec_levels[] = {
	{ 12, 9, true },  /* L3 */
	{ 21, 9, true },  /* L2 */
	{ 30, 9, true },  /* L1 */
	{ 39, 9, false }, /* L0 */
};

static const struct spec_bits spec_bits[] = {
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
};

static const struct spec_entry spec_entries[] = {
	/* Pages as Linux writes them for devices (io-pgtable-arm.c): nG, AF, inner shareable, unprivileged; with UXN and PXN; read-only. */
	{ .level = 0, .entry = 0x12345f47, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_C(0x0060000012345f47), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = 0x12345fc7, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	/* Not for those that are not privileged. */
	{ .level = 0, .entry = 0x12345f07, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 },
	{ .level = 0, .entry = 0x12345f87, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 },
	/* Invalid, reserved, without an access flag; an invalid one is nothing else. */
	{ .level = 0, .entry = 0x0, .kind = FORMAT_INVALID },
	{ .level = 0, .entry = UINT64_C(0xfffffffffffffffe), .kind = FORMAT_INVALID },
	{ .level = 0, .entry = 0x12345f45, .kind = FORMAT_INVALID },
	{ .level = 0, .entry = 0x12345b47, .kind = FORMAT_BAD_ACCESS },
	{ .level = 0, .entry = 0x12345b45, .kind = FORMAT_INVALID },
	/* All bits. An address has no more than 48. */
	{ .level = 0, .entry = UINT64_C(0xffffffffffffffff), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000fffffffff000), .prot = VIOMMU_READ },
	{ .level = 0, .entry = UINT64_C(0x0003000012345f47), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	/* The same number as a block of 2 MiB, of 1 GiB, and where there is none. Address bits below the block are ignored. */
	{ .level = 1, .entry = 0x40200f45, .kind = FORMAT_LEAF, .address = 0x40200000, .prot = VIOMMU_RW },
	{ .level = 2, .entry = 0x40200f45, .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_RW },
	{ .level = 3, .entry = 0x40200f45, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x403fffc5, .kind = FORMAT_LEAF, .address = 0x40200000, .prot = VIOMMU_READ },
	{ .level = 2, .entry = 0x7ffffb45, .kind = FORMAT_BAD_ACCESS },
	/* Contiguous. */
	{ .level = 0, .entry = UINT64_C(0x0010000012345f47), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 1, .entry = UINT64_C(0x0010000040200f45), .kind = FORMAT_LEAF, .address = 0x40200000, .prot = VIOMMU_RW },
	/* Tables, and what they leave to entries below. */
	{ .level = 1, .entry = 0x12345003, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .last = 511 },
	{ .level = 2, .entry = 0x12345003, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .last = 511 },
	{ .level = 3, .entry = 0x12345003, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .last = 511 },
	{ .level = 3, .entry = 0x12345002, .kind = FORMAT_INVALID },
	{ .level = 3, .entry = UINT64_C(0x4000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_READ, .last = 511 },
	{ .level = 1, .entry = UINT64_C(0x2000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = 0, .last = 511 },
	{ .level = 2, .entry = UINT64_C(0xffffffffffffffff), .kind = FORMAT_TABLE, .address = UINT64_C(0x0000fffffffff000), .prot = 0, .last = 511 },
	{ .level = 3, .entry = UINT64_C(0x1803000012345fff), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .last = 511 },
};

/* The same under other contexts. */
static const struct arm64_case arm64_cases[] = {
	/* AP[1] is for those that are not privileged; AP[2] for all. */
	{ 0x1150, { .level = 0, .entry = 0x12345f07, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 0, .entry = 0x12345f87, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ } },
	{ 0x1150, { .level = 0, .entry = 0x12345f47, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 0, .entry = 0x12345fc7, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ } },
	{ 0x150, { .level = 0, .entry = 0x12345f07, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 } },
	{ 0x150, { .level = 0, .entry = 0x12345f87, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 } },
	/* APTable[0] and [1], the same; not with HAD, whatever the leaf's bits. */
	{ 0x1150, { .level = 1, .entry = UINT64_C(0x2000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 1, .entry = UINT64_C(0x4000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_READ } },
	{ 0x1150, { .level = 1, .entry = UINT64_C(0x6000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_READ } },
	{ 0x150, { .level = 1, .entry = UINT64_C(0x6000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = 0 } },
	{ 0x950, { .level = 1, .entry = UINT64_C(0x2000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 1, .entry = UINT64_C(0x4000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 1, .entry = UINT64_C(0x6000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ 0x1950, { .level = 1, .entry = UINT64_C(0x6000000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 0, .entry = UINT64_C(0x6000000012345fc7), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ } },
	{ 0x950, { .level = 0, .entry = 0x12345f07, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 } },
	{ 0x950, { .level = 1, .entry = UINT64_C(0x6000000040000f85), .kind = FORMAT_LEAF, .address = 0x40000000, .prot = 0 } },
	/* No access flag: with AFFD, and without; a block's as well. A table has none. */
	{ 0x150, { .level = 0, .entry = 0x12345b47, .kind = FORMAT_BAD_ACCESS } },
	{ 0x550, { .level = 0, .entry = 0x12345b47, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ 0x150, { .level = 1, .entry = 0x40000b45, .kind = FORMAT_BAD_ACCESS } },
	{ 0x550, { .level = 1, .entry = 0x40000b45, .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_RW } },
	{ 0x550, { .level = 0, .entry = 0x12345b45, .kind = FORMAT_INVALID } },
	{ 0x550, { .level = 0, .entry = 0x12345b46, .kind = FORMAT_INVALID } },
	/* Output sizes of 32, 36, 40, 42, 44 and 48 bits: the last address, and the first beyond. That comes before the access flag. */
	{ 0x10, { .level = 0, .entry = 0xffffff47, .kind = FORMAT_LEAF, .address = 0xfffff000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 0, .entry = UINT64_C(0x0000000100000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 0, .entry = UINT64_C(0x0000000100000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 3, .entry = 0xfffff003, .kind = FORMAT_TABLE, .address = 0xfffff000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 3, .entry = UINT64_C(0x0000000100000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 1, .entry = 0xffe00f45, .kind = FORMAT_LEAF, .address = 0xffe00000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 1, .entry = UINT64_C(0x0000000100000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 1, .entry = UINT64_C(0x0000000100000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x410, { .level = 1, .entry = UINT64_C(0x0000000100000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 0, .entry = UINT64_C(0x0000000fffffff47), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000000ffffff000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 0, .entry = UINT64_C(0x0000001000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 0, .entry = UINT64_C(0x0000001000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 3, .entry = UINT64_C(0x0000000ffffff003), .kind = FORMAT_TABLE, .address = UINT64_C(0x0000000ffffff000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 3, .entry = UINT64_C(0x0000001000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000000fffe00f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000000fffe00000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000001000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000001000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x450, { .level = 1, .entry = UINT64_C(0x0000001000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 0, .entry = UINT64_C(0x000000ffffffff47), .kind = FORMAT_LEAF, .address = UINT64_C(0x000000fffffff000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 0, .entry = UINT64_C(0x0000010000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 0, .entry = UINT64_C(0x0000010000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 3, .entry = UINT64_C(0x000000fffffff003), .kind = FORMAT_TABLE, .address = UINT64_C(0x000000fffffff000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 3, .entry = UINT64_C(0x0000010000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x000000ffffe00f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x000000ffffe00000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x0000010000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x0000010000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x490, { .level = 1, .entry = UINT64_C(0x0000010000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 0, .entry = UINT64_C(0x000003ffffffff47), .kind = FORMAT_LEAF, .address = UINT64_C(0x000003fffffff000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 0, .entry = UINT64_C(0x0000040000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 0, .entry = UINT64_C(0x0000040000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 3, .entry = UINT64_C(0x000003fffffff003), .kind = FORMAT_TABLE, .address = UINT64_C(0x000003fffffff000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 3, .entry = UINT64_C(0x0000040000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x000003ffffe00f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x000003ffffe00000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x0000040000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x0000040000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x4d0, { .level = 1, .entry = UINT64_C(0x0000040000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 0, .entry = UINT64_C(0x00000fffffffff47), .kind = FORMAT_LEAF, .address = UINT64_C(0x00000ffffffff000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 0, .entry = UINT64_C(0x0000100000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 0, .entry = UINT64_C(0x0000100000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 3, .entry = UINT64_C(0x00000ffffffff003), .kind = FORMAT_TABLE, .address = UINT64_C(0x00000ffffffff000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 3, .entry = UINT64_C(0x0000100000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x00000fffffe00f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x00000fffffe00000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x0000100000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x0000100000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x510, { .level = 1, .entry = UINT64_C(0x0000100000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x150, { .level = 0, .entry = UINT64_C(0x0000ffffffffff47), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000fffffffff000), .prot = VIOMMU_RW } },
	/* 52 bits count as 48: bits 49 and 48 of an entry are RES0. */
	{ 0x190, { .level = 0, .entry = UINT64_C(0x0000ffffffffff47), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000fffffffff000), .prot = VIOMMU_RW } },
	{ 0x190, { .level = 0, .entry = UINT64_C(0x0003000012345f47), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	/* Blocks of L1 and L0. */
	{ 0x10, { .level = 2, .entry = 0xc0000f45, .kind = FORMAT_LEAF, .address = 0xc0000000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 2, .entry = UINT64_C(0x0000000100000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 2, .entry = UINT64_C(0x0000000100000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x190, { .level = 3, .entry = 0x40000f45, .kind = FORMAT_INVALID } },
	{ 0x410, { .level = 3, .entry = UINT64_C(0x0000010000000f45), .kind = FORMAT_INVALID } },
};

static const struct arm64_tsz arm64_tsz[] = {
	{ 16, 24, 3 }, /* L0 */
	{ 25, 33, 2 },
	{ 34, 39, 1 },
};

static const struct spec_root spec_roots[] = {
	/* Full tables of each level: 48, 39 and 30 bits. Address bits below the table are RES0. */
	{ .anchor = UINT64_C(0x123456000), .control = 0x150, .level = 3, .table = UINT64_C(0x123456000) },
	{ .anchor = UINT64_C(0x123456fff), .control = 0x159, .level = 2, .table = UINT64_C(0x123456000) },
	{ .anchor = UINT64_C(0xfffffffff000), .control = 0x162, .level = 1, .table = UINT64_C(0xfffffffff000) },
	/* Partial ones: 25, 40 and 44 bits. */
	{ .anchor = UINT64_C(0x1234567f0),
	  .control = 0x167,
	  .level = 1,
	  .table = UINT64_C(0x123456780),
	  .bounds = { 0, 15 },
	  .first_iova = 0,
	  .last_iova = 0x1ffffff },
	{ .anchor = UINT64_C(0x123456798),
	  .control = 0x158,
	  .level = 3,
	  .table = UINT64_C(0x123456790),
	  .bounds = { 0, 1 },
	  .first_iova = 0,
	  .last_iova = UINT64_C(0xffffffffff) },
	{ .anchor = UINT64_C(0x1234567ff),
	  .control = 0x154,
	  .level = 3,
	  .table = UINT64_C(0x123456700),
	  .bounds = { 0, 31 },
	  .first_iova = 0,
	  .last_iova = UINT64_C(0xfffffffffff) },
	/* TTB1. */
	{ .anchor = UINT64_C(0x123456000),
	  .control = 0x350,
	  .level = 3,
	  .table = UINT64_C(0x123456000),
	  .bounds = { 0, 511 },
	  .first_iova = UINT64_C(0xffff000000000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = UINT64_C(0x1234567f0),
	  .control = 0x367,
	  .level = 1,
	  .table = UINT64_C(0x123455800),
	  .bounds = { 496, 511 },
	  .first_iova = UINT64_C(0xfffffffffe000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = UINT64_C(0x123456798),
	  .control = 0x358,
	  .level = 3,
	  .table = UINT64_C(0x1234557a0),
	  .bounds = { 510, 511 },
	  .first_iova = UINT64_C(0xffffff0000000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = 0,
	  .control = 0x367,
	  .level = 1,
	  .table = UINT64_C(0xfffffffffffff080),
	  .bounds = { 496, 511 },
	  .first_iova = UINT64_C(0xfffffffffe000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	/* Other options; an IPS of 52 bits. */
	{ .anchor = UINT64_C(0x123456000), .control = 0x1d50, .level = 3, .table = UINT64_C(0x123456000) },
	{ .anchor = 0xfffff000, .control = 0x10, .level = 3, .table = 0xfffff000 },
	{ .anchor = UINT64_C(0xfffffffff000), .control = 0x190, .level = 3, .table = UINT64_C(0xfffffffff000) },
	/* TSZ too small, or too large; a reserved IPS; unknown bits; tables beyond the output size. */
	{ .anchor = UINT64_C(0x123456000), .control = 0x14f, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123456000), .control = 0x168, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123456000), .control = 0x140, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123456000), .control = 0x17f, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123456000), .control = 0x1d0, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123456000), .control = 0x2150, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123456000), .control = UINT64_C(0x8000000000000150), .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x1000000000000), .control = 0x150, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x1000000000000), .control = 0x190, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x100000000), .control = 0x10, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x8000000000000000), .control = 0x150, .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 } },
	{ 0x403, { 0x03, 0x04, 0, 0, 0, 0, 0, 0 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ UINT64_C(0x8040201000), 3, { 1, 1, 1, 1 } },
	{ UINT64_C(0x123456789abc), 3, { 0x189, 0xb3, 0xd1, 0x24 } },
	{ UINT64_C(0x40201fff), 2, { 1, 1, 1 } },
	{ UINT64_C(0xffff800000000000), 3, { 0, 0, 0, 0x100 } },
	{ UINT64_C(0xffffff8000001000), 2, { 1, 0, 0 } },
	{ UINT64_C(0xfffffffffe000000), 1, { 0, 0x1f0 } },
	{ UINT64_C(0xffffffffffffffff), 3, { 0x1ff, 0x1ff, 0x1ff, 0x1ff } },
};

#define VIOMMU_FORMAT arm64_4k
#include "format/arm64_4k.h"
#include "format_suite.h"
#include "arm64_suite.h"

int main(void)
{
	const struct CMUnitTest tests[] = { ARM64_SUITE_TESTS };

	return cmocka_run_group_tests_name("format arm64_4k", tests, suite_setup, NULL);
}
