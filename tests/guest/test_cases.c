/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest changes its tables, and its function while the tables are in use: one test for
 * each row of the table of cases in docs/zpci.md, on the library itself, in the architecture's way
 * and in QEMU's. viommu_translate() shows what the device reaches, as to a device model.
 *
 * Elsewhere: 13 and 29 need threads (test_races.c, test_threads.c). The order in which a revoked
 * page is unmapped, flushed and unpinned (39) is tested in tests/core; here nothing of it may be
 * left when the instruction has completed. The codes of every refusal are in test_codes.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest.h"

#define REREG	    VIOMMU_ZPCI_OC_REREG_IOAT
#define DEREG	    VIOMMU_ZPCI_OC_DEREG_IOAT
#define RESET_ERROR VIOMMU_ZPCI_OC_RESET_ERROR
#define OPERAND	    VIOMMU_ZPCI_PGM_OPERAND
#define QEMU	    VIOMMU_ZPCI_QEMU_WAYS
#define RW	    VIOMMU_RW
#define RO	    VIOMMU_READ

/* A refresh that ends in an error event; then back to ENABLED, as most tests continue. */
static void expect_error(struct guest *guest, struct viommu_zpci_answer answer, uint32_t pec, uint64_t faddr)
{
	assert_status(answer, 8);
	assert_event(&guest->rig, pec, faddr);
	assert_int_equal(rig_state(&guest->rig), VIOMMU_ZPCI_ERROR);
	assert_cc(guest_operation(guest, RESET_ERROR), 0);
}

/* 1: a table that exists only in part. */
static void partial_tables(uint32_t flags)
{
	struct guest guest;

	(void)flags;
	guest_up(&guest, 0);
	/*
	 * TL = 0: the first quarter of the segment table, 512 MiB. The rest is neither used nor
	 * read.
	 */
	guest_put(&guest, RT + 8 * 2, ST | 0x04);
	guest_put_page(&guest, 3, data(3));
	guest_put_segment(&guest, 512, PT);
	guest_register_rt(&guest);
	assert_reaches(&guest, iova(3), data(3), RW);
	assert_reaches_nothing(&guest, PBA + 0x20000000 + 3 * PAGE);
	assert_cc(guest_refresh(&guest, PBA, 0x20000000), 0);
	expect_error(&guest, guest_refresh(&guest, PBA + 0x20000000, PAGE), 0x08, PBA + 0x20000000);
	expect_error(&guest, guest_refresh(&guest, PBA + 0x1ffff000, 3 * PAGE), 0x08, PBA + 0x20000000);
	/* TF = 1, TL = 1: the second quarter alone. */
	guest_put(&guest, RT + 8 * 2, ST | 0x45);
	assert_cc(guest_refresh(&guest, PBA + 0x20000000, 0x20000000), 0);
	assert_reaches(&guest, PBA + 0x20000000 + 3 * PAGE, data(3), RW);
	expect_error(&guest, guest_refresh_pages(&guest, 3, 1), 0x08, iova(3));
	assert_reaches_nothing(&guest, iova(3));
	guest_down(&guest);

	guest_up(&guest, QEMU);
	guest_put(&guest, RT + 8 * 2, ST | 0x04);
	guest_put_page(&guest, 3, data(3));
	guest_register_rt(&guest);
	assert_reaches_nothing(&guest, iova(3));
	expect_error(&guest, guest_refresh_pages(&guest, 3, 1), 0x08, iova(3));
	guest_down(&guest);
}

/* 2: invalid entries, whatever their other bits are. */
static void garbage_in_invalid_entries(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 0, data(0));
	guest_register_rt(&guest);
	assert_reaches(&guest, iova(0), data(0), RW);
	guest_put_page(&guest, 0, data(0) | INVALIDP);
	guest_put_page(&guest, 1, UINT64_MAX);
	guest_put_segment(&guest, 7, UINT64_MAX);
	guest_put_segment(&guest, 8, PT | INVALID | 0xc);
	guest_put(&guest, RT + 8 * 3, UINT64_MAX);
	guest_put(&guest, RT + 8 * 4, ST | INVALID);
	assert_cc(guest_refresh_all(&guest), 0);
	assert_int_equal(guest_mapped_pages(&guest), 0);
	assert_reaches_nothing(&guest, iova(0));
	assert_no_event(&guest.rig);
	guest_down(&guest);
}

/* 3: entries of all zeros. */
static void zeros(uint32_t flags)
{
	struct guest guest;

	(void)flags;
	guest_up(&guest, 0);
	guest_register_rt(&guest);
	guest_put_page(&guest, 5, 0); /* the frame at 0 */
	assert_cc(guest_refresh_pages(&guest, 5, 1), 0);
	assert_reaches(&guest, iova(5), 0, RW);
	guest_put_segment(&guest, 1, 0); /* the page table at 0 */
	guest_fill(&guest, 0, INVALIDP, 256);
	guest_put(&guest, 8 * 4, data(4));
	assert_cc(guest_refresh_pages(&guest, 256, 256), 0);
	assert_reaches(&guest, iova(256 + 4), data(4), RW);
	guest_put(&guest, RT + 8 * 2, 0); /* a region table entry of the wrong type */
	expect_error(&guest, guest_refresh_all(&guest), 0x09, PBA);
	assert_reaches_nothing(&guest, iova(5));
	guest_down(&guest);

	guest_up(&guest, QEMU);
	guest_register_rt(&guest);
	guest_put_page(&guest, 5, 0);
	expect_error(&guest, guest_refresh_pages(&guest, 5, 1), 0x07, iova(5));
	guest_put_segment(&guest, 1, 0);
	expect_error(&guest, guest_refresh_pages(&guest, 256, 1), 0x07, iova(256));
	guest_put(&guest, RT + 8 * 2, 0);
	expect_error(&guest, guest_refresh_pages(&guest, 0, 1), 0x07, iova(0));
	guest_down(&guest);
}

/* 4: an entry of another level's type. */
static void wrong_types(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 0, data(0));
	guest_register_rt(&guest);
	guest_put_segment(&guest, 1, PT1 | 0x4);
	expect_error(&guest, guest_refresh_pages(&guest, 255, 5), 0x09, iova(256));
	assert_int_equal(guest.rig.event.fault.reason, VIOMMU_FAULT_ENTRY_TYPE);
	assert_int_equal(guest.rig.event.fault.entry_gpa, ST + 8);
	assert_int_equal(guest.rig.event.fault.entry, PT1 | 0x4);
	assert_reaches(&guest, iova(0), data(0), RW);
	guest_put(&guest, RT + 8 * 2, ST | 0x3);
	expect_error(&guest, guest_refresh_pages(&guest, 9, 1), 0x09, iova(9));
	guest_put(&guest, RT + 8 * 2, ST | 0xb);
	expect_error(&guest, guest_refresh_pages(&guest, 0, 1), 0x09, iova(0));
	assert_reaches_nothing(&guest, iova(0));
	guest_down(&guest);
}

