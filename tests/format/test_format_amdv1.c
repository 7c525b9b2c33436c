/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second description of the format amdv1, from the AMD I/O Virtualization Technology (IOMMU)
 * Specification (48882), "I/O Page Tables for Host Translations": the figures of page directory and
 * page table entries, and the tables of levels and of page size encodings.
 */
#include "format_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 0
#define SPEC_OUTPUT_BITS 52
#define SUITE_ADDRESS	 UINT64_C(0x0005000000000000)
#define SPEC_CASES

static const struct spec_level spec_levels[] = {
	{ 12, 9, true }, { 21, 9, true }, { 30, 9, true }, { 39, 9, true }, { 48, 9, true }, { 57, 7, false },
};

/*
 * Ignored; IW; IR; FC and U; reserved; the address, and bits below the page size. Then Next Level
 * 4, 2, 1; D, A and ignored; PR.
 */
#define LEAF(level, low, next_4, next_2, next_1)                                                                               \
	{ level, SPEC_LEAF, 63, 63, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 62, 62, SPEC_PROT, VIOMMU_READ },                   \
		{ level, SPEC_LEAF, 61, 61, SPEC_PROT, VIOMMU_WRITE }, { level, SPEC_LEAF, 60, 59, SPEC_NOTHING, 0 },          \
		{ level, SPEC_LEAF, 58, 52, SPEC_BECOMES, FORMAT_BAD_FORMAT }, { level, SPEC_LEAF, 51, low, SPEC_ADDRESS, 0 }, \
		{ level, SPEC_LEAF, 11, 11, SPEC_BECOMES, next_4 }, { level, SPEC_LEAF, 10, 10, SPEC_BECOMES, next_2 },        \
		{ level, SPEC_LEAF, 9, 9, SPEC_BECOMES, next_1 }, { level, SPEC_LEAF, 8, 1, SPEC_NOTHING, 0 },                 \
	{                                                                                                                      \
		level, SPEC_LEAF, 0, 0, SPEC_BECOMES, FORMAT_INVALID                                                           \
	}

#define BELOW(level, high)                                  \
	{                                                   \
		level, SPEC_LEAF, high, 12, SPEC_NOTHING, 0 \
	}

/* The bits of Next Level: the effect of each flip. */
#define TABLE(level, effect_4, to_4, effect_2, to_2, effect_1, to_1)                                                                                          \
	{ level, SPEC_TABLE, 63, 63, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 62, 62, SPEC_PROT, VIOMMU_READ },                                                \
		{ level, SPEC_TABLE, 61, 61, SPEC_PROT, VIOMMU_WRITE }, { level, SPEC_TABLE, 60, 52, SPEC_BECOMES, FORMAT_BAD_FORMAT },                       \
		{ level, SPEC_TABLE, 51, 12, SPEC_ADDRESS, 0 }, { level, SPEC_TABLE, 11, 11, effect_4, to_4 }, { level, SPEC_TABLE, 10, 10, effect_2, to_2 }, \
		{ level, SPEC_TABLE, 9, 9, effect_1, to_1 }, { level, SPEC_TABLE, 8, 1, SPEC_NOTHING, 0 },                                                    \
	{                                                                                                                                                     \
		level, SPEC_TABLE, 0, 0, SPEC_BECOMES, FORMAT_INVALID                                                                                         \
	}

#define INVALID(level, present)                                  \
	{ level, SPEC_INVALID, 63, 1, SPEC_NOTHING, 0 },         \
	{                                                        \
		level, SPEC_INVALID, 0, 0, SPEC_BECOMES, present \
	}

