/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rare events: the log when a host fails, illegal arguments of a VMM, reports that are stopped,
 * direct domains whose slots are adjacent or beyond the last IOVA, a page with more IOVAs than a
 * small count can hold.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viommu/vfio.h>

#include "port_wrap.h"
#include "rig.h"

struct told {
	unsigned int errors;
	uint64_t a, b;
};

static void on_log(void *ctx, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b)
{
	struct told *told = ctx;

	assert_int_equal(level, VIOMMU_LOG_ERROR);
	assert_true(what && *what);
	told->errors++;
	told->a = a;
	told->b = b;
}

/*
 * The log has a host that fails to map, to remove, or to detach a device; and nothing while all is
 * well.
 */
static void test_failures_are_logged(void **state)
{
	struct told told = { .errors = 0 };
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT, .aperture = MIB };
	struct viommu_device *device;
	struct rig rig;

	(void)state;
	options.config.log = on_log;
	options.config.log_ctx = &told;
	rig_begin(&rig, &options);
	rig_domain(&rig);
	tables_map(&rig.tables, PBA, 3, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(told.errors, 0);

	tables_map(&rig.tables, PBA + 10 * PAGE, 2, 2 * MIB, VIOMMU_RW);
	mock_fail(rig.mock, MOCK_MAP, 1, false, EIO);
	assert_int_equal(rig_refresh(&rig, PBA + 10 * PAGE, 2, NULL), -ENOSPC);
	assert_int_equal(told.errors, 1);
	assert_true(told.a == PBA + 10 * PAGE && told.b == PBA + 12 * PAGE - 1);

	tables_unmap(&rig.tables, PBA, 3);
	mock_fail(rig.mock, MOCK_UNMAP, 1, false, EIO);
	assert_int_equal(rig_refresh(&rig, PBA, 3, NULL), -EIO);
	assert_int_equal(told.errors, 2);
	assert_int_equal(told.a, EIO);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	rig_check(&rig);

	assert_int_equal(viommu_device_create(rig.guest.vm, &rig.mock->host, NULL, &device), 0);
	assert_int_equal(viommu_device_vfio_fd(device), -1);
	assert_int_equal(viommu_domain_attach(rig.subject.domain, device, VIOMMU_NO_PASID), 0);
	mock_fail(rig.mock, MOCK_DETACH, 1, true, EBUSY);
	viommu_domain_destroy(rig.subject.domain);
	rig.subject.domain = NULL;
	assert_int_equal(told.errors, 3);
	viommu_device_destroy(device);
	mock_fail(rig.mock, MOCK_DETACH, 0, false, 0);
	rig_end(&rig);
}

/* A lack of memory is no failure of the host: it gets as much of a run as fits. */
static void test_host_is_short(void **state)
{
	static const int errors[] = { ENOMEM, ENOSPC };
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .aperture = MIB });
	rig_domain(&rig);
	for (unsigned int i = 0; i < 2; i++) {
		tables_map(&rig.tables, PBA, 16, MIB, VIOMMU_RW);
		mock_fail(rig.mock, MOCK_MAP, 1, false, errors[i]);
		assert_int_equal(rig_refresh(&rig, PBA, 16, NULL), 0);
		rig_check(&rig);
		tables_unmap(&rig.tables, PBA, 16);
		assert_int_equal(rig_refresh(&rig, PBA, 16, NULL), 0);
	}
	rig_end(&rig);
}

/*
 * One page of a run is released on a host that removes only whole mappings, and the host fails to
 * map a part of the rest again: outside the range (the first two calls), or within. Where it fails
 * once, that part is tried again, and is there. Where it fails for good, it is lost, and the answer
 * is an error that counts it.
 */
