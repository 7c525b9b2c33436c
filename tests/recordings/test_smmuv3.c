/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The plugin's view of a guest with an SMMUv3 (qemu-plugin/smmuv3): the contents of tables, the
 * copied command queue, the meaning of commands, and the pages that it queries QEMU about. Tables
 * are compared with a walk of one IOVA at a time, written here from the bit positions. A function
 * replaces QEMU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <viommu/types.h>

#include "qemu_plugin_api.h"
#include "smmuv3/commands.h"
#include "smmuv3/queue.h"
#include "smmuv3/structures.h"
#include "stores.h"
#include "streams.h"

#define BASE	  UINT64_C(0x40000000)
#define RAM_BYTES (UINT64_C(4) << 20)
#define SID	  0x108u
#define STRTAB	  (BASE + 0x10000)
#define LEVEL_2	  (BASE + 0x11000)
#define CD	  (BASE + 0x12000)
#define TTB	  (BASE + 0x14000)
#define TABLES	  (BASE + 0x20000)
#define PAGES	  (BASE + 0x100000)
#define TWO_LEVEL (1u << 16 | 8u << 6 | 16u)

/* A function of QEMU. The plugin is linked with it when it is loaded. */
void g_free(void *memory)
{
	free(memory);
}

struct rig {
	uint64_t *guest; /* the guest's memory, little-endian like this machine */
	uint64_t *replayed;
	struct observer observer; /* guest memory, with its tables and QEMU */
	struct streams streams;
	struct stream *stream;
	struct stream_table root;
	bool quiet;
	uint64_t next; /* the next free table */
};

static void put(struct rig *rig, uint64_t gpa, uint64_t value)
{
	rig->guest[(gpa - BASE) / 8] = value;
}

static uint64_t get(const struct rig *rig, uint64_t gpa)
{
	return gpa < BASE || gpa >= BASE + RAM_BYTES ? 0 : rig->guest[(gpa - BASE) / 8];
}

/*
 * A stream table of two levels, and a context descriptor: T0SZ 16, granule 4 KiB, no TTB1, ASID 3.
 */
static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->guest = calloc(1, RAM_BYTES);
	rig->replayed = calloc(1, RAM_BYTES);
	rig->observer.ram = (struct guest_ram){ .host = (const unsigned char *)rig->guest, .gpa = BASE, .bytes = RAM_BYTES };
	assert_true(tables_init(&rig->observer.tables, &rig->observer.ram, false));
	rig->streams.observer = &rig->observer;
	rig->stream = &rig->streams.list[rig->streams.count++];
	rig->root = (struct stream_table){ .base = STRTAB, .config = TWO_LEVEL };
	rig->stream->pci.requester = SID;
	rig->next = TABLES;
	put(rig, STRTAB + (SID >> 8) * 8, LEVEL_2 | 9);
	put(rig, LEVEL_2 + (SID & 0xff) * 64, CD | 5u << 1 | 1);
	put(rig, CD, 16 | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(1) << 41 | UINT64_C(3) << 48);
	put(rig, CD + 8, TTB);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	free(rig->guest);
	free(rig->replayed);
	tables_finish(&rig->observer.tables);
	free(rig->stream->valid.list);
	free(rig->stream->asked.list);
	free(rig->stream->next.list);
	free(rig);
	return 0;
}

/* Writes a leaf at a level, with the tables on the path. */
static void map(struct rig *rig, uint64_t iova, unsigned int level, uint64_t leaf)
{
	uint64_t table = TTB;
	unsigned int at;

	for (at = 0; at < level; at++) {
		uint64_t entry = table + (iova >> (39 - 9 * at) & 511) * 8;

		if (!(get(rig, entry) & 1)) {
			put(rig, entry, rig->next | 3);
			rig->next += 0x1000;
		}
		table = get(rig, entry) & ~UINT64_C(0xfff);
	}
	put(rig, table + (iova >> (39 - 9 * level) & 511) * 8, leaf);
}

/* The translation of one IOVA by guest memory; 0: none. */
static uint64_t walk(const struct rig *rig, uint64_t iova, bool *read_only)
{
	uint64_t table = TTB, entry = 0, span = 0;
	unsigned int level;

	for (level = 0; level < 4; level++) {
		span = (UINT64_C(1) << (39 - 9 * level)) - 1;
		entry = get(rig, table + (iova >> (39 - 9 * level) & 511) * 8);
		if (!(entry & 1))
			return 0;
		if (level == 3 || !(entry & 2))
			break;
		table = entry & UINT64_C(0xfffffffff000);
	}
	if (level == 3 && !(entry & 2))
		return 0;
	*read_only = entry & 0x80;
	return (entry & UINT64_C(0xfffffffff000) & ~span) | (iova & span);
}

