/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * viommu_device_set_notifier(): a cache of translations outside the library, which is emptied by
 * what is reported, has nothing that the device does not reach.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <viommu/mapped.h>

#include "bench.h"

#define PAGES 256u

/* An IOTLB: the GPA of each page, or nothing. */
struct cache {
	uint64_t gpa[PAGES];
	bool known[PAGES];
	unsigned int reports, wide; /* wide: of all IOVAs */
	uint64_t first, last;	    /* of the latest report */
};
static struct cache cache;

static void forget(void *ctx, uint64_t first, uint64_t last)
{
	struct cache *at = ctx;

	assert_true(first <= last);
	at->reports++;
	at->wide += !first && last == UINT64_MAX;
	at->first = first;
	at->last = last;
	for (uint64_t page = 0; page < PAGES; page++)
		if (PBA + page * PAGE <= last && PBA + page * PAGE + (PAGE - 1) >= first)
			at->known[page] = false;
}

/* With a notifier, which empties the cache. */
static void start(struct bench *bench, bool soft, bool split)
{
	cache = (struct cache){ .reports = 0 };
	bench_begin(bench, soft, split);
	assert_int_equal(viommu_device_detach(bench->device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_device_set_notifier(bench->device, VIOMMU_NO_PASID, forget, &cache), 0);
	assert_int_equal(viommu_domain_attach(bench->domain, bench->device, VIOMMU_NO_PASID), 0);
	assert_int_equal(cache.reports, 0);
}

static bool look(struct bench *bench, uint64_t page, uint64_t *gpa)
{
	struct viommu_extent extent = { .size = sizeof(extent) };
	uint64_t iova = PBA + page * PAGE;

	if (viommu_lookup(bench->reader, iova, iova, &extent, NULL))
		return false;
	*gpa = extent.gpa + (iova - extent.first);
	return true;
}

/* The cache has nothing that the device does not reach. Then it takes in all of it. */
static void check(struct bench *bench)
{
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t gpa = 0;
		bool reached = look(bench, page, &gpa);

		if (cache.known[page])
			assert_true(reached && gpa == cache.gpa[page]);
		cache.known[page] = reached;
		cache.gpa[page] = gpa;
	}
}

static uint64_t next(uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + 1;
	return *random >> 20;
}

static void random_refreshes(bool soft, bool split)
{
	uint64_t random = 3;
	struct bench bench;

	start(&bench, soft, split);
	for (unsigned int round = 0; round < 400; round++) {
		uint64_t first = next(&random) % PAGES, pages;

		for (unsigned int i = 0; i < 8; i++) {
			uint64_t page = next(&random) % (PAGES - 8);

			if (next(&random) % 3)
				tables_map(&bench.rig.tables, PBA + page * PAGE, 1 + next(&random) % 8, MIB + next(&random) % 512 * PAGE, VIOMMU_RW);
			else
				tables_unmap(&bench.rig.tables, PBA + page * PAGE, 1 + next(&random) % 8);
		}
		pages = 1 + next(&random) % (round % 4 ? 20 : PAGES);
		assert_int_equal(viommu_domain_refresh(bench.domain, PBA + first * PAGE, PBA + (first + pages) * PAGE - 1, NULL), 0);
		check(&bench);
	}
	assert_true(cache.reports > 200);
	assert_int_equal(cache.wide, 0);
	bench_end(&bench);
}

static void test_random(void **state)
{
	(void)state;
	random_refreshes(true, true);
	random_refreshes(false, true);
	random_refreshes(false, false);
}