/* 5: tables that name themselves and each other. */
static void loops(uint32_t flags)
{
	struct guest_config config = guest_config(0);
	struct guest guest;

	(void)flags;
	/*
	 * A segment table whose words are read as page entries: they name frames, with the bits of
	 * a page entry.
	 */
	guest_up(&guest, 0);
	guest_put_segment(&guest, 0, ST);
	guest_put_segment(&guest, 1, data(1) | INVALID | INVALIDP);
	guest_register_rt(&guest);
	assert_reaches(&guest, iova(0), ST, RW);
	assert_reaches_nothing(&guest, iova(1));
	assert_reaches(&guest, iova(2), 0, RW); /* 0x20 is no invalid page entry */
	/* The region table in place of the segment table: the types do not match. */
	guest_put(&guest, RT + 8 * 2, RT | RTTE);
	expect_error(&guest, guest_refresh_pages(&guest, 512, 1), 0x09, iova(512));
	guest_down(&guest);

	/*
	 * Each entry of each table names the next lower table: 2^52 pages. That ends soon with
	 * insufficient resources, and leaves nothing behind.
	 */
	config.vm.refresh_entries = 300000;
	config.vm.shadow_bytes = UINT64_C(8) << 20;
	guest_up_as(&guest, &config);
	guest_fill(&guest, RF, RS | RFTE, 2048);
	guest_fill(&guest, RS, RT | RSTE, 2048);
	guest_fill(&guest, RT, ST | RTTE, 2048);
	guest_fill(&guest, ST, PT, 2048);
	guest_fill(&guest, PT, DATA, 256);
	assert_status(guest_register(&guest, PBA, RIG_EDMA, IOTA_RF), 16);
	assert_false(rig_info(&guest.rig).registered);
	assert_int_equal(guest_pinned_pages(&guest), 0);
	guest_down(&guest);
}

/* 6: tables that cross the end of memory, or lie outside of it. */
static void tables_without_memory(uint32_t flags)
{
	const uint64_t table = RAM_BYTES - PAGE; /* a quarter of a segment table */
	struct guest guest;

	guest_up(&guest, flags);
	guest_fill(&guest, table, INVALID, 512);
	guest_put(&guest, table, PT);
	guest_put(&guest, table + 8 * 511, PT1);
	guest_put(&guest, RT + 8 * 2, (table & ~UINT64_C(0x3fff)) | RTTE);
	guest_put_page(&guest, 3, data(3));
	/* aligned to 16 KiB, a segment table ends where memory does */
	guest_fill(&guest, RAM_BYTES - 4 * PAGE, INVALID, 3 * 512);
	guest_register_rt(&guest);
	assert_reaches(&guest, PBA + 3 * UINT64_C(0x20000000) + 3 * PAGE, data(3), RW);
	/* Across the end: 12 KiB further up, where QEMU does not align it to 16 KiB. */
	if (!flags) {
		guest_put(&guest, RT + 8 * 2, table | RTTE);
		expect_error(&guest, guest_refresh_all(&guest), 0x07, PBA + 0x20000000);
		assert_reaches(&guest, iova(3), data(3), RW);
	}
	/* Outside. */
	guest_put(&guest, RT + 8 * 2, ST | RTTE);
	guest_put_segment(&guest, 0, HOLE_GPA);
	expect_error(&guest, guest_refresh_pages(&guest, 0, 2), 0x07, iova(0));
	guest_put(&guest, RT + 8 * 2, UINT64_C(0xffffffffffffc000) | RTTE);
	expect_error(&guest, guest_refresh_pages(&guest, 9, 2), 0x07, iova(9));
	assert_int_equal(guest.rig.event.fault.reason, VIOMMU_FAULT_TABLE_UNBACKED);
	/* An IOTA that names no memory can be registered; it reaches nothing. */
	assert_cc(guest_operation(&guest, DEREG), 0);
	assert_cc(guest_register(&guest, PBA, PAL, HOLE_GPA | 0x804), 0);
	assert_no_event(&guest.rig);
	expect_error(&guest, guest_refresh_pages(&guest, 0, 1), 0x07, iova(0));
	guest_down(&guest);
}

/* 7: leaves outside of memory, and in memory that devices may only read. */
static void leaves_without_memory(uint32_t flags)
{
	struct viommu_zpci_answer answer;
	struct guest guest;

	guest_up(&guest, flags);
	guest_register_rt(&guest);
	guest_put_page(&guest, 0, HOLE_GPA);
	guest_put_page(&guest, 1, data(1));
	guest_put_page(&guest, 2, ROM_GPA + PAGE);
	guest_put_page(&guest, 3, UINT64_C(0xfffffffffffff000));
	answer = guest_refresh_pages(&guest, 0, 4);
	assert_cc(answer, 0);
	assert_int_equal(answer.refresh.unbacked, 2);
	assert_int_equal(answer.refresh.established, 2);
	assert_reaches_nothing(&guest, iova(0));
	assert_reaches(&guest, iova(1), data(1), RW);
	assert_reaches(&guest, iova(2), ROM_GPA + PAGE, RO);
	assert_reaches_nothing(&guest, iova(3));
	assert_no_event(&guest.rig);
	guest_down(&guest);
}

/* 8: protection at the upper levels, and changes to it. */
static void protection_above(uint32_t flags)
{
	static const struct {
		uint64_t region, segment, page;
		uint32_t prot;
	} cases[] = {
		{ 0, 0, 0, RW },
		{ PROTECT, 0, 0, RO },
		{ 0, 0, 0, RW },
		{ 0, PROTECT, 0, RO },
		{ 0, 0, PROTECT, RO },
		{ PROTECT, PROTECT, PROTECT, RO },
		{ 0, PROTECT, PROTECT, RO },
		{ 0, 0, 0, RW },
	};
	struct guest guest;
	unsigned int i;

	guest_up(&guest, flags);
	guest_register_rt(&guest);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		guest_put(&guest, RT + 8 * 2, ST | RTTE | cases[i].region);
		guest_put_segment(&guest, 0, PT | cases[i].segment);
		guest_put_page(&guest, 0, data(0) | cases[i].page);
		guest_put_page(&guest, 255, data(255) | cases[i].page);
		assert_cc(guest_refresh_pages(&guest, 0, 256), 0);
		assert_reaches(&guest, iova(0), data(0), cases[i].prot);
		assert_reaches(&guest, iova(255), data(255), cases[i].prot);
	}
	guest_down(&guest);
}

/* 9: the same frame with other rights. */
static void rights_change(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_register_rt(&guest);
	guest_put_page(&guest, 4, data(4) | PROTECT);
	assert_cc(guest_refresh_pages(&guest, 4, 1), 0);
	assert_reaches(&guest, iova(4), data(4), RO);
	guest_put_page(&guest, 4, data(4));
	assert_cc(guest_refresh_pages(&guest, 4, 1), 0);
	assert_reaches(&guest, iova(4), data(4), RW);
	guest_put_page(&guest, 4, data(4) | PROTECT);
	assert_cc(guest_refresh_pages(&guest, 4, 1), 0);
	assert_reaches(&guest, iova(4), data(4), RO);
	assert_int_equal(guest_pinned_pages(&guest), 1);
	guest_down(&guest);
}

/* 10: from valid to valid, without an invalid state in between. */
static void valid_to_valid(uint32_t flags)
{
	struct guest guest;
	unsigned int i;

	guest_up(&guest, flags);
	guest_register_rt(&guest);
	for (i = 0; i < 20; i++) {
		guest_put_page(&guest, 4, data(i));
		assert_cc(guest_refresh_pages(&guest, 4, 1), 0);
		assert_reaches(&guest, iova(4), data(i), RW);
		assert_int_equal(guest_pinned_pages(&guest), 1);
	}
	guest_down(&guest);
}

