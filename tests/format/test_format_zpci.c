/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second description of the format zpci. Named entries are those that Linux writes:
 * arch/s390/include/asm/pci_dma.h and drivers/iommu/s390-iommu.c (ZPCI_TABLE_INVALID,
 * ZPCI_PTE_INVALID, set_rt_sto(), set_rs_rto(), set_rf_rso(), set_st_pto()).
 */
#include "format_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 1
#define SPEC_OUTPUT_BITS 64

static const struct spec_level spec_levels[] = {
	{ 12, 8, true }, { 20, 11, true }, { 31, 11, false }, { 42, 11, false }, { 53, 11, false },
};

#define REGION_TABLE(level, bit_10, what)                                                                                                            \
	{ level, SPEC_TABLE, 63, 12, SPEC_ADDRESS, 0 }, { level, SPEC_TABLE, 11, 11, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 10, 10, bit_10, what }, \
		{ level, SPEC_TABLE, 9, 9, SPEC_PROT, VIOMMU_READ }, { level, SPEC_TABLE, 8, 8, SPEC_NOTHING, 0 },                                   \
		{ level, SPEC_TABLE, 7, 7, SPEC_FIRST, 1024 }, { level, SPEC_TABLE, 6, 6, SPEC_FIRST, 512 },                                         \
		{ level, SPEC_TABLE, 5, 5, SPEC_BECOMES, FORMAT_INVALID }, { level, SPEC_TABLE, 4, 4, SPEC_NOTHING, 0 },                             \
		{ level, SPEC_TABLE, 3, 2, SPEC_BECOMES, FORMAT_BAD_TYPE }, { level, SPEC_TABLE, 1, 1, SPEC_LAST, 1023 },                            \
		{ level, SPEC_TABLE, 0, 0, SPEC_LAST, 1535 }, { level, SPEC_INVALID, 63, 6, SPEC_NOTHING, 0 },                                       \
		{ level, SPEC_INVALID, 5, 5, SPEC_BECOMES, FORMAT_BAD_TYPE },                                                                        \
	{                                                                                                                                            \
		level, SPEC_INVALID, 4, 0, SPEC_NOTHING, 0                                                                                           \
	}

static const struct spec_bits spec_bits[] = {
#define CLEARED_PAGE	FORMAT_LEAF
#define CLEARED_SEGMENT FORMAT_TABLE
#include "zpci_lower_bits.h"

	REGION_TABLE(2, SPEC_BECOMES, FORMAT_BAD_FORMAT),
	REGION_TABLE(3, SPEC_NOTHING, 0),
	REGION_TABLE(4, SPEC_NOTHING, 0),
};

