/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests the reference. The tables and the expected answers were worked out by hand, from the layout
 * in the Principles of Operation and in Linux (pci_dma.h). The model's way through large ranges is
 * compared with the walk, page by page, on random tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"
#include "naive.h"

/* Guest memory: 256 KiB at 0; 64 KiB of read-only memory at 2^40; the last 16 KiB below 2^64. */
#define LOW_BYTES  UINT64_C(0x40000)
#define ROM	   (UINT64_C(1) << 40)
#define ROM_BYTES  UINT64_C(0x10000)
#define HIGH	   UINT64_C(0xffffffffffffc000)
#define HIGH_BYTES UINT64_C(0x4000)

static unsigned char low[LOW_BYTES], rom[ROM_BYTES], high[HIGH_BYTES];
static const struct naive_slot slots[] = {
	{ 0, LOW_BYTES, low, true },
	{ ROM, ROM_BYTES, rom, false },
	{ HIGH, HIGH_BYTES, high, true },
};
static const struct naive_memory memory = { slots, 3 };

/* GPAs of the tests' tables. */
#define RF 0x4000
#define RS 0x8000
#define RT 0xc000
#define ST 0x10000
#define PT 0x14000

static void set(uint64_t gpa, uint64_t value)
{
	unsigned char *bytes = gpa >= HIGH ? high + (gpa - HIGH) : gpa >= ROM ? rom + (gpa - ROM) : low + gpa;

	for (int i = 7; i >= 0; i--) {
		bytes[i] = (unsigned char)value;
		value >>= 8;
	}
}

/*
 * All entries invalid, as in fresh tables of Linux, except for a path of five levels for one IOVA,
 * whose entries are as Linux writes them.
 */
static int setup(void **state)
{
	(void)state;
	for (uint64_t gpa = 0; gpa < LOW_BYTES; gpa += 8)
		set(gpa, gpa >= PT && gpa < PT + 0x4000 ? 0x400 : 0x20);
	memset(rom, 0, sizeof(rom));
	memset(high, 0, sizeof(high));
	/* The indexes of 0xfedcba9876543210: 0x7f6, 0x72e, 0x530, 0x765, 0x43. */
	set(RF + 8 * 0x7f6, RS | 0x0f);
	set(RS + 8 * 0x72e, RT | 0x0b);
	set(RT + 8 * 0x530, ST | 0x07);
	set(ST + 8 * 0x765, PT);
	set(PT + 8 * 0x43, 0x21000);
	return 0;
}

static struct naive_tables tables(uint64_t iota)
{
	return (struct naive_tables){ .iota = iota, .pba = 0, .pal = UINT64_MAX };
}

static struct naive_answer walk(uint64_t iota, uint64_t iova)
{
	struct naive_tables t = tables(iota);

	return naive_walk(&memory, &t, iova);
}

static struct naive_answer walk_as_qemu(uint64_t iota, uint64_t iova)
{
	struct naive_tables t = tables(iota);

	t.qemu = true;
	return naive_walk(&memory, &t, iova);
}

#define EXAMPLE UINT64_C(0xfedcba9876543210)