/* 11: invalid, and not refreshed yet. */
static void lazily_stale(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_register_rt(&guest);
	guest_put_page(&guest, 0, data(0));
	guest_put_page(&guest, 1, data(1));
	assert_cc(guest_refresh_pages(&guest, 0, 2), 0);
	guest_put_page(&guest, 0, data(0) | INVALIDP);
	guest_put_page(&guest, 1, data(1) | INVALIDP);
	guest_put_page(&guest, 2, data(2));
	assert_cc(guest_refresh_pages(&guest, 2, 1), 0);
	assert_reaches(&guest, iova(0), data(0), RW);
	assert_int_equal(guest_pinned_pages(&guest), 3);
	assert_cc(guest_refresh_pages(&guest, 0, 1), 0);
	assert_reaches_nothing(&guest, iova(0));
	assert_reaches(&guest, iova(1), data(1), RW);
	assert_int_equal(guest_pinned_pages(&guest), 2);
	assert_cc(guest_operation(&guest, DEREG), 0);
	assert_reaches_nothing(&guest, iova(1));
	assert_int_equal(guest_pinned_pages(&guest), 0);
	guest_down(&guest);
}

/* 12: an upper entry that is invalidated, or replaced. */
static void upper_entries(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 0, data(0));
	guest_put_page(&guest, 256, data(256));
	guest_register_rt(&guest);
	guest_put_segment(&guest, 0, PT | INVALID);
	assert_cc(guest_refresh_pages(&guest, 0, 256), 0);
	assert_reaches_nothing(&guest, iova(0));
	assert_reaches(&guest, iova(256), data(256), RW);
	guest_put_segment(&guest, 0, PT1);
	assert_cc(guest_refresh_pages(&guest, 0, 256), 0);
	assert_reaches(&guest, iova(0), data(256), RW);
	guest_put_segment(&guest, 1, PT);
	guest_put_page(&guest, 5, data(5));
	assert_cc(guest_refresh_pages(&guest, 256, 256), 0);
	assert_reaches(&guest, iova(256), data(0), RW);
	assert_reaches(&guest, iova(256 + 5), data(5), RW);
	guest_put(&guest, RT + 8 * 2, INVALID);
	assert_cc(guest_refresh_all(&guest), 0);
	assert_reaches_nothing(&guest, iova(0));
	assert_int_equal(guest_mapped_pages(&guest), 0);
	assert_int_equal(guest_pinned_pages(&guest), 0);
	guest_down(&guest);
}

/* 14: a device that writes the tables that translate it. */
static void device_writes_tables(uint32_t flags)
{
	struct viommu_piece piece;
	uint64_t translated;
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 0, PT);
	guest_register_rt(&guest);
	assert_int_equal(viommu_translate(guest.reader, iova(0), PAGE, VIOMMU_WRITE, &piece, 1, &translated, NULL), 1);
	memset((uint8_t *)piece.hva + 8, 0xff, 8); /* page entry 1: invalid, with everything set */
	memcpy((uint8_t *)piece.hva + 16, "\0\0\0\0\0\x10\x20\0", 8);
	assert_cc(guest_refresh_pages(&guest, 0, 3), 0);
	assert_reaches(&guest, iova(0), PT, RW);
	assert_reaches_nothing(&guest, iova(1));
	assert_reaches(&guest, iova(2), 0x102000, RW);
	guest_down(&guest);
}

/*
 * 15: the guest reuses its tables' memory right after the deregistration; the memory may be
 * removed.
 */
static void tables_freed(uint32_t flags)
{
	const uint64_t gpa = UINT64_C(0x4000000);
	struct viommu_slot slot = { .size = sizeof(slot), .prot = RW, .gpa = gpa, .bytes = 16 * PAGE, .fd = -1 };
	struct guest guest;

	guest_up(&guest, flags);
	slot.hva = aligned_alloc((size_t)PAGE, (size_t)slot.bytes);
	assert_non_null(slot.hva);
	memcpy(slot.hva, &guest.ram[RT], 2048 * 8);
	guest_put_page(&guest, 0, data(0));
	assert_int_equal(viommu_slot_add(guest.vm, &slot), 0);
	assert_cc(guest_register(&guest, PBA, PAL, gpa | 0x804), 0);
	assert_reaches(&guest, iova(0), data(0), RW);
	assert_cc(guest_operation(&guest, DEREG), 0);
	assert_int_equal(viommu_slot_remove(guest.vm, gpa), 0);
	free(slot.hva);
	/* Under AddressSanitizer, an access to the old table would end the test. */
	guest_register_rt(&guest);
	assert_cc(guest_refresh_all(&guest), 0);
	guest_down(&guest);
}

/* 16: one page at many IOVAs. */
static void one_page_many_iovas(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_register_rt(&guest);
	guest_fill(&guest, PT, data(7), 512);
	assert_cc(guest_refresh_pages(&guest, 0, 512), 0);
	assert_int_equal(guest_mapped_pages(&guest), 512);
	assert_int_equal(guest_pinned_pages(&guest), 1);
	guest_fill(&guest, PT, INVALIDP, 511);
	assert_cc(guest_refresh_pages(&guest, 0, 512), 0);
	assert_reaches(&guest, iova(511), data(7), RW);
	assert_int_equal(guest_pinned_pages(&guest), 1);
	guest_down(&guest);
}

/* 17: two functions with one table: each is refreshed by its own handle. */
static void shared_table(uint32_t flags)
{
	struct viommu_zpci_function_config config;
	struct viommu_zpci_function *function;
	struct viommu_reader *reader;
	struct viommu_piece piece;
	uint64_t translated;
	struct guest guest;

	guest_up(&guest, flags);
	config = rig_function_config(guest.host);
	config.fh = 0x80000002;
	config.fid = 2;
	assert_int_equal(viommu_zpci_function_add(guest.rig.zpci, &config, &function), 0);
	assert_int_equal(viommu_reader_create(viommu_zpci_function_device(function), VIOMMU_NO_PASID, &reader), 0);
	guest_put_page(&guest, 0, data(0));
	guest_register_rt(&guest);
	assert_cc(rig_mpcifc(&guest.rig, 0x80000002, VIOMMU_ZPCI_OC_REG_IOAT, PBA, PAL, IOTA_RT), 0);
	assert_int_equal(guest_pinned_pages(&guest), 1);
	guest_put_page(&guest, 0, data(1));
	assert_cc(guest_refresh_pages(&guest, 0, 1), 0);
	assert_reaches(&guest, iova(0), data(1), RW);
	assert_int_equal(viommu_translate(reader, iova(0), 8, RO, &piece, 1, &translated, NULL), 1);
	assert_ptr_equal(piece.hva, guest.ram + data(0));
	assert_int_equal(guest_pinned_pages(&guest), 2);
	assert_cc(rig_rpcit(&guest.rig, 0x80000002, iova(0), PAGE), 0);
	assert_int_equal(viommu_translate(reader, iova(0), 8, RO, &piece, 1, &translated, NULL), 1);
	assert_ptr_equal(piece.hva, guest.ram + data(1));
	assert_int_equal(guest_pinned_pages(&guest), 1);
	viommu_reader_destroy(reader);
	viommu_zpci_function_remove(function);
	assert_reaches(&guest, iova(0), data(1), RW);
	guest_down(&guest);
}

