/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The calls that a refresh makes to its host, and their order: as few as possible, one flush
 * between all removals and all mappings, and nothing outside the named range.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/vm.h"
#include "rig.h"

static const struct rig_options plain;
static const struct rig_options splitting = { .mock.split = true };

static void expect_calls(const struct mock_host *mock, uint64_t maps, uint64_t unmaps, uint64_t flushes)
{
	assert_int_equal(mock->calls[MOCK_MAP], maps);
	assert_int_equal(mock->calls[MOCK_UNMAP], unmaps);
	assert_int_equal(mock->calls[MOCK_FLUSH], flushes);
}

/* Pages made valid together are one mapping, also over many tables, and are removed as one. */
static void run_is_one_call(const struct rig_options *options, uint64_t pages)
{
	struct viommu_refresh_result result;
	struct rig rig;

	rig_begin(&rig, options);
	rig_domain(&rig);
	tables_map(&rig.tables, PBA + 5 * PAGE, pages, MIB, VIOMMU_RW);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA + 5 * PAGE, pages, &result), 0);
	expect_calls(rig.mock, 1, 0, 0);
	assert_int_equal(result.established, pages);
	assert_int_equal(result.released, 0);
	assert_int_equal(result.steps, 1);
	rig_check(&rig);

	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA + 5 * PAGE, pages, &result), 0);
	expect_calls(rig.mock, 0, 0, 0);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	expect_calls(rig.mock, 0, 0, 0);
	assert_int_equal(result.established + result.released, 0);

	tables_unmap(&rig.tables, PBA + 5 * PAGE, pages);
	assert_int_equal(rig_refresh(&rig, PBA + 5 * PAGE, pages, &result), 0);
	expect_calls(rig.mock, 0, 1, 1);
	assert_int_equal(result.released, pages);
	assert_int_equal(rig_stats(&rig).host_splits, 0);
	rig_check(&rig);
	rig_end(&rig);
}

static void test_256_pages(void **state)
{
	(void)state;
	run_is_one_call(&plain, 256);
	run_is_one_call(&splitting, 256);
}

static void test_4096_pages(void **state)
{
	(void)state;
	run_is_one_call(&plain, 4096);
	run_is_one_call(&splitting, 4096);
}

/*
 * Every other page of 20,000, each changed to another frame: all removals, one flush, then all
 * mappings.
 */
static void test_scattered_changes_flush_once(void **state)
{
	const uint64_t changes = 10000;
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .guest_bytes = 128 * MIB, .aperture = 128 * MIB });
	for (uint64_t i = 0; i < changes; i++)
		tables_map(&rig.tables, PBA + 2 * i * PAGE, 1, i % 1000 * PAGE, VIOMMU_RW);
	rig_domain(&rig);
	for (uint64_t i = 0; i < changes; i++)
		tables_map(&rig.tables, PBA + 2 * i * PAGE, 1, (1000 + i % 1000) * PAGE, VIOMMU_RW);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	expect_calls(rig.mock, changes, changes, 1);
	assert_int_equal(result.released, changes);
	assert_int_equal(result.established, changes);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	check_true(rig.mock, &rig.subject, PBA, PBA + 1000 * PAGE - 1);
	rig_end(&rig);
}

/* The VM's charge without the VM's lock, as seen from within a call to the host. */
static uint64_t charged(struct viommu_vm *vm)
{
	return pins_load(&vm->pins.charged);
}

struct order {
	struct rig *rig;
	uint64_t charged_at[MOCK_CALLS];
};

static void watch_order(void *ctx, struct mock_space *space, const struct mock_event *event)
{
	struct order *order = ctx;

	(void)space;
	order->charged_at[event->call] = charged(order->rig->guest.vm);
}

