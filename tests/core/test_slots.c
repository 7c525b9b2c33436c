/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slots that are added and removed while their memory is mapped, in nested and in direct domains;
 * and illegal slots.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

static const struct rig_options plain;

struct direct_runs {
	struct viommu_run run[4];
	unsigned int number;
};

static int take_direct_run(void *ctx, const struct viommu_run *run)
{
	struct direct_runs *runs = ctx;

	if (runs->number < 4)
		runs->run[runs->number] = *run;
	runs->number++;
	return 0;
}

static struct direct_runs direct_runs(struct viommu_domain *direct, uint64_t first, uint64_t last)
{
	struct direct_runs runs = { .number = 0 };

	assert_int_equal(viommu_domain_each_run(direct, first, last, take_direct_run, &runs), 0);
	return runs;
}

/*
 * A slot is in two nested domains and in a direct one. After its removal none of them reaches it.
 */
static void test_removal_reaches_everywhere(void **state)
{
	struct mock_space *direct_space;
	struct viommu_domain *direct;
	struct subject subjects[2];
	struct tables other;
	struct area *area;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	area = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
	assert_int_equal(guest_show(&rig.guest, area), 0);
	tables_map(&rig.tables, PBA, 20, MIB, VIOMMU_RW);
	tables_map(&rig.tables, PBA + 20 * PAGE, 100, GIB, VIOMMU_RW);
	rig_domain(&rig);
	tables_init(&other, &rig.guest, 3, PBA, PBA + MIB - 1);
	tables_map(&other, PBA, 100, GIB + 50 * PAGE, VIOMMU_READ);
	subjects[0] = rig.subject;
	subjects[1].tables = &other;
	subjects[1].domain = tables_domain(&other, &rig.mock->host, NULL);
	subjects[1].space = mock_newest(rig.mock);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, 0, UINT64_MAX, &direct), 0);
	direct_space = mock_newest(rig.mock);
	assert_int_equal(mock_pages(rig.mock, direct_space), 65 * MIB / PAGE);
	assert_int_equal(direct_runs(direct, 0, UINT64_MAX).number, 2);

	/* Only its first GPA identifies a slot. */
	assert_int_equal(viommu_slot_remove(rig.guest.vm, GIB + PAGE), -ENOENT);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, GIB - PAGE), -ENOENT);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, 2 * GIB), -ENOENT);
	assert_int_equal(guest_hide(&rig.guest, area), 0);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, GIB), -ENOENT);
	assert_int_equal(mock_pages(rig.mock, direct_space), 64 * MIB / PAGE);
	assert_int_equal(mock_pages(rig.mock, subjects[0].space), 20);
	assert_int_equal(mock_pages(rig.mock, subjects[1].space), 0);
	rig.guest.whole = true;
	check_books(rig.mock, &rig.guest, subjects, 2);

	/* IOVAs that name it reach nothing until it is added again. */
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(rig_stats(&rig).unbacked, 100);
	assert_int_equal(guest_show(&rig.guest, area), 0);
	assert_int_equal(mock_pages(rig.mock, direct_space), 65 * MIB / PAGE);
	assert_int_equal(mock_pages(rig.mock, subjects[0].space), 20);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	check_true(rig.mock, &rig.subject, PBA, rig.tables.pal);
	viommu_domain_destroy(direct);
	rig.guest.whole = false;
	check_books(rig.mock, &rig.guest, subjects, 2);
	viommu_domain_destroy(subjects[1].domain);
	rig_end(&rig);
}

static int add(struct rig *rig, const struct viommu_slot *slot)
{
	return viommu_slot_add(rig->guest.vm, slot);
}

