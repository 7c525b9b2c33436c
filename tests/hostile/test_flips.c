/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flips each bit and each two bits of an entry, at each level of tables of each depth and each
 * format, starting from entries of each kind. The walk agrees with a reference that shares no code
 * with it. For each single bit, flipped and flipped back, the shadow and the host's translations
 * agree as well.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats.h"
#include "rig.h"

/*
 * Memory for one table of each level: the lowest at 16 MiB, 64 KiB each. There is no other memory.
 */
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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t table_of(unsigned int level)
{
	return TABLES + level * TABLE;
}

static unsigned int compared;

/* Tables that translate one IOVA. Their entries are flipped. */
struct flipped {
	unsigned int format;
	unsigned int top; /* level of the root's table */
	struct format_designation designation;
	uint64_t iova;
	bool single; /* each single bit instead of each two bits */
};

static struct format_walk compare(struct memory *memory, const struct flipped *flipped, uint64_t iova)
{
	const struct compared_format *format = &compared_formats[flipped->format];
	struct format_walk expected, walk;
	struct format_root root = { .level = 0 };

	assert_true(format->is_designation(&memory->naive, &flipped->designation));
	assert_int_equal(format->root(&flipped->designation, &root), 0);
	expected = format->expected(&memory->naive, &flipped->designation, iova);
	format->walk(&root, iova, load, memory, &walk);
	if (!is_expected(&walk, &expected))
		fail_msg("%s, IOVA %#llx: reason %d at level %u of %#llx, not %d at level %u", format->name, (unsigned long long)iova, (int)walk.reason,
			 walk.level, (unsigned long long)walk.entry, (int)expected.reason, expected.level);
	compared++;
	return walk;
}

/* The entry of each level on the path to a leaf. */
static uint64_t good_entry(const struct flipped *flipped, unsigned int level)
{
	uint64_t below = level ? table_of(level - 1) : NOWHERE;

	switch (flipped->format) {
	case FORMAT_ZPCI:
	case FORMAT_ZPCI_QEMU:
		/* A page of the tables' memory may also be a leaf. */
		return level ? tables_link(level, below) : table_of(3);
	case FORMAT_VTDSS:
		return below | 3;
	case FORMAT_RISCV_SV:
		return below >> 2 | (level ? 1 : 0xd7);
	case FORMAT_AMDV1:
		return below | UINT64_C(3) << 61 | level << 9 | 1;
	case FORMAT_X86_64:
		return below | 0x27;
	default:
		return level > compared_formats[flipped->format].lowest ? below | 3 : UINT64_C(0x12340000) | 0x443;
	}
}

#define BASES 8u

/*
 * Entries of each kind: tables and leaves with other rights and other addresses, invalid ones,
 * zeros.
 */
static unsigned int bases_of(const struct flipped *flipped, unsigned int level, uint64_t base[BASES])
{
	const uint64_t good = good_entry(flipped, level);
	unsigned int n = 0;

	base[n++] = good;
	base[n++] = 0;
	switch (flipped->format) {
	case FORMAT_ZPCI:
	case FORMAT_ZPCI_QEMU:
		base[n++] = level ? TABLES | 0x400 : NOWHERE;
		base[n++] = good | 0x200;
		base[n++] = level ? 0x20 : 0x400;
		break;
	case FORMAT_VTDSS:
		base[n++] = good & ~UINT64_C(2);
		base[n++] = UINT64_C(0x40000083);
		break;
	case FORMAT_RISCV_SV:
		/* Leaves, aligned to all sizes; read-only; without A; NAPOT; with PBMT. */
		base[n++] = UINT64_C(0x1400000000000d7);
		base[n++] = UINT64_C(0x140000000000053);
		base[n++] = UINT64_C(0x140000000000017);
		base[n++] = UINT64_C(0x8140000000020d7);
		base[n++] = UINT64_C(0x80000000048d20d7);
		base[n++] = UINT64_C(0x20000000048d14d7);
		break;
	case FORMAT_AMDV1:
		/*
		 * A leaf; one of 16 KiB, 8 MiB, or 4 GiB; a table some levels lower, with fewer
		 * rights.
		 */
		base[n++] = UINT64_C(0x6005000000000001);
		base[n++] = UINT64_C(0x6000000012345e01);
		base[n++] = UINT64_C(0x60000000123ffe01);
		base[n++] = UINT64_C(0x200000057ffffe01);
		base[n++] = table_of(level / 2) | UINT64_C(1) << 61 | (level / 2 + 1) << 9 | 1;
		break;
	case FORMAT_X86_64:
		/* For reading; a supervisor's; large leaves, with PAT and XD. */
		base[n++] = good & ~UINT64_C(2);
		base[n++] = good & ~UINT64_C(4);
		base[n++] = UINT64_C(0x40000087);
		base[n++] = UINT64_C(0x80000000400010e7);
		break;
	default: {
		uint64_t leaf = level > compared_formats[flipped->format].lowest ? UINT64_C(0x40000000000) | 0x441 : good;

		base[n++] = good | UINT64_C(3) << 61;
		base[n++] = leaf;
		base[n++] = leaf | 0x80;
		base[n++] = leaf & ~UINT64_C(0x400);
		base[n++] = leaf & 0xfff;
	}
	}
	return n;
}