/* 18: a refresh without a registration. */
static void refresh_unregistered(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	expect_error(&guest, guest_refresh(&guest, iova(2) + 0x234, PAGE), 0x01, iova(2));
	guest_register_rt(&guest);
	assert_cc(guest_refresh_pages(&guest, 0, 1), 0);
	guest_down(&guest);
}

/* 19: no translation: IOVA = SDMA + GPA, and nothing to refresh. */
static void direct(uint32_t flags)
{
	struct guest_config config = guest_config(0);
	struct guest guest;

	(void)flags;
	config.function.relaxed = true;
	guest_up_as(&guest, &config);
	assert_cc(guest_register(&guest, PBA, PAL, 0), 0);
	assert_reaches(&guest, PBA + data(0), data(0), RW);
	assert_reaches(&guest, PBA, 0, RW);
	assert_reaches(&guest, PBA + ROM_GPA, ROM_GPA, RO);
	assert_reaches_nothing(&guest, PBA + HOLE_GPA);
	assert_int_equal(guest_pinned_pages(&guest), (RAM_BYTES + ROM_BYTES) / PAGE);
	assert_cc(guest_refresh_all(&guest), 0);
	assert_reaches(&guest, PBA, 0, RW);
	assert_no_event(&guest.rig);
	assert_cc(guest_operation(&guest, DEREG), 0);
	assert_reaches_nothing(&guest, PBA);
	assert_int_equal(guest_pinned_pages(&guest), 0);
	/* A range that leaves some of the guest's memory out. */
	assert_cc(guest_register(&guest, PBA + 0x10000, PBA + 0x1ffff, 0), 0);
	assert_reaches_nothing(&guest, PBA + 0xf000);
	assert_reaches(&guest, PBA + 0x10000, 0x10000, RW);
	assert_reaches_nothing(&guest, PBA + 0x20000);
	guest_down(&guest);

	/* The budget is too small for all of memory. */
	config.vm.pin_budget = RAM_BYTES / 2;
	guest_up_as(&guest, &config);
	assert_status(guest_register(&guest, PBA, PAL, 0), 16);
	assert_false(rig_info(&guest.rig).registered);
	guest_down(&guest);

	config = guest_config(QEMU);
	config.function.relaxed = true;
	guest_up_as(&guest, &config);
	assert_cc(guest_register(&guest, PBA, PAL, 0), 0);
	assert_reaches(&guest, PBA + data(0), data(0), RW);
	expect_error(&guest, guest_refresh_pages(&guest, 0, 1), 0x01, PBA);
	assert_reaches(&guest, PBA + data(0), data(0), RW);
	guest_down(&guest);
}

/* 20: a range partly, or wholly, outside of the registration. */
static void partly_outside(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 4, data(4));
	guest_put_page(&guest, 8, data(8));
	assert_cc(guest_register(&guest, iova(5), iova(7) + 0xfff, IOTA_RT), 0);
	guest_fill(&guest, PT + 8 * 4, DATA, 5);
	assert_cc(guest_refresh_pages(&guest, 0, 6), 0);
	assert_reaches_nothing(&guest, iova(4));
	assert_reaches(&guest, iova(5), DATA, RW);
	assert_reaches_nothing(&guest, iova(6));
	assert_cc(guest_refresh_pages(&guest, 7, 100), 0);
	assert_reaches(&guest, iova(7), DATA, RW);
	assert_reaches_nothing(&guest, iova(8));
	expect_error(&guest, guest_refresh_pages(&guest, 8, 1), 0x02, iova(8));
	expect_error(&guest, guest_refresh_pages(&guest, 0, 4), 0x02, iova(0));
	assert_reaches(&guest, iova(5), DATA, RW);
	guest_down(&guest);
}

/* 21: lengths of 0, unaligned ranges, ranges past the end of all addresses. */
static void odd_ranges(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_register_rt(&guest);
	guest_fill(&guest, PT, DATA, 10);
	assert_cc(guest_refresh(&guest, iova(0), 0), 0);
	assert_int_equal(guest_mapped_pages(&guest), 0);
	assert_cc(guest_refresh(&guest, iova(1) + 0xfff, 2), 0);
	assert_reaches_nothing(&guest, iova(0));
	assert_reaches(&guest, iova(1), DATA, RW);
	assert_reaches(&guest, iova(2), DATA, RW);
	assert_reaches_nothing(&guest, iova(3));
	expect_error(&guest, guest_refresh(&guest, iova(3), UINT64_MAX), 0x02, iova(3));
	assert_reaches_nothing(&guest, iova(3));
	guest_down(&guest);
}

/* 22: ranges that begin or end within the range of an upper entry. */
static void big_steps(uint32_t flags)
{
	const uint64_t next_region = PBA + UINT64_C(0x80000000);
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 0, data(0));
	assert_cc(guest_register(&guest, PBA, PAL + UINT64_C(0x80000000), IOTA_RT), 0);
	/* From the last page of an invalid region on: the next region's first pages are found. */
	guest_put(&guest, RT + 8 * 2, INVALID);
	guest_put(&guest, RT + 8 * 3, ST | RTTE);
	assert_cc(guest_refresh(&guest, next_region - PAGE, 2 * PAGE), 0);
	assert_reaches(&guest, next_region, data(0), RW);
	assert_reaches(&guest, iova(0), data(0), RW); /* was not in the range */
	/*
	 * A frame of 1 MiB, entered in its middle: the pages after it are translated by their own
	 * entries.
	 */
	guest_put(&guest, RT + 8 * 2, ST | RTTE);
	guest_put_segment(&guest, 0, UINT64_C(0x400000) | FRAME);
	guest_put_page(&guest, 256, data(256));
	assert_cc(guest_refresh_pages(&guest, 200, 57), 0);
	assert_reaches_nothing(&guest, iova(199));
	assert_reaches(&guest, iova(200), 0x400000 + 200 * PAGE, RW);
	assert_reaches(&guest, iova(255), 0x400000 + 255 * PAGE, RW);
	assert_reaches(&guest, iova(256), data(256), RW);
	guest_down(&guest);
}

/* 23: IOVAs beyond the tables' reach are aliases of those within. */
static void aliases(uint32_t flags)
{
	const uint64_t reach = UINT64_C(1) << 42;
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 3, data(3));
	assert_cc(guest_register(&guest, PBA, reach * 3 - 1, IOTA_RT), 0);
	assert_reaches(&guest, iova(3), data(3), RW);
	assert_reaches(&guest, iova(3) + reach, data(3), RW);
	assert_reaches(&guest, iova(3) + 2 * reach, data(3), RW);
	assert_int_equal(guest_pinned_pages(&guest), 1);
	/* Each alias is refreshed on its own. */
	guest_put_page(&guest, 3, data(3) | INVALIDP);
	assert_cc(guest_refresh(&guest, iova(3) + reach, PAGE), 0);
	assert_reaches(&guest, iova(3), data(3), RW);
	assert_reaches_nothing(&guest, iova(3) + reach);
	assert_reaches(&guest, iova(3) + 2 * reach, data(3), RW);
	guest_down(&guest);
}

