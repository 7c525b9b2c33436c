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

#include "naive_arm64.h"
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
#define VIOMMU_FORMAT arm64_4k
#include "format/arm64_4k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_16k
#include "format/arm64_16k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_64k
#include "format/arm64_64k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT

/* Memory for one table a level: the lowest at 16 MiB, each 64 KiB. Everything else is not there. */
#define LEVELS	6u
#define TABLES	(16 * MIB)
#define TABLE	UINT64_C(65536)
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

/* An Arm context: which TSZ and IPS, and what else the control word has; and whether two bits are flipped in it, or one. */
struct context {
	unsigned int granule;
	unsigned int tsz, ips;
	uint64_t flags;
	bool pairs;
};

static const struct context contexts[] = {
	{ 4, 16, 5, 0, true },
	{ 4, 20, 4, ARM64_CONTROL_UPPER | ARM64_CONTROL_HAD, true },
	{ 4, 16, 0, 0, false },
	{ 4, 16, 5, ARM64_CONTROL_PRIVILEGED, false },
	{ 4, 25, 3, ARM64_CONTROL_AFFD, false },
	{ 4, 34, 2, ARM64_CONTROL_UPPER, false },
	{ 4, 39, 1, ARM64_CONTROL_UPPER | ARM64_CONTROL_PRIVILEGED | ARM64_CONTROL_HAD, false },
	{ 4, 39, 6, 0, false },
	{ 16, 16, 5, 0, true },
	{ 16, 20, 4, ARM64_CONTROL_UPPER | ARM64_CONTROL_HAD, true },
	{ 16, 16, 0, ARM64_CONTROL_UPPER, false },
	{ 16, 17, 5, ARM64_CONTROL_PRIVILEGED, false },
	{ 16, 28, 3, ARM64_CONTROL_AFFD, false },
	{ 16, 38, 2, ARM64_CONTROL_UPPER, false },
	{ 16, 39, 1, 0, false },
	{ 64, 12, 6, 0, true },
	{ 64, 16, 5, ARM64_CONTROL_UPPER | ARM64_CONTROL_HAD, true },
	{ 64, 16, 0, 0, false },
	{ 64, 20, 6, ARM64_CONTROL_PRIVILEGED | ARM64_CONTROL_UPPER, false },
	{ 64, 21, 6, ARM64_CONTROL_AFFD, false },
	{ 64, 22, 3, 0, false },
	{ 64, 35, 2, ARM64_CONTROL_UPPER, false },
	{ 64, 39, 1, ARM64_CONTROL_AFFD | ARM64_CONTROL_UPPER, false },
};

/* As the reference has it. Of the tables at the other end of the addresses there are none. */
static struct arm64_tables arm64_naive(const struct context *context, uint64_t ttb)
{
	bool upper = context->flags & ARM64_CONTROL_UPPER;

	return (struct arm64_tables){
		.granule = context->granule,
		.ips = context->ips,
		.ttb0 = ttb,
		.ttb1 = ttb,
		.t0sz = context->tsz,
		.t1sz = context->tsz,
		.epd0 = upper,
		.epd1 = !upper,
		.affd = context->flags & ARM64_CONTROL_AFFD,
		.had0 = context->flags & ARM64_CONTROL_HAD,
		.had1 = context->flags & ARM64_CONTROL_HAD,
		.privileged = context->flags & ARM64_CONTROL_PRIVILEGED,
	};
}