static void test_index_examples(void **state)
{
	static const struct {
		uint64_t iova;
		unsigned int index[NAIVE_LEVELS]; /* page, segment, region third, second, first */
	} examples[] = {
		{ UINT64_C(0x100003000), { 3, 0, 2, 0, 0 } },		{ UINT64_C(0x8000000), { 0, 128, 0, 0, 0 } },
		{ UINT64_C(0x3fffffff000), { 255, 2047, 2047, 0, 0 } }, { UINT64_C(0x40000000000), { 0, 0, 0, 1, 0 } },
		{ EXAMPLE, { 0x43, 0x765, 0x530, 0x72e, 0x7f6 } },	{ UINT64_MAX, { 255, 2047, 2047, 2047, 2047 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		for (unsigned int level = 0; level < NAIVE_LEVELS; level++)
			assert_int_equal(naive_index(examples[i].iova, level), examples[i].index[level]);
}

static void test_each_depth(void **state)
{
	static const uint64_t iota[] = { RF | 0x80c, RS | 0x808, RT | 0x804, ST | 0x800 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct naive_answer answer = walk(iota[i], EXAMPLE);

		assert_int_equal(answer.outcome, NAIVE_PAGE);
		assert_int_equal(answer.gpa, 0x21000);
		assert_true(answer.writable);
		assert_int_equal(answer.level, 0);
		assert_int_equal(answer.entry_gpa, PT + 8 * 0x43);
		assert_int_equal(answer.entry, 0x21000);
		assert_int_equal(answer.top, 4 - i);
		/* QEMU accepts region-third tables only at the top. */
		assert_int_equal(walk_as_qemu(iota[i], EXAMPLE).outcome, i == 2 ? NAIVE_PAGE : NAIVE_OUTSIDE);
	}
	/* The next page, the next segment, the next entry of each level: not mapped. */
	for (unsigned int level = 0; level < NAIVE_LEVELS; level++) {
		static const unsigned int shift[] = { 12, 20, 31, 42, 53 };
		struct naive_answer answer = walk(RF | 0x80c, EXAMPLE + (UINT64_C(1) << shift[level]));

		assert_int_equal(answer.outcome, NAIVE_NOTHING);
		assert_int_equal(answer.level, level);
	}
}

static void test_aliases(void **state)
{
	(void)state;
	/*
	 * A region-third table covers 2^42 bytes. IOVAs above are aliases. The same holds for the
	 * other types.
	 */
	assert_int_equal(walk(RT | 0x804, EXAMPLE & ((UINT64_C(1) << 42) - 1)).gpa, 0x21000);
	assert_int_equal(walk(RT | 0x804, EXAMPLE ^ (UINT64_C(1) << 42)).gpa, 0x21000);
	assert_int_equal(walk(ST | 0x800, EXAMPLE ^ (UINT64_C(1) << 31)).gpa, 0x21000);
	assert_int_equal(walk(RS | 0x808, EXAMPLE ^ (UINT64_C(1) << 53)).gpa, 0x21000);
	assert_int_equal(walk(RT | 0x804, EXAMPLE ^ (UINT64_C(1) << 41)).outcome, NAIVE_NOTHING);
}

static void test_aperture_and_iota(void **state)
{
	struct naive_tables t = tables(RF | 0x80c);

	(void)state;
	t.pba = EXAMPLE & ~UINT64_C(0xfff);
	t.pal = t.pba + 0xfff;
	assert_int_equal(naive_walk(&memory, &t, t.pba).outcome, NAIVE_PAGE);
	assert_int_equal(naive_walk(&memory, &t, t.pal).outcome, NAIVE_PAGE);
	assert_int_equal(naive_walk(&memory, &t, t.pba - 1).outcome, NAIVE_OUTSIDE);
	assert_int_equal(naive_walk(&memory, &t, t.pal + 1).outcome, NAIVE_OUTSIDE);

	assert_int_equal(naive_top_level(0x800, false), 1);
	assert_int_equal(naive_top_level(0x804, false), 2);
	assert_int_equal(naive_top_level(0x808, false), 3);
	assert_int_equal(naive_top_level(0x80c, false), 4);
	assert_int_equal(naive_top_level(0x004, false), -1);
	assert_int_equal(naive_top_level(0x810, false), -1);
	assert_int_equal(naive_top_level(0x814, false), -1);
	assert_int_equal(naive_top_level(0x818, false), -1);
	assert_int_equal(naive_top_level(0x81c, false), -1);
	assert_int_equal(naive_top_table(UINT64_C(0x123456789abcd804)), UINT64_C(0x123456789abcd000));
}

static void test_protection_at_each_level(void **state)
{
	static const uint64_t where[] = { PT + 8 * 0x43, ST + 8 * 0x765, RT + 8 * 0x530, RS + 8 * 0x72e, RF + 8 * 0x7f6 };

	(void)state;
	for (unsigned int level = 0; level < NAIVE_LEVELS; level++) {
		struct naive_answer answer = walk(RF | 0x80c, EXAMPLE);
		uint64_t entry = 0;

		assert_true(answer.writable);
		assert_true(naive_load(&memory, where[level], &entry));
		set(where[level], entry | 0x200);
		answer = walk(RF | 0x80c, EXAMPLE);
		assert_int_equal(answer.outcome, NAIVE_PAGE);
		assert_int_equal(answer.gpa, 0x21000);
		assert_false(answer.writable);
		set(where[level], entry);
	}
}

static void test_invalid_is_looked_at_first(void **state)
{
	struct naive_answer answer;

	(void)state;
	/* An invalid page-table entry keeps its old address, as Linux leaves it. */
	set(PT + 8 * 0x43, 0x21400);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_NOTHING);
	/* The other bits of an invalid entry have no meaning: wrong type, empty table, all ones. */
	set(ST + 8 * 0x765, UINT64_MAX);
	answer = walk(RT | 0x804, EXAMPLE);
	assert_int_equal(answer.outcome, NAIVE_NOTHING);
	assert_int_equal(answer.level, 1);
	assert_int_equal(answer.entry, UINT64_MAX);
	set(RT + 8 * 0x530, 0xec);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_NOTHING);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_NOTHING);
	/* 0x20 is the invalid bit of upper entries. In a page-table entry it has no meaning. */
	set(RT + 8 * 0x530, ST | 0x07);
	set(ST + 8 * 0x765, PT);
	set(PT + 8 * 0x43, 0x21020);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_PAGE);
}