/* 24: the last page of the address space. */
static void top_of_addresses(uint32_t flags)
{
	struct guest_config config = guest_config(0);
	const uint64_t last = UINT64_C(0xfffffffffffff000);
	struct guest guest;

	(void)flags;
	config.function.edma = UINT64_MAX;
	guest_up_as(&guest, &config);
	guest_put(&guest, RF + 8 * 2047, RS | RFTE);
	guest_put(&guest, RS + 8 * 2047, RT | RSTE);
	guest_put(&guest, RT + 8 * 2047, ST | RTTE);
	guest_put_segment(&guest, 2047, PT);
	guest_put_page(&guest, 255, data(255));
	assert_cc(guest_register(&guest, last - 0xffff000, UINT64_MAX, IOTA_RF), 0);
	assert_reaches(&guest, last, data(255), RW);
	guest_put_page(&guest, 255, data(0));
	guest_put_page(&guest, 254, data(254));
	assert_cc(guest_refresh(&guest, last - PAGE, 2 * PAGE), 0);
	assert_reaches(&guest, last, data(0), RW);
	assert_reaches(&guest, last - PAGE, data(254), RW);
	guest_put_page(&guest, 255, INVALIDP);
	assert_cc(guest_refresh(&guest, last + 0xfff, 1), 0);
	assert_reaches_nothing(&guest, last);
	expect_error(&guest, guest_refresh(&guest, last, PAGE + 1), 0x02, last);
	guest_down(&guest);
}

/* 25: the budget is exhausted in the middle of a range, and the guest makes room. */
static void make_room(uint32_t flags)
{
	struct guest_config config = guest_config(flags);
	struct guest guest;
	unsigned int i;

	config.vm.pin_budget = 8 * PAGE;
	guest_up_as(&guest, &config);
	guest_register_rt(&guest);
	for (i = 0; i < 6; i++)
		guest_put_page(&guest, i, data(i));
	assert_cc(guest_refresh_pages(&guest, 0, 6), 0);
	/* Unmapped lazily, then four new ones: two too many. */
	for (i = 0; i < 4; i++)
		guest_put_page(&guest, i, data(i) | INVALIDP);
	for (i = 100; i < 104; i++)
		guest_put_page(&guest, i, data(i));
	assert_status(guest_refresh_pages(&guest, 100, 4), 16);
	assert_int_equal(rig_state(&guest.rig), VIOMMU_ZPCI_ENABLED);
	assert_true(guest_pinned_pages(&guest) <= 8);
	/* A refresh of everything releases enough. */
	assert_cc(guest_refresh_all(&guest), 0);
	for (i = 0; i < 4; i++)
		assert_reaches_nothing(&guest, iova(i));
	for (i = 100; i < 104; i++)
		assert_reaches(&guest, iova(i), data(i), RW);
	assert_int_equal(guest_pinned_pages(&guest), 6);
	assert_no_event(&guest.rig);
	guest_down(&guest);
}

/* 26: an exact fit. */
static void exact_fit(uint32_t flags)
{
	struct guest_config config = guest_config(flags);
	struct guest guest;
	unsigned int i;

	config.vm.pin_budget = 8 * PAGE;
	guest_up_as(&guest, &config);
	guest_register_rt(&guest);
	for (i = 0; i < 8; i++)
		guest_put_page(&guest, i, data(i));
	assert_cc(guest_refresh_pages(&guest, 0, 8), 0);
	assert_int_equal(guest_pinned_pages(&guest), 8);
	/* Replaced by as many others, in one refresh. */
	for (i = 0; i < 8; i++)
		guest_put_page(&guest, i, data(100 + i));
	assert_cc(guest_refresh_pages(&guest, 0, 8), 0);
	for (i = 0; i < 8; i++)
		assert_reaches(&guest, iova(i), data(100 + i), RW);
	guest_put_page(&guest, 8, data(8));
	assert_status(guest_refresh_pages(&guest, 8, 1), 16);
	assert_reaches_nothing(&guest, iova(8));
	guest_down(&guest);
}

/* 27: the charge, through everything that ends a mapping. */
static void accounting(uint32_t flags)
{
	struct guest guest;
	uint32_t fh;
	unsigned int round;

	guest_up(&guest, flags);
	for (round = 0; round < 5; round++) {
		guest_put_page(&guest, 0, data(0));
		guest_put_page(&guest, 1, data(1));
		guest_register_rt(&guest);
		assert_int_equal(guest_pinned_pages(&guest), 2);
		guest_put_page(&guest, 0, data(1));
		assert_cc(guest_refresh_pages(&guest, 0, 1), 0);
		assert_int_equal(guest_pinned_pages(&guest), 1);
		assert_int_equal(guest_mapped_pages(&guest), 2);
		switch (round) {
		case 0:
			assert_cc(guest_operation(&guest, DEREG), 0);
			break;
		case 1:
			assert_int_equal(viommu_zpci_disable(guest.rig.function, &fh), 0);
			assert_int_equal(guest_pinned_pages(&guest), 0);
			assert_int_equal(viommu_zpci_enable(guest.rig.function, &fh), 0);
			break;
		case 2:
			assert_int_equal(viommu_zpci_deconfigure(guest.rig.function), 0);
			assert_int_equal(guest_pinned_pages(&guest), 0);
			assert_int_equal(viommu_zpci_configure(guest.rig.function), 0);
			assert_int_equal(viommu_zpci_enable(guest.rig.function, &fh), 0);
			break;
		case 3:
			viommu_zpci_device_failed(guest.rig.function);
			assert_int_equal(guest_pinned_pages(&guest), 0);
			assert_int_equal(viommu_zpci_deconfigure(guest.rig.function), 0);
			assert_int_equal(viommu_zpci_configure(guest.rig.function), 0);
			assert_int_equal(viommu_zpci_enable(guest.rig.function, &fh), 0);
			break;
		default:
			viommu_reader_destroy(guest.reader);
			guest.reader = NULL;
			viommu_zpci_function_remove(guest.rig.function);
			break;
		}
		assert_int_equal(guest_pinned_pages(&guest), 0);
	}
	guest_down(&guest);
}

/* 28: an error in the middle of a range. */
static void error_in_the_middle(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 0, data(0));
	guest_register_rt(&guest);
	guest_put_page(&guest, 0, data(0) | INVALIDP);
	guest_put_page(&guest, 255, data(255));
	guest_put_segment(&guest, 1, PT1 | 0xc);
	guest_put_segment(&guest, 2, PT);
	assert_status(guest_refresh_pages(&guest, 0, 1024), 8);
	assert_event(&guest.rig, 0x09, iova(256));
	/* DMA has stopped, for correct pages, too. */
	assert_reaches_nothing(&guest, iova(0));
	assert_reaches_nothing(&guest, iova(255));
	assert_true(rig_info(&guest.rig).registered);
	assert_status(guest_refresh_pages(&guest, 0, 1), 40);
	/* Recovery: DMA is on again, and everything around the error is as in the tables. */
	assert_cc(guest_operation(&guest, VIOMMU_ZPCI_OC_RESET_BLOCK), 0);
	assert_reaches_nothing(&guest, iova(255));
	assert_cc(guest_operation(&guest, RESET_ERROR), 0);
	assert_reaches_nothing(&guest, iova(0));
	assert_reaches(&guest, iova(255), data(255), RW);
	assert_reaches(&guest, iova(512 + 255), data(255), RW);
	guest_down(&guest);
}

