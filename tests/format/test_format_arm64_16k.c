/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The format arm64_16k, described a second time: DDI 0487, D8.2.9 "16KB granule", D8.3. */
#include "arm64_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 0
#define SPEC_OUTPUT_BITS 48
#define SPEC_LOWEST	 1
#define SPEC_ANCHOR	 0
#define SPEC_CONTROL	 0x150
#define SUITE_ADDRESS	 UINT64_C(0x0000a5a540000000)

#define ARM64_MOST_OUTPUT_BITS 48

static const struct spec_level spec_levels[] = {
	{ 12, 2, true },   /* in no memory */
	{ 14, 11, true },  /* L3 */
	{ 25, 11, true },  /* L2 */
	{ 36, 11, false }, /* L1 */
	{ 47, 1, false },  /* L0 */
};

static const struct spec_bits spec_bits[] = {
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
};

static const struct spec_entry spec_entries[] = {
	/* Pages as Linux writes them for devices: nG, AF, inner shareable, unprivileged; read-only; with bits below a page. */
	{ .level = 1, .entry = 0x12344f47, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_RW },
	{ .level = 1, .entry = 0x12344fc7, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_READ },
	{ .level = 1, .entry = 0x12347f47, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_RW },
	{ .level = 1, .entry = 0x12344f07, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = 0 },
	{ .level = 1, .entry = 0x0, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = UINT64_C(0xfffffffffffffffe), .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x12344f45, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x12344b47, .kind = FORMAT_BAD_ACCESS },
	{ .level = 1, .entry = UINT64_C(0xffffffffffffffff), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000ffffffffc000), .prot = VIOMMU_READ },
	{ .level = 1, .entry = UINT64_C(0x0003000012344f47), .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_RW },
	/* A block of 32 MiB; where there are none. */
	{ .level = 2, .entry = 0x42000f45, .kind = FORMAT_LEAF, .address = 0x42000000, .prot = VIOMMU_RW },
	{ .level = 2, .entry = 0x43ffffc5, .kind = FORMAT_LEAF, .address = 0x42000000, .prot = VIOMMU_READ },
	{ .level = 3, .entry = 0x42000f45, .kind = FORMAT_INVALID },
	{ .level = 4, .entry = 0x42000f45, .kind = FORMAT_INVALID },
	{ .level = 2, .entry = 0x42000b45, .kind = FORMAT_BAD_ACCESS },
	/* Contiguous. */
	{ .level = 1, .entry = UINT64_C(0x0010000012344f47), .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_RW },
	{ .level = 2, .entry = UINT64_C(0x0010000042000f45), .kind = FORMAT_LEAF, .address = 0x42000000, .prot = VIOMMU_RW },
	/* Tables: full ones below, of 2048. */
	{ .level = 2, .entry = 0x12347003, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .last = 2047 },
	{ .level = 3, .entry = 0x12344003, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .last = 2047 },
	{ .level = 4, .entry = 0x12344003, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .last = 2047 },
	{ .level = 4, .entry = UINT64_C(0x4000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_READ, .last = 2047 },
	{ .level = 2, .entry = UINT64_C(0x2000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = 0, .last = 2047 },
	{ .level = 3, .entry = UINT64_C(0xffffffffffffffff), .kind = FORMAT_TABLE, .address = UINT64_C(0x0000ffffffffc000), .prot = 0, .last = 2047 },
	/* Parts of leaves: whatever else an entry has. */
	{ .level = 0, .entry = 0x12345001, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 },
	{ .level = 0, .entry = 0x12345041, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = 0x123450c1, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	{ .level = 0, .entry = 0x12345040, .kind = FORMAT_INVALID },
};

/* The same under other contexts. */
static const struct arm64_case arm64_cases[] = {
	/* AP[1] is for those that are not privileged; AP[2] for all. */
	{ 0x1150, { .level = 1, .entry = 0x12344f07, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 1, .entry = 0x12344f87, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_READ } },
	{ 0x1150, { .level = 1, .entry = 0x12344f47, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 1, .entry = 0x12344fc7, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_READ } },
	{ 0x150, { .level = 1, .entry = 0x12344f07, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = 0 } },
	{ 0x150, { .level = 1, .entry = 0x12344f87, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = 0 } },
	/* APTable[0] and [1], the same; not with HAD, whatever the leaf's bits. */
	{ 0x1150, { .level = 2, .entry = UINT64_C(0x2000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x1150, { .level = 2, .entry = UINT64_C(0x4000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_READ } },
	{ 0x1150, { .level = 2, .entry = UINT64_C(0x6000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_READ } },
	{ 0x150, { .level = 2, .entry = UINT64_C(0x6000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = 0 } },
	{ 0x950, { .level = 2, .entry = UINT64_C(0x2000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 2, .entry = UINT64_C(0x4000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 2, .entry = UINT64_C(0x6000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x1950, { .level = 2, .entry = UINT64_C(0x6000000012344003), .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x950, { .level = 1, .entry = UINT64_C(0x6000000012344fc7), .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_READ } },
	{ 0x950, { .level = 1, .entry = 0x12344f07, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = 0 } },
	{ 0x950, { .level = 2, .entry = UINT64_C(0x6000000040000f85), .kind = FORMAT_LEAF, .address = 0x40000000, .prot = 0 } },
	/* No access flag: with AFFD, and without; a block's as well. A table has none. */
	{ 0x150, { .level = 1, .entry = 0x12344b47, .kind = FORMAT_BAD_ACCESS } },
	{ 0x550, { .level = 1, .entry = 0x12344b47, .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x150, { .level = 2, .entry = 0x40000b45, .kind = FORMAT_BAD_ACCESS } },
	{ 0x550, { .level = 2, .entry = 0x40000b45, .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_RW } },
	{ 0x550, { .level = 1, .entry = 0x12344b45, .kind = FORMAT_INVALID } },
	{ 0x550, { .level = 1, .entry = 0x12344b46, .kind = FORMAT_INVALID } },
	/* Output sizes of 32, 36, 40, 42, 44 and 48 bits: the last address, and the first beyond. That comes before the access flag. */
	{ 0x10, { .level = 1, .entry = 0xffffcf47, .kind = FORMAT_LEAF, .address = 0xffffc000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 1, .entry = UINT64_C(0x0000000100000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 1, .entry = UINT64_C(0x0000000100000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 4, .entry = 0xffffc003, .kind = FORMAT_TABLE, .address = 0xffffc000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 4, .entry = UINT64_C(0x0000000100000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 2, .entry = 0xfe000f45, .kind = FORMAT_LEAF, .address = 0xfe000000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 2, .entry = UINT64_C(0x0000000100000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x10, { .level = 2, .entry = UINT64_C(0x0000000100000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x410, { .level = 2, .entry = UINT64_C(0x0000000100000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000000fffffcf47), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000000fffffc000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000001000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 1, .entry = UINT64_C(0x0000001000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 4, .entry = UINT64_C(0x0000000fffffc003), .kind = FORMAT_TABLE, .address = UINT64_C(0x0000000fffffc000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 4, .entry = UINT64_C(0x0000001000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 2, .entry = UINT64_C(0x0000000ffe000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000000ffe000000), .prot = VIOMMU_RW } },
	{ 0x50, { .level = 2, .entry = UINT64_C(0x0000001000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x50, { .level = 2, .entry = UINT64_C(0x0000001000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x450, { .level = 2, .entry = UINT64_C(0x0000001000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x000000ffffffcf47), .kind = FORMAT_LEAF, .address = UINT64_C(0x000000ffffffc000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x0000010000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 1, .entry = UINT64_C(0x0000010000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 4, .entry = UINT64_C(0x000000ffffffc003), .kind = FORMAT_TABLE, .address = UINT64_C(0x000000ffffffc000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 4, .entry = UINT64_C(0x0000010000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 2, .entry = UINT64_C(0x000000fffe000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x000000fffe000000), .prot = VIOMMU_RW } },
	{ 0x90, { .level = 2, .entry = UINT64_C(0x0000010000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x90, { .level = 2, .entry = UINT64_C(0x0000010000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x490, { .level = 2, .entry = UINT64_C(0x0000010000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x000003ffffffcf47), .kind = FORMAT_LEAF, .address = UINT64_C(0x000003ffffffc000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x0000040000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 1, .entry = UINT64_C(0x0000040000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 4, .entry = UINT64_C(0x000003ffffffc003), .kind = FORMAT_TABLE, .address = UINT64_C(0x000003ffffffc000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 4, .entry = UINT64_C(0x0000040000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 2, .entry = UINT64_C(0x000003fffe000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x000003fffe000000), .prot = VIOMMU_RW } },
	{ 0xd0, { .level = 2, .entry = UINT64_C(0x0000040000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0xd0, { .level = 2, .entry = UINT64_C(0x0000040000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x4d0, { .level = 2, .entry = UINT64_C(0x0000040000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x00000fffffffcf47), .kind = FORMAT_LEAF, .address = UINT64_C(0x00000fffffffc000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x0000100000000f47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 1, .entry = UINT64_C(0x0000100000000b47), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 4, .entry = UINT64_C(0x00000fffffffc003), .kind = FORMAT_TABLE, .address = UINT64_C(0x00000fffffffc000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 4, .entry = UINT64_C(0x0000100000000003), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 2, .entry = UINT64_C(0x00000ffffe000f45), .kind = FORMAT_LEAF, .address = UINT64_C(0x00000ffffe000000), .prot = VIOMMU_RW } },
	{ 0x110, { .level = 2, .entry = UINT64_C(0x0000100000000f45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x110, { .level = 2, .entry = UINT64_C(0x0000100000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x510, { .level = 2, .entry = UINT64_C(0x0000100000000b45), .kind = FORMAT_BAD_ADDRESS } },
	{ 0x150, { .level = 1, .entry = UINT64_C(0x0000ffffffffcf47), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000ffffffffc000), .prot = VIOMMU_RW } },
	{ 0x10, { .level = 3, .entry = 0xffffc003, .kind = FORMAT_TABLE, .address = 0xffffc000, .prot = VIOMMU_RW } },
	{ 0x10, { .level = 3, .entry = UINT64_C(0x0000000100000003), .kind = FORMAT_BAD_ADDRESS } },
	/* 52 bits count as 48. */
	{ 0x190, { .level = 1, .entry = UINT64_C(0x0000ffffffffcf47), .kind = FORMAT_LEAF, .address = UINT64_C(0x0000ffffffffc000), .prot = VIOMMU_RW } },
	{ 0x190, { .level = 1, .entry = UINT64_C(0x0003000012344f47), .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_RW } },
	{ 0x190, { .level = 3, .entry = UINT64_C(0x0000001000000f45), .kind = FORMAT_INVALID } },
};

static const struct arm64_tsz arm64_tsz[] = {
	{ 16, 16, 4 }, /* L0 */
	{ 17, 27, 3 },
	{ 28, 38, 2 },
	{ 39, 39, 1 },
};

static const struct spec_root spec_roots[] = {
	/* Full tables of each level: 48, 47, 36 and 25 bits. Address bits below the table are RES0. */
	{ .anchor = UINT64_C(0x123456798), .control = 0x150, .level = 4, .table = UINT64_C(0x123456790) },
	{ .anchor = UINT64_C(0x123457fff), .control = 0x151, .level = 3, .table = UINT64_C(0x123454000) },
	{ .anchor = UINT64_C(0x123454000), .control = 0x15c, .level = 2, .table = UINT64_C(0x123454000) },
	{ .anchor = UINT64_C(0xffffffffc000), .control = 0x167, .level = 1, .table = UINT64_C(0xffffffffc000) },
	/* Partial ones: 37, 26 and 33 bits. */
	{ .anchor = UINT64_C(0x123456798),
	  .control = 0x15b,
	  .level = 3,
	  .table = UINT64_C(0x123456790),
	  .bounds = { 0, 1 },
	  .first_iova = 0,
	  .last_iova = UINT64_C(0x1fffffffff) },
	{ .anchor = UINT64_C(0x123456798),
	  .control = 0x166,
	  .level = 2,
	  .table = UINT64_C(0x123456790),
	  .bounds = { 0, 1 },
	  .first_iova = 0,
	  .last_iova = 0x3ffffff },
	{ .anchor = UINT64_C(0x123456fff),
	  .control = 0x15f,
	  .level = 2,
	  .table = UINT64_C(0x123456800),
	  .bounds = { 0, 255 },
	  .first_iova = 0,
	  .last_iova = UINT64_C(0x1ffffffff) },
	/* TTB1. */
	{ .anchor = UINT64_C(0x123456798),
	  .control = 0x350,
	  .level = 4,
	  .table = UINT64_C(0x123456790),
	  .bounds = { 0, 1 },
	  .first_iova = UINT64_C(0xffff000000000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = UINT64_C(0x123456fff),
	  .control = 0x35f,
	  .level = 2,
	  .table = UINT64_C(0x123453000),
	  .bounds = { 1792, 2047 },
	  .first_iova = UINT64_C(0xfffffffe00000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = UINT64_C(0x123454000),
	  .control = 0x367,
	  .level = 1,
	  .table = UINT64_C(0x123454000),
	  .bounds = { 0, 2047 },
	  .first_iova = UINT64_C(0xfffffffffe000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	{ .anchor = UINT64_C(0x123456798),
	  .control = 0x35b,
	  .level = 3,
	  .table = UINT64_C(0x1234527a0),
	  .bounds = { 2046, 2047 },
	  .first_iova = UINT64_C(0xffffffe000000000),
	  .last_iova = UINT64_C(0xffffffffffffffff) },
	/* TSZ too small, or too large; a reserved IPS; unknown bits; tables beyond the output size. */
	{ .anchor = UINT64_C(0x123454000), .control = 0x14f, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123454000), .control = 0x168, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123454000), .control = 0x1d0, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x123454000), .control = 0x2150, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x1000000000000), .control = 0x190, .error = -PORT_EINVAL },
	{ .anchor = UINT64_C(0x10000000000), .control = 0x90, .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 } },
	{ 0x403, { 0x03, 0x04, 0, 0, 0, 0, 0, 0 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ UINT64_C(0x801002004000), 4, { 0, 1, 1, 1, 1 } },
	{ UINT64_C(0x801002007000), 4, { 3, 1, 1, 1, 1 } },
	{ UINT64_C(0x123456789abc), 3, { 1, 0x1e2, 0x22b, 0x123 } },
	{ UINT64_C(0x2004000), 2, { 0, 1, 1 } },
	{ UINT64_C(0x1ffc000), 1, { 0, 0x7ff } },
	{ UINT64_C(0xffff800000000000), 4, { 0, 0, 0, 0, 1 } },
	{ UINT64_C(0xfffffffffe00d000), 1, { 1, 3 } },
	{ UINT64_C(0xffffffffffffffff), 4, { 3, 0x7ff, 0x7ff, 0x7ff, 1 } },
};

#define VIOMMU_FORMAT arm64_16k
#include "format/arm64_16k.h"
#include "format_suite.h"
#include "arm64_suite.h"

int main(void)
{
	const struct CMUnitTest tests[] = { ARM64_SUITE_TESTS };

	return cmocka_run_group_tests_name("format arm64_16k", tests, suite_setup, NULL);
}
