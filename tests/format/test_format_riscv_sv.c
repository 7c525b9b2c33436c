/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second description of the format riscv_sv, from the RISC-V Privileged Architecture ("Sv39" to
 * "Sv57", "Svnapot", "Svpbmt", "Two-Stage Address Translation") and the RISC-V IOMMU specification.
 * Bits of the control word: 1 second stage, 2 upper half, 4 supervisor, 8 PBMT, 0x10 ADUE.
 */
#include "format_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 0
#define SPEC_OUTPUT_BITS 56
#define SPEC_LEAF_STEP	 0x400
#define SPEC_ROOT_TABLES 4
#define SPEC_DESIGNATION UINT64_C(0x8000000000000001)
#define SPEC_CONTROL	 8
#define SUITE_ADDRESS	 UINT64_C(0x00a5000000000000)
#define SPEC_CASES

static const struct spec_level spec_levels[] = {
	{ 12, 9, true }, { 21, 9, true }, { 30, 9, true }, { 39, 9, true }, { 48, 9, true }, { 57, 7, false },
};

/* N; PBMT; reserved; PPN. Then RSW, D, A, G, U, X, W, R, V. */
#define LEAF(level, low)                                                                                                                                   \
	{ level, SPEC_LEAF, 63, 63, SPEC_BECOMES, FORMAT_BAD_FORMAT }, { level, SPEC_LEAF, 62, 61, SPEC_NOTHING, 0 },                                      \
		{ level, SPEC_LEAF, 60, 54, SPEC_BECOMES, FORMAT_BAD_FORMAT }, { level, SPEC_LEAF, 53, low, SPEC_HIGHER, 2 },                              \
		{ level, SPEC_LEAF, 9, 8, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 7, 7, SPEC_PROT, VIOMMU_READ },                                           \
		{ level, SPEC_LEAF, 6, 6, SPEC_BECOMES, FORMAT_BAD_ACCESS }, { level, SPEC_LEAF, 5, 5, SPEC_NOTHING, 0 },                                  \
		{ level, SPEC_LEAF, 4, 4, SPEC_PROT, 0 }, { level, SPEC_LEAF, 3, 3, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 2, 2, SPEC_PROT, VIOMMU_READ }, \
		{ level, SPEC_LEAF, 1, 1, SPEC_BECOMES, FORMAT_BAD_FORMAT },                                                                               \
	{                                                                                                                                                  \
		level, SPEC_LEAF, 0, 0, SPEC_BECOMES, FORMAT_INVALID                                                                                       \
	}

/* The lowest PPN bits of a superpage. */
#define MISALIGNED(level, high)                                             \
	{                                                                   \
		level, SPEC_LEAF, high, 10, SPEC_BECOMES, FORMAT_BAD_FORMAT \
	}

/*
 * A pointer with W is a reserved encoding. With R or X it is a leaf without A, at levels with
 * leaves.
 */
#define TABLE(level, write, leaf)                                                                                           \
	{ level, SPEC_TABLE, 63, 54, SPEC_BECOMES, FORMAT_BAD_FORMAT }, { level, SPEC_TABLE, 53, 10, SPEC_HIGHER, 2 },      \
		{ level, SPEC_TABLE, 9, 8, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 7, 6, SPEC_BECOMES, FORMAT_BAD_FORMAT }, \
		{ level, SPEC_TABLE, 5, 5, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 4, 4, SPEC_BECOMES, FORMAT_BAD_FORMAT }, \
		{ level, SPEC_TABLE, 3, 3, SPEC_BECOMES, leaf }, { level, SPEC_TABLE, 2, 2, SPEC_BECOMES, write },          \
		{ level, SPEC_TABLE, 1, 1, SPEC_BECOMES, leaf }, { level, SPEC_TABLE, 0, 0, SPEC_BECOMES, FORMAT_INVALID }, INVALID(level, FORMAT_TABLE)

#define INVALID(level, valid)                                  \
	{ level, SPEC_INVALID, 63, 1, SPEC_NOTHING, 0 },       \
	{                                                      \
		level, SPEC_INVALID, 0, 0, SPEC_BECOMES, valid \
	}

static const struct spec_bits spec_bits[] = {
	LEAF(0, 10),
	INVALID(0, FORMAT_BAD_TYPE),
	LEAF(1, 19),
	MISALIGNED(1, 18),
	TABLE(1, FORMAT_BAD_FORMAT, FORMAT_BAD_ACCESS),
	LEAF(2, 28),
	MISALIGNED(2, 27),
	TABLE(2, FORMAT_BAD_FORMAT, FORMAT_BAD_ACCESS),
	LEAF(3, 37),
	MISALIGNED(3, 36),
	TABLE(3, FORMAT_BAD_FORMAT, FORMAT_BAD_ACCESS),
	LEAF(4, 46),
	MISALIGNED(4, 45),
	TABLE(4, FORMAT_BAD_FORMAT, FORMAT_BAD_ACCESS),
	TABLE(5, FORMAT_BAD_TYPE, FORMAT_BAD_TYPE),
};

