/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains over tables of formats that differ. RISC-V: entries of consecutive pages are 0x400 apart,
 * 16 entries may make one leaf, and a root may have four tables. AMD: levels may be skipped, and
 * leaves have any size. Both: addresses begin again at 0. By hand, and at random. References that
 * share no code with the library read the tables for comparison.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/nested.h"
#include "core/shadow/formats.h"
#include "formats.h"
#include "mock_host.h"

#define PAGE  UINT64_C(4096)
#define BYTES UINT64_C(0x400000) /* of each of two slots: one writable, one read-only */

#define ENTRIES (UINT64_C(1) << 17) /* of a refresh */

/* Addresses of tables, by number, and of the frames of leaves. */
#define TABLE(n) (UINT64_C(0x10000) + (n)*PAGE)
#define FRAMES	 UINT64_C(0x100000)

struct rig {
	unsigned int format;
	struct viommu_vm *vm;
	struct mock_host *mock;
	struct mock_space *space;
	struct viommu_domain *domain;
	unsigned char *memory;
	struct naive_slot slot[3];
	struct naive_memory naive;
	struct guest_tables tables;
};

static const struct shadow_ops *ops_of(unsigned int format)
{
	static const struct shadow_ops *const ops[FORMATS] = {
		[FORMAT_ARM64_4K] = &shadow_arm64_4k_ops,
		[FORMAT_RISCV_SV] = &shadow_riscv_sv_ops,
		[FORMAT_AMDV1] = &shadow_amdv1_ops,
	};

	return ops[format];
}

static void add_slot(struct rig *rig, unsigned int n, uint64_t gpa, uint64_t offset, uint32_t prot)
{
	struct viommu_slot slot = { .size = sizeof(slot), .prot = prot, .gpa = gpa, .bytes = BYTES, .hva = rig->memory + offset, .fd = -1 };

	assert_int_equal(viommu_slot_add(rig->vm, &slot), 0);
	rig->slot[n] = (struct naive_slot){ gpa, BYTES, slot.hva, prot & VIOMMU_WRITE };
	rig->naive = (struct naive_memory){ rig->slot, n + 1 };
}

static void begin(struct rig *rig, unsigned int format, bool split)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	memset(rig, 0, sizeof(*rig));
	rig->format = format;
	config.refresh_entries = ENTRIES;
	assert_int_equal(viommu_vm_create(&config, &rig->vm), 0);
	rig->mock = mock_create(&(struct mock_options){ .split = split });
	rig->memory = aligned_alloc(PAGE, 2 * BYTES);
	assert_non_null(rig->memory);
	memset(rig->memory, 0, 2 * BYTES);
	add_slot(rig, 0, 0, 0, VIOMMU_RW);
	add_slot(rig, 1, BYTES, BYTES, VIOMMU_READ);
}

/* -ENOSPC if the tables have more than a refresh examines. */
static int try_domain(struct rig *rig, uint64_t table, uint64_t control, uint64_t first, uint64_t last)
{
	int error;

	rig->tables = (struct guest_tables){ ops_of(rig->format), { table, control }, first, last };
	error = nested_create(rig->vm, &rig->mock->host, &rig->tables, 1, NULL, NULL, &rig->domain);
	if (!error)
		rig->space = mock_newest(rig->mock);
	return error;
}

static void make_domain(struct rig *rig, uint64_t table, uint64_t control, uint64_t first, uint64_t last)
{
	assert_int_equal(try_domain(rig, table, control, first, last), 0);
}

static uint64_t pinned(const struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(rig->vm, &stats);
	return stats.pinned_bytes / PAGE;
}

static void end_domain(struct rig *rig)
{
	viommu_domain_destroy(rig->domain);
	assert_int_equal(pinned(rig), 0);
	assert_int_equal(rig->mock->breaches, 0);
}

static void end(struct rig *rig)
{
	end_domain(rig);
	viommu_vm_destroy(rig->vm);
	mock_destroy(rig->mock);
	free(rig->memory);
}