/* unmap, flush, unpin, and only then new pages. */
static void test_order(void **state)
{
	struct order order;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	tables_map(&rig.tables, PBA, 3, MIB, VIOMMU_RW);
	tables_map(&rig.tables, PBA + 10 * PAGE, 3, 2 * MIB, VIOMMU_RW);
	rig_domain(&rig);
	assert_int_equal(guest_pinned(&rig.guest), 6 * PAGE);
	tables_unmap(&rig.tables, PBA, 3);
	tables_map(&rig.tables, PBA + 5 * PAGE, 2, 3 * MIB, VIOMMU_RW);
	tables_map(&rig.tables, PBA + 11 * PAGE, 1, 4 * MIB, VIOMMU_RW);
	order = (struct order){ .rig = &rig };
	rig.mock->watch = watch_order;
	rig.mock->watch_ctx = &order;
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	rig.mock->watch = NULL;
	expect_calls(rig.mock, 3, 2, 1);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(rig.mock->event[i].call, i < 2 ? MOCK_UNMAP : i == 2 ? MOCK_FLUSH : MOCK_MAP);
	assert_int_equal(order.charged_at[MOCK_UNMAP], 6);
	assert_int_equal(order.charged_at[MOCK_FLUSH], 6);
	assert_int_equal(order.charged_at[MOCK_MAP], 5);
	rig_check(&rig);
	rig_end(&rig);
}

/*
 * An upper entry changes, and a refresh names a part of its range: that part changes, the rest
 * stays.
 */
static void exact_range(unsigned int level)
{
	uint64_t old_gpa = MIB, new_gpa = 2 * MIB, gpa;
	struct rig rig;
	uint32_t prot;
	uint64_t entry;

	rig_begin(&rig, &(struct rig_options){ .level = 4 });
	tables_map(&rig.tables, PBA, 256, old_gpa, VIOMMU_RW);
	rig_domain(&rig);

	/* New tables from this level down, to other pages. */
	entry = tables_entry(&rig.tables, PBA, level);
	guest_store(&rig.guest, entry, STE_INVALID);
	tables_map(&rig.tables, PBA, 256, new_gpa, VIOMMU_RW);
	assert_int_equal(rig_refresh(&rig, PBA + 100 * PAGE, 16, NULL), 0);
	for (uint64_t i = 0; i < 256; i++) {
		assert_true(check_at(&rig.subject, PBA + i * PAGE, &gpa, &prot));
		assert_int_equal(gpa, (i >= 100 && i < 116 ? new_gpa : old_gpa) + i * PAGE);
	}
	check_books(rig.mock, &rig.guest, &rig.subject, 1);

	/* The same for an entry that becomes invalid. */
	guest_store(&rig.guest, entry, STE_INVALID);
	assert_int_equal(rig_refresh(&rig, PBA + 110 * PAGE, 30, NULL), 0);
	for (uint64_t i = 0; i < 256; i++)
		assert_int_equal(check_at(&rig.subject, PBA + i * PAGE, &gpa, &prot), i < 110 || i >= 140);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	rig_check(&rig);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 0);
	rig_end(&rig);
}

static void test_exact_range(void **state)
{
	(void)state;
	for (unsigned int level = 1; level <= 4; level++)
		exact_range(level);
}

