/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests the reference for Arm's tables. The tables and the expected answers were worked out by
 * hand, from the Arm ARM's figures of the descriptors and tables of the levels (DDI 0487, D8.2.8 to
 * D8.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "naive_arm64.h"

/*
 * Guest memory: 512 KiB at 0x10000, where each test places its tables; 64 bytes in the last 64 KiB
 * below 2^48, and 64 below 2^52.
 */
#define TABLES	    0x10000u
#define TABLE_BYTES 0x80000u
#define HIGH_48	    (UINT64_C(0x0000ffffffff0000))
#define HIGH_52	    (UINT64_C(0x000fffffffff0000))

static unsigned char tables_memory[TABLE_BYTES], high_48[64], high_52[64];
static const struct naive_slot slots[] = {
	{ TABLES, TABLE_BYTES, tables_memory, true },
	{ HIGH_48, sizeof(high_48), high_48, true },
	{ HIGH_52, sizeof(high_52), high_52, true },
};
static const struct naive_memory memory = { slots, 3 };

static int clean(void **state)
{
	(void)state;
	memset(tables_memory, 0, sizeof(tables_memory));
	memset(high_48, 0, sizeof(high_48));
	memset(high_52, 0, sizeof(high_52));
	return 0;
}

static void set(uint64_t address, uint64_t value)
{
	unsigned char *bytes = address >= HIGH_52   ? high_52 + (address - HIGH_52)
			       : address >= HIGH_48 ? high_48 + (address - HIGH_48)
						    : tables_memory + (address - TABLES);

	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> 8 * i);
}

static void page(const struct arm64_tables *tables, uint64_t iova, uint64_t address, bool readable, bool writable)
{
	struct arm64_answer answer = naive_arm64_walk(&memory, tables, iova);

	assert_int_equal(answer.outcome, ARM64_IS_PAGE);
	assert_true(answer.address == address);
	assert_int_equal(answer.readable, readable);
	assert_int_equal(answer.writable, writable);
}

static void fault(const struct arm64_tables *tables, uint64_t iova, enum arm64_outcome outcome, unsigned int arm_level, uint64_t entry_at)
{
	struct arm64_answer answer = naive_arm64_walk(&memory, tables, iova);

	assert_int_equal(answer.outcome, outcome);
	assert_int_equal(answer.arm_level, arm_level);
	assert_true(answer.entry_at == entry_at);
}

/* 48 bits, from L0: IOVA 0x0000008040201abc has index 1 everywhere. */
static void four_kib(void **state)
{
	struct arm64_tables tables = { .granule = 4, .ips = 5, .ttb0 = 0x10000, .t0sz = 16, .epd1 = true };

	(void)state;
	set(0x10008, 0x11003);
	set(0x11008, 0x12003);
	set(0x12008, 0x13003);
	set(0x13008, 0x12345443);
	page(&tables, 0x8040201abc, 0x12345abc, true, true);
	set(0x13008, 0x123454c3);
	page(&tables, 0x8040201abc, 0x12345abc, true, false);
	set(0x13008, 0x12345403);
	page(&tables, 0x8040201abc, 0x12345abc, false, false);
	tables.privileged = true;
	page(&tables, 0x8040201abc, 0x12345abc, true, true);
	set(0x13008, 0x12345043);
	fault(&tables, 0x8040201abc, ARM64_ACCESS_FLAG, 3, 0x13008);
	tables.affd = true;
	page(&tables, 0x8040201abc, 0x12345abc, true, true);
	set(0x13008, 0x12345441);
	fault(&tables, 0x8040201abc, ARM64_TRANSLATION, 3, 0x13008);
	/* Blocks of 2 MiB and 1 GiB, and none at L0. */
	set(0x12008, 0x40200441);
	page(&tables, 0x8040201abc, 0x40201abc, true, true);
	set(0x11008, 0x80000441);
	page(&tables, 0x8040201abc, 0x80201abc, true, true);
	set(0x10008, 0x80000441);
	fault(&tables, 0x8040201abc, ARM64_TRANSLATION, 0, 0x10008);
	/* IOVAs of the other half and of neither half, and tables outside memory. */
	fault(&tables, UINT64_C(0xffff808040201abc), ARM64_TRANSLATION, 0, UINT64_MAX);
	fault(&tables, UINT64_C(0x0001008040201abc), ARM64_TRANSLATION, 0, UINT64_MAX);
	set(0x10008, 0x9000003);
	fault(&tables, 0x8040201abc, ARM64_NO_TABLE, 1, 0x9000008);
}

