/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A second description of the format zpci_qemu, from QEMU's hw/s390x/s390-pci-inst.c. */
#include "format_spec.h"
#include "port/port.h"

#define SPEC_WRAPS	 1
#define SPEC_OUTPUT_BITS 64

static const struct spec_level spec_levels[] = {
	{ 12, 8, true },
	{ 20, 11, true },
	{ 31, 11, false },
};

static const struct spec_bits spec_bits[] = {
#define CLEARED_PAGE	FORMAT_BAD_ZERO
#define CLEARED_SEGMENT FORMAT_BAD_ZERO
#include "zpci_lower_bits.h"

	{ 2, SPEC_TABLE, 63, 14, SPEC_ADDRESS, 0 },
	{ 2, SPEC_TABLE, 13, 10, SPEC_NOTHING, 0 },
	{ 2, SPEC_TABLE, 9, 9, SPEC_PROT, VIOMMU_READ },
	{ 2, SPEC_TABLE, 8, 8, SPEC_NOTHING, 0 },
	{ 2, SPEC_TABLE, 7, 6, SPEC_BECOMES, FORMAT_BAD_LENGTH },
	{ 2, SPEC_TABLE, 5, 5, SPEC_BECOMES, FORMAT_INVALID },
	{ 2, SPEC_TABLE, 4, 4, SPEC_NOTHING, 0 },
	{ 2, SPEC_TABLE, 3, 2, SPEC_BECOMES, FORMAT_BAD_TYPE },
	{ 2, SPEC_TABLE, 1, 0, SPEC_BECOMES, FORMAT_BAD_LENGTH },
	{ 2, SPEC_INVALID, 63, 6, SPEC_NOTHING, 0 },
	{ 2, SPEC_INVALID, 5, 5, SPEC_BECOMES, FORMAT_BAD_ZERO },
	{ 2, SPEC_INVALID, 4, 0, SPEC_NOTHING, 0 },
};

static const struct spec_entry spec_entries[] = {
	/* Linux's entries have the same meaning as in zpci. */
	{ .level = 0, .entry = 0x400, .kind = FORMAT_INVALID },
	{ .level = 0, .entry = 0x12345400, .kind = FORMAT_INVALID },
	{ .level = 0, .entry = 0x12345200, .kind = FORMAT_LEAF, .address = 0x12345000, .prot = VIOMMU_READ },
	{ .level = 1, .entry = 0x20, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x12345800, .kind = FORMAT_TABLE, .address = 0x12345800, .prot = VIOMMU_RW, .first = 0, .last = 255 },
	{ .level = 2, .entry = 0x20, .kind = FORMAT_INVALID },
	{ .level = 2, .entry = 0x12344007, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .first = 0, .last = 2047 },
	/* Zero takes precedence over everything. */
	{ .level = 0, .entry = 0, .kind = FORMAT_BAD_ZERO },
	{ .level = 1, .entry = 0, .kind = FORMAT_BAD_ZERO },
	{ .level = 2, .entry = 0, .kind = FORMAT_BAD_ZERO },
	/* Frames and tables at 0 with other bits set. An invalid entry may hold 0. */
	{ .level = 0, .entry = 0x200, .kind = FORMAT_BAD_TYPE },
	{ .level = 0, .entry = 0x800, .kind = FORMAT_BAD_TYPE },
	{ .level = 0, .entry = 0x600, .kind = FORMAT_INVALID },
	{ .level = 1, .entry = 0x200, .kind = FORMAT_BAD_TYPE },
	{ .level = 1, .entry = 0x400, .kind = FORMAT_BAD_TYPE },
	{ .level = 1, .entry = 0xc00, .kind = FORMAT_BAD_TYPE },
	{ .level = 2, .entry = 0x7, .kind = FORMAT_BAD_TYPE },
	{ .level = 2, .entry = 0x3007, .kind = FORMAT_BAD_TYPE },
	/*
	 * Precedence: invalid, length, type. The format control is ignored, and origins are aligned
	 * to 16 KiB.
	 */
	{ .level = 2, .entry = 0x123440eb, .kind = FORMAT_INVALID },
	{ .level = 2, .entry = 0x1234404b, .kind = FORMAT_BAD_LENGTH },
	{ .level = 2, .entry = 0x1234400b, .kind = FORMAT_BAD_TYPE },
	{ .level = 2, .entry = 0x12344407, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .first = 0, .last = 2047 },
	{ .level = 2, .entry = 0x12347007, .kind = FORMAT_TABLE, .address = 0x12344000, .prot = VIOMMU_RW, .first = 0, .last = 2047 },
};

static const struct spec_root spec_roots[] = {
	{ .designation = 0x12344804, .level = 2, .table = 0x12344000 }, { .designation = 0x12344800, .error = -PORT_EINVAL },
	{ .designation = 0x12344808, .error = -PORT_EINVAL },		{ .designation = 0x1234480c, .error = -PORT_EINVAL },
	{ .designation = 0x12344004, .error = -PORT_EINVAL },		{ .designation = 0x12344a04, .error = -PORT_EINVAL },
};

static const struct spec_bytes spec_bytes[] = {
	{ UINT64_C(0x0123456789abcdef), { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef } },
};

/* Indexes from level 0 upwards. */
static const struct spec_walk spec_walks[] = {
	{ UINT64_C(0x100003000), 2, { 3, 0, 2 } },
	{ UINT64_C(0x3fffffff000), 2, { 255, 2047, 2047 } },
	{ UINT64_C(0x40000000000), 2, { 0, 0, 0 } },
};

#define VIOMMU_FORMAT zpci_qemu
#include "format/zpci_qemu.h"
#include "format_suite.h"

int main(void)
{
	const struct CMUnitTest tests[] = { FORMAT_SUITE_TESTS };

	return cmocka_run_group_tests_name("format zpci_qemu", tests, suite_setup, NULL);
}