static void test_refused(void **state)
{
	static unsigned char memory[4 * 4096] __attribute__((aligned(4096)));
	const struct viommu_slot good = { .size = sizeof(good), .prot = VIOMMU_RW, .gpa = GIB, .bytes = 2 * PAGE, .hva = memory, .fd = -1 };
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	struct viommu_slot slot;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	assert_int_equal(viommu_slot_add(rig.guest.vm, NULL), -EINVAL);
#define REFUSED(change, error)                             \
	do {                                               \
		slot = good;                               \
		change;                                    \
		assert_int_equal(add(&rig, &slot), error); \
	} while (0)
	REFUSED(slot.gpa += 1, -EINVAL);
	REFUSED(slot.gpa += 2048, -EINVAL);
	REFUSED(slot.bytes = 0, -EINVAL);
	REFUSED(slot.bytes = PAGE + 8, -EINVAL);
	REFUSED(slot.hva = memory + 8, -EINVAL);
	REFUSED(slot.hva = NULL, -EINVAL);
	REFUSED(slot.gpa = UINT64_MAX - PAGE + 1, -EINVAL);
	REFUSED(slot.bytes = ~(PAGE - 1), -EINVAL);
	REFUSED(slot.prot = 0, -EINVAL);
	REFUSED(slot.prot = VIOMMU_WRITE, -EINVAL);
	REFUSED(slot.prot = VIOMMU_RW | 4, -EINVAL);
	REFUSED(slot.reserved = 1, -EINVAL);
	REFUSED(slot.size = 16, -EINVAL);
	/* Overlapping: the same, within, around, either end. */
	REFUSED(slot.gpa = 0, -EEXIST);
	REFUSED(slot.gpa = 64 * MIB - PAGE, -EEXIST);
	assert_int_equal(add(&rig, &good), 0);
	REFUSED((void)0, -EEXIST);
	REFUSED((slot.gpa += PAGE, slot.bytes = PAGE), -EEXIST);
	REFUSED((slot.gpa -= PAGE, slot.bytes = 4 * PAGE), -EEXIST);
	REFUSED(slot.gpa -= PAGE, -EEXIST);
	REFUSED(slot.gpa += PAGE, -EEXIST);
	/* Adjacent slots do not overlap. */
	REFUSED(slot.gpa += 2 * PAGE, 0);
	REFUSED(slot.gpa -= 2 * PAGE, 0);
#undef REFUSED
	viommu_vm_stats(rig.guest.vm, &stats);
	assert_int_equal(stats.slots, 4);
	assert_int_equal(stats.guest_bytes, 64 * MIB + 6 * PAGE);
	rig_end(&rig);
}

/*
 * Tables are removed with their slot: the pages below them are released, the refresh reports the
 * error, and it succeeds when they are back.
 */
static void test_tables_in_a_slot(void **state)
{
	struct viommu_refresh_result result;

	(void)state;
	for (unsigned int level = 0; level <= 3; level++) {
		struct area *area;
		struct rig rig;

		rig_begin(&rig, &(struct rig_options){ .level = 3 });
		area = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
		assert_int_equal(guest_show(&rig.guest, area), 0);
		/* The tables down to this level are made in the other slot. */
		tables_entry(&rig.tables, PBA, level < 3 ? level + 1 : 3);
		guest_tables_in(&rig.guest, GIB, GIB + MIB - 1);
		if (level == 3)
			rig.tables.root = tables_new(&rig.guest, 3);
		tables_map(&rig.tables, PBA, 100, MIB, VIOMMU_RW);
		rig_domain(&rig);
		rig_check(&rig);
		assert_int_equal(guest_hide(&rig.guest, area), 0);
		/*
		 * The tables' own memory was not mapped: the pages that they name stay until the
		 * next refresh.
		 */
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 100);
		assert_int_equal(rig_refresh(&rig, PBA, 10, &result), -EFAULT);
		assert_int_equal(result.fault.reason, VIOMMU_FAULT_TABLE_UNBACKED);
		assert_int_equal(result.fault.iova, PBA);
		assert_int_equal(result.fault.level, level);
		assert_int_equal(result.released, 10);
		assert_int_equal(rig_refresh_all(&rig, &result), -EFAULT);
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 0);
		check_books(rig.mock, &rig.guest, &rig.subject, 1);
		assert_int_equal(guest_show(&rig.guest, area), 0);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_int_equal(result.established, 100);
		rig_check(&rig);
		rig_end(&rig);
	}
}

