/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pin budget: each page is charged once, an exact fit is a success, a guest can make room, and
 * everything is uncharged in the end.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

static struct rig_options with_budget(uint64_t pages, uint32_t pin)
{
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT };

	options.config.pin_budget = pages * PAGE;
	options.config.pin = pin;
	return options;
}

static void begin(struct rig *rig, uint64_t pages)
{
	const struct rig_options options = with_budget(pages, VIOMMU_PIN_ON_REFRESH);

	rig_begin(rig, &options);
	rig_domain(rig);
}

/*
 * As many pages as the budget allows are mapped; one more is refused and does not affect the
 * others.
 */
static void test_exact_fit(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	begin(&rig, 100);
	tables_map(&rig.tables, PBA, 100, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh(&rig, PBA, 100, &result), 0);
	assert_int_equal(guest_pinned(&rig.guest), 100 * PAGE);
	assert_int_equal(result.unestablished, 0);
	rig_check(&rig);
	tables_map(&rig.tables, PBA + 300 * PAGE, 1, 3 * MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	assert_int_equal(result.unestablished, 1);
	assert_int_equal(rig_stats(&rig).insufficient, 1);
	check_not_stale(rig.mock, &rig.subject, PBA, rig.tables.pal);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 100);
	/* Each refresh tries it again. */
	viommu_vm_set_pin_budget(rig.guest.vm, 101 * PAGE);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	assert_int_equal(result.established, 1);
	rig_check(&rig);
	rig_end(&rig);
}

/* One page less than needed, at a registration: it fails, and leaves nothing behind. */
static void test_registration_that_does_not_fit(void **state)
{
	const struct rig_options options = with_budget(99, VIOMMU_PIN_ON_REFRESH);
	struct rig rig;
	int error;

	(void)state;
	rig_begin(&rig, &options);
	tables_map(&rig.tables, PBA, 100, MIB, VIOMMU_RW);
	assert_null(tables_domain(&rig.tables, &rig.mock->host, &error));
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(guest_pinned(&rig.guest), 0);
	assert_null(rig.mock->spaces);
	/*
	 * A malformed entry elsewhere (a segment's, of a region's type) does not hide the shortage.
	 */
	tables_set(&rig.tables, PBA + 8 * MIB, 1, 0x4);
	assert_null(tables_domain(&rig.tables, &rig.mock->host, &error));
	assert_int_equal(error, -ENOSPC);
	viommu_vm_set_pin_budget(rig.guest.vm, 100 * PAGE);
	rig_domain(&rig);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 100);
	rig_end(&rig);
}

/*
 * The reaction of a guest to "insufficient resources": it invalidates entries that it does not
 * need, and refreshes everything, new pages included.
 */
