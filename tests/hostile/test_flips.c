/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Each bit of an entry flipped, and each two bits, at each level of tables of each depth and each format, from entries of each kind: the walk says what a
 * reference says that shares no code with it. With each bit flipped, and flipped back, also the shadow does, and what the host then reaches.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "naive_vtdss.h"
#include "rig.h"

#define VIOMMU_FORMAT zpci
#include "format/zpci.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT zpci_qemu
#include "format/zpci_qemu.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT vtdss
#include "format/vtdss.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT

/* Memory for one table a level: the lowest at 16 MiB, each 16 KiB. Everything else is not there. */
#define LEVELS	6u
#define TABLES	(16 * MIB)
#define TABLE	UINT64_C(16384)
#define NOWHERE UINT64_C(0x123456000)

struct memory {
	unsigned char bytes[LEVELS * TABLE];
	struct naive_slot slot;
	struct naive_memory naive;
	bool big;
};

static struct memory *memory_make(bool big)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	assert_non_null(memory);
	memory->slot = (struct naive_slot){ .gpa = TABLES, .bytes = sizeof(memory->bytes), .memory = memory->bytes, .writable = true };
	memory->naive = (struct naive_memory){ .slots = &memory->slot, .count = 1 };
	memory->big = big;
	return memory;
}

static void put(struct memory *memory, uint64_t gpa, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		memory->bytes[gpa - TABLES + i] = (unsigned char)(value >> (memory->big ? 56 - 8 * i : 8 * i));
}

static int load(void *ctx, uint64_t gpa, uint64_t *raw)
{
	const unsigned char *bytes = naive_byte(&((struct memory *)ctx)->naive, gpa, NULL);

	if (!bytes)
		return -1;
	memcpy(raw, bytes, 8);
	return 0;
}

static uint64_t table_of(unsigned int level)
{
	return TABLES + level * TABLE;
}

static unsigned int compared;

/* A page of the tables' memory may be a leaf, too; whatever it is, both must say so. */
static void compare_zpci(struct memory *memory, unsigned int top, bool qemu, uint64_t iova)
{
	const struct naive_tables tables = { .iota = table_of(top) | 0x800 | (uint64_t)(top - 1) << 2, .pal = UINT64_MAX, .qemu = qemu };
	static const enum viommu_fault_reason reasons[] = {
		[NAIVE_PAGE] = VIOMMU_FAULT_NONE,	    [NAIVE_LEAF_UNBACKED] = VIOMMU_FAULT_NONE,
		[NAIVE_NOTHING] = VIOMMU_FAULT_NOT_PRESENT, [NAIVE_TABLE_UNBACKED] = VIOMMU_FAULT_TABLE_UNBACKED,
		[NAIVE_TYPE] = VIOMMU_FAULT_ENTRY_TYPE,	    [NAIVE_LENGTH] = VIOMMU_FAULT_ENTRY_LENGTH,
		[NAIVE_FORMAT] = VIOMMU_FAULT_ENTRY_FORMAT, [NAIVE_ZERO] = VIOMMU_FAULT_ENTRY_ZERO,
	};
	struct naive_answer answer = naive_walk(&memory->naive, &tables, iova);
	struct format_root root = { .level = 0 };
	struct format_walk walk;

	assert_int_equal(qemu ? zpci_qemu_root(&(struct format_anchor){ tables.iota, 0 }, &root) : zpci_root(&(struct format_anchor){ tables.iota, 0 }, &root),
			 0);
	if (qemu)
		zpci_qemu_walk(&root, iova, load, memory, &walk);
	else
		zpci_walk(&root, iova, load, memory, &walk);
	assert_int_equal(walk.reason, reasons[answer.outcome]);
	assert_int_equal(walk.level, answer.level);
	assert_true(walk.entry_address == answer.entry_gpa && walk.entry == answer.entry);
	if (walk.reason == VIOMMU_FAULT_NONE)
		assert_true(walk.output == answer.gpa + iova % PAGE);
	if (answer.outcome == NAIVE_PAGE)
		assert_int_equal(walk.prot, answer.writable ? VIOMMU_RW : VIOMMU_READ);
	compared++;
}

static void compare_vtdss(struct memory *memory, unsigned int top, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[VTDSS_PAGE] = VIOMMU_FAULT_NONE,
		[VTDSS_NOTHING] = VIOMMU_FAULT_NOT_PRESENT,
		[VTDSS_TOO_HIGH] = VIOMMU_FAULT_NOT_PRESENT,
		[VTDSS_RESERVED] = VIOMMU_FAULT_ENTRY_FORMAT,
		[VTDSS_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED,
	};
	struct vtdss_answer answer = naive_vtdss_walk(&memory->naive, table_of(top), top + 1, iova);
	struct format_root root = { .level = 0 };
	struct format_walk walk;

	assert_int_equal(vtdss_root(&(struct format_anchor){ table_of(top) | (top - 1), 0 }, &root), 0);
	vtdss_walk(&root, iova, load, memory, &walk);
	assert_int_equal(walk.reason, reasons[answer.outcome]);
	assert_int_equal(walk.level, answer.level);
	assert_true(walk.entry_address == answer.entry_at && walk.entry == answer.entry);
	if (walk.reason == VIOMMU_FAULT_NONE) {
		assert_true(walk.output == answer.address);
		assert_int_equal(walk.prot, (answer.readable ? VIOMMU_READ : 0) | (answer.writable ? VIOMMU_WRITE : 0));
	}
	compared++;
}