static const struct spec_bits spec_bits[] = {
	LEAF(0, 12, FORMAT_BAD_TYPE, FORMAT_BAD_TYPE, FORMAT_BAD_TYPE),
	INVALID(0, FORMAT_LEAF),
	LEAF(1, 21, FORMAT_BAD_TYPE, FORMAT_BAD_TYPE, FORMAT_TABLE),
	BELOW(1, 20),
	TABLE(1, SPEC_BECOMES, FORMAT_BAD_TYPE, SPEC_BECOMES, FORMAT_BAD_TYPE, SPEC_BECOMES, FORMAT_LEAF),
	INVALID(1, FORMAT_LEAF),
	LEAF(2, 30, FORMAT_BAD_TYPE, FORMAT_TABLE, FORMAT_TABLE),
	BELOW(2, 29),
	TABLE(2, SPEC_BECOMES, FORMAT_BAD_TYPE, SPEC_BECOMES, FORMAT_LEAF, SPEC_BECOMES, FORMAT_BAD_TYPE),
	INVALID(2, FORMAT_LEAF),
	LEAF(3, 39, FORMAT_BAD_TYPE, FORMAT_TABLE, FORMAT_TABLE),
	BELOW(3, 38),
	/* 3 becomes 7, a leaf that is too small. 1 and 2 skip levels. */
	TABLE(3, SPEC_BECOMES, FORMAT_BAD_FORMAT, SPEC_LEVEL, 0, SPEC_LEVEL, 1),
	INVALID(3, FORMAT_LEAF),
	LEAF(4, 48, FORMAT_TABLE, FORMAT_TABLE, FORMAT_TABLE),
	BELOW(4, 47),
	TABLE(4, SPEC_BECOMES, FORMAT_LEAF, SPEC_BECOMES, FORMAT_BAD_TYPE, SPEC_BECOMES, FORMAT_BAD_TYPE),
	INVALID(4, FORMAT_LEAF),
	TABLE(5, SPEC_LEVEL, 0, SPEC_BECOMES, FORMAT_BAD_TYPE, SPEC_LEVEL, 3),
	INVALID(5, FORMAT_BAD_TYPE),
};