static void test_make_room(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	begin(&rig, 100);
	tables_map(&rig.tables, PBA + 200 * PAGE, 100, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	/*
	 * The new pages lie below the removed ones, so they fit only if releases come before
	 * establishes.
	 */
	tables_map(&rig.tables, PBA, 60, 4 * MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh(&rig, PBA, 60, &result), -ENOSPC);
	assert_int_equal(result.unestablished, 60);
	tables_unmap(&rig.tables, PBA + 240 * PAGE, 60);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	assert_int_equal(result.released, 60);
	assert_int_equal(result.established, 60);
	assert_int_equal(guest_pinned(&rig.guest), 100 * PAGE);
	rig_check(&rig);
	/* All pages move at once. */
	for (uint64_t i = 0; i < 60; i++)
		tables_map(&rig.tables, PBA + i * PAGE, 1, 8 * MIB + i * PAGE, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	rig_check(&rig);
	rig_end(&rig);
}

/* A page at many IOVAs and in two domains is charged once, until the last of these is released. */
static void test_charged_once(void **state)
{
	struct subject subjects[2];
	struct tables other;
	struct rig rig;

	(void)state;
	begin(&rig, 3);
	for (uint64_t i = 0; i < 500; i++)
		tables_map(&rig.tables, PBA + i * PAGE, 1, MIB + i % 3 * PAGE, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 3 * PAGE);
	tables_init(&other, &rig.guest, 2, PBA, PBA + 16 * MIB - 1);
	tables_map(&other, PBA, 2, MIB, VIOMMU_READ);
	subjects[0] = rig.subject;
	subjects[1].tables = &other;
	subjects[1].domain = tables_domain(&other, &rig.mock->host, NULL);
	subjects[1].space = mock_newest(rig.mock);
	check_books(rig.mock, &rig.guest, subjects, 2);
	assert_int_equal(guest_pinned(&rig.guest), 3 * PAGE);
	tables_unmap(&rig.tables, PBA, 500);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 2 * PAGE);
	check_books(rig.mock, &rig.guest, subjects, 2);
	viommu_domain_destroy(subjects[1].domain);
	assert_int_equal(guest_pinned(&rig.guest), 0);
	rig_end(&rig);
}

/*
 * A budget below the pinned amount releases nothing. It refuses new pages until enough is released.
 */
static void test_budget_is_lowered(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	begin(&rig, 100);
	tables_map(&rig.tables, PBA, 100, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	viommu_vm_set_pin_budget(rig.guest.vm, 50 * PAGE);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	rig_check(&rig);
	/* Another IOVA of a pinned page needs no budget. */
	tables_map(&rig.tables, PBA + 500 * PAGE, 1, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	tables_map(&rig.tables, PBA + 600 * PAGE, 1, 5 * MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	tables_unmap(&rig.tables, PBA + PAGE, 50);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	assert_int_equal(guest_pinned(&rig.guest), 50 * PAGE);
	tables_unmap(&rig.tables, PBA + 99 * PAGE, 1);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	rig_check(&rig);
	viommu_vm_set_pin_budget(rig.guest.vm, 0);
	tables_unmap(&rig.tables, PBA, 1000);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	tables_map(&rig.tables, PBA, 1, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), -ENOSPC);
	/* Budgets count whole pages. */
	viommu_vm_set_pin_budget(rig.guest.vm, PAGE - 1);
	assert_int_equal(rig_refresh_all(&rig, NULL), -ENOSPC);
	viommu_vm_set_pin_budget(rig.guest.vm, PAGE);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	rig_end(&rig);
}

/* A pinned guest is charged for its slots, regardless of its tables. */
static void test_pinned_guest(void **state)
{
	const struct rig_options options = with_budget(64 * MIB / PAGE + 16, VIOMMU_PIN_GUEST);
	struct area *area;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &options);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	rig_domain(&rig);
	area = guest_area(&rig.guest, GIB, 17 * PAGE, VIOMMU_RW);
	assert_int_equal(guest_show(&rig.guest, area), -EDQUOT);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	area->bytes = 16 * PAGE;
	assert_int_equal(guest_show(&rig.guest, area), 0);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB + 16 * PAGE);
	tables_map(&rig.tables, PBA, 1000, MIB, VIOMMU_RW);
	tables_map(&rig.tables, PBA + 1000 * PAGE, 16, GIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB + 16 * PAGE);
	check_true(rig.mock, &rig.subject, PBA, rig.tables.pal);
	tables_unmap(&rig.tables, PBA, 500);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB + 16 * PAGE);
	assert_int_equal(guest_hide(&rig.guest, area), 0);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	check_true(rig.mock, &rig.subject, PBA, rig.tables.pal);
	viommu_domain_destroy(rig.subject.domain);
	rig.subject.domain = NULL;
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	assert_int_equal(guest_hide(&rig.guest, &rig.guest.area[0]), 0);
	rig_end(&rig);
}