static void store(struct rig *rig, uint64_t gpa, uint64_t entry)
{
	for (unsigned int i = 0; i < 8; i++)
		rig->memory[gpa + i] = (unsigned char)(entry >> 8 * i);
}

static uint64_t load_entry(const struct rig *rig, uint64_t gpa)
{
	uint64_t entry = 0;

	assert_true(naive_load_little(&rig->naive, gpa, &entry));
	return entry;
}

/*
 * The access flags of an entry after hardware, where it sets them, has allowed an access with these
 * rights.
 */
static uint64_t flags_of(const struct rig *rig, uint32_t prot)
{
	bool riscv = rig->format == FORMAT_RISCV_SV;

	if (!prot || !(riscv ? rig->tables.root.control & 0x10 : rig->format == FORMAT_AMDV1 && rig->tables.root.table & 0x80))
		return 0;
	return (riscv ? 0x40 : 0x20) | (prot & VIOMMU_WRITE ? (riscv ? 0x80 : 0x40) : 0);
}

/*
 * A page's rights in the tables. It has none without memory, or if the flags of an entry cannot be
 * set.
 */
static uint32_t expected(const struct rig *rig, uint64_t iova, uint64_t *gpa)
{
	struct format_walk walk = compared_formats[rig->format].expected(&rig->naive, &rig->tables.root, iova);
	bool writable = false, settable = false;

	*gpa = walk.output;
	if (iova < rig->tables.first || iova > rig->tables.last || walk.reason != VIOMMU_FAULT_NONE || !naive_byte(&rig->naive, walk.output, &writable))
		return 0;
	naive_byte(&rig->naive, walk.entry_address, &settable);
	if (!settable && ~walk.entry & flags_of(rig, walk.prot))
		return 0;
	return walk.prot & (writable ? VIOMMU_RW : VIOMMU_READ);
}

/* A device reaches the pages of the tables, and no others. */
static void check(const struct rig *rig, uint64_t first, uint64_t last)
{
	for (uint64_t iova = first; iova - first <= last - first; iova += PAGE) {
		uint64_t gpa;
		uint32_t prot = expected(rig, iova, &gpa), reached = 0;
		unsigned char *hva = NULL;
		bool writable;

		if (mock_reach(rig->mock, rig->space, iova, &hva, &reached) != (prot != 0) || reached != prot)
			fail_msg("%s, IOVA %#llx: rights %u, not %u", compared_formats[rig->format].name, (unsigned long long)iova, reached, prot);
		if (prot && hva != naive_byte(&rig->naive, gpa, &writable))
			fail_msg("%s, IOVA %#llx: another page than %#llx", compared_formats[rig->format].name, (unsigned long long)iova,
				 (unsigned long long)gpa);
		if (last - iova < PAGE)
			break;
	}
}

static void refresh(const struct rig *rig, uint64_t first, uint64_t last, int error)
{
	assert_int_equal(viommu_domain_refresh(rig->domain, first, last, NULL), error);
	check(rig, first, last);
	assert_int_equal(rig->mock->breaches, 0);
}

#define RISCV_TABLE(gpa) ((gpa) >> 2 | 1)
#define RISCV_PAGE(gpa)	 ((gpa) >> 2 | 0xd7)
#define SV39(table)	 (UINT64_C(8) << 60 | (table) >> 12)

/* Sv39 tables with index 1 everywhere: IOVAs 0x40200000 to 0x403fffff. */
#define IOVA UINT64_C(0x40200000)
static void sv39(struct rig *rig, uint64_t control)
{
	begin(rig, FORMAT_RISCV_SV, true);
	store(rig, TABLE(0) + 8, RISCV_TABLE(TABLE(1)));
	store(rig, TABLE(1) + 8, RISCV_TABLE(TABLE(2)));
	make_domain(rig, SV39(TABLE(0)), control, 0, UINT64_C(0x3fffffffff));
}