/*
 * 30: the cost of a refresh of a huge range depends on the contents of the tables; it is cut into
 * steps, and makes progress.
 */
static void long_refresh(uint32_t flags)
{
	struct guest_config config = guest_config(0);
	struct viommu_zpci_answer answer;
	struct guest guest;

	(void)flags;
	guest_up(&guest, 0);
	guest_put_page(&guest, 0, data(0));
	assert_cc(guest_register(&guest, PBA, (UINT64_C(1) << 53) - 1, IOTA_RS), 0);
	answer = guest_refresh_all(&guest);
	assert_cc(answer, 0);
	assert_true(answer.refresh.entries <= 3 * 2048 + 2 * 256);
	guest_down(&guest);

	config.vm.step_entries = 1; /* the least */
	guest_up_as(&guest, &config);
	guest_register_rt(&guest);
	guest_fill(&guest, PT, DATA, 256);
	guest_fill(&guest, ST, PT, 128);
	answer = guest_refresh_all(&guest);
	assert_cc(answer, 0);
	assert_true(answer.refresh.steps > 4);
	assert_int_equal(answer.refresh.established, 128 * 256);
	assert_reaches(&guest, iova(128 * 256 - 1), DATA, RW);
	guest_down(&guest);
}

/* 31: stale handles, handles of other VMs, and invented ones. */
static void foreign_handles(uint32_t flags)
{
	struct viommu_zpci_function_config config;
	struct viommu_zpci_function *function;
	struct guest guest, other;
	uint32_t old, fh;
	unsigned int bit;

	guest_up(&guest, flags);
	guest_up(&other, flags);
	config = rig_function_config(other.host);
	config.fh = 0x80000005;
	config.fid = 5;
	assert_int_equal(viommu_zpci_function_add(other.rig.zpci, &config, &function), 0);
	guest_register_rt(&guest);
	assert_cc(rig_rpcit(&guest.rig, 0x80000005, PBA, PAGE), 3);
	assert_cc(rig_mpcifc(&guest.rig, 0x80000005, REREG, PBA, PAL, IOTA_RT), 3);
	for (bit = 0; bit < 32; bit++) {
		assert_cc(rig_rpcit(&guest.rig, RIG_FH ^ 1u << bit, PBA, PAGE), 3);
		assert_cc(rig_operation(&guest.rig, RIG_FH ^ 1u << bit, DEREG), 3);
	}
	old = RIG_FH;
	assert_int_equal(viommu_zpci_disable(guest.rig.function, &fh), 0);
	assert_int_equal(viommu_zpci_enable(guest.rig.function, &fh), 0);
	assert_cc(rig_rpcit(&guest.rig, old, PBA, PAGE), 3);
	assert_cc(rig_mpcifc(&guest.rig, old, VIOMMU_ZPCI_OC_REG_IOAT, PBA, PAL, IOTA_RT), 3);
	assert_no_event(&guest.rig);
	assert_no_event(&other.rig);
	guest_down(&guest);
	guest_down(&other);
}

/* 32: an illegal re-registration. */
static void failing_reregistration(uint32_t flags)
{
	struct guest_config config = guest_config(0);
	struct guest guest;
	unsigned int i;

	(void)flags;
	config.vm.pin_budget = 8 * PAGE;
	guest_up_as(&guest, &config);
	guest_put_page(&guest, 0, data(0));
	guest_register_rt(&guest);
	assert_exception(rig_mpcifc(&guest.rig, RIG_FH, REREG, PAL, PBA, IOTA_RT), OPERAND);
	assert_exception(rig_mpcifc(&guest.rig, RIG_FH, REREG, PBA, PAL, RT | 0x801), OPERAND);
	assert_reaches(&guest, iova(0), data(0), RW);
	/*
	 * Both registrations name the same pages: they are charged once, so the budget is
	 * sufficient.
	 */
	for (i = 0; i < 8; i++)
		guest_put_page(&guest, i, data(i));
	assert_cc(rig_mpcifc(&guest.rig, RIG_FH, REREG, PBA, PAL - 0x1000, IOTA_RT), 0);
	assert_reaches(&guest, iova(7), data(7), RW);
	/* Other pages: the old registration is released to make room for the new one. */
	for (i = 0; i < 8; i++)
		guest_put_page(&guest, 256 + i, data(256 + i));
	guest_put_segment(&guest, 0, PT1);
	guest_put_segment(&guest, 1, INVALID);
	assert_cc(rig_mpcifc(&guest.rig, RIG_FH, REREG, PBA, PAL, IOTA_RT), 0);
	assert_reaches(&guest, iova(7), data(256 + 7), RW);
	assert_int_equal(guest_pinned_pages(&guest), 8);
	/* More than the budget: nothing is registered. */
	guest_put_segment(&guest, 1, PT);
	assert_status(rig_mpcifc(&guest.rig, RIG_FH, REREG, PBA, PAL, IOTA_RT), 16);
	assert_false(rig_info(&guest.rig).registered);
	assert_int_equal(guest_pinned_pages(&guest), 0);
	guest_down(&guest);

	guest_up(&guest, QEMU);
	guest_register_rt(&guest);
	assert_exception(rig_mpcifc(&guest.rig, RIG_FH, REREG, PAL, PBA, IOTA_RT), OPERAND);
	assert_false(rig_info(&guest.rig).registered);
	guest_down(&guest);
}

/* 33: a table that is full when it is registered, as after a hot reset. */
static void full_tables(uint32_t flags)
{
	struct guest guest;
	uint32_t fh;

	guest_up(&guest, flags);
	guest_put_page(&guest, 9, data(9));
	guest_put_page(&guest, 300, data(300) | PROTECT);
	guest_register_rt(&guest);
	assert_reaches(&guest, iova(9), data(9), RW);
	assert_int_equal(viommu_zpci_disable(guest.rig.function, &fh), 0);
	assert_reaches_nothing(&guest, iova(9));
	assert_int_equal(viommu_zpci_enable(guest.rig.function, &fh), 0);
	assert_reaches_nothing(&guest, iova(9));
	guest_register_rt(&guest);
	assert_reaches(&guest, iova(9), data(9), RW);
	assert_reaches(&guest, iova(300), data(300), RO);
	guest_down(&guest);
}

/* 34: guest memory that is removed, and added again. */
static void memory_changes(uint32_t flags)
{
	struct guest guest;
	struct viommu_slot slot = { .size = sizeof(slot), .prot = RW, .gpa = ROM_GPA, .bytes = ROM_BYTES, .fd = -1 };

	guest_up(&guest, flags);
	guest_put_page(&guest, 0, ROM_GPA);
	guest_put_page(&guest, 1, data(1));
	guest_register_rt(&guest);
	assert_reaches(&guest, iova(0), ROM_GPA, RO);
	assert_int_equal(viommu_slot_remove(guest.vm, ROM_GPA), 0);
	assert_reaches_nothing(&guest, iova(0));
	assert_reaches(&guest, iova(1), data(1), RW);
	assert_int_equal(guest_pinned_pages(&guest), 1);
	assert_cc(guest_refresh_all(&guest), 0);
	assert_reaches_nothing(&guest, iova(0));
	/* The same addresses with other memory and other rights. */
	free(guest.rom);
	guest.rom = slot.hva = aligned_alloc(PAGE, ROM_BYTES);
	assert_non_null(slot.hva);
	assert_int_equal(viommu_slot_add(guest.vm, &slot), 0);
	assert_cc(guest_refresh_all(&guest), 0);
	assert_reaches(&guest, iova(0), ROM_GPA, RW);
	guest_down(&guest);
}