/*
 * Reads the structures, and checks the list of pages. Applies the changes to zeroed memory, in
 * which nothing that was read may be missing.
 */
static void look(struct rig *rig)
{
	const struct runs *valid = &rig->stream->valid;
	struct changes *changes = &rig->observer.tables.changes;
	size_t i, n;

	rig->observer.tables.changed = false;
	assert_true(structures_look(&rig->observer.tables, &rig->root, rig->stream));
	for (i = 0; i < valid->count; i++) {
		const struct capture_page *run = &valid->list[i];
		bool read_only = false;

		for (n = 0; n < run->count; n++) {
			assert_int_equal(walk(rig, run->iova + n * 0x1000, &read_only), run->gpa + n * 0x1000);
			assert_int_equal(run->prot, read_only ? CAPTURE_R : CAPTURE_RW);
		}
		assert_true(!i || run->iova >= run[-1].iova + run[-1].count * 0x1000);
	}
	for (i = 0; i < changes->count; i++) {
		for (n = 0; n < changes->list[i].count; n++)
			rig->replayed[(changes->list[i].gpa - BASE) / 8 + n] = changes->list[i].value;
	}
	changes->count = 0;
}

static void test_valid_entries(void **state)
{
	struct rig *rig = *state;

	map(rig, 0xfffff000, 3, PAGES | 0x403);
	map(rig, 0xffffe000, 3, (PAGES + 0x1000) | 0x483);
	map(rig, 0x200000, 2, PAGES | 0x401);
	/* Invalid; a reserved leaf; and device registers, which are not memory. */
	map(rig, 0xffffd000, 3, PAGES | 0x402);
	map(rig, 0xffffc000, 3, PAGES | 0x401);
	map(rig, 0xffffb000, 3, 0x8020000 | 0x403);
	look(rig);
	assert_true(rig->stream->translates);
	assert_int_equal(rig->stream->domain, 3);
	assert_int_equal(rig->stream->granule, 12);
	assert_int_equal(runs_pages(&rig->stream->valid), 512 + 2);
	assert_true(rig->observer.tables.changed);
	assert_memory_equal(rig->guest, rig->replayed, RAM_BYTES);

	/* No changes; then one entry removed, and one added. */
	look(rig);
	assert_false(rig->observer.tables.changed);
	map(rig, 0xfffff000, 3, 0);
	map(rig, 0x7f0000000000, 3, (PAGES + 0x5000) | 0x403);
	look(rig);
	assert_true(rig->observer.tables.changed);
	assert_int_equal(runs_pages(&rig->stream->valid), 512 + 2);
	assert_memory_equal(rig->guest, rig->replayed, RAM_BYTES);
}

static void test_other_streams(void **state)
{
	struct rig *rig = *state;

	map(rig, 0xfffff000, 3, PAGES | 0x403);
	/* In bypass, invalid, beyond level 2, beyond the table. */
	put(rig, LEVEL_2 + (SID & 0xff) * 64, 4u << 1 | 1);
	look(rig);
	assert_false(rig->stream->translates);
	assert_int_equal(rig->stream->valid.count, 0);
	put(rig, LEVEL_2 + (SID & 0xff) * 64, CD | 5u << 1);
	look(rig);
	assert_false(rig->stream->translates);
	put(rig, LEVEL_2 + (SID & 0xff) * 64, CD | 5u << 1 | 1);
	put(rig, STRTAB + (SID >> 8) * 8, LEVEL_2 | 4);
	look(rig);
	assert_false(rig->stream->translates);
	put(rig, STRTAB + (SID >> 8) * 8, LEVEL_2 | 5);
	look(rig);
	assert_true(rig->stream->translates);
	rig->root.config = 1u << 16 | 8u << 6 | 8u;
	look(rig);
	assert_false(rig->stream->translates);
}

/*
 * A table that names itself, and more empty tables than the walk has room for: the walk ends, and
 * reports that it is incomplete.
 */
