/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * viommu_lookup(): against the runs of the domain, and where slots end, alias, or permit less than
 * the tables.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench.h"

static struct viommu_extent lookup(struct bench *bench, uint64_t iova, uint64_t last)
{
	struct viommu_extent extent = { .size = sizeof(extent) };

	assert_int_equal(viommu_lookup(bench->reader, iova, last, &extent, NULL), 0);
	assert_int_equal(extent.size, sizeof(extent));
	assert_true(extent.first <= iova && extent.last >= iova);
	return extent;
}

static void expect(struct bench *bench, uint64_t iova, uint64_t last, struct viommu_extent right)
{
	struct viommu_extent extent = lookup(bench, iova, last);

	assert_int_equal(extent.first, right.first);
	assert_int_equal(extent.last, right.last);
	assert_int_equal(extent.gpa, right.gpa);
	assert_int_equal(extent.prot, right.prot);
	assert_ptr_equal(extent.hva, right.hva);
}

static void expect_fault(struct bench *bench, uint64_t iova, uint32_t reason)
{
	struct viommu_extent extent = { .size = sizeof(extent), .gpa = 1 };
	struct viommu_fault fault = { 0 };

	assert_int_equal(viommu_lookup(bench->reader, iova, iova, &extent, &fault), -EFAULT);
	assert_int_equal(fault.reason, reason);
	assert_int_equal(fault.iova, iova);
	assert_int_equal(fault.access, 0);
	assert_int_equal(fault.pasid, VIOMMU_NO_PASID);
	assert_int_equal(extent.gpa, 1);
	assert_int_equal(viommu_lookup(bench->reader, iova, iova, &extent, NULL), -EFAULT);
}

static void extents(bool soft)
{
	struct viommu_extent extent = { .size = sizeof(extent) };
	struct bench bench;
	struct guest *guest = &bench.rig.guest;

	bench_begin(&bench, soft, false);
	tables_map(&bench.rig.tables, PBA, 3, MIB, VIOMMU_RW);
	tables_map(&bench.rig.tables, PBA + 3 * PAGE, 1, MIB + 3 * PAGE, VIOMMU_READ);
	tables_map(&bench.rig.tables, PBA + 5 * PAGE, 1, 2 * MIB, VIOMMU_RW);
	bench_refresh(&bench);
	/* As much as was asked for, in whole pages, but not beyond other rights or a hole. */
	expect(&bench, PBA + 5, PBA + 5, (struct viommu_extent){ 0, VIOMMU_RW, PBA, PBA + PAGE - 1, MIB, guest_hva(guest, MIB) });
	expect(&bench, PBA + 5, PBA + PAGE, (struct viommu_extent){ 0, VIOMMU_RW, PBA, PBA + 2 * PAGE - 1, MIB, guest_hva(guest, MIB) });
	expect(&bench, PBA, UINT64_MAX, (struct viommu_extent){ 0, VIOMMU_RW, PBA, PBA + 3 * PAGE - 1, MIB, guest_hva(guest, MIB) });
	expect(&bench, PBA + 3 * PAGE + 9, UINT64_MAX,
	       (struct viommu_extent){ 0, VIOMMU_READ, PBA + 3 * PAGE, PBA + 4 * PAGE - 1, MIB + 3 * PAGE, guest_hva(guest, MIB + 3 * PAGE) });
	expect_fault(&bench, PBA + 4 * PAGE, VIOMMU_FAULT_NOT_PRESENT);
	expect_fault(&bench, PBA - 1, VIOMMU_FAULT_APERTURE);
	expect_fault(&bench, UINT64_MAX, VIOMMU_FAULT_APERTURE);

	assert_int_equal(viommu_lookup(bench.reader, PBA + 1, PBA, &extent, NULL), -EINVAL);
	extent.size = VIOMMU_EXTENT_SIZE_V0 - 1;
	assert_int_equal(viommu_lookup(bench.reader, PBA, PBA, &extent, NULL), -EINVAL);
	assert_int_equal(viommu_lookup(bench.reader, PBA, PBA, NULL, NULL), -EINVAL);

	/* Invalidated, and mapped elsewhere. */
	tables_map(&bench.rig.tables, PBA, 1, 4 * MIB, VIOMMU_RW);
	tables_unmap(&bench.rig.tables, PBA + PAGE, 1);
	bench_refresh(&bench);
	expect(&bench, PBA, UINT64_MAX, (struct viommu_extent){ 0, VIOMMU_RW, PBA, PBA + PAGE - 1, 4 * MIB, guest_hva(guest, 4 * MIB) });
	expect_fault(&bench, PBA + PAGE, VIOMMU_FAULT_NOT_PRESENT);
	assert_int_equal(viommu_device_detach(bench.device, VIOMMU_NO_PASID), 0);
	expect_fault(&bench, PBA, VIOMMU_FAULT_BLOCKED);
	bench_end(&bench);
}