/* Consecutive pages become valid together, then some of them invalid: the others stay pinned. */
static void test_step(void **state)
{
	struct rig rig;

	(void)state;
	sv39(&rig, 0);
	for (uint64_t n = 0; n < 100; n++)
		store(&rig, TABLE(2) + 8 * n, RISCV_PAGE(FRAMES + n * PAGE));
	refresh(&rig, IOVA, IOVA + 0x1fffff, 0);
	assert_int_equal(pinned(&rig), 100);
	/* They are a run: one mapping. */
	assert_true(rig.mock->calls[MOCK_MAP] <= 2);
	for (uint64_t n = 30; n < 70; n++)
		store(&rig, TABLE(2) + 8 * n, 0);
	refresh(&rig, IOVA, IOVA + 0x1fffff, 0);
	assert_int_equal(pinned(&rig), 60);
	/* Every fourth page: adjacent entries whose pages are not adjacent. */
	for (uint64_t n = 0; n < 100; n++)
		store(&rig, TABLE(2) + 8 * n, RISCV_PAGE(FRAMES + 4 * n * PAGE));
	refresh(&rig, IOVA, IOVA + 0x1fffff, 0);
	assert_int_equal(pinned(&rig), 100);
	for (uint64_t n = 0; n < 50; n++)
		store(&rig, TABLE(2) + 8 * n, 0);
	refresh(&rig, IOVA, IOVA + 0x1fffff, 0);
	assert_int_equal(pinned(&rig), 50);
	end(&rig);
}

/* 64 KiB of 16 entries; then some of these alone, each of which still maps its part. */
static void test_napot(void **state)
{
	struct rig rig;

	(void)state;
	sv39(&rig, 0);
	for (uint64_t n = 32; n < 48; n++)
		store(&rig, TABLE(2) + 8 * n, UINT64_C(1) << 63 | RISCV_PAGE(FRAMES | 0x8000));
	refresh(&rig, IOVA, IOVA + 0x1fffff, 0);
	assert_int_equal(pinned(&rig), 16);
	for (uint64_t n = 32; n < 39; n++)
		store(&rig, TABLE(2) + 8 * n, 0);
	refresh(&rig, IOVA, IOVA + 0x1fffff, 0);
	assert_int_equal(pinned(&rig), 9);
	end(&rig);
}

/*
 * Each of the four tables at the root of Sv39x4, and all of them in one refresh; and an aperture
 * inside one of them.
 */
static void test_root_tables(void **state)
{
	const uint64_t reach = UINT64_C(1) << 39;
	struct rig rig;

	(void)state;
	begin(&rig, FORMAT_RISCV_SV, true);
	for (uint64_t n = 0; n < 4; n++)
		store(&rig, TABLE(n) + 8, RISCV_TABLE(TABLE(4)));
	store(&rig, TABLE(4) + 8, RISCV_TABLE(TABLE(5)));
	store(&rig, TABLE(5) + 24, RISCV_PAGE(FRAMES));
	store(&rig, TABLE(3) + 8, 0);
	make_domain(&rig, SV39(TABLE(0)), 1, 0, 4 * reach - 1);
	for (uint64_t n = 0; n < 4; n++)
		check(&rig, n * reach + IOVA, n * reach + IOVA + 0x1fffff);
	store(&rig, TABLE(3) + 8, RISCV_TABLE(TABLE(4)));
	refresh(&rig, 3 * reach + IOVA, 3 * reach + IOVA + 0x1fffff, 0);
	end_domain(&rig);
	make_domain(&rig, SV39(TABLE(0)), 1, 2 * reach, 2 * reach + 0x7fffffff);
	check(&rig, 2 * reach + IOVA, 2 * reach + IOVA + 0x1fffff);
	store(&rig, TABLE(2) + 8, 0);
	refresh(&rig, 2 * reach + IOVA, 2 * reach + IOVA + 0x1fffff, 0);
	end(&rig);
}