/* Exactly what was taken away, in as few ranges as there can be; nothing where nothing was. */
static void test_ranges(void **state)
{
	struct bench bench;

	(void)state;
	start(&bench, true, true);
	tables_map(&bench.rig.tables, PBA, 200, MIB, VIOMMU_RW);
	assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
	assert_int_equal(cache.reports, 0);
	tables_unmap(&bench.rig.tables, PBA + 10 * PAGE, 5);
	assert_int_equal(viommu_domain_refresh(bench.domain, PBA, PBA + 13 * PAGE - 1, NULL), 0);
	assert_int_equal(cache.reports, 1);
	assert_int_equal(cache.first, PBA + 10 * PAGE);
	assert_int_equal(cache.last, PBA + 13 * PAGE - 1);
	assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
	assert_int_equal(cache.reports, 2);
	/* More ranges than there is room for: the last one is wide. */
	for (unsigned int i = 0; i < 20; i++)
		tables_unmap(&bench.rig.tables, PBA + (20 + 2 * i) * PAGE, 1);
	assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
	assert_int_equal(cache.reports, 2 + 8);
	assert_int_equal(cache.first, PBA + (20 + 2 * 7) * PAGE);
	assert_int_equal(cache.last, PBA + (20 + 2 * 19 + 1) * PAGE - 1);
	bench_end(&bench);
}

/* Detached, moved, and with a domain that is destroyed; then without the notifier. */
static void test_attachments(void **state)
{
	struct viommu_domain *direct;
	struct viommu_device *other;
	struct bench bench;

	(void)state;
	for (unsigned int soft = 0; soft < 2; soft++) {
		start(&bench, soft, true);
		tables_map(&bench.rig.tables, PBA, 4, MIB, VIOMMU_RW);
		assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
		check(&bench);
		assert_int_equal(viommu_device_detach(bench.device, VIOMMU_NO_PASID), 0);
		assert_int_equal(cache.wide, 1);
		check(&bench);
		assert_int_equal(viommu_domain_attach(bench.domain, bench.device, VIOMMU_NO_PASID), 0);
		assert_int_equal(cache.wide, 1);
		check(&bench);
		assert_int_equal(viommu_domain_create_direct(bench.rig.guest.vm, bench.host, 0, 0, UINT64_C(0xffffffffff), &direct), 0);
		assert_int_equal(viommu_domain_attach(direct, bench.device, VIOMMU_NO_PASID), 0);
		assert_int_equal(cache.wide, 2);
		check(&bench);
		/* Releases in the domain that it left are not reported. */
		tables_unmap(&bench.rig.tables, PBA, 4);
		assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
		assert_int_equal(cache.reports, 2);
		viommu_domain_destroy(direct);
		assert_int_equal(cache.wide, 3);
		check(&bench);
		assert_int_equal(viommu_domain_attach(bench.domain, bench.device, VIOMMU_NO_PASID), 0);
		/*
		 * Another device of the domain, without a notifier, and one that has it no longer.
		 */
		assert_int_equal(viommu_device_create(bench.rig.guest.vm, bench.host, NULL, &other), 0);
		assert_int_equal(viommu_domain_attach(bench.domain, other, VIOMMU_NO_PASID), 0);
		assert_int_equal(viommu_device_set_notifier(bench.device, VIOMMU_NO_PASID, NULL, NULL), 0);
		tables_map(&bench.rig.tables, PBA, 4, MIB, VIOMMU_RW);
		assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
		tables_unmap(&bench.rig.tables, PBA, 4);
		assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
		assert_int_equal(cache.reports, 3);
		/* Set while it is attached. */
		assert_int_equal(viommu_device_set_notifier(other, VIOMMU_NO_PASID, forget, &cache), 0);
		tables_map(&bench.rig.tables, PBA, 4, MIB, VIOMMU_RW);
		assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
		tables_unmap(&bench.rig.tables, PBA, 4);
		assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
		assert_int_equal(cache.reports, 4);
		assert_int_equal(cache.wide, 3);
		viommu_device_destroy(other);
		assert_int_equal(cache.wide, 4);
		bench_end(&bench);
	}
}