static void test_types(void **state)
{
	(void)state;
	/*
	 * A region-second entry in a region-third table; a segment entry in a region-third table; a
	 * region-third entry in a segment table.
	 */
	set(RT + 8 * 0x530, ST | 0x0b);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_TYPE);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).level, 2);
	set(RT + 8 * 0x530, ST | 0x03);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_TYPE);
	set(RT + 8 * 0x530, ST | 0x07);
	set(ST + 8 * 0x765, PT | 0x04);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_TYPE);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).level, 1);
	/* The IOTA names a table of another level. */
	assert_int_equal(walk(RT | 0x808, EXAMPLE).outcome, NAIVE_NOTHING);
	assert_int_equal(walk(RT | 0x808, UINT64_C(0x530) << 42).outcome, NAIVE_TYPE);
}

static void test_table_offset_and_length(void **state)
{
	struct naive_answer answer;

	(void)state;
	/*
	 * Segment index 0x765 is in quarter 3, region-third index 0x530 in quarter 2, region-second
	 * index 0x72e in quarter 3.
	 */
	set(RT + 8 * 0x530, ST | 0xc7); /* offset 3, length 3: only the last quarter */
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_PAGE);
	answer = walk(RT | 0x804, EXAMPLE - (UINT64_C(1) << 30));
	assert_int_equal(answer.outcome, NAIVE_LENGTH);
	assert_int_equal(answer.level, 2);
	assert_int_equal(answer.entry_gpa, RT + 8 * 0x530);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_LENGTH);
	set(RT + 8 * 0x530, ST | 0x06); /* quarters 0 to 2 */
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_LENGTH);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_LENGTH);
	assert_int_equal(walk(RT | 0x804, EXAMPLE - (UINT64_C(1) << 30)).outcome, NAIVE_NOTHING);
	set(RT + 8 * 0x530, ST | 0xc6); /* offset 3, length 2: empty */
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_LENGTH);

	set(RT + 8 * 0x530, ST | 0x07);
	set(RS + 8 * 0x72e, RT | 0x8a); /* offset 2, length 2 */
	assert_int_equal(walk(RS | 0x808, EXAMPLE).outcome, NAIVE_PAGE);
	set(RS + 8 * 0x72e, RT | 0x49); /* offset 1, length 1 */
	assert_int_equal(walk(RS | 0x808, EXAMPLE).outcome, NAIVE_LENGTH);
	assert_int_equal(walk(RS | 0x808, EXAMPLE).level, 3);
	set(RS + 8 * 0x72e, RT | 0x0b);
	set(RF + 8 * 0x7f6, RS | 0x0c); /* length 0 */
	assert_int_equal(walk(RF | 0x80c, EXAMPLE).outcome, NAIVE_LENGTH);
	assert_int_equal(walk(RF | 0x80c, EXAMPLE).level, 4);
}