/* Rights that tables remove, and an output size of 32 bits. */
static void restrictions(void **state)
{
	struct arm64_tables tables = { .granule = 4, .ips = 0, .ttb0 = 0x10000, .t0sz = 34, .epd1 = true };

	(void)state;
	/* From L2, 30 bits. */
	set(0x10000, UINT64_C(0x4000000000011003));
	set(0x11000, 0xfffff443);
	page(&tables, 0, 0xfffff000, true, false);
	set(0x10000, UINT64_C(0x2000000000011003));
	page(&tables, 0, 0xfffff000, false, false);
	tables.had0 = true;
	page(&tables, 0, 0xfffff000, true, true);
	set(0x11000, UINT64_C(0x100000443));
	fault(&tables, 0, ARM64_SIZE, 3, 0x11000);
	set(0x11000, UINT64_C(0x100000043));
	fault(&tables, 0, ARM64_SIZE, 3, 0x11000);
	set(0x10000, UINT64_C(0x100000003));
	fault(&tables, 0, ARM64_SIZE, 2, 0x10000);
	tables.ttb0 = UINT64_C(0x100000000);
	assert_int_equal(naive_arm64_walk(&memory, &tables, 0).outcome, ARM64_BAD_CONTEXT);
}

/* TTB1 with 25 bits and 16 KiB, from L3: the last IOVA uses the last of 2048 entries. */
static void sixteen_kib(void **state)
{
	struct arm64_tables tables = { .granule = 16, .ips = 5, .ttb1 = 0x14000, .t1sz = 39, .epd0 = true };

	(void)state;
	set(0x14000 + 8 * 2047, UINT64_C(0xffffffffc443));
	page(&tables, UINT64_MAX, UINT64_C(0xffffffffffff), true, true);
	/* 48 bits, from a table of two entries at L0; the second one's last block of 32 MiB. */
	tables.t1sz = 16;
	tables.ttb1 = HIGH_48 + 0x15;
	set(HIGH_48 + 0x18, 0x18003);
	set(0x18000 + 8 * 2047, 0x1c003);
	set(0x1c000 + 8 * 2047, 0x420004c1);
	page(&tables, UINT64_MAX, 0x43ffffff, true, false);
}

/* 52 bits: the highest bits of an address are in bits 15-12. */
static void sixty_four_kib(void **state)
{
	struct arm64_tables tables = { .granule = 64, .ips = 6, .ttb0 = HIGH_52 + 0x3f, .t0sz = 21, .epd1 = true };

	(void)state;
	/* 43 bits, from a table of two entries at L1, aligned to 64 bytes. */
	set(HIGH_52 + 8, 0x20003);
	set(0x20000 + 8 * 8191, 0x30003);
	set(0x30000 + 8 * 8191, 0x1234f443);
	page(&tables, UINT64_C(0x7ffffffffff), UINT64_C(0x000f00001234ffff), true, true);
	set(0x20000 + 8 * 8191, 0x60001441);
	page(&tables, UINT64_C(0x7ffffffffff), UINT64_C(0x000100007fffffff), true, true);
	set(HIGH_52 + 8, UINT64_C(0x80000008441));
	page(&tables, UINT64_C(0x7ffffffffff), UINT64_C(0x00080bffffffffff), true, true);
	/* With 48 bits, neither the block nor the address is legal. */
	tables.ips = 5;
	tables.ttb0 = 0x10000;
	set(0x10008, UINT64_C(0x80000000441));
	fault(&tables, UINT64_C(0x7ffffffffff), ARM64_TRANSLATION, 1, 0x10008);
	set(0x10008, 0x21003);
	fault(&tables, UINT64_C(0x7ffffffffff), ARM64_SIZE, 1, 0x10008);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(four_kib, clean),
		cmocka_unit_test_setup(restrictions, clean),
		cmocka_unit_test_setup(sixteen_kib, clean),
		cmocka_unit_test_setup(sixty_four_kib, clean),
	};

	return cmocka_run_group_tests_name("naive arm64", tests, NULL, NULL);
}
