/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second description of the format vtdss, from the VT-d specification's figures of the
 * second-stage paging entries, and of the number that software keeps in them.
 */
#include "format_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 0
#define SPEC_OUTPUT_BITS 52

static const struct spec_level spec_levels[] = {
	{ 12, 9, true }, { 21, 9, true }, { 30, 9, true }, { 39, 9, false }, { 48, 9, false }, { 57, 7, false },
};

#define LARGE_LEAF(level, low)                                                                                                    \
	{ level, SPEC_LEAF, 63, 52, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 51, low, SPEC_ADDRESS, 0 },                            \
		{ level, SPEC_LEAF, low - 1, 12, SPEC_BECOMES, FORMAT_BAD_FORMAT }, { level, SPEC_LEAF, 11, 8, SPEC_NOTHING, 0 }, \
		{ level, SPEC_LEAF, 7, 7, SPEC_BECOMES, FORMAT_TABLE }, { level, SPEC_LEAF, 6, 2, SPEC_NOTHING, 0 },              \
		{ level, SPEC_LEAF, 1, 1, SPEC_PROT, VIOMMU_READ },                                                               \
	{                                                                                                                         \
		level, SPEC_LEAF, 0, 0, SPEC_PROT, VIOMMU_WRITE                                                                   \
	}

#define TABLE(level, page_size)                                                                                                \
	{ level, SPEC_TABLE, 63, 63, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 62, 62, SPEC_BECOMES, FORMAT_BAD_FORMAT },        \
		{ level, SPEC_TABLE, 61, 52, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 51, 12, SPEC_ADDRESS, 0 },                \
		{ level, SPEC_TABLE, 11, 11, SPEC_BECOMES, FORMAT_BAD_FORMAT }, { level, SPEC_TABLE, 10, 8, SPEC_NOTHING, 0 }, \
		{ level, SPEC_TABLE, 7, 7, SPEC_BECOMES, page_size }, { level, SPEC_TABLE, 6, 2, SPEC_NOTHING, 0 },            \
		{ level, SPEC_TABLE, 1, 1, SPEC_PROT, VIOMMU_READ },                                                           \
	{                                                                                                                      \
		level, SPEC_TABLE, 0, 0, SPEC_PROT, VIOMMU_WRITE                                                               \
	}

#define INVALID(level, present)                                  \
	{ level, SPEC_INVALID, 63, 2, SPEC_NOTHING, 0 },         \
	{                                                        \
		level, SPEC_INVALID, 1, 0, SPEC_BECOMES, present \
	}

static const struct spec_bits spec_bits[] = {
	{ 0, SPEC_LEAF, 63, 52, SPEC_NOTHING, 0 },
	{ 0, SPEC_LEAF, 51, 12, SPEC_ADDRESS, 0 },
	{ 0, SPEC_LEAF, 11, 2, SPEC_NOTHING, 0 },
	{ 0, SPEC_LEAF, 1, 1, SPEC_PROT, VIOMMU_READ },
	{ 0, SPEC_LEAF, 0, 0, SPEC_PROT, VIOMMU_WRITE },
	INVALID(0, FORMAT_LEAF),
	LARGE_LEAF(1, 21),
	TABLE(1, FORMAT_LEAF),
	INVALID(1, FORMAT_TABLE),
	LARGE_LEAF(2, 30),
	TABLE(2, FORMAT_LEAF),
	INVALID(2, FORMAT_TABLE),
	TABLE(3, FORMAT_BAD_FORMAT),
	INVALID(3, FORMAT_TABLE),
	TABLE(4, FORMAT_BAD_FORMAT),
	INVALID(4, FORMAT_TABLE),
	TABLE(5, FORMAT_BAD_FORMAT),
	INVALID(5, FORMAT_TABLE),
};

