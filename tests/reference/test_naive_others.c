/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests the references for RISC-V's and AMD's tables. The tables and the expected answers were
 * worked out by hand, from the figures of the specifications.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "naive_amdv1.h"
#include "naive_riscv.h"

/* Guest memory: 128 KiB at 0x10000, where each test places its tables. */
#define TABLES	    0x10000u
#define TABLE_BYTES 0x20000u

static unsigned char tables_memory[TABLE_BYTES];
static const struct naive_slot slot = { TABLES, TABLE_BYTES, tables_memory, true };
static const struct naive_memory memory = { &slot, 1 };

static int clean(void **state)
{
	(void)state;
	memset(tables_memory, 0, sizeof(tables_memory));
	return 0;
}

static void set(uint64_t address, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		tables_memory[address - TABLES + i] = (unsigned char)(value >> 8 * i);
}

static void riscv_page(const struct riscv_tables *tables, uint64_t iova, uint64_t address, bool readable, bool writable)
{
	struct riscv_answer answer = naive_riscv_walk(&memory, tables, iova);

	assert_int_equal(answer.outcome, RISCV_IS_PAGE);
	assert_true(answer.address == address);
	assert_int_equal(answer.readable, readable);
	assert_int_equal(answer.writable, writable);
}

static void riscv_fault(const struct riscv_tables *tables, uint64_t iova, enum riscv_outcome outcome, unsigned int level, uint64_t entry_at)
{
	struct riscv_answer answer = naive_riscv_walk(&memory, tables, iova);

	assert_int_equal(answer.outcome, outcome);
	assert_int_equal(answer.level, level);
	assert_true(answer.entry_at == entry_at);
}

/* Sv39 at 0x10000: IOVA 0x40201abc has index 1 everywhere. */
static void sv39(void **state)
{
	struct riscv_tables tables = { .levels = 3, .ppn = 0x10 };

	(void)state;
	set(0x10008, 0x11 << 10 | 1);
	set(0x11008, 0x12 << 10 | 1);
	set(0x12008, 0x12345 << 10 | 0xd7);
	riscv_page(&tables, 0x40201abc, 0x12345abc, true, true);
	/* Read-only; clean; supervisor; not accessed. */
	set(0x12008, 0x12345 << 10 | 0x53);
	riscv_page(&tables, 0x40201abc, 0x12345abc, true, false);
	set(0x12008, 0x12345 << 10 | 0x57);
	riscv_page(&tables, 0x40201abc, 0x12345abc, true, false);
	set(0x12008, 0x12345 << 10 | 0xc7);
	riscv_page(&tables, 0x40201abc, 0x12345abc, false, false);
	tables.supervisor = true;
	riscv_page(&tables, 0x40201abc, 0x12345abc, true, true);
	set(0x12008, 0x12345 << 10 | 0x17);
	riscv_fault(&tables, 0x40201abc, RISCV_NOT_ACCESSED, 0, 0x12008);
	tables.adue = true;
	riscv_page(&tables, 0x40201abc, 0x12345abc, true, true);
	/* W without R, a pointer, PBMT. */
	set(0x12008, 0x12345 << 10 | 0xd5);
	riscv_fault(&tables, 0x40201abc, RISCV_IS_RESERVED, 0, 0x12008);
	set(0x12008, 0x12345 << 10 | 1);
	riscv_fault(&tables, 0x40201abc, RISCV_NO_LEAF, 0, 0x12008);
	set(0x12008, UINT64_C(0x2000000000000000) | 0x12345 << 10 | 0xd7);
	riscv_fault(&tables, 0x40201abc, RISCV_IS_RESERVED, 0, 0x12008);
	tables.pbmt = true;
	riscv_page(&tables, 0x40201abc, 0x12345abc, true, true);
	/* 64 KiB: bits 15-12 of the IOVA are part of the offset. */
	set(0x12008, UINT64_C(0x8000000000000000) | 0x12348 << 10 | 0xd7);
	riscv_page(&tables, 0x40201abc, 0x12341abc, true, true);
	set(0x12008, UINT64_C(0x8000000000000000) | 0x12344 << 10 | 0xd7);
	riscv_fault(&tables, 0x40201abc, RISCV_IS_RESERVED, 0, 0x12008);
	/* 2 MiB and 1 GiB, and a misaligned superpage. */
	set(0x11008, 0x12200 << 10 | 0xd7);
	riscv_page(&tables, 0x40201abc, 0x12201abc, true, true);
	set(0x10008, 0x40000 << 10 | 0xd7);
	riscv_page(&tables, 0x40201abc, 0x40201abc, true, true);
	set(0x10008, 0x40200 << 10 | 0xd7);
	riscv_fault(&tables, 0x40201abc, RISCV_IS_RESERVED, 2, 0x10008);
	/* Bits 63-39 equal bit 38: the upper half begins with entry 256. */
	riscv_fault(&tables, UINT64_C(0x4040201abc), RISCV_NOT_CANONICAL, 2, UINT64_MAX);
	set(0x10000 + 8 * 257, 0x80000 << 10 | 0xd7);
	riscv_page(&tables, UINT64_C(0xffffffc040201abc), 0x80201abc, true, true);
}