static const struct spec_entry spec_entries[] = {
	/* Page table entries: fresh; unmapped, with the old frame address; mapped; read-only. */
	{ .level = 0, .entry = 0x400, .kind = FORMAT_INVALID },
	{ .level = 0, .entry = 0x12345400, .kind = FORMAT_INVALID },
	{ .level = 0, .entry = 0x12345000, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_RW },
	{ .level = 0, .entry = 0x12345200, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	/* Zero is the frame at 0. Bits without a meaning change nothing. */
	{ .level = 0, .entry = 0, .kind = FORMAT_LEAF, .address = 0, .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_C(0xfffffffffffff9ff), .kind = FORMAT_LEAF, .address = UINT64_C(0xfffffffffffff000), .prot = VIOMMU_RW },
	{ .level = 0, .entry = UINT64_MAX, .kind = FORMAT_INVALID },

	/*
	 * Segment table entries: fresh; a page table; a page table aligned to 2 KiB only; a frame
	 * of 1 MiB, also with bits below its address.
	 */
	{ .level = 1, .entry = 0x20, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x12345000, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .first = 0, .last = 255 },
	{ .level = 1, .entry = 0x12345800, .kind = FORMAT_TABLE, .address = 0x12345800, .prot = VIOMMU_RW, .first = 0, .last = 255 },
	{ .level = 1, .entry = 0x12345a00, .kind = FORMAT_TABLE, .address = 0x12345800, .prot = VIOMMU_READ, .first = 0, .last = 255 },
	{ .level = 1, .entry = 0x7f800400, .kind = FORMAT_LEAF, .address = 0x7f800000, .prot = VIOMMU_RW },
	{ .level = 1, .entry = 0x7f8ffe00, .kind = FORMAT_LEAF, .address = 0x7f800000, .prot = VIOMMU_READ },
	/*
	 * Zero is a page table at 0. The invalid bit comes before the type, and the type before the
	 * format control.
	 */
	{ .level = 1, .entry = 0, .kind = FORMAT_TABLE, .address = 0, .prot = VIOMMU_RW, .first = 0, .last = 255 },
	{ .level = 1, .entry = 0x7f80042c, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x7f80040c, .kind = FORMAT_BAD_TYPE },
	{ .level = 1, .entry = UINT64_MAX, .kind = FORMAT_INVALID },

	/* Region table entries as Linux writes them, and each type in the wrong table. */
	{ .level = 2, .entry = 0x20, .kind = FORMAT_INVALID },
	{ .level = 3, .entry = 0x20, .kind = FORMAT_INVALID },
	{ .level = 4, .entry = 0x20, .kind = FORMAT_INVALID },
	{ .level = 2, .entry = 0x12344007, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .first = 0, .last = 2047 },
	{ .level = 3, .entry = 0x1234400b, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .first = 0, .last = 2047 },
	{ .level = 4, .entry = 0x1234400f, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .first = 0, .last = 2047 },
	{ .level = 2, .entry = 0x12344003, .kind = FORMAT_BAD_TYPE },
	{ .level = 2, .entry = 0x1234400b, .kind = FORMAT_BAD_TYPE },
	{ .level = 2, .entry = 0x1234400f, .kind = FORMAT_BAD_TYPE },
	{ .level = 3, .entry = 0x12344003, .kind = FORMAT_BAD_TYPE },
	{ .level = 3, .entry = 0x12344007, .kind = FORMAT_BAD_TYPE },
	{ .level = 3, .entry = 0x1234400f, .kind = FORMAT_BAD_TYPE },
	{ .level = 4, .entry = 0x12344003, .kind = FORMAT_BAD_TYPE },
	{ .level = 4, .entry = 0x12344007, .kind = FORMAT_BAD_TYPE },
	{ .level = 4, .entry = 0x1234400b, .kind = FORMAT_BAD_TYPE },
	{ .level = 2, .entry = 0, .kind = FORMAT_BAD_TYPE },
	{ .level = 3, .entry = 0, .kind = FORMAT_BAD_TYPE },
	{ .level = 4, .entry = 0, .kind = FORMAT_BAD_TYPE },
	/*
	 * Partial tables: the last quarter, the first, the second and third, and none. Origins of
	 * partial tables are aligned to 4 KiB.
	 */
	{ .level = 2, .entry = 0x123450c7, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .first = 1536, .last = 2047 },
	{ .level = 2, .entry = 0x12345004, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .first = 0, .last = 511 },
	{ .level = 3, .entry = 0x1234724a, .kind = FORMAT_TABLE, .address = 0x12347000, .prot = VIOMMU_READ, .first = 512, .last = 1535 },
	{ .level = 4, .entry = 0x123450cc, .kind = FORMAT_TABLE, .address = 0x12345000, .prot = VIOMMU_RW, .first = 1536, .last = 511 },
	/* Precedence as for segments. The format control is for region third tables only. */
	{ .level = 2, .entry = 0x12344427, .kind = FORMAT_INVALID },
	{ .level = 2, .entry = 0x12344407, .kind = FORMAT_BAD_FORMAT },
	{ .level = 2, .entry = 0x12344403, .kind = FORMAT_BAD_TYPE },
	{ .level = 3, .entry = 0x1234440b, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .first = 0, .last = 2047 },
	{ .level = 4, .entry = UINT64_MAX, .kind = FORMAT_INVALID },
};

static const struct spec_root spec_roots[] = {
	/* ZPCI_IOTA_STO_FLAG, _RTTO_FLAG, _RSTO_FLAG, _RFTO_FLAG. */
	{ .designation = 0x12344800, .level = 1, .table = 0x12344000 },
	{ .designation = 0x12344804, .level = 2, .table = 0x12344000 },
	{ .designation = 0x12344808, .level = 3, .table = 0x12344000 },
	{ .designation = 0x1234480c, .level = 4, .table = 0x12344000 },
	{ .designation = UINT64_C(0xfffffffffffff804), .level = 2, .table = 0xfffffffffffff000 },
	{ .designation = 0x804, .level = 2, .table = 0 },
	/* Translation disabled, with a designation. */
	{ .designation = 0, .error = -PORT_EINVAL },
	{ .designation = 0x12344000, .error = -PORT_EINVAL },
	{ .designation = 0x12344004, .error = -PORT_EINVAL },
	/*
	 * Designations of frames and of the extended format, and no designation
	 * (ZPCI_IOTA_RFAA_FLAG is 0x812).
	 */
	{ .designation = 0x12344810, .error = -PORT_EINVAL },
	{ .designation = 0x12344812, .error = -PORT_EINVAL },
	{ .designation = 0x12344814, .error = -PORT_EINVAL },
	{ .designation = 0x12344818, .error = -PORT_EINVAL },
	{ .designation = 0x1234481c, .error = -PORT_EINVAL },
	/* A frame size; each unknown bit. */
	{ .designation = 0x12344805, .error = -PORT_EINVAL },
	{ .designation = 0x12344806, .error = -PORT_EINVAL },
	{ .designation = 0x12344824, .error = -PORT_EINVAL },
	{ .designation = 0x12344844, .error = -PORT_EINVAL },
	{ .designation = 0x12344884, .error = -PORT_EINVAL },
	{ .designation = 0x12344904, .error = -PORT_EINVAL },
	{ .designation = 0x12344a04, .error = -PORT_EINVAL },
	{ .designation = 0x12344c04, .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef } },
	{ 0x400, { 0, 0, 0, 0, 0, 0, 0x04, 0x00 } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ UINT64_C(0x100003000), 2, { 3, 0, 2 } },
	{ 0x8000000, 2, { 0, 128, 0 } },
	{ 0x8000000, 1, { 0, 128 } },
	{ UINT64_C(0x3fffffff000), 2, { 255, 2047, 2047 } },
	{ UINT64_C(0x40000000000), 3, { 0, 0, 0, 1 } },
	{ UINT64_C(0x40000000000), 2, { 0, 0, 0 } },
	{ UINT64_C(0xfedcba9876543210), 4, { 0x43, 0x765, 0x530, 0x72e, 0x7f6 } },
	{ UINT64_C(0xfedcba9876543210), 2, { 0x43, 0x765, 0x530 } },
	{ UINT64_MAX, 4, { 255, 2047, 2047, 2047, 2047 } },
};

#define VIOMMU_FORMAT zpci
#include "format/zpci.h"
#include "format_suite.h"

int main(void)
{
	const struct CMUnitTest tests[] = { FORMAT_SUITE_TESTS };

	return cmocka_run_group_tests_name("format zpci", tests, suite_setup, NULL);
}