/* A slot may allow less than the tables do, and may be added again with more rights. */
static void test_read_only_slot(void **state)
{
	struct area *area;
	struct rig rig;
	uint32_t prot;
	uint64_t gpa;

	(void)state;
	rig_begin(&rig, &plain);
	area = guest_area(&rig.guest, GIB, MIB, VIOMMU_READ);
	assert_int_equal(guest_show(&rig.guest, area), 0);
	tables_map(&rig.tables, PBA, 10, GIB, VIOMMU_RW);
	rig_domain(&rig);
	assert_true(check_at(&rig.subject, PBA, &gpa, &prot));
	assert_int_equal(prot, VIOMMU_READ);
	rig_check(&rig);
	assert_int_equal(guest_hide(&rig.guest, area), 0);
	area->prot = VIOMMU_RW;
	assert_int_equal(guest_show(&rig.guest, area), 0);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	rig_check(&rig);
	rig_end(&rig);
}

/* The slot at the end of the address space, in both kinds of domain. */
static void test_last_slot(void **state)
{
	struct viommu_domain *direct;
	struct direct_runs runs;
	struct area *area;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	area = guest_area(&rig.guest, UINT64_MAX - MIB + 1, MIB, VIOMMU_RW);
	assert_int_equal(guest_show(&rig.guest, area), 0);
	tables_map(&rig.tables, PBA, 256, UINT64_MAX - MIB + 1, VIOMMU_RW);
	tables_set(&rig.tables, PBA + MIB, 1, (UINT64_MAX - MIB + 1) | STE_FRAME);
	rig_domain(&rig);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 512);
	rig_check(&rig);

	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, 0, UINT64_MAX, &direct), 0);
	runs = direct_runs(direct, GIB, UINT64_MAX);
	assert_int_equal(runs.number, 1);
	assert_int_equal(runs.run[0].first, UINT64_MAX - MIB + 1);
	assert_int_equal(runs.run[0].last, UINT64_MAX);
	viommu_domain_destroy(direct);
	/* GPAs whose IOVA would wrap are not reached. */
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 16 * PAGE, 0, UINT64_MAX, &direct), 0);
	runs = direct_runs(direct, GIB, UINT64_MAX);
	assert_int_equal(runs.number, 1);
	assert_int_equal(runs.run[0].first, UINT64_MAX - MIB + 1 + 16 * PAGE);
	assert_int_equal(runs.run[0].last, UINT64_MAX);
	assert_int_equal(mock_pages(rig.mock, mock_newest(rig.mock)), 65 * MIB / PAGE - 16);
	assert_int_equal(guest_hide(&rig.guest, area), 0);
	assert_int_equal(mock_pages(rig.mock, mock_newest(rig.mock)), 64 * MIB / PAGE);
	viommu_domain_destroy(direct);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 0);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	rig_end(&rig);
}