static uint64_t zpci_entry(unsigned int level)
{
	return level ? tables_link(level, table_of(level - 1)) : table_of(3);
}

/* Entries of each kind that a level has: a table, a leaf in memory and one beside it, an invalid one, zeros. */
static void flip_zpci(bool qemu)
{
	const uint64_t iova = UINT64_C(0x00a2468acf135000);
	struct memory *memory = memory_make(true);

	for (unsigned int top = qemu ? 2 : 1; top <= (qemu ? 2u : 4u); top++) {
		for (unsigned int level = 0; level <= top; level++)
			put(memory, table_of(level) + 8 * (uint64_t)naive_index(iova, level), zpci_entry(level));
		compare_zpci(memory, top, qemu, iova);
		for (unsigned int level = 0; level <= top; level++) {
			const uint64_t bases[] = { zpci_entry(level), level ? (TABLES | 0x400) : NOWHERE, zpci_entry(level) | 0x200, level ? 0x20u : 0x400u,
						   0 };
			uint64_t at = table_of(level) + 8 * (uint64_t)naive_index(iova, level);

			for (unsigned int base = 0; base < sizeof(bases) / sizeof(bases[0]); base++)
				for (unsigned int a = 0; a < 64; a++)
					for (unsigned int b = a; b < 64; b++) {
						put(memory, at, bases[base] ^ UINT64_C(1) << a ^ (a == b ? 0 : UINT64_C(1) << b));
						compare_zpci(memory, top, qemu, iova);
					}
			put(memory, at, zpci_entry(level));
		}
	}
	free(memory);
}

static void test_zpci(void **state)
{
	(void)state;
	flip_zpci(false);
}

static void test_zpci_qemu(void **state)
{
	(void)state;
	flip_zpci(true);
}

static uint64_t vtdss_index_of(uint64_t iova, unsigned int level)
{
	return iova >> (12 + 9 * level) & (level == 5 ? 127 : 511);
}

static void test_vtdss(void **state)
{
	const uint64_t iova = UINT64_C(0x5468acf13579b);
	struct memory *memory = memory_make(false);

	(void)state;
	for (unsigned int top = 2; top <= 5; top++) {
		uint64_t inside = top == 5 ? iova | UINT64_C(5) << 57 : iova & ((UINT64_C(1) << (21 + 9 * top)) - 1);

		for (unsigned int level = 0; level <= top; level++)
			put(memory, table_of(level) + 8 * vtdss_index_of(inside, level), (level ? table_of(level - 1) : NOWHERE) | 3);
		compare_vtdss(memory, top, inside);
		for (unsigned int level = 0; level <= top; level++) {
			const uint64_t table = level ? table_of(level - 1) : NOWHERE;
			const uint64_t bases[] = { table | 3, table | 1, UINT64_C(0x40000083), 0 };
			uint64_t at = table_of(level) + 8 * vtdss_index_of(inside, level);

			for (unsigned int base = 0; base < sizeof(bases) / sizeof(bases[0]); base++)
				for (unsigned int a = 0; a < 64; a++)
					for (unsigned int b = a; b < 64; b++) {
						put(memory, at, bases[base] ^ UINT64_C(1) << a ^ (a == b ? 0 : UINT64_C(1) << b));
						compare_vtdss(memory, top, inside);
					}
			put(memory, at, table | 3);
		}
	}
	free(memory);
}

/* The same of the shadow, one bit at a time: what a refresh makes of the flipped entry is true, and of the entry when it is as before. */
static void test_shadow(void **state)
{
	(void)state;
	for (unsigned int top = 1; top <= 4; top++) {
		struct rig rig;

		rig_begin(&rig, &(struct rig_options){ .level = top, .aperture = MIB });
		tables_map(&rig.tables, PBA, 8, MIB, VIOMMU_RW);
		rig_domain(&rig);
		rig_check(&rig);
		for (unsigned int level = 0; level <= top; level++) {
			uint64_t at = tables_entry(&rig.tables, PBA, level), entry = guest_load(&rig.guest, at);

			for (unsigned int bit = 0; bit < 64; bit++) {
				guest_store(&rig.guest, at, entry ^ UINT64_C(1) << bit);
				assert_int_not_equal(rig_refresh_all(&rig, NULL), -EIO);
				rig_check(&rig);
				guest_store(&rig.guest, at, entry);
				assert_int_equal(rig_refresh_all(&rig, NULL), 0);
				rig_check(&rig);
				compared += 2;
			}
		}
		rig_end(&rig);
	}
	print_message("%u comparisons\n", compared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zpci),
		cmocka_unit_test(test_zpci_qemu),
		cmocka_unit_test(test_vtdss),
		cmocka_unit_test(test_shadow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