/*
 * Access flags are set in memory when pages are established, and again after the guest clears them;
 * not in memory that is read-only.
 */
static void test_access_flags(void **state)
{
	const uint64_t flags = 0xc0, page = RISCV_PAGE(FRAMES) & ~flags;
	struct viommu_fault fault;
	struct viommu_run run;
	struct rig rig;

	(void)state;
	sv39(&rig, 0x10);
	store(&rig, TABLE(2), page);
	store(&rig, TABLE(2) + 8, (RISCV_PAGE(FRAMES + PAGE) & ~flags) ^ 4);
	store(&rig, TABLE(2) + 16, RISCV_PAGE(BYTES) & ~flags);
	/* 2 MiB of one entry; then it is invalid. */
	store(&rig, TABLE(1) + 16, RISCV_PAGE(UINT64_C(0)) & ~flags);
	store(&rig, TABLE(2) + 24, page & ~UINT64_C(1));
	assert_int_equal(viommu_domain_refresh(rig.domain, 0, UINT64_MAX, NULL), 0);
	check(&rig, IOVA, IOVA + 0x3fffff);
	assert_int_equal(load_entry(&rig, TABLE(2)) & flags, flags);
	assert_int_equal(load_entry(&rig, TABLE(2) + 8) & flags, 0x40);
	assert_int_equal(load_entry(&rig, TABLE(2) + 16) & flags, flags);
	assert_int_equal(load_entry(&rig, TABLE(2) + 24) & flags, 0);
	assert_int_equal(load_entry(&rig, TABLE(1) + 16) & flags, flags);
	/* Cleared flags: a device may continue to write, so they are set again. */
	store(&rig, TABLE(2), page);
	store(&rig, TABLE(1) + 16, RISCV_PAGE(UINT64_C(0)) & ~flags);
	refresh(&rig, IOVA, IOVA + 0x3fffff, 0);
	assert_int_equal(load_entry(&rig, TABLE(2)) & flags, flags);
	assert_int_equal(load_entry(&rig, TABLE(1) + 16) & flags, flags);
	/* A table in read-only memory. */
	store(&rig, BYTES, page);
	store(&rig, BYTES + 8, page | flags);
	store(&rig, TABLE(1) + 24, RISCV_TABLE(BYTES));
	assert_int_equal(viommu_domain_refresh(rig.domain, IOVA + 0x400000, IOVA + 0x5fffff, NULL), -EFAULT);
	check(&rig, IOVA + 0x401000, IOVA + 0x5fffff);
	assert_int_equal(load_entry(&rig, BYTES), page);
	/* A walk does not promise what is not established. */
	assert_int_equal(viommu_domain_walk(rig.domain, IOVA + 0x400000, &run, &fault), -EFAULT);
	assert_int_equal(fault.reason, VIOMMU_FAULT_ACCESS_FLAG);
	assert_int_equal(viommu_domain_walk(rig.domain, IOVA + 0x401000, &run, &fault), 0);
	assert_false(mock_reach(rig.mock, rig.space, IOVA + 0x400000, &(unsigned char *){ NULL }, &(uint32_t){ 0 }));
	end(&rig);
}

#define AMD_TABLE(gpa, level) ((gpa) | UINT64_C(3) << 61 | (uint64_t)((level) + 1) << 9 | 1)
#define AMD_PAGE(gpa)	      ((gpa) | UINT64_C(3) << 61 | 1)
#define AMD_SIZED(gpa)	      (AMD_PAGE(gpa) | 7 << 9)

/*
 * From the top to the lowest table: only IOVAs whose skipped indexes are 0 are mapped. Then a table
 * between them.
 */