static void test_segment_frames(void **state)
{
	struct naive_answer answer;

	(void)state;
	/* 1 MiB at 0: guest memory covers the first 256 KiB. */
	set(ST + 8 * 0x765, 0x400);
	answer = walk(RT | 0x804, EXAMPLE & ~UINT64_C(0xfffff));
	assert_int_equal(answer.outcome, NAIVE_PAGE);
	assert_int_equal(answer.gpa, 0);
	assert_int_equal(answer.level, 1);
	assert_int_equal(walk(RT | 0x804, (EXAMPLE & ~UINT64_C(0xfffff)) + 0x3ffff).gpa, 0x3f000);
	assert_int_equal(walk(RT | 0x804, (EXAMPLE & ~UINT64_C(0xfffff)) + 0x40000).outcome, NAIVE_LEAF_UNBACKED);
	/* At 2^40 memory is read-only. Address bits below the megabyte are ignored. */
	set(ST + 8 * 0x765, ROM | 0x8f400);
	answer = walk(RT | 0x804, (EXAMPLE & ~UINT64_C(0xfffff)) + 0xf123);
	assert_int_equal(answer.outcome, NAIVE_PAGE);
	assert_int_equal(answer.gpa, ROM + 0xf000);
	assert_false(answer.writable);
	/* A frame of 2 GiB is not a format of I/O tables. QEMU ignores the bit. */
	set(RT + 8 * 0x530, ST | 0x407);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_FORMAT);
	set(ST + 8 * 0x765, PT);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_PAGE);
	/*
	 * QEMU takes the segment table's address from bits 0-49, the architecture from bits 0-51.
	 */
	set(RT + 8 * 0x530, (ST + 0x3000) | 0x07);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_PAGE);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).entry_gpa, ST + 0x3000 + 8 * 0x765);
}

static void test_zero(void **state)
{
	(void)state;
	/* Zeros in a page table: a valid entry for the page at 0. An error in QEMU. */
	set(PT + 8 * 0x43, 0);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_PAGE);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).gpa, 0);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_ZERO);
	/* The page at 0 with any other bit: QEMU reports a wrong type for the address. */
	set(PT + 8 * 0x43, 0x200);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_PAGE);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_TYPE);
	/* Zeros in a segment table: the page table at 0. Its entry 0x43 is 0x20: the page at 0. */
	set(ST + 8 * 0x765, 0);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_PAGE);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).entry_gpa, 8 * 0x43);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_ZERO);
	/* A frame of 1 MiB at 0, with bits outside its address. */
	set(ST + 8 * 0x765, 0x3c00);
	assert_int_equal(walk(RT | 0x804, EXAMPLE & ~UINT64_C(0xfffff)).outcome, NAIVE_PAGE);
	assert_int_equal(walk(RT | 0x804, EXAMPLE & ~UINT64_C(0xfffff)).gpa, 0);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE & ~UINT64_C(0xfffff)).outcome, NAIVE_TYPE);
	/* Zeros in a region table: type 0, the type of a segment table. */
	set(RT + 8 * 0x530, 0);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_TYPE);
	assert_int_equal(walk_as_qemu(RT | 0x804, EXAMPLE).outcome, NAIVE_ZERO);
}

static void test_holes(void **state)
{
	struct naive_answer answer;

	(void)state;
	/* A leaf outside guest memory. */
	set(PT + 8 * 0x43, 0x40000);
	answer = walk(RT | 0x804, EXAMPLE);
	assert_int_equal(answer.outcome, NAIVE_LEAF_UNBACKED);
	assert_int_equal(answer.gpa, 0x40000);
	set(PT + 8 * 0x43, UINT64_C(0xfffffffffffff000));
	assert_int_equal(walk(RT | 0x804, EXAMPLE).outcome, NAIVE_PAGE);
	assert_int_equal(walk(RT | 0x804, EXAMPLE).gpa, UINT64_C(0xfffffffffffff000));
	/* A page table outside guest memory. */
	set(ST + 8 * 0x765, 0x40000);
	answer = walk(RT | 0x804, EXAMPLE);
	assert_int_equal(answer.outcome, NAIVE_TABLE_UNBACKED);
	assert_int_equal(answer.level, 0);
	assert_int_equal(answer.entry_gpa, 0x40000 + 8 * 0x43);
	/*
	 * A segment table whose last quarter, with index 0x765, is outside guest memory. Its first
	 * quarter is not.
	 */
	set(RT + 8 * 0x530, (LOW_BYTES - 0x1000) | 0x07);
	answer = walk(RT | 0x804, EXAMPLE);
	assert_int_equal(answer.outcome, NAIVE_TABLE_UNBACKED);
	assert_int_equal(answer.level, 1);
	assert_int_equal(answer.entry_gpa, LOW_BYTES - 0x1000 + 8 * 0x765);
	assert_int_equal(walk(RT | 0x804, EXAMPLE & ~UINT64_C(0x7fffffff)).outcome, NAIVE_NOTHING);
}