static void flip(const struct flipped *flipped)
{
	const struct compared_format *format = &compared_formats[flipped->format];
	struct memory *memory = memory_make(format->big_endian);
	uint64_t place[LEVELS] = { 0 };

	/*
	 * All entries are invalid. Zeros are, except for s390, whose invalid bit is not the same
	 * for tables and pages.
	 */
	for (uint64_t at = 0; format->big_endian && at < sizeof(memory->bytes); at += 8)
		put(memory, TABLES + at, 0x420);
	for (unsigned int level = flipped->top;; level--) {
		struct format_walk walk = compare(memory, flipped, flipped->iova);

		assert_int_equal(walk.reason, VIOMMU_FAULT_NOT_PRESENT);
		assert_int_equal(walk.level, level);
		place[level] = walk.entry_address;
		put(memory, place[level], good_entry(flipped, level));
		if (level == format->lowest)
			break;
	}
	assert_int_equal(compare(memory, flipped, flipped->iova).reason, VIOMMU_FAULT_NONE);
	for (unsigned int level = format->lowest; level <= flipped->top; level++) {
		uint64_t base[BASES];
		unsigned int bases = bases_of(flipped, level, base);

		for (unsigned int n = 0; n < bases; n++)
			for (unsigned int a = 0; a < 64; a++)
				for (unsigned int b = a; b < (flipped->single ? a + 1 : 64); b++) {
					put(memory, place[level], base[n] ^ UINT64_C(1) << a ^ (a == b ? 0 : UINT64_C(1) << b));
					compare(memory, flipped, flipped->iova);
				}
		put(memory, place[level], good_entry(flipped, level));
	}
	/* IOVAs that differ in one bit: in another entry, or outside the tables. */
	for (unsigned int a = 0; a < 64; a++)
		compare(memory, flipped, flipped->iova ^ UINT64_C(1) << a);
	free(memory);
}

static void test_zpci(void **state)
{
	(void)state;
	for (unsigned int top = 1; top <= 4; top++)
		for (unsigned int format = FORMAT_ZPCI; format <= (top == 2 ? FORMAT_ZPCI_QEMU : FORMAT_ZPCI); format++)
			flip(&(struct flipped){
				.format = format,
				.top = top,
				.designation = { table_of(top) | 0x800 | (uint64_t)(top - 1) << 2, 0 },
				.iova = UINT64_C(0x00a2468acf135000),
			});
}

static void test_vtdss(void **state)
{
	const uint64_t iova = UINT64_C(0x5468acf13579b);

	(void)state;
	for (unsigned int top = 2; top <= 5; top++)
		flip(&(struct flipped){
			.format = FORMAT_VTDSS,
			.top = top,
			.designation = { table_of(top) | (top - 1), 0 },
			.iova = top == 5 ? iova | UINT64_C(5) << 57 : iova & ((UINT64_C(1) << (21 + 9 * top)) - 1),
		});
}

/*
 * Each mode, at both ends of the address space, with other fields of contexts; IOVAs of each of the
 * four tables of the second stage.
 */
static void test_riscv(void **state)
{
	static const uint64_t controls[] = { 0, 2, 8, 2 | 8 | 4, 0x10, 2 | 0x18, 1, 1 | 8, 1 | 0x10 };
	const uint64_t iova = UINT64_C(0x005468acf13579b);

	(void)state;
	for (unsigned int top = 2; top <= 4; top++)
		for (unsigned int i = 0; i < COUNT(controls); i++) {
			uint64_t half = (UINT64_C(1) << (20 + 9 * top)) - 1, wide = 8 * half + 7;
			struct flipped flipped = {
				.format = FORMAT_RISCV_SV,
				.top = top,
				.designation = { (uint64_t)(top + 6) << 60 | table_of(top) >> 12, controls[i] },
				.iova = controls[i] & 2 ? iova | ~half : iova & half,
				.single = i != 2 && i != 7,
			};

			if (controls[i] & 1)
				flipped.iova = (iova & half) | ((uint64_t)i << (21 + 9 * top) & wide);
			flip(&flipped);
		}
}

/*
 * Each mode; IOVAs with a bit of every level, and without bits of the levels that may be skipped.
 */