static void test_extents(void **state)
{
	(void)state;
	extents(true);
	extents(false);
}

/* Slots whose memory is contiguous although their GPAs are not, aliases, and read-only slots. */
static void slots(bool soft)
{
	struct viommu_domain *direct;
	struct viommu_extent extent;
	struct bench bench;
	struct guest *guest = &bench.rig.guest;
	struct area *lower, *upper, *alias;

	bench_begin(&bench, soft, false);
	lower = guest_area(guest, GIB, 4 * PAGE, VIOMMU_RW);
	upper = guest_area_split(guest, lower, 2 * PAGE);
	upper->gpa = 2 * GIB;
	assert_int_equal(guest_show(guest, lower), 0);
	assert_int_equal(guest_show(guest, upper), 0);
	tables_map(&bench.rig.tables, PBA, 2, GIB, VIOMMU_RW);
	tables_map(&bench.rig.tables, PBA + 2 * PAGE, 2, 2 * GIB, VIOMMU_RW);
	bench_refresh(&bench);
	expect(&bench, PBA, UINT64_MAX, (struct viommu_extent){ 0, VIOMMU_RW, PBA, PBA + 2 * PAGE - 1, GIB, lower->memory });
	extent = lookup(&bench, PBA + 3 * PAGE, UINT64_MAX);
	assert_true(extent.first >= PBA + 2 * PAGE);
	assert_int_equal(extent.last, PBA + 4 * PAGE - 1);
	assert_int_equal(extent.gpa, 2 * GIB + (extent.first - (PBA + 2 * PAGE)));
	assert_ptr_equal(extent.hva, upper->memory + (extent.first - (PBA + 2 * PAGE)));

	/* A read-only alias below: it is not the GPA of a translation that permits stores. */
	alias = &guest->area[guest->areas++];
	*alias = *lower;
	alias->gpa = GIB / 2;
	alias->prot = VIOMMU_READ;
	assert_int_equal(guest_show(guest, alias), 0);
	expect(&bench, PBA, UINT64_MAX, (struct viommu_extent){ 0, VIOMMU_RW, PBA, PBA + 2 * PAGE - 1, GIB, lower->memory });
	/* Through the alias, or for loads alone, either GPA is right: the lowest is given. */
	tables_map(&bench.rig.tables, PBA, 1, GIB, VIOMMU_READ);
	tables_map(&bench.rig.tables, PBA + PAGE, 1, GIB / 2 + PAGE, VIOMMU_READ);
	bench_refresh(&bench);
	assert_int_equal(lookup(&bench, PBA, PBA).gpa, GIB / 2);
	assert_int_equal(lookup(&bench, PBA + PAGE, PBA + PAGE).prot, VIOMMU_READ);
	assert_int_equal(guest_hide(guest, alias), 0);
	assert_int_equal(lookup(&bench, PBA, PBA).gpa, GIB);
	expect_fault(&bench, PBA + PAGE, VIOMMU_FAULT_NOT_PRESENT);

	/* A direct domain: an extent ends with its slot. */
	assert_int_equal(viommu_domain_create_direct(guest->vm, bench.host, 0, 0, 4 * GIB - 1, &direct), 0);
	assert_int_equal(viommu_domain_attach(direct, bench.device, VIOMMU_NO_PASID), 0);
	extent = lookup(&bench, GIB + PAGE + 1, UINT64_MAX);
	assert_true(extent.first >= GIB);
	assert_int_equal(extent.last, GIB + 2 * PAGE - 1);
	assert_int_equal(extent.gpa, extent.first);
	assert_ptr_equal(extent.hva, lower->memory + (extent.first - GIB));
	expect_fault(&bench, GIB + 2 * PAGE, VIOMMU_FAULT_NOT_PRESENT);
	viommu_domain_destroy(direct);
	assert_int_equal(guest_hide(guest, lower), 0);
	assert_int_equal(guest_hide(guest, upper), 0);
	guest->areas--;
	bench_end(&bench);
}