static void test_tried_again(void **state)
{
	static const uint64_t lost[] = { 10 + 129 + 10 + 50, 129 + 10 + 50, 10 + 50, 50 };

	(void)state;
	for (unsigned int at = 0; at < 2 * sizeof(lost) / sizeof(lost[0]); at++) {
		bool for_good = at % 2;
		struct viommu_refresh_result result;
		struct rig rig;

		rig_begin(&rig, &(struct rig_options){ .aperture = MIB });
		rig_domain(&rig);
		tables_map(&rig.tables, PBA, 200, MIB, VIOMMU_RW);
		assert_int_equal(rig_refresh(&rig, PBA, 200, NULL), 0);
		tables_unmap(&rig.tables, PBA + 20 * PAGE, 1);
		mock_fail(rig.mock, MOCK_MAP, at / 2 + 1, for_good, EIO);
		assert_int_equal(rig_refresh(&rig, PBA + 10 * PAGE, 61, &result), for_good ? -ENOSPC : 0);
		assert_int_equal(result.unestablished, for_good ? lost[at / 2] : 0);
		assert_int_equal(check_pages(&rig.subject, PBA, UINT64_MAX), 199 - result.unestablished);
		check_books(rig.mock, &rig.guest, &rig.subject, 1);
		mock_fail(rig.mock, MOCK_MAP, 0, false, 0);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		rig_check(&rig);
		rig_end(&rig);
	}
}

/*
 * An aperture with more aliases of the top table than are compared together; the mapped page is in
 * none of the entries with their index.
 */
static void test_many_aliases(void **state)
{
	const uint64_t aliases = 70, reach = UINT64_C(1) << 42, iova = UINT64_C(100) << 31;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .aperture = MIB, .mock.split = true });
	rig.tables.pba = 0;
	rig.tables.pal = aliases * reach - 1;
	tables_map(&rig.tables, iova, 1, MIB, VIOMMU_RW);
	rig_domain(&rig);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), aliases);
	for (uint64_t i = 0; i < aliases; i++)
		check_true(rig.mock, &rig.subject, i * reach + iova, i * reach + iova + PAGE - 1);
	tables_unmap(&rig.tables, iova, 1);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 0);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	rig_end(&rig);
}

static void test_configs_that_cannot_be(void **state)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_vm *vm = NULL;

	(void)state;
	assert_int_equal(viommu_vm_create(NULL, &vm), -EINVAL);
	config.size = 0;
	assert_int_equal(viommu_vm_create(&config, &vm), -EINVAL);
	config.size = 3;
	assert_int_equal(viommu_vm_create(&config, &vm), -EINVAL);
	config.size = sizeof(config);
	config.pin = 2;
	assert_int_equal(viommu_vm_create(&config, &vm), -EINVAL);
	assert_null(vm);
	viommu_vm_destroy(NULL);
	viommu_domain_destroy(NULL);
	viommu_domain_destroy(NULL);
	viommu_device_destroy(NULL);
	viommu_reader_destroy(NULL);
	viommu_host_destroy(NULL);
}

/* Stops at the n-th run. */
struct stopper {
	unsigned int runs, at;
	struct viommu_run run;
};

static int stop_at(void *ctx, const struct viommu_run *run)
{
	struct stopper *stopper = ctx;

	stopper->run = *run;
	return ++stopper->runs == stopper->at ? 42 : 0;
}

/*
 * Runs in one block, in adjacent blocks, and in other tables: the report can be stopped at any of
 * them.
 */
static void test_report_is_stopped(void **state)
{
	static const unsigned int pages[] = { 1, 3, 5, 70, 300, 301, 700 };
	const unsigned int number = 6; /* 300 and 301 are one */
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .aperture = 4 * MIB });
	for (unsigned int i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		tables_map(&rig.tables, PBA + pages[i] * PAGE, 1, MIB + pages[i] * PAGE, VIOMMU_RW);
	rig_domain(&rig);
	for (unsigned int at = 1; at <= number; at++) {
		struct stopper stopper = { .at = at };

		assert_int_equal(viommu_domain_each_run(rig.subject.domain, 0, UINT64_MAX, stop_at, &stopper), 42);
		assert_int_equal(stopper.runs, at);
		assert_true(stopper.run.first == PBA + pages[at > 5 ? 6 : at - 1] * PAGE);
	}
	rig_end(&rig);
}

/*
 * Adjacent slots with the same rights are one run of a direct domain; those whose IOVAs would wrap
 * are in none.
 */