static void test_circles(void **state)
{
	struct rig *rig = *state;
	unsigned int i, level;

	for (i = 0; i < 512; i++)
		put(rig, TTB + i * 8, TTB | 3);
	assert_false(structures_look(&rig->observer.tables, &rig->root, rig->stream));
	for (level = 0; level < 3; level++) {
		uint64_t table = level ? TABLES + level * 0x1000 : TTB;

		for (i = 0; i < 512; i++)
			put(rig, table + i * 8, (TABLES + (level + 1) * 0x1000) | 3);
	}
	assert_false(structures_look(&rig->observer.tables, &rig->root, rig->stream));
	for (i = 0; i < 512; i++)
		put(rig, TTB + i * 8, 0);
	look(rig);
	assert_memory_equal(rig->guest, rig->replayed, TABLES - BASE);
}

struct taken {
	unsigned int count;
	uint64_t first, last;
};

static void take(void *ctx, const uint64_t command[2])
{
	struct taken *taken = ctx;

	if (!taken->count++)
		taken->first = command[1];
	taken->last = command[1];
}

static uint64_t words_of(const struct changes *changes)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < changes->count; i++)
		sum += changes->list[i].count;
	return sum;
}

/*
 * A queue of 2^10 commands that wraps around. Each command is copied once, in order, as many as the
 * other queue has room for.
 */
static void test_queue(void **state)
{
	struct rig *rig = *state;
	struct queue queue = { .guest_base = PAGES | 10, .guest_prod = 900, .guest_cons = 900 };
	struct taken taken = { 0 };
	struct changes changes = { 0 };
	unsigned int i;

	assert_true(queue_init(&queue));
	for (i = 0; i < 1024; i++) {
		put(rig, PAGES + i * 16, 0x46);
		put(rig, PAGES + i * 16 + 8, (i + 1024 - 900) % 1024);
	}
	assert_int_equal(queue_take(&queue, &rig->observer.ram, &changes, take, &taken), 0);
	queue.guest_prod = 176 | 1024;
	assert_int_equal(queue_take(&queue, &rig->observer.ram, &changes, take, &taken), 256);
	/* CMD_SYNC and a number, except for the number 0, which the page held before. */
	assert_int_equal(words_of(&changes), 256 * 2 - 1);
	assert_true(changes.list[0].gpa == QUEUE_GPA && changes.list[0].value == 0x46);
	assert_true(changes.list[1].gpa == QUEUE_GPA + 16 && changes.list[2].gpa == QUEUE_GPA + 24 && changes.list[2].value == 1);
	assert_int_equal(queue.prod, 256);
	changes.count = 0;
	assert_int_equal(queue_take(&queue, &rig->observer.ram, &changes, take, &taken), 44);
	/* The first word of each is unchanged. */
	assert_int_equal(words_of(&changes), 44);
	assert_true(changes.list[0].gpa == QUEUE_GPA + 8 && changes.list[0].value == 256);
	assert_int_equal(queue.prod, 300);
	assert_int_equal(queue_take(&queue, &rig->observer.ram, &changes, take, &taken), 0);
	assert_int_equal(taken.first, 0);
	assert_int_equal(taken.last, 299);
	assert_int_equal(queue.commands[43 * 2 + 1], 299);
	/* Outside memory there are none. */
	queue.guest_base = (BASE + RAM_BYTES) | 10;
	queue.guest_prod++;
	assert_int_equal(queue_take(&queue, &rig->observer.ram, &changes, take, &taken), 0);
	free(queue.commands);
	free(changes.list);
}

static struct invalids one(uint64_t word0, uint64_t word1)
{
	struct invalids invalids = { 0 };

	assert_true(smmuv3_invalids_add(&invalids, (const uint64_t[]){ word0, word1 }));
	return invalids;
}

