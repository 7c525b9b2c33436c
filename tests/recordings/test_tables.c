/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The recorder's walk (qemu-plugin/zpci/tables.c) on unusual tables. The entries that it reports,
 * applied to zeroed memory, must give each entry that a translation in the range uses. A walk of
 * one IOVA at a time checks that. It is written here from the bit positions.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "zpci/tables.h"

#define RAM_BYTES (UINT64_C(1) << 20)
#define RAM_WORDS (RAM_BYTES / 8)

struct rig {
	struct guest_ram ram;
	uint64_t *guest;    /* the guest's memory, big-endian */
	uint64_t *replayed; /* the reported changes applied to zeros, in the CPU's order */
	struct tables tables;
	uint64_t seed;
};

static uint64_t big_endian(uint64_t value)
{
	uint8_t bytes[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	memcpy(&value, bytes, sizeof(value));
	return value;
}

static uint64_t draw(struct rig *rig)
{
	rig->seed ^= rig->seed << 13;
	rig->seed ^= rig->seed >> 7;
	rig->seed ^= rig->seed << 17;
	return rig->seed;
}

static uint64_t guest_word(const struct rig *rig, uint64_t gpa)
{
	return big_endian(rig->guest[gpa / 8]);
}

static void set_word(struct rig *rig, uint64_t gpa, uint64_t value)
{
	rig->guest[gpa / 8] = big_endian(value);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->guest = calloc(RAM_WORDS, 8);
	rig->replayed = calloc(RAM_WORDS, 8);
	rig->ram.host = (const unsigned char *)rig->guest;
	rig->ram.bytes = RAM_BYTES;
	assert_true(tables_init(&rig->tables, &rig->ram, true));
	rig->seed = 88172645463325252u;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	tables_finish(&rig->tables);
	free(rig->replayed);
	free(rig->guest);
	free(rig);
	return 0;
}

/* Scans, and applies the reported changes. Returns their number. */
static size_t scan(struct rig *rig, uint64_t iota, uint64_t first, uint64_t last)
{
	size_t i;
	uint64_t n;

	rig->tables.changes.count = 0;
	rig->tables.changed = false;
	zpci_look(&rig->tables, iota, first, last);
	assert_false(rig->tables.lost);
	assert_int_equal(rig->tables.changed, rig->tables.changes.count != 0);
	for (i = 0; i < rig->tables.changes.count; i++) {
		const struct capture_mem *mem = &rig->tables.changes.list[i];

		assert_int_equal(mem->gpa % 8, 0);
		assert_true(mem->count >= 1 && mem->gpa + 8 * mem->count <= RAM_BYTES);
		for (n = 0; n < mem->count; n++) {
			/* Only new entries, with their values. */
			assert_int_not_equal(rig->replayed[mem->gpa / 8 + n], mem->value);
			assert_int_equal(guest_word(rig, mem->gpa + 8 * n), mem->value);
			rig->replayed[mem->gpa / 8 + n] = mem->value;
		}
	}
	return rig->tables.changes.count;
}

/* Walks for one IOVA: every entry on the path was reported with its value. */
static void check_walk(const struct rig *rig, uint64_t iota, uint64_t iova)
{
	unsigned int level = (unsigned int)(iota >> 2 & 7) + 1, quarter_first = 0, quarter_last = 3;
	uint64_t table = iota & ~UINT64_C(0xfff);

	for (;;) {
		unsigned int shift = level ? 20 + 11 * (level - 1) : 12;
		unsigned int index = (unsigned int)(iova >> shift) & (level ? 0x7ff : 0xff);
		uint64_t at = table + 8 * index, entry;

		if (level && (index / 512 < quarter_first || index / 512 > quarter_last))
			return;
		if (at < table || at > RAM_BYTES - 8)
			return;
		entry = guest_word(rig, at);
		assert_int_equal(rig->replayed[at / 8], entry);
		if (level == 0 || entry & 0x20 || (entry >> 2 & 3) != level - 1 || (level <= 2 && entry & 0x400))
			return;
		table = entry & (level == 1 ? ~UINT64_C(0x7ff) : ~UINT64_C(0xfff));
		quarter_first = level == 1 ? 0 : (unsigned int)(entry >> 6 & 3);
		quarter_last = level == 1 ? 3 : (unsigned int)(entry & 3);
		level--;
	}
}

/* An entry that is often legal at some level, and names memory or an address slightly beyond it. */
static uint64_t random_entry(struct rig *rig)
{
	uint64_t address = draw(rig) % (RAM_BYTES + RAM_BYTES / 16) & ~UINT64_C(0x7ff);
	uint64_t kind = draw(rig) % 16;

	if (kind < 2)
		return draw(rig);
	if (kind < 4)
		return 0;
	if (kind < 6)
		return address | 0x20;
	return address | (draw(rig) & 0xc) | (draw(rig) % 4 ? 3 : draw(rig) & 0xc3);
}

static void random_tables(void **state)
{
	struct rig *rig = *state;
	unsigned int round, i;

	for (i = 0; i < RAM_WORDS; i++)
		rig->guest[i] = big_endian(random_entry(rig));
	for (round = 0; round < 150; round++) {
		uint64_t iota = (draw(rig) % RAM_BYTES & ~UINT64_C(0xfff)) | 0x800 | (draw(rig) & 3) << 2;
		unsigned int width = (unsigned int)(draw(rig) % 64);
		uint64_t first = draw(rig) & ~UINT64_C(0xfff), length = draw(rig) >> width, last;

		last = first + length < first ? UINT64_MAX : first + length;
		/* The guest changes some entries. The walk has seen half of them. */
		for (i = 0; i < 200; i++)
			set_word(rig, draw(rig) % RAM_WORDS * 8, random_entry(rig));
		scan(rig, iota, first, last);
		for (i = 0; i < 200; i++)
			check_walk(rig, iota, first + (last - first ? draw(rig) % (last - first) : 0));
		check_walk(rig, iota, first);
		check_walk(rig, iota, last);
		/* Nothing has changed since. */
		assert_int_equal(scan(rig, iota, first, last), 0);
	}
}

/*
 * Five levels, and every entry of a table names the same next table: 2^52 paths, most of which must
 * be skipped.
 */
static void many_ways_to_one_table(void **state)
{
	struct rig *rig = *state;
	unsigned int level, i;

	for (level = 4; level >= 1; level--) {
		for (i = 0; i < 2048; i++)
			set_word(rig, level * 0x4000 + i * 8, (uint64_t)(level - 1) * 0x4000 | (level > 1 ? 3 : 0) | (level - 1) << 2);
	}
	for (i = 0; i < 256; i++)
		set_word(rig, i * 8, 0xabcde000);
	/*
	 * The segment table's entries are zeros. They name the page table at 0, and memory began as
	 * zeros.
	 */
	assert_int_equal(scan(rig, 4 * 0x4000 | 0x80c, 0, UINT64_MAX), 4);
	/* From the middle of one page table to the middle of another. Both are the same table. */
	set_word(rig, 8, 0x1000);
	set_word(rig, 254 * 8, 0x2000);
	assert_int_equal(scan(rig, 4 * 0x4000 | 0x80c, 0xfe000, 0x101000), 2);
	check_walk(rig, 4 * 0x4000 | 0x80c, 0xfe000);
	check_walk(rig, 4 * 0x4000 | 0x80c, 0x101000);
}

/* A page table that names itself as a page. */
static void a_table_of_itself(void **state)
{
	struct rig *rig = *state;

	set_word(rig, 0x4000, 0x4000);
	scan(rig, 0x4800, 0, UINT64_MAX);
	check_walk(rig, 0x4800, 0);
}

/*
 * A new table is reported as a whole, but only its part in the range is followed. Reported entries
 * are not reported again.
 */
static void a_new_table_is_reported_whole(void **state)
{
	struct rig *rig = *state;
	unsigned int i;

	for (i = 0; i < 2048; i++)
		set_word(rig, 0x4000 + i * 8, 0x20);
	for (i = 0; i < 256; i++)
		set_word(rig, 0x8000 + i * 8, 0x400);
	assert_int_equal(scan(rig, 0x4800, 0, UINT64_MAX), 1);
	set_word(rig, 0x4000, 0x8000);
	set_word(rig, 0x8000 + 5 * 8, 0x77000);
	assert_int_equal(scan(rig, 0x4800, 0x5000, 0x5fff), 4);
	assert_int_equal(rig->replayed[0x8000 / 8 + 255], 0x400);
	set_word(rig, 0x8000 + 6 * 8, 0x78000);
	assert_int_equal(scan(rig, 0x4800, 0x5000, 0x5fff), 0);
	assert_int_equal(scan(rig, 0x4800, 0x6000, 0x6fff), 1);
}

/* IOVA bits above the root's reach are ignored, so a range may wrap around. */
static void ranges_that_wrap(void **state)
{
	struct rig *rig = *state;

	set_word(rig, 0x4000, 0x8000);
	set_word(rig, 0x4000 + 2047 * 8, 0x8800);
	set_word(rig, 0x8000, 0x1000);
	set_word(rig, 0x8800 + 255 * 8, 0x2000);
	scan(rig, 0x4800, 0x7ffff000, 0x80000fff);
	check_walk(rig, 0x4800, 0x7ffff000);
	check_walk(rig, 0x4800, 0x80000000);
}

static void no_table(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(scan(rig, 0, 0, UINT64_MAX), 0);
	assert_int_equal(scan(rig, 0x810, 0, UINT64_MAX), 0);
	assert_int_equal(scan(rig, UINT64_MAX, 0, UINT64_MAX), 0);
	/* Outside memory, at its end, and at the end of the address space. */
	assert_int_equal(scan(rig, RAM_BYTES | 0x804, 0, UINT64_MAX), 0);
	assert_int_equal(scan(rig, (RAM_BYTES - 0x1000) | 0x804, 0, UINT64_MAX), 0);
	assert_int_equal(scan(rig, (UINT64_MAX & ~UINT64_C(0xfff)) | 0x804, 0, UINT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(many_ways_to_one_table, setup, teardown),
		cmocka_unit_test_setup_teardown(a_table_of_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_table_is_reported_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(ranges_that_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(no_table, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