static void test_slots(void **state)
{
	(void)state;
	slots(true);
	slots(false);
}

/* Appends a run to a list that ends with one without rights. */
static int append(void *ctx, const struct viommu_run *run)
{
	struct viommu_run *list = ctx;
	unsigned int i = 0;

	while (list[i].prot)
		i++;
	list[i] = *run;
	return 0;
}

#define PAGES 600u

static void random_tables(bool soft)
{
	static struct viommu_run list[PAGES + 1];
	uint64_t random = 7, seen = 0;
	struct bench bench;

	bench_begin(&bench, soft, false);
	for (unsigned int round = 0; round < 40; round++) {
		for (unsigned int i = 0; i < 60; i++) {
			uint64_t page, pages;

			random = random * UINT64_C(6364136223846793005) + 1;
			page = (random >> 20) % PAGES;
			pages = 1 + (random >> 32) % 5;
			if (page + pages > PAGES)
				continue;
			if (random >> 62)
				tables_map(&bench.rig.tables, PBA + page * PAGE, pages, MIB + ((random >> 40) % 64) * PAGE,
					   (random >> 50) % 8 ? VIOMMU_RW : VIOMMU_READ);
			else
				tables_unmap(&bench.rig.tables, PBA + page * PAGE, pages);
		}
		bench_refresh(&bench);
		memset(list, 0, sizeof(list));
		assert_int_equal(viommu_domain_each_run(bench.domain, 0, UINT64_MAX, append, list), 0);
		for (uint64_t page = 0, at = 0; page < PAGES; page++) {
			uint64_t iova = PBA + page * PAGE + page % PAGE;
			const struct viommu_run *run;
			struct viommu_extent extent;

			while (list[at].prot && list[at].last < iova)
				at++;
			run = &list[at];
			if (!run->prot || run->first > iova) {
				expect_fault(&bench, iova, VIOMMU_FAULT_NOT_PRESENT);
				continue;
			}
			extent = lookup(&bench, iova, UINT64_MAX);
			assert_true(extent.first >= run->first);
			assert_int_equal(extent.last, run->last);
			assert_int_equal(extent.gpa, run->gpa + (extent.first - run->first));
			assert_int_equal(extent.prot, run->prot);
			assert_ptr_equal(extent.hva, guest_hva(&bench.rig.guest, extent.gpa));
			seen++;
		}
	}
	assert_true(seen > 5000);
	bench_end(&bench);
}

static void test_random(void **state)
{
	(void)state;
	random_tables(true);
	random_tables(false);
}

/* The slots change between the look-up of the memory and that of the GPA. */
static struct {
	const struct host_ops *ops;
	struct guest *guest;
	struct area *home, *away;
} swap;

static int lookup_and_swap(struct host_space *space, uint64_t iova, struct host_mapping *mapping, uint64_t *generation)
{
	int error = swap.ops->lookup(space, iova, mapping, generation);

	if (swap.home->shown) {
		assert_int_equal(guest_hide(swap.guest, swap.home), 0);
		assert_int_equal(guest_show(swap.guest, swap.away), 0);
	}
	return error;
}

static void test_swapped_slots(void **state)
{
	struct host_ops ops;
	struct bench bench;

	(void)state;
	bench_begin(&bench, false, false);
	swap.guest = &bench.rig.guest;
	swap.home = guest_area(swap.guest, GIB, PAGE, VIOMMU_RW);
	swap.away = &swap.guest->area[swap.guest->areas++];
	*swap.away = *swap.home;
	swap.away->gpa = 2 * GIB;
	assert_int_equal(guest_show(swap.guest, swap.home), 0);
	tables_map(&bench.rig.tables, PBA, 1, GIB, VIOMMU_RW);
	bench_refresh(&bench);
	swap.ops = bench.host->ops;
	ops = *swap.ops;
	ops.lookup = lookup_and_swap;
	bench.host->ops = &ops;
	expect_fault(&bench, PBA, VIOMMU_FAULT_NOT_PRESENT);
	assert_false(swap.home->shown);
	bench.host->ops = swap.ops;
	assert_int_equal(guest_hide(swap.guest, swap.away), 0);
	swap.guest->areas--;
	bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extents),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_swapped_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