/* Sv39x4: bits 40 and 39 extend the index to 11 bits. */
static void sv39x4(void **state)
{
	const struct riscv_tables tables = { .levels = 3, .second_stage = true, .ppn = 0x10 };

	(void)state;
	set(0x13000 + 8, 0x40000 << 10 | 0xd7);
	riscv_page(&tables, UINT64_C(0x18040201abc), 0x40201abc, true, true);
	riscv_fault(&tables, UINT64_C(0x8040201abc), RISCV_NOT_VALID, 2, 0x11008);
	riscv_fault(&tables, UINT64_C(0x20000000000), RISCV_NOT_CANONICAL, 2, UINT64_MAX);
}

#define RW UINT64_C(0x6000000000000000)
#define R  UINT64_C(0x2000000000000000)

static void amd_page(unsigned int mode, uint64_t iova, uint64_t address, bool readable, bool writable)
{
	struct amdv1_answer answer = naive_amdv1_walk(&memory, 0x10000, mode, true, true, iova);

	assert_int_equal(answer.outcome, AMDV1_IS_PAGE);
	assert_true(answer.address == address);
	assert_int_equal(answer.readable, readable);
	assert_int_equal(answer.writable, writable);
}

static void amd_fault(unsigned int mode, uint64_t iova, enum amdv1_outcome outcome, unsigned int amd_level, uint64_t entry_at)
{
	struct amdv1_answer answer = naive_amdv1_walk(&memory, 0x10000, mode, true, true, iova);

	assert_int_equal(answer.outcome, outcome);
	assert_int_equal(answer.amd_level, amd_level);
	assert_true(answer.entry_at == entry_at);
}

/* Three levels at 0x10000: IOVA 0x40201abc has index 1 everywhere. */
static void amd_levels(void **state)
{
	(void)state;
	set(0x10008, RW | 0x11000 | 2 << 9 | 1);
	set(0x11008, RW | 0x12000 | 1 << 9 | 1);
	set(0x12008, RW | 0x12345000 | 1);
	amd_page(3, 0x40201abc, 0x12345abc, true, true);
	set(0x11008, R | 0x12000 | 1 << 9 | 1);
	amd_page(3, 0x40201abc, 0x12345abc, true, false);
	set(0x12008, 0x12345001);
	amd_page(3, 0x40201abc, 0x12345abc, false, false);
	amd_fault(3, UINT64_C(0x8040201abc), AMDV1_TOO_HIGH, 3, UINT64_MAX);
	/* 32 KiB: address bits 12 and 13 are 1, 14 is 0. */
	set(0x12008, RW | 0x12343000 | 7 << 9 | 1);
	amd_page(3, 0x40201abc, 0x12341abc, true, false);
	/* 2 MiB, 1 GiB, and 4 GiB in four entries. */
	set(0x11008, RW | 0x12200000 | 1);
	amd_page(3, 0x40201abc, 0x12201abc, true, true);
	set(0x10008, RW | 0x80000000 | 1);
	amd_page(3, 0x40201abc, 0x80201abc, true, true);
	set(0x10008, RW | UINT64_C(0x57ffff000) | 7 << 9 | 1);
	amd_page(3, 0x40201abc, UINT64_C(0x540201abc), true, true);
	/* 8 KiB at level 2; a Next Level that is not lower. */
	set(0x10008, RW | 7 << 9 | 1);
	amd_fault(3, 0x40201abc, AMDV1_IS_RESERVED, 3, 0x10008);
	set(0x10008, RW | 0x11000 | 3 << 9 | 1);
	amd_fault(3, 0x40201abc, AMDV1_BAD_LEVEL, 3, 0x10008);
	/* Level 2 is skipped: its index must be 0. */
	set(0x10008, RW | 0x12000 | 1 << 9 | 1);
	set(0x12008, RW | 0x12345000 | 1);
	amd_fault(3, 0x40201abc, AMDV1_SKIPPED, 3, 0x10008);
	amd_page(3, 0x40001abc, 0x12345abc, true, true);
	/* FC and U are reserved in table entries. */
	set(0x10008, RW | UINT64_C(0x1800000000000000) | 0x12000 | 1 << 9 | 1);
	amd_fault(3, 0x40001abc, AMDV1_IS_RESERVED, 3, 0x10008);
	/* Six levels: the top index begins at bit 57. */
	set(0x10000 + 8 * 127, RW | 0x12000 | 1 << 9 | 1);
	amd_page(6, UINT64_C(0xfe00000000001abc), 0x12345abc, true, true);
	set(0x10000 + 8 * 127, RW | 0x12000 | 1);
	amd_fault(6, UINT64_C(0xfe00000000001abc), AMDV1_BAD_LEVEL, 6, 0x10000 + 8 * 127);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sv39, clean),
		cmocka_unit_test_setup(sv39x4, clean),
		cmocka_unit_test_setup(amd_levels, clean),
	};

	return cmocka_run_group_tests_name("references for RISC-V and AMD", tests, NULL, NULL);
}