static void test_skipped(void **state)
{
	const uint64_t base = UINT64_C(3) << 39;
	struct rig rig;

	(void)state;
	begin(&rig, FORMAT_AMDV1, true);
	store(&rig, TABLE(0) + 24, AMD_TABLE(TABLE(1), 0));
	store(&rig, TABLE(1) + 40, AMD_PAGE(FRAMES));
	store(&rig, TABLE(1) + 48, AMD_PAGE(FRAMES + PAGE));
	make_domain(&rig, AMD_TABLE(TABLE(0), 3) & ~UINT64_C(1), 0, 0, UINT64_C(0xffffffffffff));
	check(&rig, base, base + 0x5fffff);
	assert_int_equal(pinned(&rig), 2);
	/* In a range, and in everything, no other IOVA is mapped. */
	refresh(&rig, base + 0x40000000, base + 0x401fffff, 0);
	refresh(&rig, base, base + 0x3fffff, 0);
	assert_int_equal(viommu_domain_refresh(rig.domain, 0, UINT64_MAX, NULL), 0);
	check(&rig, base, base + 0x5fffff);
	assert_int_equal(pinned(&rig), 2);
	/* The entry names a table one level higher, and so does the entry there. */
	store(&rig, TABLE(2), AMD_TABLE(TABLE(1), 0));
	store(&rig, TABLE(2) + 8, AMD_TABLE(TABLE(1), 0));
	store(&rig, TABLE(0) + 24, AMD_TABLE(TABLE(2), 1));
	refresh(&rig, base, base + 0x5fffff, 0);
	store(&rig, TABLE(0) + 24, AMD_TABLE(TABLE(1), 0));
	refresh(&rig, base, base + 0x5fffff, 0);
	store(&rig, TABLE(0) + 24, 0);
	refresh(&rig, base, base + 0x5fffff, 0);
	assert_int_equal(pinned(&rig), 0);
	end(&rig);
}

/*
 * Leaves of 16 KiB and 128 KiB in the lowest table, and of 4 MiB in the next; a root with leaves
 * only.
 */
static void test_sizes(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, FORMAT_AMDV1, true);
	store(&rig, TABLE(0), AMD_TABLE(TABLE(1), 0));
	for (uint64_t n = 0; n < 4; n++)
		store(&rig, TABLE(1) + 8 * n, AMD_SIZED(FRAMES | 0x1000));
	for (uint64_t n = 32; n < 64; n++)
		store(&rig, TABLE(1) + 8 * n, AMD_SIZED(FRAMES + 0x20000 + 0xf000));
	store(&rig, TABLE(0) + 16, AMD_SIZED(UINT64_C(0x1ff000)));
	store(&rig, TABLE(0) + 24, AMD_SIZED(UINT64_C(0x1ff000)));
	make_domain(&rig, AMD_TABLE(TABLE(0), 1) & ~UINT64_C(1), 0, 0, 0x3fffffff);
	check(&rig, 0, 0x9fffff);
	assert_int_equal(pinned(&rig), 1024);
	store(&rig, TABLE(0) + 16, 0);
	store(&rig, TABLE(0) + 24, 0);
	refresh(&rig, 0, 0x9fffff, 0);
	assert_int_equal(pinned(&rig), 36);
	end_domain(&rig);
	make_domain(&rig, AMD_TABLE(TABLE(1), 0) & ~UINT64_C(1), 0, 0, 0x1fffff);
	check(&rig, 0, 0x1fffff);
	store(&rig, TABLE(1) + 32 * 8, AMD_PAGE(FRAMES));
	refresh(&rig, 0, 0x1fffff, 0);
	refresh(&rig, 32 * PAGE, 33 * PAGE - 1, 0);
	assert_int_equal(pinned(&rig), 35);
	end(&rig);
}

/*
 * A slot beyond the addresses of Arm's entries: after the highest address of an entry, the next one
 * names the page at 0.
 */