static struct arm64_answer compare_arm64(struct memory *memory, const struct context *context, uint64_t ttb, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[ARM64_IS_PAGE] = VIOMMU_FAULT_NONE,	  [ARM64_TRANSLATION] = VIOMMU_FAULT_NOT_PRESENT, [ARM64_ACCESS_FLAG] = VIOMMU_FAULT_ACCESS_FLAG,
		[ARM64_SIZE] = VIOMMU_FAULT_ADDRESS_SIZE, [ARM64_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED,
	};
	const struct format_anchor anchor = { ttb, context->tsz | context->ips << ARM64_CONTROL_IPS_SHIFT | context->flags };
	const struct arm64_tables tables = arm64_naive(context, ttb);
	struct arm64_answer answer = naive_arm64_walk(&memory->naive, &tables, iova);
	struct format_root root = { .level = 0 };
	struct format_walk walk;

	assert_int_not_equal(answer.outcome, ARM64_BAD_CONTEXT);
	if (context->granule == 4) {
		assert_int_equal(arm64_4k_root(&anchor, &root), 0);
		arm64_4k_walk(&root, iova, load, memory, &walk);
	} else if (context->granule == 16) {
		assert_int_equal(arm64_16k_root(&anchor, &root), 0);
		arm64_16k_walk(&root, iova, load, memory, &walk);
	} else {
		assert_int_equal(arm64_64k_root(&anchor, &root), 0);
		arm64_64k_walk(&root, iova, load, memory, &walk);
	}
	assert_int_equal(walk.reason, reasons[answer.outcome]);
	assert_int_equal(walk.level, answer.level);
	assert_true(walk.entry_address == answer.entry_at && walk.entry == answer.entry);
	if (walk.reason == VIOMMU_FAULT_NONE) {
		assert_true(walk.output == answer.address);
		assert_int_equal(walk.prot, (answer.readable ? VIOMMU_READ : 0) | (answer.writable ? VIOMMU_WRITE : 0));
	}
	compared++;
	return answer;
}

/* Entries of each kind: below Arm's level 3, tables, tables that restrict, and blocks; at it, pages; of both, such that are for reading, or without AF. */
static void flip_arm64(struct memory *memory, const struct context *context)
{
	const uint64_t inside = (UINT64_C(1) << (64 - context->tsz)) - 1;
	const uint64_t iova = context->flags & ARM64_CONTROL_UPPER ? UINT64_C(0xa5468acf13579b) | ~inside : UINT64_C(0xa5468acf13579b) & inside;
	const unsigned int lowest = context->granule == 4 ? 0 : 1;
	struct arm64_answer answer;
	uint64_t place[LEVELS], ttb;
	unsigned int top;

	memset(memory->bytes, 0, sizeof(memory->bytes));
	/* Low bits of the TTB are the address of a small table, and ignored for a large one. The reference says where the entries are. */
	top = compare_arm64(memory, context, 0, iova).level;
	ttb = table_of(top) + 0x1238;
	for (unsigned int level = top;; level--) {
		answer = compare_arm64(memory, context, ttb, iova);
		assert_int_equal(answer.level, level);
		place[level] = answer.entry_at;
		put(memory, place[level], level > lowest ? table_of(level - 1) | 3 : UINT64_C(0x12340000) | 0x443);
		if (level == lowest)
			break;
	}
	assert_int_equal(compare_arm64(memory, context, ttb, iova).outcome, ARM64_IS_PAGE);
	for (unsigned int level = lowest; level <= top; level++) {
		const uint64_t good = level > lowest ? table_of(level - 1) | 3 : UINT64_C(0x12340000) | 0x443;
		const uint64_t leaf = level > lowest ? UINT64_C(0x40000000000) | 0x441 : good;
		const uint64_t bases[] = { good, good | UINT64_C(3) << 61, leaf, leaf | 0x80, leaf & ~UINT64_C(0x400), leaf & 0xfff, 0 };

		for (unsigned int base = 0; base < sizeof(bases) / sizeof(bases[0]); base++)
			for (unsigned int a = 0; a < 64; a++)
				for (unsigned int b = a; b < (context->pairs ? 64 : a + 1); b++) {
					put(memory, place[level], bases[base] ^ UINT64_C(1) << a ^ (a == b ? 0 : UINT64_C(1) << b));
					compare_arm64(memory, context, ttb, iova);
				}
		put(memory, place[level], good);
	}
	/* IOVAs that differ in a bit: of another entry, or of no table. */
	for (unsigned int a = 0; a < 64; a++)
		compare_arm64(memory, context, ttb, iova ^ UINT64_C(1) << a);
}

static void test_arm64(void **state)
{
	struct memory *memory = memory_make(false);

	(void)state;
	for (unsigned int i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++)
		flip_arm64(memory, &contexts[i]);
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
		cmocka_unit_test(test_zpci),  cmocka_unit_test(test_zpci_qemu), cmocka_unit_test(test_vtdss),
		cmocka_unit_test(test_arm64), cmocka_unit_test(test_shadow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