static const struct spec_entry spec_entries[] = {
	/* Not present, whatever the other bits are. */
	{ .level = 0, .entry = UINT64_C(0xfffffffffffffffc), .kind = FORMAT_INVALID },
	{ .level = 1, .entry = UINT64_C(0xfffffffffffffffc), .kind = FORMAT_INVALID },
	{ .level = 5, .entry = UINT64_C(0xfffffffffffffffc), .kind = FORMAT_INVALID },
	/* Pages: each combination of rights. */
	{ .level = 0, .entry = 0x12345003, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = 0x12345001, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	{ .level = 0, .entry = 0x12345002, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_WRITE },
	{ .level = 0, .entry = UINT64_C(0xffffffffffffffff), .kind = FORMAT_LEAF, .address = UINT64_C(0x000ffffffffff000), .prot = VIOMMU_RW },
	/* Pages of 2 MiB and of 1 GiB: the number is legal for one of them. */
	{ .level = 1, .entry = 0x12200083, .kind = FORMAT_LEAF, .address = 0x12200000, .prot = VIOMMU_RW },
	{ .level = 2, .entry = 0x12200083, .kind = FORMAT_BAD_FORMAT },
	{ .level = 2, .entry = 0x40000081, .kind = FORMAT_LEAF, .address = 0x40000000, .prot = VIOMMU_READ },
	{ .level = 3, .entry = 0x40000081, .kind = FORMAT_BAD_FORMAT },
	/* Tables. */
	{ .level = 1, .entry = 0x12345003, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .first = 0, .last = 511 },
	{ .level = 5, .entry = UINT64_C(0x3ff0000012345003), .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .first = 0, .last = 511 },
	{ .level = 5, .entry = 0x12345803, .kind = FORMAT_BAD_FORMAT },
};

static const struct spec_root spec_roots[] = {
	{ .designation = 0x12345001, .level = 2, .table = 0x12345000 },
	{ .designation = 0x12345002, .level = 3, .table = 0x12345000 },
	{ .designation = 0x12345003, .level = 4, .table = 0x12345000 },
	{ .designation = 0x12345004, .level = 5, .table = 0x12345000 },
	{ .designation = UINT64_C(0x000ffffffffff002), .level = 3, .table = 0x000ffffffffff000 },
	{ .designation = 0x12345000, .error = -PORT_EINVAL },
	{ .designation = 0x12345005, .error = -PORT_EINVAL },
	{ .designation = 0x12345007, .error = -PORT_EINVAL },
	{ .designation = 0x1234500a, .error = -PORT_EINVAL },
	{ .designation = 0x12345802, .error = -PORT_EINVAL },
	{ .designation = UINT64_C(0x0010000000000002), .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ 0x40201000, 2, { 1, 1, 1 } },
	{ UINT64_C(0x7fffffffff), 2, { 511, 511, 511 } },
	{ UINT64_C(0x8040201000), 3, { 1, 1, 1, 1 } },
	{ UINT64_C(0x0201008040201000), 5, { 1, 1, 1, 1, 1, 1 } },
	{ UINT64_C(0xfedcba9876543210), 5, { 0x143, 0x1b2, 0x61, 0x175, 0xdc, 0x7f } },
	{ UINT64_MAX, 5, { 511, 511, 511, 511, 511, 127 } },
};

#define VIOMMU_FORMAT vtdss
#include "format/vtdss.h"
#include "format_suite.h"

/* Software's number in an entry that names a table is invisible to hardware. */
static void software_number(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < 1024; number++) {
		uint64_t entry = vtdss_with_software(0x12345003 | UINT64_C(0x2a5) << 52, number);

		assert_int_equal(vtdss_software(entry), number);
		assert_true((entry & UINT64_C(0xc00fffffffffffff)) == 0x12345003);
		assert_int_equal(vtdss_kind(NULL, 3, entry), FORMAT_TABLE);
		assert_true(vtdss_table_address(3, entry) == 0x12345000);
	}
}

static void parked_address(void **state)
{
	static const uint64_t addresses[] = { 0, 0x1000, UINT64_C(0x7f1234567000), UINT64_C(0xffffffffff000) };

	(void)state;
	for (size_t i = 0; i < SPEC_COUNT(addresses); i++) {
		assert_true(vtdss_can_address(addresses[i]));
		assert_true(vtdss_parked_address(vtdss_parked_entry(addresses[i])) == addresses[i]);
		for (unsigned int level = 0; level <= 5; level++)
			assert_int_equal(vtdss_kind(NULL, level, vtdss_parked_entry(addresses[i])), FORMAT_INVALID);
	}
	assert_false(vtdss_can_address(0x12345800));
	assert_false(vtdss_can_address(UINT64_C(0x0010000000000000)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { FORMAT_SUITE_TESTS, cmocka_unit_test(software_number), cmocka_unit_test(parked_address) };

	return cmocka_run_group_tests_name("format vtdss", tests, suite_setup, NULL);
}