static void test_commands(void **state)
{
	struct invalids invalids;

	(void)state;
	/* TLBI_NH_VA, ASID 3, no TG: the page of the stream's granule, for this ASID only. */
	invalids = one(UINT64_C(3) << 48 | 0x12, 0x10000);
	assert_true(invalids_have(&invalids, SID, 3, 12, 0x10000));
	assert_false(invalids_have(&invalids, SID, 3, 12, 0x11000));
	assert_true(invalids_have(&invalids, SID, 3, 16, 0x1f000));
	assert_false(invalids_have(&invalids, SID, 4, 12, 0x10000));
	assert_int_equal(invalids.invalidations, 1);
	assert_false(invalids.whole);
	free(invalids.list);
	/* The same for any ASID, TG 4 KiB, NUM 2 and SCALE 3: 3 << 3 pages. */
	invalids = one(3u << 20 | 2u << 12 | 0x13, 0x10000 | 1u << 10);
	assert_true(invalids_have(&invalids, SID, 9, 12, 0x10000));
	assert_true(invalids_have(&invalids, SID, 9, 12, 0x10000 + 23 * 0x1000));
	assert_false(invalids_have(&invalids, SID, 9, 12, 0x10000 + 24 * 0x1000));
	assert_false(invalids_have(&invalids, SID, 9, 12, 0xf000));
	free(invalids.list);
	/* TG 64 KiB, one granule. */
	invalids = one(0x13, 0x10000 | 3u << 10);
	assert_true(invalids_have(&invalids, SID, 9, 12, 0x1f000));
	assert_false(invalids_have(&invalids, SID, 9, 12, 0x20000));
	free(invalids.list);
	/* A whole ASID; everything; one stream's configuration; and a CMD_SYNC. */
	invalids = one(UINT64_C(3) << 48 | 0x11, 0);
	assert_true(invalids.whole && invalids_have(&invalids, SID, 3, 12, 0x5000) && !invalids_have(&invalids, SID, 2, 12, 0x5000));
	free(invalids.list);
	invalids = one(0x30, 0);
	assert_true(invalids_have(&invalids, 1, 2, 12, 0x5000));
	free(invalids.list);
	invalids = one((uint64_t)SID << 32 | 0x05, 1);
	assert_true(invalids.configs == 1 && invalids_have(&invalids, SID, 3, 12, 0x5000) && !invalids_have(&invalids, SID + 1, 3, 12, 0x5000));
	free(invalids.list);
	invalids = one(0x46, 0);
	assert_true(invalids.commands == 1 && !invalids.count && !invalids_have(&invalids, SID, 3, 12, 0x5000));
	free(invalids.list);
}

/* Simulates QEMU, which translates by the guest's current tables. */
static struct rig *translating;
static uint64_t cached; /* an IOVA that it still has as PAGES */
static unsigned int questions;

struct qemu_iotlb_entry address_space_get_iotlb_entry(struct qemu_space *space, uint64_t iova, bool is_write, uint64_t attributes)
{
	struct qemu_iotlb_entry entry = { .iova = iova, .addr_mask = 0xfff };
	bool read_only = false;

	(void)space;
	(void)attributes;
	questions++;
	entry.translated_addr = iova == cached ? PAGES : walk(translating, iova, &read_only);
	entry.perm = entry.translated_addr && !(is_write && read_only);
	return entry;
}

static struct rig *rig_of(struct streams *streams)
{
	return (struct rig *)(void *)((char *)streams - offsetof(struct rig, streams));
}

static bool look_again(struct streams *streams, struct stream *stream)
{
	(void)stream;
	look(rig_of(streams));
	return true;
}

static void quiet(struct streams *streams, bool now)
{
	rig_of(streams)->quiet |= now;
}

static const struct stream_ops ops = { .look = look_again, .quiet = quiet };

/* Reads structures and queries QEMU. The previous queries are discarded. */
static void ask(struct rig *rig, const struct invalids *invalids, bool kicked)
{
	translating = rig;
	questions = 0;
	rig->streams.ops = &ops;
	rig->streams.invalids = invalids;
	rig->quiet = false;
	rig->streams.stretches.count = 0;
	rig->streams.stale = 0;
	look(rig);
	stream_ask(&rig->streams, rig->stream, kicked);
	stream_asked(rig->stream);
	assert_false(rig->streams.lost);
	assert_int_equal(rig->quiet, rig->streams.stretches.count || rig->streams.stale);
}