static void test_self_reference(void **state)
{
	(void)state;
	/* A segment entry that names its own table as a page table: word 3 is data. */
	set(ST + 8 * 3, ST);
	assert_int_equal(walk(ST | 0x800, 3 * UINT64_C(0x100000) + 3 * 4096).outcome, NAIVE_PAGE);
	assert_int_equal(walk(ST | 0x800, 3 * UINT64_C(0x100000) + 3 * 4096).gpa, ST);
	/* A region-third entry that names its own table: the type is wrong for a segment table. */
	set(RT + 8 * 5, RT | 0x07);
	assert_int_equal(walk(RT | 0x804, (UINT64_C(5) << 31) + (UINT64_C(5) << 20)).outcome, NAIVE_TYPE);
	assert_int_equal(walk(RT | 0x804, (UINT64_C(5) << 31) + (UINT64_C(5) << 20)).level, 1);
}

static uint64_t seed = 1;

static uint64_t draw(void)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A random entry that usually fits a level. */
static uint64_t draw_entry(unsigned int level)
{
	uint64_t entry = draw() % 0x48 << 12;

	if (draw() % 4 == 0)
		entry |= 0x200;
	if (level > 1)
		entry |= (level - 1) << 2 | (draw() % 4 ? 3 : draw() & 0xc3);
	else if (level == 1 && draw() % 4 == 0)
		entry |= 0x400;
	if (draw() % 8 == 0)
		entry ^= UINT64_C(1) << draw() % 14;
	return entry;
}

/*
 * Compares the model's list of a range with the walk of each page: the same pages, the same lowest
 * fault, the same number of pages without memory.
 */
static void test_find_agrees_with_the_walk(void **state)
{
	static const struct model_limits limits = { 1000000, 100000 };
	static const uint64_t where[] = { PT, ST, RT, RS, RF };

	(void)state;
	for (unsigned int round = 0; round < 3000; round++) {
		unsigned int top = 1 + (unsigned int)(draw() % 4);
		struct naive_tables t = { .iota = where[top] | 0x800 | (top - 1) << 2, .pba = 0, .pal = UINT64_MAX, .qemu = top == 2 && draw() % 2 };
		uint64_t base = 0;
		uint64_t first, last, unbacked = 0, n = 0;
		struct model_found found;
		bool faulty = false;

		if (round % 50 == 0)
			setup(NULL);
		/* Near a boundary of entries, so that a few pages cover many tables. */
		for (unsigned int level = 0; level < NAIVE_LEVELS; level++) {
			static const unsigned int shift[] = { 12, 20, 31, 42, 53 };
			unsigned int index = level == 0 ? (draw() % 2 ? 250 : 2) : draw() % 2 ? 2047 : (unsigned int)(draw() % 3);

			base |= (uint64_t)index << shift[level];
		}
		first = base & ~UINT64_C(0xfff);
		last = first + ((draw() % 600) << 12) + 0xfff;
		if (last < first)
			last = UINT64_MAX;
		for (unsigned int level = 0; level < NAIVE_LEVELS; level++) {
			set(where[level] + 8 * naive_index(first, level), draw_entry(level));
			set(where[level] + 8 * naive_index(last, level), draw_entry(level));
			if (level > 0) {
				/* Mostly names the next table, so that the walk continues. */
				uint64_t entry = where[level - 1] | (level > 1 ? (level - 1) << 2 | 3 : 0);

				if (draw() % 4)
					set(where[level] + 8 * naive_index(first, level), entry);
				if (draw() % 4)
					set(where[level] + 8 * naive_index(last, level), entry);
			}
		}

		model_find(&memory, &t, first, last, &limits, &found);
		assert_false(found.too_large);
		for (uint64_t iova = first; iova - first < last - first; iova += 4096) {
			struct naive_answer answer = naive_walk(&memory, &t, iova);

			if (answer.outcome == NAIVE_PAGE) {
				assert_true(n < found.list.count);
				assert_int_equal(found.list.pages[n].iova, iova);
				assert_int_equal(found.list.pages[n].gpa, answer.gpa);
				assert_int_equal(found.list.pages[n].writable, answer.writable);
				n++;
			} else if (answer.outcome == NAIVE_LEAF_UNBACKED) {
				unbacked++;
			} else if (answer.outcome >= NAIVE_TABLE_UNBACKED && !faulty) {
				faulty = true;
				assert_true(found.faulty);
				assert_int_equal(found.fault_iova, iova);
				assert_int_equal(found.fault.outcome, answer.outcome);
				assert_int_equal(found.fault.entry_gpa, answer.entry_gpa);
			}
		}
		assert_int_equal(n, found.list.count);
		assert_int_equal(unbacked, found.unbacked);
		assert_int_equal(faulty, found.faulty);
		model_found_free(&found);
	}
}

