/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The format x86_64, described a second time, from the VT-d specification's figures of the
 * first-stage paging entries. A control word is 1 for the upper half, 2 for five levels, 4 for NXE.
 */
#include "format_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 0
#define SPEC_OUTPUT_BITS 52
#define SPEC_DESIGNATION UINT64_C(0x12345000)
#define SPEC_CONTROL	 4
#define SPEC_CASES

static const struct spec_level spec_levels[] = {
	{ 12, 9, true }, { 21, 9, true }, { 30, 9, true }, { 39, 9, false }, { 48, 9, false },
};

/* U/S, R/W, P. */
#define RIGHTS(level, base)                                                                 \
	{ level, base, 2, 2, SPEC_PROT, 0 }, { level, base, 1, 1, SPEC_PROT, VIOMMU_READ }, \
	{                                                                                   \
		level, base, 0, 0, SPEC_BECOMES, FORMAT_INVALID                             \
	}

/* PAT in bit 12, and below what the leaf covers reserved bits. */
#define LARGE_LEAF(level, low)                                                                                                    \
	{ level, SPEC_LEAF, 63, 52, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 51, low, SPEC_ADDRESS, 0 },                            \
		{ level, SPEC_LEAF, low - 1, 13, SPEC_BECOMES, FORMAT_BAD_FORMAT }, { level, SPEC_LEAF, 12, 8, SPEC_NOTHING, 0 }, \
		{ level, SPEC_LEAF, 7, 7, SPEC_BECOMES, FORMAT_TABLE }, { level, SPEC_LEAF, 6, 3, SPEC_NOTHING, 0 }, RIGHTS(level, SPEC_LEAF)

#define TABLE(level, page_size)                                                                                                                        \
	{ level, SPEC_TABLE, 63, 52, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 51, 12, SPEC_ADDRESS, 0 }, { level, SPEC_TABLE, 11, 8, SPEC_NOTHING, 0 }, \
		{ level, SPEC_TABLE, 7, 7, SPEC_BECOMES, page_size }, { level, SPEC_TABLE, 6, 3, SPEC_NOTHING, 0 }, RIGHTS(level, SPEC_TABLE),         \
		INVALID(level, FORMAT_TABLE)

#define INVALID(level, present)                                  \
	{ level, SPEC_INVALID, 63, 1, SPEC_NOTHING, 0 },         \
	{                                                        \
		level, SPEC_INVALID, 0, 0, SPEC_BECOMES, present \
	}

static const struct spec_bits spec_bits[] = {
	{ 0, SPEC_LEAF, 63, 52, SPEC_NOTHING, 0 },
	{ 0, SPEC_LEAF, 51, 12, SPEC_ADDRESS, 0 },
	{ 0, SPEC_LEAF, 11, 3, SPEC_NOTHING, 0 },
	RIGHTS(0, SPEC_LEAF),
	INVALID(0, FORMAT_LEAF),
	LARGE_LEAF(1, 21),
	TABLE(1, FORMAT_LEAF),
	LARGE_LEAF(2, 30),
	TABLE(2, FORMAT_LEAF),
	TABLE(3, FORMAT_BAD_FORMAT),
	TABLE(4, FORMAT_BAD_FORMAT),
};