static const struct spec_entry spec_entries[] = {
	/*
	 * Pages: user, read-write; read-only; clean; without A; execute-only; executable;
	 * supervisor. The PPN is 0x12345.
	 */
	{ .level = 0, .entry = 0x48d14d7, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = 0x48d1453, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	{ .level = 0, .entry = 0x48d1457, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	{ .level = 0, .entry = 0x48d1417, .kind = FORMAT_BAD_ACCESS },
	{ .level = 0, .entry = 0x48d1459, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 },
	{ .level = 0, .entry = 0x48d14df, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = 0x48d14c7, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 },
	{ .level = 0, .entry = UINT64_C(0x003fffffffffffd7), .kind = FORMAT_LEAF, .address = UINT64_C(0x00fffffffffff000), .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_C(0xfffffffffffffffe), .kind = FORMAT_INVALID },
	{ .level = 0, .entry = UINT64_C(0xffffffffffffffff), .kind = FORMAT_BAD_FORMAT },
	/* W without R, with and without X; a pointer at the lowest level. */
	{ .level = 0, .entry = 0x48d14d5, .kind = FORMAT_BAD_FORMAT },
	{ .level = 0, .entry = 0x48d14dd, .kind = FORMAT_BAD_FORMAT },
	{ .level = 0, .entry = 0x48d1401, .kind = FORMAT_BAD_TYPE },
	/* PBMT: non-cacheable, I/O, reserved. */
	{ .level = 0, .entry = UINT64_C(0x20000000048d14d7), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_C(0x40000000048d14d7), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_C(0x60000000048d14d7), .kind = FORMAT_BAD_FORMAT },
	/* NAPOT: 64 KiB; the reserved sizes; of a superpage; of a pointer. */
	{ .level = 0, .entry = UINT64_C(0x80000000048d20d7), .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_RW, .repeat = 16 },
	{ .level = 0, .entry = UINT64_C(0xa0000000048d2053), .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_READ, .repeat = 16 },
	{ .level = 0, .entry = UINT64_C(0x80000000048d2017), .kind = FORMAT_BAD_ACCESS },
	{ .level = 0, .entry = UINT64_C(0x80000000048d00d7), .kind = FORMAT_BAD_FORMAT },
	{ .level = 0, .entry = UINT64_C(0x80000000048d10d7), .kind = FORMAT_BAD_FORMAT },
	{ .level = 0, .entry = UINT64_C(0x80000000048d30d7), .kind = FORMAT_BAD_FORMAT },
	{ .level = 0, .entry = UINT64_C(0x80000000048d24d7), .kind = FORMAT_BAD_FORMAT },
	{ .level = 1, .entry = UINT64_C(0x80000000048820d7), .kind = FORMAT_BAD_FORMAT },
	{ .level = 1, .entry = UINT64_C(0x80000000048d2001), .kind = FORMAT_BAD_FORMAT },
	/* Superpages: 2 MiB at 0x12200000, and a misaligned one; 1 GiB at 0x40000000. */
	{ .level = 1, .entry = 0x48800d7, .kind = FORMAT_LEAF, .address = 0x12200000, .prot = VIOMMU_RW },
	{ .level = 2, .entry = 0x48800d7, .kind = FORMAT_BAD_FORMAT },
	{ .level = 2, .entry = 0x100000d7, .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_RW },
	{ .level = 5, .entry = 0xd7, .kind = FORMAT_BAD_TYPE },
	/* Pointers; with G; with D, A or U. */
	{ .level = 1, .entry = 0x48d1401, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .last = 511 },
	{ .level = 4, .entry = 0x48d1721, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .last = 511 },
	{ .level = 1, .entry = 0x48d1481, .kind = FORMAT_BAD_FORMAT },
	{ .level = 1, .entry = 0x48d1441, .kind = FORMAT_BAD_FORMAT },
	{ .level = 1, .entry = 0x48d1411, .kind = FORMAT_BAD_FORMAT },
};

static const struct spec_case spec_cases[] = {
	/* Without PBMT, the bits of PBMT are reserved. */
	{ SPEC_DESIGNATION, 0, { .level = 0, .entry = UINT64_C(0x20000000048d14d7), .kind = FORMAT_BAD_FORMAT } },
	{ SPEC_DESIGNATION, 0, { .level = 0, .entry = UINT64_C(0x40000000048d14d7), .kind = FORMAT_BAD_FORMAT } },
	/* U, for supervisor accesses and in the second stage. */
	{ SPEC_DESIGNATION, 4, { .level = 0, .entry = 0x48d14c7, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ SPEC_DESIGNATION, 4, { .level = 0, .entry = 0x48d14d7, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ SPEC_DESIGNATION + 3, 1, { .level = 0, .entry = 0x48d14c7, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 } },
	{ SPEC_DESIGNATION + 3, 1, { .level = 0, .entry = 0x48d14d7, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	/* With hardware updates of A and D. */
	{ SPEC_DESIGNATION, 0x10, { .level = 0, .entry = 0x48d1417, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ SPEC_DESIGNATION, 0x10, { .level = 0, .entry = 0x48d1413, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ } },
	{ SPEC_DESIGNATION, 0x10, { .level = 2, .entry = 0x10000017, .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_RW } },
};

static const struct spec_root spec_roots[] = {
	{ .designation = UINT64_C(0x8000000000012345), .level = 2, .table = 0x12345000, .bounds = { 0, 255 }, .last_iova = UINT64_C(0x3fffffffff) },
	{ .designation = UINT64_C(0x9000000000012345), .level = 3, .table = 0x12345000, .bounds = { 0, 255 }, .last_iova = UINT64_C(0x7fffffffffff) },
	{ .designation = UINT64_C(0xa000000000012345), .level = 4, .table = 0x12345000, .bounds = { 0, 255 }, .last_iova = UINT64_C(0xffffffffffffff) },
	{ .designation = UINT64_C(0x80000fffffffffff),
	  .control = 2,
	  .level = 2,
	  .table = UINT64_C(0x00fffffffffff000),
	  .bounds = { 256, 511 },
	  .first_iova = UINT64_C(0xffffffc000000000),
	  .last_iova = UINT64_MAX },
	{ .designation = UINT64_C(0x9000000000012345),
	  .control = 2,
	  .level = 3,
	  .table = 0x12345000,
	  .bounds = { 256, 511 },
	  .first_iova = UINT64_C(0xffff800000000000),
	  .last_iova = UINT64_MAX },
	{ .designation = UINT64_C(0xa000000000012345),
	  .control = 0x1e,
	  .level = 4,
	  .table = 0x12345000,
	  .bounds = { 256, 511 },
	  .first_iova = UINT64_C(0xff00000000000000),
	  .last_iova = UINT64_MAX },
	/* The second stage, with a GSCID and without. */
	{ .designation = UINT64_C(0x8abcd00000012344),
	  .control = 1,
	  .level = 2,
	  .table = 0x12344000,
	  .bounds = { 0, 511 },
	  .last_iova = UINT64_C(0x1ffffffffff),
	  .tables = 4 },
	{ .designation = UINT64_C(0x9000000000012344),
	  .control = 0x19,
	  .level = 3,
	  .table = 0x12344000,
	  .bounds = { 0, 511 },
	  .last_iova = UINT64_C(0x3ffffffffffff),
	  .tables = 4 },
	{ .designation = UINT64_C(0xa000000000012344),
	  .control = 1,
	  .level = 4,
	  .table = 0x12344000,
	  .bounds = { 0, 511 },
	  .last_iova = UINT64_C(0x7ffffffffffffff),
	  .tables = 4 },
	/* Bare, Sv32 and reserved modes. */
	{ .designation = 0x12345, .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x1000000000012345), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x7000000000012345), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0xb000000000012345), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0xf000000000012344), .control = 1, .error = -PORT_EINVAL },
	/*
	 * Reserved bits; roots not aligned to 16 KiB; control bits of the other stage; unknown
	 * bits.
	 */
	{ .designation = UINT64_C(0x8000100000012345), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x8800000000012345), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x8000000000012345), .control = 1, .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x8000000000012346), .control = 1, .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x8000000000012344), .control = 3, .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x8000000000012344), .control = 5, .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x8000000000012344), .control = 0x20, .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ 0x40201000, 2, { 1, 1, 1 } },
	{ UINT64_C(0x3fffffffff), 2, { 511, 511, 255 } },
	{ UINT64_C(0x8040201000), 3, { 1, 1, 1, 1 } },
	{ UINT64_C(0x1008040201000), 4, { 1, 1, 1, 1, 1 } },
	{ UINT64_C(0xdcba9876543210), 4, { 0x143, 0x1b2, 0x61, 0x175, 0xdc } },
};

#define VIOMMU_FORMAT riscv_sv
#include "format/riscv_sv.h"
#include "format_suite.h"

/* The bits that hardware sets: A for any access, D for a write. */
static void access_flags(void **state)
{
	const struct format_root updating = { .options = 0x10 }, other = { .options = 0xc };

	(void)state;
	assert_true(riscv_sv_accessed(&updating, 0, 0x48d1417, VIOMMU_READ) == 0x48d1457);
	assert_true(riscv_sv_accessed(&updating, 0, 0x48d1417, VIOMMU_RW) == 0x48d14d7);
	assert_true(riscv_sv_accessed(&updating, 0, 0x48d1417, 0) == 0x48d1417);
	assert_true(riscv_sv_accessed(&updating, 0, 0x48d14d7, VIOMMU_READ) == 0x48d14d7);
	assert_true(riscv_sv_accessed(&other, 0, 0x48d1417, VIOMMU_RW) == 0x48d1417);
}

int main(void)
{
	const struct CMUnitTest tests[] = { FORMAT_SUITE_TESTS, cmocka_unit_test(access_flags) };

	return cmocka_run_group_tests_name("format riscv_sv", tests, suite_setup, NULL);
}