static const struct spec_entry spec_entries[] = {
	/* Pages: each combination of rights; with FC and U; without PR. */
	{ .level = 0, .entry = UINT64_C(0x6000000012345001), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_C(0x2000000012345001), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	{ .level = 0, .entry = UINT64_C(0x4000000012345001), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_WRITE },
	{ .level = 0, .entry = UINT64_C(0x0000000012345001), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 },
	{ .level = 0, .entry = UINT64_C(0xf80ffffffffff1ff), .kind = FORMAT_LEAF, .address = UINT64_C(0x000ffffffffff000), .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_C(0xfffffffffffffffe), .kind = FORMAT_INVALID },
	/* Leaves of the default size; of 2 MiB, with ignored low bits. */
	{ .level = 1, .entry = UINT64_C(0x6000000012345001), .kind = FORMAT_LEAF, .address = 0x12200000, .prot = VIOMMU_RW },
	{ .level = 2, .entry = UINT64_C(0x6000000040000001), .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_RW },
	{ .level = 5, .entry = UINT64_C(0x6000000000000001), .kind = FORMAT_BAD_TYPE },
	/*
	 * Next Level 7: 8 KiB, 16 KiB, 64 KiB, 1 MiB, 2 MiB, and 4 MiB, which exceeds the table's
	 * reach.
	 */
	{ .level = 0, .entry = UINT64_C(0x6000000012346e01), .kind = FORMAT_LEAF, .address = 0x12346000, .prot = VIOMMU_RW, .repeat = 2 },
	{ .level = 0, .entry = UINT64_C(0x2000000012345e01), .kind = FORMAT_LEAF, .address = 0x12344000, .prot = VIOMMU_READ, .repeat = 4 },
	{ .level = 0, .entry = UINT64_C(0x6000000012347e01), .kind = FORMAT_LEAF, .address = 0x12340000, .prot = VIOMMU_RW, .repeat = 16 },
	{ .level = 0, .entry = UINT64_C(0x600000001237fe01), .kind = FORMAT_LEAF, .address = 0x12300000, .prot = VIOMMU_RW, .repeat = 256 },
	{ .level = 0, .entry = UINT64_C(0x60000000122ffe01), .kind = FORMAT_LEAF, .address = 0x12200000, .prot = VIOMMU_RW, .repeat = 512 },
	{ .level = 0, .entry = UINT64_C(0x60000000121ffe01), .kind = FORMAT_BAD_FORMAT },
	/* One level up: 1 MiB is less than an entry's reach, 2 MiB equals it; then 4 MiB. */
	{ .level = 1, .entry = UINT64_C(0x600000001237fe01), .kind = FORMAT_BAD_FORMAT },
	{ .level = 1, .entry = UINT64_C(0x60000000122ffe01), .kind = FORMAT_LEAF, .address = 0x12200000, .prot = VIOMMU_RW },
	{ .level = 1, .entry = UINT64_C(0x60000000121ffe01), .kind = FORMAT_LEAF, .address = 0x12000000, .prot = VIOMMU_RW, .repeat = 2 },
	/* 4 GiB in four entries; 2^52; an encoding of 2^53. */
	{ .level = 2, .entry = UINT64_C(0x600000057ffffe01), .kind = FORMAT_LEAF, .address = UINT64_C(0x500000000), .prot = VIOMMU_RW, .repeat = 4 },
	{ .level = 4, .entry = UINT64_C(0x6007fffffffffe01), .kind = FORMAT_LEAF, .address = 0, .prot = VIOMMU_RW, .repeat = 16 },
	{ .level = 4, .entry = UINT64_C(0x600ffffffffffe01), .kind = FORMAT_BAD_FORMAT },
	{ .level = 5, .entry = UINT64_C(0x6007fffffffffe01), .kind = FORMAT_BAD_TYPE },
	/* Tables: each combination of rights. FC and U are reserved there. */
	{ .level = 1, .entry = UINT64_C(0x6000000012345201), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .last = 511 },
	{ .level = 1, .entry = UINT64_C(0x2000000012345201), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_READ, .last = 511 },
	{ .level = 1, .entry = UINT64_C(0x4000000012345201), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_WRITE, .last = 511 },
	{ .level = 1, .entry = UINT64_C(0x7000000012345201), .kind = FORMAT_BAD_FORMAT },
	{ .level = 1, .entry = UINT64_C(0x6800000012345201), .kind = FORMAT_BAD_FORMAT },
	{ .level = 5, .entry = UINT64_C(0x6000000012345a01), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .last = 511 },
	/* Next Level equal to the table's own level, and above it. */
	{ .level = 1, .entry = UINT64_C(0x6000000012345401), .kind = FORMAT_BAD_TYPE },
	{ .level = 1, .entry = UINT64_C(0x6000000012345c01), .kind = FORMAT_BAD_TYPE },
	{ .level = 5, .entry = UINT64_C(0x6000000012345c01), .kind = FORMAT_BAD_TYPE },
	/* Skipped levels: one, two, four; with fewer rights. */
	{ .level = 2, .entry = UINT64_C(0x6000000011000201), .kind = FORMAT_TABLE, .address = 0x11000000, .prot = VIOMMU_RW, .last = 511, .skipped = 1 },
	{ .level = 3, .entry = UINT64_C(0x2000000022000201), .kind = FORMAT_TABLE, .address = 0x22000000, .prot = VIOMMU_READ, .last = 511, .skipped = 2 },
	{ .level = 3, .entry = UINT64_C(0x6000000023000401), .kind = FORMAT_TABLE, .address = 0x23000000, .prot = VIOMMU_RW, .last = 511, .skipped = 1 },
	{ .level = 5, .entry = UINT64_C(0x6000000033000201), .kind = FORMAT_TABLE, .address = 0x33000000, .prot = VIOMMU_RW, .last = 511, .skipped = 4 },
	{ .level = 5, .entry = UINT64_C(0x6000000044000801), .kind = FORMAT_TABLE, .address = 0x44000000, .prot = VIOMMU_RW, .last = 511, .skipped = 1 },
};

/* The designation changes the meaning of no entry. */
static const struct spec_case spec_cases[] = {
	{ 0x12345980, 0, { .level = 0, .entry = UINT64_C(0x6000000012345001), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
};

static const struct spec_root spec_roots[] = {
	{ .designation = UINT64_C(0x6000000012345200), .level = 0, .table = 0x12345000 },
	{ .designation = UINT64_C(0x6000000012345400), .level = 1, .table = 0x12345000 },
	{ .designation = UINT64_C(0x6000000012345600), .level = 2, .table = 0x12345000 },
	{ .designation = UINT64_C(0x6000000012345800), .level = 3, .table = 0x12345000 },
	{ .designation = UINT64_C(0x600ffffffffffa00), .level = 4, .table = UINT64_C(0x000ffffffffff000) },
	{ .designation = UINT64_C(0x6000000012345c00), .level = 5, .table = 0x12345000 },
	{ .designation = UINT64_C(0x6000000012345880), .level = 3, .table = 0x12345000 },
	{ .designation = UINT64_C(0x6000000012345980), .level = 3, .table = 0x12345000 },
	/* Disabled; the reserved mode; D without A; V, TV and others; a control word. */
	{ .designation = UINT64_C(0x6000000012345000), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x6000000012345e00), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x6000000012345900), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x6000000012345801), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x6000000012345802), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x6010000012345800), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0xe000000012345800), .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x6000000012345800), .control = 1, .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ 0x1ff000, 0, { 511 } },
	{ 0x40201000, 2, { 1, 1, 1 } },
	{ UINT64_C(0x8040201000), 3, { 1, 1, 1, 1 } },
	{ UINT64_C(0xfedcba9876543210), 5, { 0x143, 0x1b2, 0x61, 0x175, 0xdc, 0x7f } },
};