/* 35: the doorbell of MSIs is an IOVA, and is not translated. */
static void msi_doorbell(uint32_t flags)
{
	struct guest_config config = guest_config(flags);
	struct guest guest;

	config.function.msia = iova(16);
	guest_up_as(&guest, &config);
	guest_fill(&guest, PT, DATA, 256);
	assert_exception(guest_register(&guest, PBA, PAL, IOTA_RT), OPERAND);
	assert_exception(guest_register(&guest, iova(16), iova(16), IOTA_RT), OPERAND);
	assert_cc(guest_register(&guest, PBA, iova(15), IOTA_RT), 0);
	assert_reaches(&guest, iova(15), DATA, RW);
	assert_reaches_nothing(&guest, iova(16));
	guest_down(&guest);
}

/* 36: frames, and designations of no table. */
static void frames(uint32_t flags)
{
	static const uint64_t no_tables[] = { 0x10, 0x12, 0x14, 0x18, 0x1c };
	struct guest guest;
	unsigned int i;

	(void)flags;
	guest_up(&guest, 0);
	for (i = 0; i < sizeof(no_tables) / sizeof(no_tables[0]); i++)
		assert_exception(guest_register(&guest, PBA, PAL, RT | 0x800 | no_tables[i]), OPERAND);
	/* bits below the frame's address are ignored */
	guest_put_segment(&guest, 3, UINT64_C(0x400000) | 0xff000 | FRAME | PROTECT);
	guest_register_rt(&guest);
	assert_int_equal(guest_mapped_pages(&guest), 256);
	assert_reaches(&guest, iova(3 * 256), 0x400000, RO);
	assert_reaches(&guest, iova(3 * 256 + 255), 0x4ff000, RO);
	/* A frame that becomes a page table, and back. */
	guest_put_segment(&guest, 3, PT);
	guest_put_page(&guest, 2, data(2));
	assert_cc(guest_refresh_pages(&guest, 3 * 256, 256), 0);
	assert_int_equal(guest_mapped_pages(&guest), 1);
	assert_reaches(&guest, iova(3 * 256 + 2), data(2), RW);
	guest_put_segment(&guest, 3, UINT64_C(0x500000) | FRAME);
	assert_cc(guest_refresh_pages(&guest, 3 * 256 + 1, 1), 0);
	assert_reaches(&guest, iova(3 * 256 + 1), 0x501000, RW);
	/* Half of it is memory: that half is reached. */
	guest_put_segment(&guest, 4, (ROM_GPA & ~UINT64_C(0xfffff)) | FRAME);
	assert_cc(guest_refresh_pages(&guest, 4 * 256, 256), 0);
	assert_reaches(&guest, iova(4 * 256 + 15), ROM_GPA + 15 * PAGE, RO);
	assert_reaches_nothing(&guest, iova(4 * 256 + 16));
	/* FC in a region table entry would be a frame of 2 GiB. */
	guest_put(&guest, RT + 8 * 2, ST | RTTE | FRAME);
	expect_error(&guest, guest_refresh_pages(&guest, 0, 1), 0x03, iova(0));
	guest_down(&guest);

	/* The other designations of tables. */
	guest_up(&guest, 0);
	guest_put_page(&guest, 1, data(1));
	assert_cc(guest_register(&guest, PBA, PAL, IOTA_ST), 0);
	assert_reaches(&guest, iova(1), data(1), RW);
	assert_cc(rig_mpcifc(&guest.rig, RIG_FH, REREG, PBA, PAL, IOTA_RS), 0);
	assert_reaches(&guest, iova(1), data(1), RW);
	assert_cc(rig_mpcifc(&guest.rig, RIG_FH, REREG, PBA, PAL, IOTA_RF), 0);
	assert_reaches(&guest, iova(1), data(1), RW);
	guest_down(&guest);

	guest_up(&guest, QEMU);
	assert_exception(guest_register(&guest, PBA, PAL, IOTA_ST), OPERAND);
	assert_exception(guest_register(&guest, PBA, PAL, IOTA_RS), OPERAND);
	guest_put_segment(&guest, 3, UINT64_C(0x400000) | FRAME);
	guest_put_page(&guest, 1, data(1));
	guest_put(&guest, RT + 8 * 2, ST | RTTE | FRAME); /* QEMU ignores it */
	guest_register_rt(&guest);
	assert_reaches(&guest, iova(3 * 256), 0x400000, RW);
	assert_reaches(&guest, iova(1), data(1), RW);
	guest_down(&guest);
}

/* 37: bits without a meaning. */
static void reserved_bits(uint32_t flags)
{
	static const uint64_t unknown[] = { 0x001, 0x002, 0x003, 0x020, 0x040, 0x080, 0x100, 0x200, 0x400 };
	struct guest guest;
	unsigned int i;

	guest_up(&guest, flags);
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_exception(guest_register(&guest, PBA, PAL, IOTA_RT | unknown[i]), OPERAND);
	guest_put_page(&guest, 0, data(0) | 0x9ff);
	guest_put_segment(&guest, 0, PT | 0x1d3);
	guest_put(&guest, RT + 8 * 2, ST | RTTE | 0x910);
	guest_register_rt(&guest);
	assert_reaches(&guest, iova(0), data(0), RW);
	guest_down(&guest);
}

static void expect_dma_fault(struct guest *guest, uint64_t at, uint32_t access, uint32_t pec)
{
	assert_int_equal(guest_dma(guest, at, access), -EFAULT);
	assert_event(&guest->rig, pec, at & ~UINT64_C(0xfff));
	assert_int_equal(guest->rig.event.access, access);
	assert_int_equal(rig_state(&guest->rig), VIOMMU_ZPCI_ERROR);
	/* In ERROR nothing is reached, and there are no further events. */
	assert_int_equal(guest_dma(guest, iova(0), VIOMMU_READ), -EFAULT);
	assert_no_event(&guest->rig);
	assert_cc(guest_operation(guest, RESET_ERROR), 0);
}

/* 38: an emulated device's accesses. */
static void dma(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	expect_dma_fault(&guest, iova(0), VIOMMU_READ, 0x01);
	guest_put_page(&guest, 0, data(0) | PROTECT);
	guest_register_rt(&guest);
	assert_int_equal(guest_dma(&guest, iova(0), VIOMMU_READ), 0);
	expect_dma_fault(&guest, iova(0) + 0x10, VIOMMU_WRITE, 0x04);
	expect_dma_fault(&guest, iova(1), VIOMMU_READ, 0x04);
	guest_put_page(&guest, 1, data(1)); /* valid, but not refreshed */
	expect_dma_fault(&guest, iova(1) + 8, VIOMMU_WRITE, 0x04);
	expect_dma_fault(&guest, PAL + 1, VIOMMU_READ, 0x02);
	assert_int_equal(guest_dma(&guest, iova(0), VIOMMU_READ), 0);
	guest_down(&guest);
}