/* A direct domain pins everything; a nested domain next to it pins no more. */
static void test_direct_and_nested(void **state)
{
	const struct rig_options options = with_budget(64 * MIB / PAGE, VIOMMU_PIN_ON_REFRESH);
	struct viommu_domain *direct, *second;
	struct area *area;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &options);
	rig_domain(&rig);
	tables_map(&rig.tables, PBA, 100, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 8 * GIB, 8 * GIB, 9 * GIB - 1, &direct), 0);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, 0, GIB - 1, &second), 0);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	tables_map(&rig.tables, PBA + 100 * PAGE, 100, 2 * MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	/* No further slot fits. */
	area = guest_area(&rig.guest, GIB, PAGE, VIOMMU_RW);
	assert_int_equal(guest_show(&rig.guest, area), -EDQUOT);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	viommu_domain_destroy(direct);
	assert_int_equal(guest_pinned(&rig.guest), 64 * MIB);
	viommu_domain_destroy(second);
	assert_int_equal(guest_pinned(&rig.guest), 200 * PAGE);
	rig_check(&rig);
	viommu_vm_set_pin_budget(rig.guest.vm, 64 * MIB - PAGE);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, 0, GIB - 1, &direct), -EDQUOT);
	assert_int_equal(guest_pinned(&rig.guest), 200 * PAGE);
	rig_end(&rig);
}

/* The removal of a slot unpins its pages. */
static void test_slot_gives_back(void **state)
{
	struct area *area;
	struct rig rig;

	(void)state;
	begin(&rig, 1000);
	area = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
	assert_int_equal(guest_show(&rig.guest, area), 0);
	tables_map(&rig.tables, PBA, 256, GIB, VIOMMU_RW);
	tables_map(&rig.tables, PBA + 256 * PAGE, 10, 0, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 266 * PAGE);
	assert_int_equal(guest_hide(&rig.guest, area), 0);
	assert_int_equal(guest_pinned(&rig.guest), 10 * PAGE);
	rig_check(&rig);
	rig_end(&rig);
}

/* The host's own limit: pages that do not fit there are not charged. */
static void test_host_is_full(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .mock.entry_limit = 10 });
	rig_domain(&rig);
	for (uint64_t i = 0; i < 11; i++)
		tables_map(&rig.tables, PBA + 2 * i * PAGE, 1, MIB + i * PAGE, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	assert_int_equal(result.unestablished, 1);
	assert_int_equal(result.established, 10);
	assert_int_equal(guest_pinned(&rig.guest), 10 * PAGE);
	check_not_stale(rig.mock, &rig.subject, PBA, rig.tables.pal);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	tables_unmap(&rig.tables, PBA, 1);
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	rig_check(&rig);
	/*
	 * To split a run takes more entries than the host has: pages that cannot be mapped again
	 * are released and uncharged.
	 */
	tables_unmap(&rig.tables, PBA, 22);
	tables_map(&rig.tables, PBA + 64 * PAGE, 64, 2 * MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	tables_unmap(&rig.tables, PBA, 256);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	for (uint64_t i = 0; i < 10; i++) {
		tables_map(&rig.tables, PBA + 128 * i * PAGE, 100, 2 * MIB, VIOMMU_RW);
		assert_int_equal(rig_refresh(&rig, PBA + 128 * i * PAGE, 100, &result), 0);
	}
	tables_unmap(&rig.tables, PBA + 50 * PAGE, 1);
	assert_int_equal(rig_refresh(&rig, PBA + 50 * PAGE, 1, &result), -ENOSPC);
	assert_true(result.unestablished && result.released == 1 + result.unestablished);
	check_not_stale(rig.mock, &rig.subject, PBA, rig.tables.pal);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_fit),	  cmocka_unit_test(test_registration_that_does_not_fit),
		cmocka_unit_test(test_make_room),	  cmocka_unit_test(test_charged_once),
		cmocka_unit_test(test_budget_is_lowered), cmocka_unit_test(test_pinned_guest),
		cmocka_unit_test(test_direct_and_nested), cmocka_unit_test(test_slot_gives_back),
		cmocka_unit_test(test_host_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