static void test_wrap(void **state)
{
	const uint64_t high = (UINT64_C(1) << 48) - 2 * PAGE, low = 0x443;
	struct rig rig;

	(void)state;
	begin(&rig, FORMAT_ARM64_4K, true);
	add_slot(&rig, 2, high, 0, VIOMMU_RW);
	store(&rig, TABLE(0), TABLE(1) | 3);
	for (uint64_t n = 0; n < 4; n++)
		store(&rig, TABLE(1) + 8 * n, (high + n * PAGE) | low);
	make_domain(&rig, TABLE(0), 34 | 5 << 6, 0, 0x3fffffff);
	check(&rig, 0, 0x1fffff);
	assert_int_equal(pinned(&rig), 4);
	for (uint64_t n = 0; n < 4; n++)
		store(&rig, TABLE(1) + 8 * n, 0);
	refresh(&rig, 0, 0x1fffff, 0);
	assert_int_equal(pinned(&rig), 0);
	/* Adjacent pages are not pinned by leftovers. */
	store(&rig, TABLE(1), high | low);
	store(&rig, TABLE(1) + 8, low);
	refresh(&rig, 0, 0x1fffff, 0);
	assert_int_equal(pinned(&rig), 2);
	end(&rig);
}

static uint64_t seed;

static uint64_t draw(uint64_t bound)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % bound;
}

#define TABLES 12u

static uint64_t draw_index(void)
{
	static const uint64_t few[] = { 0, 0, 1, 2, 15, 16, 63, 64, 255, 256, 257, 511 };

	return few[draw(sizeof(few) / sizeof(few[0]))];
}

/* Mostly valid entries. Of a leaf that consists of several entries, one is written. */
static uint64_t draw_entry(const struct rig *rig)
{
	uint64_t frame = draw(2 * BYTES / PAGE) * PAGE, table = TABLE(draw(TABLES)), flip = draw(8) ? 0 : UINT64_C(1) << draw(64);
	bool riscv = rig->format == FORMAT_RISCV_SV;
	uint64_t read_only = riscv ? 0x84 : UINT64_C(1) << 62;

	switch (draw(8)) {
	case 0:
		return 0;
	case 1:
	case 2:
	case 3:
		return flip ^ (riscv ? RISCV_TABLE(table) : AMD_TABLE(table, draw(4)));
	case 4:
		return flip ^ (riscv ? UINT64_C(1) << 63 | RISCV_PAGE((frame & ~UINT64_C(0xf000)) | 0x8000)
				     : AMD_SIZED(frame | ((UINT64_C(1) << draw(11)) - 1) << 12));
	case 5: /* large */
		return flip ^ (riscv ? RISCV_PAGE(frame & ~UINT64_C(0x1fffff)) : AMD_PAGE(frame & ~UINT64_C(0x1fffff)));
	default:
		return flip ^ (riscv ? RISCV_PAGE(frame) : AMD_PAGE(frame)) ^ (draw(4) ? 0 : read_only);
	}
}

static void write_entries(struct rig *rig)
{
	for (uint64_t n = 1 + draw(12); n; n--) {
		uint64_t table = TABLE(draw(TABLES)), index = draw_index(), entry = draw_entry(rig), run = draw(2) ? 1 : 1 + draw(40);
		/* Many ways to one table are too many for a refresh. */
		uint64_t step = !draw(4) ? 0 : rig->format == FORMAT_RISCV_SV ? 0x400 : PAGE;

		for (; run && index < 512; run--, index++, entry += step)
			store(rig, table + 8 * index, entry);
	}
}

static uint64_t draw_iova(const struct rig *rig)
{
	uint64_t iova = 0, span = rig->tables.last - rig->tables.first;

	for (unsigned int level = 0; level < 6; level++)
		iova |= draw_index() << (12 + 9 * level);
	return rig->tables.first + (span == UINT64_MAX ? iova : iova & span);
}

struct listed {
	const struct rig *rig;
	uint64_t first, last, pages;
};

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct listed *listed = ctx;

	for (uint64_t iova = run->first; iova - run->first <= run->last - run->first; iova += PAGE) {
		listed->pages++;
		if (iova >= listed->first && iova <= listed->last)
			check(listed->rig, iova, iova + PAGE - 1);
		if (run->last - iova < PAGE)
			break;
	}
	return 0;
}