/* A direct domain whose window covers a part of a slot. */
static void test_direct_window(void **state)
{
	struct viommu_slot file = { .size = sizeof(file), .prot = VIOMMU_RW, .gpa = GIB, .bytes = MIB, .fd = 0, .offset = 7 * PAGE };
	struct viommu_domain *direct;
	unsigned char *hva = NULL;
	struct direct_runs runs;
	struct rig rig;
	uint32_t prot;

	(void)state;
	rig_begin(&rig, &plain);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 1, 0, UINT64_MAX, &direct), -EINVAL);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, PAGE, PAGE - 1, &direct), -EINVAL);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, 0, PAGE, &direct), -EINVAL);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, PBA, PBA + MIB, PBA + 3 * MIB - 1, &direct), 0);
	runs = direct_runs(direct, 0, UINT64_MAX);
	assert_int_equal(runs.number, 1);
	assert_int_equal(runs.run[0].first, PBA + MIB);
	assert_int_equal(runs.run[0].last, PBA + 3 * MIB - 1);
	assert_int_equal(runs.run[0].gpa, MIB);
	runs = direct_runs(direct, PBA + 2 * MIB + 5, PBA + 2 * MIB + PAGE + 1);
	assert_int_equal(runs.run[0].first, PBA + 2 * MIB);
	assert_int_equal(runs.run[0].last, PBA + 2 * MIB + 2 * PAGE - 1);
	assert_true(mock_reach(rig.mock, mock_newest(rig.mock), PBA + 2 * MIB, &hva, &prot));
	assert_ptr_equal(hva, guest_hva(&rig.guest, 2 * MIB));
	assert_false(mock_reach(rig.mock, mock_newest(rig.mock), PBA + 3 * MIB, &hva, &prot));
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	viommu_domain_destroy(direct);
	/* For memory of a file: the mock host compares the offset in the file. */
	file.hva = guest_hva(&rig.guest, MIB);
	assert_int_equal(viommu_slot_add(rig.guest.vm, &file), 0);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, GIB + 16 * PAGE, GIB + 32 * PAGE - 1, &direct), 0);
	assert_int_equal(mock_pages(rig.mock, mock_newest(rig.mock)), 16);
	assert_int_equal(rig.mock->breaches, 0);
	viommu_domain_destroy(direct);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, GIB), 0);
	rig_end(&rig);
}

/* A slot that one of several direct domains cannot map is added to none. */
static void test_all_or_none(void **state)
{
	struct viommu_domain *direct[3];
	struct mock_space *space[3];
	struct area *area;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	area = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, 0, UINT64_MAX, &direct[i]), 0);
		space[i] = mock_newest(rig.mock);
	}
	for (uint64_t at = 1; at <= 3; at++) {
		mock_fail(rig.mock, MOCK_MAP, at, false, ENOSPC);
		assert_int_equal(guest_show(&rig.guest, area), -ENOSPC);
		for (unsigned int i = 0; i < 3; i++) {
			assert_int_equal(mock_pages(rig.mock, space[i]), 64 * MIB / PAGE);
			assert_int_equal(space[i]->unflushed.number, 0);
		}
		assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	}
	assert_int_equal(guest_show(&rig.guest, area), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(mock_pages(rig.mock, space[i]), 65 * MIB / PAGE);
		viommu_domain_destroy(direct[i]);
	}
	rig_end(&rig);
}

/*
 * One host accepted the slot, another refused, and the first one fails to remove it: the slot stays
 * on record and charged, until it can be removed.
 */
static void test_half_added(void **state)
{
	struct viommu_domain *direct[3];
	struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .gpa = GIB, .bytes = MIB, .fd = -1 };
	struct area *area;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	area = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
	slot.hva = area->memory;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, 0, UINT64_MAX, &direct[i]), 0);
	mock_fail(rig.mock, MOCK_MAP, 2, false, EIO);
	mock_fail(rig.mock, MOCK_UNMAP, 1, false, EIO);
	assert_int_equal(viommu_slot_add(rig.guest.vm, &slot), -EBUSY);
	assert_int_equal(guest_pinned(&rig.guest), 65 * MIB);
	assert_int_equal(viommu_slot_add(rig.guest.vm, &slot), -EEXIST);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, GIB), 0);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	for (unsigned int i = 0; i < 3; i++)
		viommu_domain_destroy(direct[i]);
	rig_end(&rig);
}

/*
 * Two slots with adjacent memory: a run crosses both, and the removal of one leaves the other's
 * part.
 */
