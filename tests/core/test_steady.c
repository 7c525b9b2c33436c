/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Repeated operations of a guest allocate nothing after the first few. Operations that need no
 * memory allocate nothing the first time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/shadow/shadow.h"
#include "port_wrap.h"
#include "rig.h"

enum { ROUNDS = 20, WARM = 3 };

/* Maps and unmaps pages, each time at other IOVAs of a small window and other frames. */
static void cycle(struct viommu_domain *domain, struct tables *tables, unsigned int round, uint64_t pages)
{
	uint64_t iova = PBA + round % WARM * 4096 * PAGE;

	tables_map(tables, iova, pages, round * PAGE, VIOMMU_RW);
	assert_int_equal(viommu_domain_refresh(domain, iova, iova + pages * PAGE - 1, NULL), 0);
	if (pages > 2) {
		tables_unmap(tables, iova + pages / 2 * PAGE, 1);
		assert_int_equal(viommu_domain_refresh(domain, iova + pages / 2 * PAGE, iova + pages / 2 * PAGE, NULL), 0);
	}
	tables_unmap(tables, iova, pages);
	assert_int_equal(viommu_domain_refresh(domain, iova, iova + pages * PAGE - 1, NULL), 0);
}

static void steady(struct viommu_host *host, struct rig *rig)
{
	static const uint64_t sizes[] = { 1, 16, 4096 };
	struct viommu_domain *domain = tables_domain(&rig->tables, host, NULL);

	for (unsigned int size = 0; size < 3; size++) {
		uint64_t before = 0;

		for (unsigned int round = 0; round < ROUNDS; round++) {
			if (round == WARM)
				before = port_wrap.allocs;
			cycle(domain, &rig->tables, round, sizes[size]);
		}
		assert_int_equal(port_wrap.allocs, before);
	}
	/* Includes a refresh of everything that finds no change. */
	assert_int_equal(viommu_domain_refresh(domain, 0, UINT64_MAX, NULL), 0);
	viommu_domain_destroy(domain);
}

static void test_steady(void **state)
{
	struct viommu_host *soft;
	struct rig rig;

	(void)state;
	assert_int_equal(viommu_host_soft_create(&soft), 0);
	for (unsigned int split = 0; split < 2; split++) {
		rig_begin(&rig, &(struct rig_options){ .mock.split = split });
		/* The counts of a slot's pages are allocated once, for its lifetime. */
		steady(soft, &rig);
		steady(&rig.mock->host, &rig);
		rig_end(&rig);
	}
	viommu_host_destroy(soft);
	assert_int_equal(port_wrap.outstanding, 0);
	assert_int_equal(port_wrap.bytes, 0);
}

/*
 * Tables that only name GPAs without memory: no node is made for them, nor on the way there. So the
 * answer is never a lack of memory. The one allocation is that of room for notes, which is tried again.
 */
static void test_unbacked(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;
	uint64_t bytes;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .aperture = 64 * GIB });
	rig_domain(&rig);
	bytes = rig_stats(&rig).shadow_bytes;
	for (uint64_t i = 0; i < 16; i++)
		tables_map(&rig.tables, PBA + i * 4 * GIB, 1, 3 * GIB, VIOMMU_RW);
	port_wrap.fail_at = 1;
	assert_int_equal(rig_refresh_all(&rig, &result), 0);
	port_wrap.fail_at = 0;
	assert_int_equal(result.unbacked, 16);
	assert_int_equal(rig_stats(&rig).shadow_bytes, bytes + SHADOW_WORK * sizeof(struct shadow_work));
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_unbacked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