static void test_amdv1(void **state)
{
	const uint64_t iovas[] = { UINT64_C(0xa05468acf13579b), UINT64_C(0xa05000000013579b), UINT64_C(0x000000008000579b) };

	(void)state;
	for (unsigned int top = 0; top <= 5; top++)
		for (unsigned int i = 0; i < COUNT(iovas); i++)
			flip(&(struct flipped){
				.format = FORMAT_AMDV1,
				.top = top,
				.designation = { table_of(top) | UINT64_C(3) << 61 | (top + 1) << 9 | (i == 1 ? 0x180 : 0), 0 },
				.iova = top == 5 ? iovas[i] : iovas[i] & ((UINT64_C(1) << (21 + 9 * top)) - 1),
				.single = i == 2,
			});
}

/* Four and five levels, at either end of the address space, with NXE and without. */
static void test_x86_64(void **state)
{
	const uint64_t iova = UINT64_C(0x005468acf13579b);

	(void)state;
	for (unsigned int control = 0; control < 8; control++) {
		unsigned int top = control & 2 ? 4 : 3;
		uint64_t half = (UINT64_C(1) << (20 + 9 * top)) - 1;

		flip(&(struct flipped){
			.format = FORMAT_X86_64,
			.top = top,
			.designation = { table_of(top), control },
			.iova = control & 1 ? iova | ~half : iova & half,
		});
	}
}

#define UPPER	   UINT64_C(0x200)
#define AFFD	   UINT64_C(0x400)
#define HAD	   UINT64_C(0x800)
#define PRIVILEGED UINT64_C(0x1000)

/*
 * Arm's contexts: granule, TSZ and IPS, and the other bits of the control word; flips of two bits,
 * or of one.
 */
static const struct context {
	unsigned int format;
	unsigned int tsz, ips;
	uint64_t flags;
	bool pairs;
} contexts[] = {
	{ FORMAT_ARM64_4K, 16, 5, 0, true },
	{ FORMAT_ARM64_4K, 20, 4, UPPER | HAD, true },
	{ FORMAT_ARM64_4K, 16, 0, 0, false },
	{ FORMAT_ARM64_4K, 16, 5, PRIVILEGED, false },
	{ FORMAT_ARM64_4K, 25, 3, AFFD, false },
	{ FORMAT_ARM64_4K, 34, 2, UPPER, false },
	{ FORMAT_ARM64_4K, 39, 1, UPPER | PRIVILEGED | HAD, false },
	{ FORMAT_ARM64_4K, 39, 6, 0, false },
	{ FORMAT_ARM64_16K, 16, 5, 0, true },
	{ FORMAT_ARM64_16K, 20, 4, UPPER | HAD, true },
	{ FORMAT_ARM64_16K, 16, 0, UPPER, false },
	{ FORMAT_ARM64_16K, 17, 5, PRIVILEGED, false },
	{ FORMAT_ARM64_16K, 28, 3, AFFD, false },
	{ FORMAT_ARM64_16K, 38, 2, UPPER, false },
	{ FORMAT_ARM64_16K, 39, 1, 0, false },
	{ FORMAT_ARM64_64K, 12, 6, 0, true },
	{ FORMAT_ARM64_64K, 16, 5, UPPER | HAD, true },
	{ FORMAT_ARM64_64K, 16, 0, 0, false },
	{ FORMAT_ARM64_64K, 20, 6, PRIVILEGED | UPPER, false },
	{ FORMAT_ARM64_64K, 21, 6, AFFD, false },
	{ FORMAT_ARM64_64K, 22, 3, 0, false },
	{ FORMAT_ARM64_64K, 35, 2, UPPER, false },
	{ FORMAT_ARM64_64K, 39, 1, AFFD | UPPER, false },
};

static void test_arm64(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < COUNT(contexts); i++) {
		const struct context *context = &contexts[i];
		const uint64_t inside = (UINT64_C(1) << (64 - context->tsz)) - 1, iova = UINT64_C(0xa5468acf13579b);
		struct flipped flipped = {
			.format = context->format,
			.designation = { 0, context->tsz | context->ips << 6 | context->flags },
			.iova = context->flags & UPPER ? iova | ~inside : iova & inside,
			.single = !context->pairs,
		};
		struct memory *memory = memory_make(false);

		/*
		 * Low bits of the TTB belong to the address of a small table, and are ignored for a
		 * large one.
		 */
		flipped.top = compare(memory, &flipped, flipped.iova).level;
		flipped.designation.table = table_of(flipped.top) + 0x1238;
		free(memory);
		flip(&flipped);
	}
}

/*
 * The same for the shadow, one bit at a time. A refresh of the flipped entry makes the range match
 * the tables, and so does another one after the entry is restored.
 */
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
		cmocka_unit_test(test_zpci),  cmocka_unit_test(test_vtdss),  cmocka_unit_test(test_arm64),  cmocka_unit_test(test_riscv),
		cmocka_unit_test(test_amdv1), cmocka_unit_test(test_x86_64), cmocka_unit_test(test_shadow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
