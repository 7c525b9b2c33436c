/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Refcounts of pages: beyond 16 bits, in runs that cross the ends of slots and of chunks of counts,
 * and from several domains at once.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

/* A guest maps one scratch page everywhere, and unmaps it a piece at a time. */
static void test_named_often(void **state)
{
	const uint64_t names = 2 * 65536 + 3;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .mock.split = true, .guest_bytes = 64 * MIB, .aperture = 1024 * MIB });
	rig_domain(&rig);
	/* A neighbour on each side, which is named once. */
	tables_map(&rig.tables, PBA + 600 * MIB, 3, 5 * PAGE, VIOMMU_RW);
	for (uint64_t i = 0; i < names; i++)
		tables_map(&rig.tables, PBA + i * PAGE, 1, 6 * PAGE, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	rig_check(&rig);
	assert_int_equal(guest_pinned(&rig.guest), 3 * PAGE);
	for (uint64_t part = 0; part < 4; part++) {
		uint64_t first = part * names / 4, last = (part + 1) * names / 4;

		tables_unmap(&rig.tables, PBA + first * PAGE, last - first);
		assert_int_equal(rig_refresh(&rig, PBA + first * PAGE, last - first, NULL), 0);
		assert_int_equal(guest_pinned(&rig.guest), 3 * PAGE);
	}
	tables_unmap(&rig.tables, PBA + 600 * MIB + PAGE, 1);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(guest_pinned(&rig.guest), 2 * PAGE);
	rig_check(&rig);
	rig_end(&rig);
}

/*
 * A run of which some pages do not fit into the budget, and some are pinned already: as many pages
 * as fit are established.
 */
static void test_part_of_a_run(void **state)
{
	struct viommu_refresh_result result = { 0 };
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .mock.split = true });
	rig_domain(&rig);
	/* Pages 512 - 8 to 512 + 7 cross a chunk; the fourth and the last are pinned already. */
	tables_map(&rig.tables, PBA + MIB, 1, 507 * PAGE, VIOMMU_RW);
	tables_map(&rig.tables, PBA + MIB + PAGE, 1, 519 * PAGE, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	viommu_vm_set_pin_budget(rig.guest.vm, 9 * PAGE);
	tables_map(&rig.tables, PBA, 16, 504 * PAGE, VIOMMU_RW);
	assert_int_equal(rig_refresh(&rig, PBA, 16, &result), -ENOSPC);
	assert_int_equal(result.established, 9);
	assert_int_equal(result.unestablished, 7);
	assert_int_equal(guest_pinned(&rig.guest), 9 * PAGE);
	viommu_vm_set_pin_budget(rig.guest.vm, 16 * PAGE);
	assert_int_equal(rig_refresh(&rig, PBA, 16, &result), 0);
	assert_int_equal(result.established, 7);
	assert_int_equal(guest_pinned(&rig.guest), 16 * PAGE);
	rig_check(&rig);
	rig_end(&rig);
}

/*
 * Several domains name the same pages again and again, with a budget for exactly these: it is never
 * too small, and nothing is left in the end.
 */
enum { NAMERS = 4, TIMES = 1500, TOGETHER = 24 };

struct namer {
	pthread_t thread;
	struct tables tables;
	struct viommu_domain *domain;
	pthread_barrier_t *start;
	unsigned int failures;
};

static void *name_and_forget(void *ctx)
{
	struct namer *namer = ctx;
	uint64_t iova = namer->tables.pba;

	pthread_barrier_wait(namer->start);
	for (unsigned int i = 0; i < TIMES; i++) {
		tables_map(&namer->tables, iova, TOGETHER, 500 * PAGE, VIOMMU_RW);
		namer->failures += viommu_domain_refresh(namer->domain, iova, iova + TOGETHER * PAGE - 1, NULL) != 0;
		tables_unmap(&namer->tables, iova, TOGETHER);
		namer->failures += viommu_domain_refresh(namer->domain, iova, iova + TOGETHER * PAGE - 1, NULL) != 0;
	}
	return NULL;
}

static void test_exact_fit_together(void **state)
{
	struct viommu_host *soft;
	struct namer namer[NAMERS];
	pthread_barrier_t start;
	struct rig rig;

	(void)state;
	assert_int_equal(pthread_barrier_init(&start, NULL, NAMERS), 0);
	rig_begin(&rig, &(struct rig_options){ .mock.split = true });
	assert_int_equal(viommu_host_soft_create(&soft), 0);
	viommu_vm_set_pin_budget(rig.guest.vm, TOGETHER * PAGE);
	for (unsigned int i = 0; i < NAMERS; i++) {
		namer[i].failures = 0;
		namer[i].start = &start;
		tables_init(&namer[i].tables, &rig.guest, 2, PBA, PBA + 64 * MIB - 1);
		tables_entry(&namer[i].tables, PBA, 0);
		namer[i].domain = tables_domain(&namer[i].tables, soft, NULL);
		assert_non_null(namer[i].domain);
	}
	for (unsigned int i = 0; i < NAMERS; i++)
		assert_int_equal(pthread_create(&namer[i].thread, NULL, name_and_forget, &namer[i]), 0);
	for (unsigned int i = 0; i < NAMERS; i++) {
		pthread_join(namer[i].thread, NULL);
		assert_int_equal(namer[i].failures, 0);
	}
	assert_int_equal(guest_pinned(&rig.guest), 0);
	for (unsigned int i = 0; i < NAMERS; i++)
		viommu_domain_destroy(namer[i].domain);
	viommu_host_destroy(soft);
	rig_end(&rig);
	pthread_barrier_destroy(&start);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named_often),
		cmocka_unit_test(test_part_of_a_run),
		cmocka_unit_test(test_exact_fit_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