static void test_queries(void **state)
{
	struct rig *rig = *state;
	struct invalids none = { 0 }, range, all;
	const struct stretch *answers;
	size_t i;

	/* New entries are not queried until the device is started. */
	map(rig, 0x10000, 3, PAGES | 0x403);
	map(rig, 0x11000, 3, (PAGES + 0x1000) | 0x483);
	map(rig, 0x20000, 3, (PAGES + 0x2000) | 0x403);
	ask(rig, &none, false);
	assert_int_equal(rig->streams.stretches.count, 0);
	ask(rig, &none, true);
	assert_int_equal(rig->streams.stretches.count, 2);
	answers = &rig->streams.stretches.list[0];
	assert_true(answers->first == 0x10000 && answers->last == 0x11fff && answers->runs.count == 2);
	assert_true(answers->runs.list[0].prot == CAPTURE_RW && answers->runs.list[1].prot == CAPTURE_R);
	answers = &rig->streams.stretches.list[1];
	assert_true(answers->first == 0x20000 && answers->last == 0x20fff && answers->runs.list[0].gpa == PAGES + 0x2000);
	/* They are queried once. */
	ask(rig, &none, true);
	assert_int_equal(rig->streams.stretches.count, 0);

	/*
	 * Unmapped pages are not queried before a command names them. Then they are, together with
	 * mapped ones.
	 */
	map(rig, 0x10000, 3, 0);
	ask(rig, &none, true);
	assert_int_equal(rig->streams.stretches.count, 0);
	range = one(UINT64_C(3) << 48 | 1u << 20 | 0x12, 0x10000 | 1u << 10);
	ask(rig, &range, false);
	assert_int_equal(rig->streams.stretches.count, 1);
	answers = &rig->streams.stretches.list[0];
	assert_true(answers->first == 0x10000 && answers->last == 0x11fff && answers->runs.count == 1 && answers->runs.list[0].iova == 0x11000);
	/* The plugin knows that it is gone. */
	ask(rig, &range, false);
	answers = &rig->streams.stretches.list[0];
	assert_true(rig->streams.stretches.count == 1 && answers->first == 0x11000);
	all = one(UINT64_C(3) << 48 | 0x11, 0);
	ask(rig, &all, false);
	assert_int_equal(rig->streams.stretches.count, 2);
	/*
	 * A translation that QEMU has from before an unannounced change is not judged, and is
	 * queried again.
	 */
	cached = 0x11000;
	map(rig, 0x11000, 3, 0);
	ask(rig, &range, false);
	assert_true(!rig->streams.stretches.count && rig->streams.stale == 1);
	map(rig, 0x11000, 3, (PAGES + 0x3000) | 0x403);
	ask(rig, &range, false);
	assert_true(!rig->streams.stretches.count && rig->streams.stale == 1);
	cached = 0;
	ask(rig, &range, false);
	answers = &rig->streams.stretches.list[0];
	assert_true(rig->streams.stretches.count == 1 && !rig->streams.stale && answers->runs.list[0].gpa == PAGES + 0x3000);
	/* Another page at the same IOVA is new. */
	map(rig, 0x20000, 3, (PAGES + 0x7000) | 0x403);
	ask(rig, &none, true);
	assert_int_equal(rig->streams.stretches.count, 1);
	assert_int_equal(rig->streams.stretches.list[0].runs.list[0].gpa, PAGES + 0x7000);

	/* Without translation: a few pages, once. */
	put(rig, LEVEL_2 + (SID & 0xff) * 64, 4u << 1 | 1);
	rig->stream->asked.count = 0;
	ask(rig, &none, true);
	assert_int_equal(rig->streams.stretches.count, 4);
	assert_int_equal(rig->stream->asked.count, 0);
	rig->stream->sampled = true;
	ask(rig, &none, true);
	assert_int_equal(rig->streams.stretches.count, 0);
	free(range.list);
	free(all.list);
	for (i = 0; i < rig->streams.stretches.room; i++)
		free(rig->streams.stretches.list[i].runs.list);
	free(rig->streams.stretches.list);
}

/*
 * Pages are known until they are forgotten. If there are too many, some are forgotten early. Only
 * added pages are known.
 */
static void test_register_pages(void **state)
{
	struct register_pages *pages = calloc(1, sizeof(*pages));
	unsigned int i, known = 0;

	(void)state;
	assert_non_null(pages);
	assert_false(register_pages_have(pages, 0));
	register_pages_add(pages, 0xfff);
	assert_true(register_pages_have(pages, 0) && !register_pages_have(pages, 0x1000));
	register_pages_add(pages, 0);
	for (i = 0; i < REGISTER_PAGES; i++)
		known += pages->pages[i] != 0;
	assert_int_equal(known, 1);
	known = 0;
	register_pages_forget(pages, 0x10);
	assert_false(register_pages_have(pages, 0));
	for (i = 0; i < 1000; i++)
		register_pages_add(pages, 0xffff800000000000 + i * UINT64_C(0x2000));
	for (i = 0; i < 1000; i++) {
		known += register_pages_have(pages, 0xffff800000000fff + i * UINT64_C(0x2000));
		assert_false(register_pages_have(pages, 0xffff800000001000 + i * UINT64_C(0x2000)));
	}
	assert_in_range(known, 950, 1000);
	for (i = 0; i < 100000; i++)
		register_pages_add(pages, i * UINT64_C(0x1000));
	assert_true(register_pages_have(pages, 99999 * UINT64_C(0x1000)));
	free(pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_valid_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_streams, setup, teardown),
		cmocka_unit_test_setup_teardown(test_circles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue, setup, teardown),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_register_pages),
		cmocka_unit_test_setup_teardown(test_queries, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