static void test_direct_runs(void **state)
{
	struct viommu_domain *direct;
	struct stopper stopper = { .at = 0 };
	struct rig rig;
	struct area *first, *second, *far;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .guest_bytes = 16 * MIB });
	first = guest_area(&rig.guest, GIB, 2 * MIB, VIOMMU_RW);
	second = guest_area_split(&rig.guest, first, MIB);
	far = guest_area(&rig.guest, UINT64_MAX - MIB + 1, MIB, VIOMMU_RW);
	assert_int_equal(guest_show(&rig.guest, first), 0);
	assert_int_equal(guest_show(&rig.guest, second), 0);
	assert_int_equal(guest_show(&rig.guest, far), 0);
	assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 4 * GIB, 0, UINT64_MAX, &direct), 0);
	assert_int_equal(mock_pages(rig.mock, mock_newest(rig.mock)), 18 * MIB / PAGE);
	/* All of it is pinned, reached or not. */
	assert_int_equal(guest_pinned(&rig.guest), 19 * MIB);
	assert_int_equal(viommu_domain_each_run(direct, 0, UINT64_MAX, stop_at, &stopper), 0);
	assert_int_equal(stopper.runs, 2);
	assert_true(stopper.run.first == 5 * GIB && stopper.run.last == 5 * GIB + 2 * MIB - 1 && stopper.run.gpa == GIB);
	stopper = (struct stopper){ .at = 1 };
	assert_int_equal(viommu_domain_each_run(direct, 5 * GIB + PAGE, UINT64_MAX, stop_at, &stopper), 42);
	assert_true(stopper.run.first == 5 * GIB + PAGE && stopper.run.gpa == GIB + PAGE);
	/* The one beyond is removed, then the others, in the order in which they were added. */
	assert_int_equal(guest_hide(&rig.guest, far), 0);
	assert_int_equal(guest_hide(&rig.guest, first), 0);
	assert_int_equal(mock_pages(rig.mock, mock_newest(rig.mock)), 17 * MIB / PAGE);
	viommu_domain_destroy(direct);
	rig_end(&rig);
}

/* One page at 70 000 IOVAs: charged once, until the last of them is released. */
static void test_many_names(void **state)
{
	const uint64_t names = 70000;
	struct rig rig;

	(void)state;
	port_wrap.outstanding = 0;
	rig_begin(&rig, &(struct rig_options){ .aperture = 512 * MIB, .mock.split = true });
	for (uint64_t i = 0; i < names; i++)
		tables_map(&rig.tables, PBA + i * PAGE, 1, MIB, VIOMMU_RW);
	rig_domain(&rig);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), names);
	assert_int_equal(guest_pinned(&rig.guest), PAGE);
	tables_unmap(&rig.tables, PBA + PAGE, names - 1);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), PAGE);
	rig_check(&rig);
	tables_unmap(&rig.tables, PBA, 1);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 0);
	rig_end(&rig);
	assert_int_equal(port_wrap.outstanding, 0);
}

/*
 * A refresh in steps; the host fails to remove a page in the first one. The success of the later
 * steps does not hide that.
 */
static void test_first_step_fails(void **state)
{
	const uint64_t pages = 64 * 256;
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT, .guest_bytes = 256 * MIB };
	struct viommu_refresh_result result = { 0 };
	struct rig rig;

	(void)state;
	options.config.step_entries = VIOMMU_LEAST_STEP_ENTRIES;
	rig_begin(&rig, &options);
	rig_domain(&rig);
	tables_map(&rig.tables, PBA, pages, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	tables_unmap(&rig.tables, PBA, pages);
	mock_fail(rig.mock, MOCK_UNMAP, 1, false, EIO);
	assert_int_equal(rig_refresh_all(&rig, &result), -EIO);
	assert_true(result.steps > 2);
	assert_int_not_equal(guest_pinned(&rig.guest), 0);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 0);
	rig_check(&rig);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures_are_logged), cmocka_unit_test(test_configs_that_cannot_be),
		cmocka_unit_test(test_report_is_stopped),   cmocka_unit_test(test_host_is_short),
		cmocka_unit_test(test_tried_again),	    cmocka_unit_test(test_many_aliases),
		cmocka_unit_test(test_direct_runs),	    cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_first_step_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