static void test_run_over_two_slots(void **state)
{
	struct viommu_refresh_result result;
	struct area *lower, *upper;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	lower = guest_area(&rig.guest, GIB, 2 * MIB, VIOMMU_RW);
	upper = guest_area_split(&rig.guest, lower, MIB);
	assert_int_equal(guest_show(&rig.guest, lower), 0);
	assert_int_equal(guest_show(&rig.guest, upper), 0);
	rig_domain(&rig);
	tables_map(&rig.tables, PBA, 512, GIB, VIOMMU_RW);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA, 512, &result), 0);
	assert_int_equal(rig.mock->calls[MOCK_MAP], 1);
	rig_check(&rig);
	assert_int_equal(guest_hide(&rig.guest, lower), 0);
	rig_check(&rig);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 256);
	rig_end(&rig);
}

/*
 * A host that fails: the slot stays, pinned as far as it is mapped; nothing new is established in
 * it; the next try succeeds.
 */
static void test_removal_fails(void **state)
{
	static const enum mock_call calls[] = { MOCK_UNMAP, MOCK_FLUSH };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct viommu_refresh_result result;
		struct viommu_domain *direct;
		struct area *area;
		struct rig rig;

		rig_begin(&rig, &plain);
		area = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
		assert_int_equal(guest_show(&rig.guest, area), 0);
		tables_map(&rig.tables, PBA, 10, GIB, VIOMMU_RW);
		rig_domain(&rig);
		mock_fail(rig.mock, calls[i], 1, false, EIO);
		assert_int_equal(guest_hide(&rig.guest, area), -EIO);
		assert_int_equal(guest_pinned(&rig.guest), 10 * PAGE);
		check_books_after_failure(rig.mock, &rig.guest, &rig.subject, 1);
		tables_map(&rig.tables, PBA + 10 * PAGE, 10, GIB + 10 * PAGE, VIOMMU_RW);
		assert_int_equal(rig_refresh(&rig, PBA + 10 * PAGE, 10, &result), 0);
		assert_int_equal(result.established, 0);
		assert_int_equal(result.unbacked, 10);
		/*
		 * The walk has the same result for pages there that are established and for those
		 * that are not.
		 */
		for (unsigned int page = 0; page < 20; page += 10) {
			struct viommu_fault fault = { 0 };
			struct viommu_run run = { .prot = VIOMMU_RW };

			assert_int_equal(viommu_domain_walk(rig.subject.domain, PBA + page * PAGE, &run, &fault), -EFAULT);
			assert_int_equal(fault.reason, VIOMMU_FAULT_LEAF_UNBACKED);
			assert_int_equal(run.prot, 0);
			assert_int_equal(run.tables, VIOMMU_RW);
		}
		/* Nor in a new direct domain. */
		assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, 0, UINT64_MAX, &direct), 0);
		assert_int_equal(mock_pages(rig.mock, mock_newest(rig.mock)), 64 * MIB / PAGE);
		assert_int_equal(direct_runs(direct, 0, UINT64_MAX).number, 1);
		assert_int_equal(
			viommu_slot_add(
				rig.guest.vm,
				&(struct viommu_slot){
					.size = sizeof(struct viommu_slot), .prot = VIOMMU_RW, .gpa = GIB, .bytes = PAGE, .hva = area->memory, .fd = -1 }),
			-EEXIST);
		assert_int_equal(guest_hide(&rig.guest, area), 0);
		assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
		viommu_domain_destroy(direct);
		assert_int_equal(guest_pinned(&rig.guest), 0);
		rig_check(&rig);
		assert_int_equal(guest_show(&rig.guest, area), 0);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		rig_check(&rig);
		rig_end(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_removal_reaches_everywhere),
		cmocka_unit_test(test_all_or_none),
		cmocka_unit_test(test_half_added),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tables_in_a_slot),
		cmocka_unit_test(test_read_only_slot),
		cmocka_unit_test(test_last_slot),
		cmocka_unit_test(test_direct_window),
		cmocka_unit_test(test_run_over_two_slots),
		cmocka_unit_test(test_removal_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