/*
 * All reported pages of a refreshed range are in the tables, and all pages of the tables are
 * reported.
 */
static void check_range(const struct rig *rig, uint64_t first, uint64_t last)
{
	struct listed listed = { rig, first, last, 0 };

	viommu_domain_each_run(rig->domain, 0, UINT64_MAX, take_run, &listed);
	assert_int_equal(listed.pages, mock_pages(rig->mock, rig->space));
	for (unsigned int n = 0; n < 60; n++) {
		uint64_t iova = draw_iova(rig) & ~(PAGE - 1);

		if (iova >= first && iova <= last)
			check(rig, iova, iova + PAGE - 1);
	}
}

static int random_domain(struct rig *rig)
{
	unsigned int top = (unsigned int)draw(rig->format == FORMAT_RISCV_SV ? 3 : 6);
	uint64_t table = TABLE(draw(TABLES)), mode = (uint64_t)top << 60, flags = 0x18 * draw(2), half;

	if (rig->format == FORMAT_AMDV1)
		return try_domain(rig, (AMD_TABLE(table, top) & ~UINT64_C(1)) | (draw(2) ? 0x180 : 0), 0, 0,
				  top == 5 ? UINT64_MAX : (UINT64_C(1) << (21 + 9 * top)) - 1);
	half = (UINT64_C(1) << (38 + 9 * top)) - 1;
	switch (draw(3)) {
	case 0:
		return try_domain(rig, SV39(table) + mode, flags, 0, half);
	case 1:
		return try_domain(rig, SV39(table) + mode, flags | 2, ~half, UINT64_MAX);
	default:
		return try_domain(rig, SV39(TABLE(4 * draw(TABLES / 4))) + mode, flags | 1, 0, 8 * half + 7);
	}
}

static void random_format(unsigned int format, bool split)
{
	unsigned int domains = 0;
	struct rig rig;

	begin(&rig, format, split);
	for (unsigned int domain = 0; domain < DOMAINS; domain++) {
		memset(rig.memory, 0, 2 * BYTES);
		for (unsigned int i = 0; i < 10; i++)
			write_entries(&rig);
		if (random_domain(&rig))
			continue;
		domains++;
		for (unsigned int i = 0; i < 30; i++) {
			struct viommu_refresh_result result = { 0 };
			uint64_t first = rig.tables.first, last = rig.tables.last;
			int error;

			write_entries(&rig);
			if (draw(4)) {
				first = draw_iova(&rig) & ~(PAGE - 1);
				last = draw_iova(&rig) | (PAGE - 1);
				if (draw(2) || last < first)
					last = first | ((UINT64_C(1) << (12 + draw(20))) - 1);
				if (last > rig.tables.last)
					last = rig.tables.last;
			}
			error = viommu_domain_refresh(rig.domain, first, last, &result);
			assert_true(!error || error == -EFAULT || error == -ENOSPC);
			assert_int_equal(rig.mock->breaches, 0);
			/* A malformed entry hides that a refresh gave up. */
			if (error != -ENOSPC && result.entries < ENTRIES / 2)
				check_range(&rig, first, last);
		}
		end_domain(&rig);
	}
	assert_true(domains > DOMAINS / 4);
	viommu_vm_destroy(rig.vm);
	mock_destroy(rig.mock);
	free(rig.memory);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 4; n++) {
		seed = n;
		random_format(n & 1 ? FORMAT_AMDV1 : FORMAT_RISCV_SV, n & 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step),	cmocka_unit_test(test_napot), cmocka_unit_test(test_root_tables), cmocka_unit_test(test_access_flags),
		cmocka_unit_test(test_skipped), cmocka_unit_test(test_sizes), cmocka_unit_test(test_wrap),	  cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("formats that differ", tests, NULL, NULL);
}