/* Rights are removed and granted at every level. */
static void test_rights(void **state)
{
	struct viommu_refresh_result result;

	(void)state;
	for (unsigned int level = 0; level <= 4; level++) {
		struct rig rig;
		uint64_t gpa, pages = level ? 20 : 1;

		rig_begin(&rig, &(struct rig_options){ .level = 4 });
		tables_map(&rig.tables, PBA, 20, MIB, VIOMMU_RW);
		rig_domain(&rig);
		gpa = tables_entry(&rig.tables, PBA, level);
		for (unsigned int round = 0; round < 4; round++) {
			guest_store(&rig.guest, gpa, guest_load(&rig.guest, gpa) ^ PROTECTED);
			mock_forget(rig.mock);
			assert_int_equal(rig_refresh(&rig, PBA, 20, &result), 0);
			assert_int_equal(result.released, pages);
			assert_int_equal(result.established, pages);
			assert_int_equal(rig.mock->calls[MOCK_FLUSH], 1);
			rig_check(&rig);
		}
		/* The level at which a right is removed does not matter to the host. */
		guest_store(&rig.guest, gpa, guest_load(&rig.guest, gpa) | PROTECTED);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		tables_map(&rig.tables, PBA, pages, MIB, VIOMMU_READ);
		if (level)
			guest_store(&rig.guest, gpa, guest_load(&rig.guest, gpa) & ~PROTECTED);
		mock_forget(rig.mock);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		expect_calls(rig.mock, 0, 0, 0);
		/*
		 * And back up, and then granted: this shows whether the record of the rights moved
		 * with them.
		 */
		if (level) {
			tables_unmap(&rig.tables, PBA, pages);
			assert_int_equal(rig_refresh_all(&rig, NULL), 0);
			tables_map(&rig.tables, PBA, pages, MIB, VIOMMU_READ);
			assert_int_equal(rig_refresh_all(&rig, NULL), 0);
			mock_forget(rig.mock);
			tables_map(&rig.tables, PBA, pages, MIB, VIOMMU_RW);
			guest_store(&rig.guest, gpa, guest_load(&rig.guest, gpa) | PROTECTED);
			assert_int_equal(rig_refresh_all(&rig, NULL), 0);
			assert_int_equal(rig_refresh_all(&rig, NULL), 0);
			expect_calls(rig.mock, 0, 0, 0);
		}
		guest_store(&rig.guest, gpa, guest_load(&rig.guest, gpa) & ~PROTECTED);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_int_equal(result.established, pages);
		rig_check(&rig);
		rig_end(&rig);
	}
}

/*
 * Another table with the same content, at any level; a frame of 1 MiB instead of a table of its
 * pages, and back: no call to the host.
 */
static void test_same_content(void **state)
{
	struct viommu_refresh_result result;
	uint64_t table, gpa;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .level = 3 });
	tables_map(&rig.tables, PBA, 256, MIB, VIOMMU_RW);
	rig_domain(&rig);
	table = naive_next_table(guest_load(&rig.guest, tables_entry(&rig.tables, PBA, 1)), 1, false);
	mock_forget(rig.mock);
	for (unsigned int level = 1; level <= 3; level++) {
		guest_store(&rig.guest, tables_entry(&rig.tables, PBA, level), STE_INVALID);
		tables_map(&rig.tables, PBA, 256, MIB, VIOMMU_RW);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_int_equal(result.established + result.released, 0);
	}
	/* The guest may reuse the old table. */
	guest_store(&rig.guest, table, UINT64_MAX);
	gpa = tables_entry(&rig.tables, PBA, 1);
	table = guest_load(&rig.guest, gpa);
	guest_store(&rig.guest, gpa, MIB | STE_FRAME);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	guest_store(&rig.guest, gpa, table);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	expect_calls(rig.mock, 0, 0, 0);
	rig_check(&rig);
	rig_end(&rig);
}

/* A frame of 1 MiB that is refreshed from its middle on. */
static void test_frame_from_the_middle(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;
	uint32_t prot;
	uint64_t gpa;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	tables_set(&rig.tables, PBA + MIB, 1, 7 * MIB | STE_FRAME);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA + MIB + 100 * PAGE, 50, &result), 0);
	expect_calls(rig.mock, 1, 0, 0);
	assert_int_equal(result.established, 50);
	assert_true(check_at(&rig.subject, PBA + MIB + 120 * PAGE, &gpa, &prot));
	assert_int_equal(gpa, 7 * MIB + 120 * PAGE);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 50);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	assert_int_equal(rig_refresh(&rig, PBA + MIB, 256, &result), 0);
	assert_int_equal(result.established, 206);
	rig_check(&rig);
	/* The frame moves by less than its size: these address bits are ignored. */
	tables_set(&rig.tables, PBA + MIB, 1, 7 * MIB | 0x800 | STE_FRAME);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	expect_calls(rig.mock, 0, 0, 0);
	/* Part of it is removed. */
	tables_set(&rig.tables, PBA + MIB, 1, STE_INVALID);
	assert_int_equal(rig_refresh(&rig, PBA + MIB + 130 * PAGE, 3, &result), 0);
	assert_int_equal(result.released, 3);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 253);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	rig_end(&rig);
}