/*
 * 38, too: an access fails for the reasons that a refresh would report (docs/zpci.md, error
 * events).
 */
static void dma_malformed(uint32_t flags)
{
	const uint64_t segment = ST + 8 * 2;
	struct guest guest;

	guest_up(&guest, flags);
	guest_put_page(&guest, 0, data(0));
	guest_register_rt(&guest);
	/* A segment entry of another table's type; a page table without memory. */
	guest_put(&guest, segment, PT1 | 0x4);
	expect_dma_fault(&guest, iova(512), VIOMMU_READ, 0x09);
	assert_int_equal(guest.rig.event.fault.entry_gpa, segment);
	assert_int_equal(guest.rig.event.fault.entry, PT1 | 0x4);
	assert_int_equal(guest.rig.event.fault.level, 1);
	guest_put(&guest, segment, HOLE_GPA);
	expect_dma_fault(&guest, iova(513) + 8, VIOMMU_WRITE, 0x07);
	guest_put(&guest, segment, INVALID);
	expect_dma_fault(&guest, iova(513), VIOMMU_WRITE, 0x04);
	/* A page whose frame is outside memory is not malformed. */
	guest_put_page(&guest, 1, HOLE_GPA);
	expect_dma_fault(&guest, iova(1), VIOMMU_READ, 0x04);
	/* A segment table that begins, or ends, elsewhere; a frame where there is none. */
	guest_put(&guest, RT + 8 * 2, ST | 0x45);
	expect_dma_fault(&guest, iova(3), VIOMMU_READ, 0x08);
	if (!(flags & QEMU)) {
		guest_put(&guest, RT + 8 * 2, ST | RTTE | FRAME);
		expect_dma_fault(&guest, iova(3), VIOMMU_READ, 0x03);
	}
	/* Established pages are reached meanwhile. */
	assert_reaches(&guest, iova(0), data(0), RW);
	guest_put(&guest, RT + 8 * 2, ST | RTTE);
	guest_down(&guest);
}

/* 39: when the instruction has completed, nothing is left of what it took away. */
static void revoked(uint32_t flags)
{
	struct guest guest;
	unsigned int i;

	guest_up(&guest, flags);
	guest_register_rt(&guest);
	for (i = 0; i < 64; i++) {
		guest_put_page(&guest, 0, data(i));
		assert_cc(guest_refresh_pages(&guest, 0, 1), 0);
		assert_reaches(&guest, iova(0), data(i), RW); /* and is in the reader's cache now */
		guest_put_page(&guest, 0, data(i) | INVALIDP);
		assert_cc(guest_refresh_pages(&guest, 0, 1), 0);
		assert_reaches_nothing(&guest, iova(0));
		assert_int_equal(guest_pinned_pages(&guest), 0);
	}
	guest_down(&guest);
}

/*
 * 40: ISM: one page beyond EDMA is registered, and the refresh of a page concerns that page alone.
 */
static void ism(uint32_t flags)
{
	struct guest_config config = guest_config(flags);
	struct guest guest;
	unsigned int i;

	config.function.pft = 5;
	config.function.edma = PBA + 0xfffff;
	guest_up_as(&guest, &config);
	assert_exception(guest_register(&guest, PBA, config.function.edma + 2 * PAGE, IOTA_RT), OPERAND);
	assert_cc(guest_register(&guest, PBA, config.function.edma + PAGE, IOTA_RT), 0);
	for (i = 0; i < 4; i++)
		guest_put_page(&guest, i, data(i));
	assert_cc(guest_refresh_pages(&guest, 1, 1), 0);
	assert_reaches_nothing(&guest, iova(0));
	assert_reaches(&guest, iova(1), data(1), RW);
	assert_reaches_nothing(&guest, iova(2));
	guest_down(&guest);
}

/* 41: the bytes of the guest's stores, on a host of either byte order. */
static void bytes(uint32_t flags)
{
	struct guest guest;

	guest_up(&guest, flags);
	memcpy(&guest.ram[RT + 16], "\x00\x00\x00\x00\x00\x02\x00\x07", 8); /* ST */
	memcpy(&guest.ram[ST], "\x00\x00\x00\x00\x00\x03\x00\x00", 8);	    /* PT */
	memcpy(&guest.ram[PT + 8], "\x00\x00\x00\x00\x00\x12\x32\x00", 8);  /* protected */
	guest_register_rt(&guest);
	assert_reaches(&guest, UINT64_C(0x100001000), 0x123000, RO);
	assert_int_equal(guest_mapped_pages(&guest), 1);
	guest_down(&guest);
}

static const struct tested_case {
	const char *name;
	void (*test)(uint32_t flags);
	bool once; /* it runs both ways itself */
} cases[] = {
	{ "01 partial tables", partial_tables, true },
	{ "02 garbage in invalid entries", garbage_in_invalid_entries, false },
	{ "03 zeros", zeros, true },
	{ "04 wrong types", wrong_types, false },
	{ "05 loops", loops, true },
	{ "06 tables without memory", tables_without_memory, false },
	{ "07 leaves without memory", leaves_without_memory, false },
	{ "08 protection above", protection_above, false },
	{ "09 rights change", rights_change, false },
	{ "10 valid to valid", valid_to_valid, false },
	{ "11 lazily stale", lazily_stale, false },
	{ "12 upper entries", upper_entries, false },
	{ "14 device writes tables", device_writes_tables, false },
	{ "15 tables freed", tables_freed, false },
	{ "16 one page many iovas", one_page_many_iovas, false },
	{ "17 shared table", shared_table, false },
	{ "18 refresh unregistered", refresh_unregistered, false },
	{ "19 direct", direct, true },
	{ "20 partly outside", partly_outside, false },
	{ "21 odd ranges", odd_ranges, false },
	{ "22 big steps", big_steps, false },
	{ "23 aliases", aliases, false },
	{ "24 top of addresses", top_of_addresses, true },
	{ "25 make room", make_room, false },
	{ "26 exact fit", exact_fit, false },
	{ "27 accounting", accounting, false },
	{ "28 error in the middle", error_in_the_middle, false },
	{ "30 long refresh", long_refresh, true },
	{ "31 foreign handles", foreign_handles, false },
	{ "32 failing reregistration", failing_reregistration, true },
	{ "33 full tables", full_tables, false },
	{ "34 memory changes", memory_changes, false },
	{ "35 msi doorbell", msi_doorbell, false },
	{ "36 frames", frames, true },
	{ "37 reserved bits", reserved_bits, false },
	{ "38 dma", dma, false },
	{ "38 dma through malformed tables", dma_malformed, false },
	{ "39 revoked", revoked, false },
	{ "40 ism", ism, false },
	{ "41 bytes", bytes, false },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void test_case(void **state)
{
	const struct tested_case *tested = *state;

	tested->test(0);
	if (!tested->once)
		tested->test(QEMU);
}

int main(void)
{
	struct CMUnitTest tests[CASES];

	for (size_t i = 0; i < CASES; i++)
		tests[i] = (struct CMUnitTest){ .name = cases[i].name, .test_func = test_case, .initial_state = (void *)(uintptr_t)&cases[i] };
	return _cmocka_run_group_tests("cases", tests, CASES, NULL, NULL);
}