#define VIOMMU_FORMAT amdv1
#include "format/amdv1.h"
#include "format_suite.h"

/* IR and IW of the designation restrict everything. */
static void root_rights(void **state)
{
	struct format_root root = { .level = 0 };

	(void)state;
	assert_int_equal(amdv1_root(&(struct format_designation){ UINT64_C(0x2000000012345800), 0 }, &root), 0);
	assert_int_equal(root.prot, VIOMMU_READ);
	assert_int_equal(amdv1_root(&(struct format_designation){ UINT64_C(0x4000000012345800), 0 }, &root), 0);
	assert_int_equal(root.prot, VIOMMU_WRITE);
	assert_int_equal(amdv1_root(&(struct format_designation){ 0x12345800, 0 }, &root), 0);
	assert_int_equal(root.prot, 0);
}

/* HAD: A for any access, D for a write. */
static void access_flags(void **state)
{
	const uint64_t page = UINT64_C(0x6000000012345001);
	struct format_root root = { .options = 0x180 };

	(void)state;
	assert_true(amdv1_accessed(&root, 0, page, VIOMMU_READ) == (page | 0x20));
	assert_true(amdv1_accessed(&root, 0, page, VIOMMU_RW) == (page | 0x60));
	assert_true(amdv1_accessed(&root, 0, page, 0) == page);
	root.options = 0x80;
	assert_true(amdv1_accessed(&root, 0, page, VIOMMU_RW) == (page | 0x20));
	root.options = 0;
	assert_true(amdv1_accessed(&root, 0, page, VIOMMU_RW) == page);
}

int main(void)
{
	const struct CMUnitTest tests[] = { FORMAT_SUITE_TESTS, cmocka_unit_test(root_rights), cmocka_unit_test(access_flags) };

	return cmocka_run_group_tests_name("format amdv1", tests, suite_setup, NULL);
}