/* A refresh in steps has the same result as one without. */
static void test_steps(void **state)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	config.step_entries = 1;
	for (unsigned int round = 0; round < 2; round++) {
		rig_begin(&rig, &(struct rig_options){ .config = config, .mock.split = round });
		rig_domain(&rig);
		tables_map(&rig.tables, PBA, 12000, 0, VIOMMU_RW);
		assert_int_equal(rig_refresh(&rig, PBA, 12288, &result), 0);
		assert_true(result.steps >= 6);
		assert_int_equal(result.established, 12000);
		rig_check(&rig);
		/* Many pages are removed, many are added, some become protected. */
		tables_unmap(&rig.tables, PBA + 1000 * PAGE, 5000);
		tables_map(&rig.tables, PBA + 3000 * PAGE, 1500, 40 * PAGE, VIOMMU_RW);
		tables_map(&rig.tables, PBA + 11000 * PAGE, 2000, 0, VIOMMU_READ);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_true(result.steps >= 3);
		rig_check(&rig);
		tables_set(&rig.tables, PBA, 2, STE_INVALID);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 0);
		rig_check(&rig);
		rig_end(&rig);
	}
}

/* Ranges are widened to pages and clipped to the aperture; a range outside it is an error. */
static void test_ranges(void **state)
{
	struct viommu_refresh_result result = { 0 };
	struct viommu_domain *domain;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	domain = rig.subject.domain;
	tables_map(&rig.tables, PBA, 3, MIB, VIOMMU_RW);
	tables_map(&rig.tables, PBA - PAGE, 1, MIB, VIOMMU_RW);
	tables_map(&rig.tables, rig.tables.pal + 1, 1, MIB, VIOMMU_RW);
	assert_int_equal(viommu_domain_refresh(domain, PBA + PAGE + 1, PBA + PAGE + 1, &result), 0);
	assert_int_equal(result.established, 1);
	assert_int_equal(viommu_domain_refresh(domain, PBA + PAGE - 1, PBA + 2 * PAGE, &result), 0);
	assert_int_equal(result.established, 2);
	assert_int_equal(viommu_domain_refresh(domain, 0, PBA - 1, &result), -34 /* ERANGE */);
	assert_int_equal(viommu_domain_refresh(domain, rig.tables.pal + 1, UINT64_MAX, &result), -34);
	assert_int_equal(viommu_domain_refresh(domain, PBA + 2, PBA + 1, &result), -34);
	assert_int_equal(viommu_domain_refresh(domain, 0, UINT64_MAX, &result), 0);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 3);
	rig_check(&rig);
	rig_end(&rig);
}

/*
 * A page that a host failed to remove stays in doubt until it is removed, whatever else fails
 * meanwhile.
 */
static void test_doubt_stays(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .mock.split = true });
	tables_map(&rig.tables, PBA, 2, MIB, VIOMMU_RW);
	rig_domain(&rig);
	for (unsigned int i = 0; i < 2; i++) {
		tables_unmap(&rig.tables, PBA + i * PAGE, 1);
		mock_fail(rig.mock, MOCK_UNMAP, 1, false, EIO);
		assert_int_equal(rig_refresh(&rig, PBA + i * PAGE, 1, NULL), -EIO);
	}
	/* The tables are as before: the host may still have lost the page. */
	tables_map(&rig.tables, PBA, 2, MIB, VIOMMU_RW);
	for (unsigned int i = 0; i < 2; i++) {
		mock_forget(rig.mock);
		assert_int_equal(rig_refresh(&rig, PBA + i * PAGE, 1, NULL), 0);
		assert_int_equal(rig.mock->calls[MOCK_UNMAP], 1);
		assert_int_equal(rig.mock->calls[MOCK_MAP], 1);
	}
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA, 2, NULL), 0);
	assert_int_equal(rig.mock->calls[MOCK_UNMAP], 0);
	rig_check(&rig);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_256_pages),
		cmocka_unit_test(test_4096_pages),
		cmocka_unit_test(test_scattered_changes_flush_once),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_exact_range),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_same_content),
		cmocka_unit_test(test_frame_from_the_middle),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_doubt_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