static const struct spec_entry spec_entries[] = {
	/* Not present, whatever else is set. */
	{ .level = 0, .entry = UINT64_C(0xfffffffffffffffe), .kind = FORMAT_INVALID },
	{ .level = 4, .entry = UINT64_C(0xfffffffffffffffe), .kind = FORMAT_INVALID },
	/*
	 * Pages as Linux writes them (XD, D, A, U, W, P), read-only, a supervisor's; everything
	 * set.
	 */
	{ .level = 0, .entry = UINT64_C(0x8000000012345067), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = 0x12345005, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	{ .level = 0, .entry = 0x12345003, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = 0 },
	{ .level = 0, .entry = UINT64_MAX, .kind = FORMAT_LEAF, .address = UINT64_C(0x000ffffffffff000), .prot = VIOMMU_RW },
	/* PAT of a page is PS elsewhere. */
	{ .level = 0, .entry = 0x12345087, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	/*
	 * Pages of 2 MiB and of 1 GiB: the same number is right for the one and wrong for the
	 * other.
	 */
	{ .level = 1, .entry = 0x12200087, .kind = FORMAT_LEAF, .address = 0x12200000, .prot = VIOMMU_RW },
	{ .level = 1, .entry = 0x12201087, .kind = FORMAT_LEAF, .address = 0x12200000, .prot = VIOMMU_RW },
	{ .level = 1, .entry = 0x12202087, .kind = FORMAT_BAD_FORMAT },
	{ .level = 2, .entry = 0x12200087, .kind = FORMAT_BAD_FORMAT },
	{ .level = 2, .entry = 0x40001085, .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_READ },
	{ .level = 3, .entry = 0x40000085, .kind = FORMAT_BAD_FORMAT },
	/* Tables. */
	{ .level = 1, .entry = 0x12345027, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .first = 0, .last = 511 },
	{ .level = 4, .entry = UINT64_C(0xfff0000012345025), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_READ, .first = 0, .last = 511 },
};

/* XD without NXE is reserved in all entries. */
static const struct spec_case spec_cases[] = {
	{ SPEC_DESIGNATION, 0, { .level = 0, .entry = UINT64_C(0x8000000012345067), .kind = FORMAT_BAD_FORMAT } },
	{ SPEC_DESIGNATION, 3, { .level = 4, .entry = UINT64_C(0x8000000012345067), .kind = FORMAT_BAD_FORMAT } },
	{ SPEC_DESIGNATION, 0, { .level = 0, .entry = UINT64_C(0x7ff0000012345067), .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW } },
	{ SPEC_DESIGNATION, 0, { .level = 0, .entry = UINT64_C(0x8000000012345066), .kind = FORMAT_INVALID } },
};

static const struct spec_root spec_roots[] = {
	{ .designation = 0x12345000, .level = 3, .table = 0x12345000, .bounds = { 0, 255 }, .last_iova = UINT64_C(0x7fffffffffff) },
	{ .designation = 0x12345000, .control = 6, .level = 4, .table = 0x12345000, .bounds = { 0, 255 }, .last_iova = UINT64_C(0xffffffffffffff) },
	{ .designation = 0x12345000,
	  .control = 5,
	  .level = 3,
	  .table = 0x12345000,
	  .bounds = { 256, 511 },
	  .first_iova = UINT64_C(0xffff800000000000),
	  .last_iova = UINT64_MAX },
	{ .designation = UINT64_C(0x000ffffffffff000),
	  .control = 3,
	  .level = 4,
	  .table = UINT64_C(0x000ffffffffff000),
	  .bounds = { 256, 511 },
	  .first_iova = UINT64_C(0xff00000000000000),
	  .last_iova = UINT64_MAX },
	{ .designation = 0x12345000, .control = 8, .error = -PORT_EINVAL },
	{ .designation = 0x12345800, .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x0010000000000000), .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ UINT64_C(0x8040201000), 3, { 1, 1, 1, 1 } },
	{ UINT64_C(0x7fffffffffff), 3, { 511, 511, 511, 255 } },
	{ UINT64_C(0x1008040201000), 4, { 1, 1, 1, 1, 1 } },
	{ UINT64_C(0xdcba9876543210), 4, { 0x143, 0x1b2, 0x61, 0x175, 0xdc } },
};

#define VIOMMU_FORMAT x86_64
#include "format/x86_64.h"
#include "format_suite.h"

/* The bits that hardware sets: A for an access, D for one that writes. */
static void access_flags(void **state)
{
	const struct format_root root = { .level = 3 };

	(void)state;
	assert_true(x86_64_accessed(&root, 0, 0x12345007, VIOMMU_READ) == 0x12345027);
	assert_true(x86_64_accessed(&root, 0, 0x12345007, VIOMMU_RW) == 0x12345067);
	assert_true(x86_64_accessed(&root, 0, 0x12345007, 0) == 0x12345007);
	assert_true(x86_64_accessed(&root, 2, 0x40000085, VIOMMU_READ) == 0x400000a5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { FORMAT_SUITE_TESTS, cmocka_unit_test(access_flags) };

	return cmocka_run_group_tests_name("format x86_64", tests, suite_setup, NULL);
}