static void test_model_refresh_and_drop(void **state)
{
	const struct naive_tables all = tables(RT | 0x804);
	struct model_list list = { .count = 0 };
	static const struct model_limits limits = { 1000000, 100000 };
	uint64_t first = UINT64_C(0x53076500123), last = UINT64_C(0x53076543124);
	uint64_t established, released;
	struct model_found found;
	const struct model_list *lists[2] = { &list, &list };

	(void)state;
	set(RT + 8 * 1, ST | 0x07);
	set(ST + 8 * 0, PT);
	set(PT + 8 * 1, 0x22000);
	set(PT + 8 * 2, 0x22000);
	set(PT + 8 * 3, ROM);
	first = (UINT64_C(1) << 31) + 0x1fff;
	last = (UINT64_C(1) << 31) + 0x3000;
	assert_true(model_clip(all.pba, all.pal, &first, &last));
	assert_int_equal(first, (UINT64_C(1) << 31) + 0x1000);
	assert_int_equal(last, (UINT64_C(1) << 31) + 0x3fff);
	model_find(&memory, &all, first, last, &limits, &found);
	model_apply(&list, first, last, &found.list, &established, &released);
	model_found_free(&found);
	assert_int_equal(established, 3);
	assert_int_equal(released, 0);
	assert_int_equal(model_distinct(&memory, lists, 2), 2);
	assert_false(model_at(&list, (UINT64_C(1) << 31) + 0x3abc)->writable);
	assert_null(model_at(&list, (UINT64_C(1) << 31) + 0x4000));

	/* One page removed, one changed, one added. The range touches two of them. */
	set(PT + 8 * 1, 0x400);
	set(PT + 8 * 2, 0x22200);
	set(PT + 8 * 0, 0x23000);
	first = (UINT64_C(1) << 31) + 0x1000;
	last = first + 0x1fff;
	model_find(&memory, &all, first, last, &limits, &found);
	model_apply(&list, first, last, &found.list, &established, &released);
	model_found_free(&found);
	assert_int_equal(established, 1);
	assert_int_equal(released, 2);
	assert_int_equal(list.count, 2);

	model_drop(&list, ROM, ROM_BYTES);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.pages[0].gpa, 0x22000);
	assert_false(list.pages[0].writable);
	model_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_index_examples, setup),
		cmocka_unit_test_setup(test_each_depth, setup),
		cmocka_unit_test_setup(test_aliases, setup),
		cmocka_unit_test_setup(test_aperture_and_iota, setup),
		cmocka_unit_test_setup(test_protection_at_each_level, setup),
		cmocka_unit_test_setup(test_invalid_is_looked_at_first, setup),
		cmocka_unit_test_setup(test_types, setup),
		cmocka_unit_test_setup(test_table_offset_and_length, setup),
		cmocka_unit_test_setup(test_segment_frames, setup),
		cmocka_unit_test_setup(test_zero, setup),
		cmocka_unit_test_setup(test_holes, setup),
		cmocka_unit_test_setup(test_self_reference, setup),
		cmocka_unit_test_setup(test_find_agrees_with_the_walk, setup),
		cmocka_unit_test_setup(test_model_refresh_and_drop, setup),
	};

	return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