/* Requests of a paravirtual guest, and slots that are removed, with any kind of domain. */
static void test_slots_and_requests(void **state)
{
	struct viommu_mapped *mapped;
	struct viommu_domain *direct;
	struct bench bench;
	struct area *area;

	(void)state;
	start(&bench, true, true);
	area = guest_area(&bench.rig.guest, GIB, MIB, VIOMMU_RW);
	assert_int_equal(guest_show(&bench.rig.guest, area), 0);
	tables_map(&bench.rig.tables, PBA + 7 * PAGE, 2, GIB, VIOMMU_RW);
	assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
	check(&bench);
	assert_int_equal(guest_hide(&bench.rig.guest, area), 0);
	assert_int_equal(cache.reports, 1);
	assert_int_equal(cache.first, PBA + 7 * PAGE);
	assert_int_equal(cache.last, PBA + 9 * PAGE - 1);
	check(&bench);

	assert_int_equal(viommu_mapped_create(bench.rig.guest.vm, bench.host, 0, UINT64_C(0xffffffffff), &mapped), 0);
	assert_int_equal(viommu_domain_attach(viommu_mapped_domain(mapped), bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_mapped_map(mapped, PBA, PBA + 8 * PAGE - 1, MIB, VIOMMU_RW), 0);
	check(&bench);
	cache.reports = 0;
	assert_int_equal(viommu_mapped_unmap(mapped, PBA, PBA + 8 * PAGE - 1), 0);
	assert_int_equal(cache.reports, 1);
	assert_int_equal(cache.last, PBA + 8 * PAGE - 1);
	check(&bench);

	assert_int_equal(guest_show(&bench.rig.guest, area), 0);
	assert_int_equal(viommu_domain_create_direct(bench.rig.guest.vm, bench.host, PBA - GIB, 0, UINT64_C(0xffffffffff), &direct), 0);
	assert_int_equal(viommu_domain_attach(direct, bench.device, VIOMMU_NO_PASID), 0);
	check(&bench);
	cache.reports = 0;
	assert_int_equal(guest_hide(&bench.rig.guest, area), 0);
	assert_int_equal(cache.reports, 1);
	assert_int_equal(cache.first, PBA);
	assert_int_equal(cache.last, PBA + MIB - 1);
	check(&bench);
	viommu_domain_destroy(direct);
	viommu_domain_destroy(viommu_mapped_domain(mapped));
	bench_end(&bench);
}

static void test_pasids(void **state)
{
	struct cache of_pasid = { .reports = 0 };
	struct bench bench;

	(void)state;
	start(&bench, true, true);
	assert_int_equal(viommu_device_set_notifier(bench.device, 5, forget, &of_pasid), 0);
	assert_int_equal(viommu_device_set_notifier(bench.device, UINT32_MAX - 1, forget, &of_pasid), -EINVAL);
	tables_map(&bench.rig.tables, PBA, 4, MIB, VIOMMU_RW);
	assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
	assert_int_equal(viommu_domain_attach(bench.domain, bench.device, 5), 0);
	tables_unmap(&bench.rig.tables, PBA, 4);
	assert_int_equal(viommu_domain_refresh(bench.domain, 0, UINT64_MAX, NULL), 0);
	assert_int_equal(of_pasid.reports, 1);
	assert_int_equal(cache.reports, 1);
	assert_int_equal(viommu_device_detach(bench.device, 5), 0);
	assert_int_equal(of_pasid.wide, 1);
	assert_int_equal(cache.wide, 0);
	/* The notifier stays, attached or not. */
	assert_int_equal(viommu_domain_attach(bench.domain, bench.device, 5), 0);
	viommu_device_destroy(bench.device);
	assert_int_equal(of_pasid.wide, 2);
	assert_int_equal(cache.wide, 1);
	bench.device = NULL;
	bench_end(&bench);

	start(&bench, false, true);
	assert_int_equal(viommu_device_set_notifier(bench.device, 5, forget, &of_pasid), -EOPNOTSUPP);
	bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_ranges), cmocka_unit_test(test_attachments), cmocka_unit_test(test_slots_and_requests),
		cmocka_unit_test(test_pasids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
