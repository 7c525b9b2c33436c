/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Little memory, on the host that keeps its own tables: all available memory is used, and
 * "insufficient resources" is only answered where a page is missing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guest.h"

#define PBA	  (4 * GIB)
#define LIMIT	  MIB
#define PAGES	  UINT64_C(100000) /* whose copies alone do not fit into the limit */
#define MAPPED_TO (512 * MIB)

struct room {
	struct guest guest;
	struct viommu_host *host;
	struct tables tables;
	struct viommu_domain *domain;
};

static void begin(struct room *room)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	config.shadow_bytes = LIMIT;
	assert_int_equal(viommu_host_soft_create(&room->host), 0);
	guest_simple(&room->guest, &config, GIB);
	tables_init(&room->tables, &room->guest, 2, PBA, PBA + 64 * GIB - 1);
	room->domain = tables_domain(&room->tables, room->host, NULL);
	assert_non_null(room->domain);
}

static void end(struct room *room)
{
	viommu_domain_destroy(room->domain);
	assert_int_equal(guest_pinned(&room->guest), 0);
	guest_end(&room->guest);
	viommu_host_destroy(room->host);
}

static int refresh(struct room *room, struct viommu_refresh_result *result)
{
	return viommu_domain_refresh(room->domain, room->tables.pba, room->tables.pal, result);
}

/* The number of pages from PBA on that fit. */
static uint64_t fill(struct room *room)
{
	struct viommu_refresh_result result;

	tables_map(&room->tables, PBA, PAGES, MAPPED_TO, VIOMMU_RW);
	assert_int_equal(refresh(room, &result), -ENOSPC);
	assert_true(result.unestablished > 0);
	return result.established;
}

/* A run that does not fit is mapped in part. */
static void test_part_of_a_run(void **state)
{
	struct room room;
	uint64_t fitted;

	(void)state;
	begin(&room);
	fitted = fill(&room);
	/*
	 * A page takes at most 8 bytes of copy, as many in the host's tables, and its share of the
	 * nodes.
	 */
	assert_true(fitted > LIMIT / 24);
	assert_true(fitted < PAGES);
	assert_int_equal(guest_pinned(&room.guest), fitted * PAGE);
	end(&room);
}

/*
 * Tables that the host kept for pages far from each other, and spare nodes of the shadow, make room
 * for pages that are close together.
 */
static void test_kept_memory_is_given_back(void **state)
{
	struct viommu_refresh_result result;
	uint64_t fresh, again;
	struct room room;
	int error;

	(void)state;
	begin(&room);
	fresh = fill(&room);
	end(&room);

	begin(&room);
	/* One page in each of many segments, until no more fit. */
	for (uint64_t i = 0; i < 400; i++)
		tables_map(&room.tables, PBA + 16 * GIB + i * 8 * MIB, 1, MAPPED_TO + i * PAGE, VIOMMU_RW);
	error = refresh(&room, &result);
	assert_int_equal(error, -ENOSPC);
	for (uint64_t i = 0; i < 400; i++)
		tables_unmap(&room.tables, PBA + 16 * GIB + i * 8 * MIB, 1);
	assert_int_equal(refresh(&room, &result), 0);
	again = fill(&room);
	assert_true(again >= fresh - fresh / 10);
	end(&room);
}

/* The number of pages that fit if each is alone in its table. */
static uint64_t scatter(struct room *room)
{
	struct viommu_refresh_result result;

	for (uint64_t i = 0; i < 400; i++)
		tables_map(&room->tables, PBA + 16 * GIB + i * 2 * MIB, 1, MAPPED_TO + i * PAGE, VIOMMU_RW);
	assert_int_equal(refresh(room, &result), -ENOSPC);
	return result.established;
}

/* Memory that the shadow keeps for later is room for the host's tables, but for a node or two. */
static void test_spare_pieces_are_given_back(void **state)
{
	struct viommu_refresh_result result;
	uint64_t fresh, again;
	struct room room;

	(void)state;
	begin(&room);
	fresh = scatter(&room);
	end(&room);

	begin(&room);
	tables_map(&room.tables, PBA, PAGES / 4, MAPPED_TO, VIOMMU_RW);
	assert_int_equal(refresh(&room, &result), 0);
	tables_unmap(&room.tables, PBA, PAGES / 4);
	assert_int_equal(refresh(&room, &result), 0);
	again = scatter(&room);
	assert_true(again + 6 >= fresh);
	end(&room);
}

/* Tables that name only GPAs without memory need no memory, and are no shortage. */
static void test_unbacked_needs_no_room(void **state)
{
	struct viommu_refresh_result result;
	struct room room;

	(void)state;
	begin(&room);
	fill(&room);
	for (uint64_t i = 0; i < 64; i++)
		tables_map(&room.tables, PBA + 32 * GIB + i * 2 * GIB / 8, 1, 3 * GIB, VIOMMU_RW);
	assert_int_equal(viommu_domain_refresh(room.domain, PBA + 32 * GIB, PBA + 64 * GIB - 1, &result), 0);
	assert_int_equal(result.unbacked, 64);
	assert_int_equal(result.unestablished, 0);
	end(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part_of_a_run),
		cmocka_unit_test(test_kept_memory_is_given_back),
		cmocka_unit_test(test_spare_pieces_are_given_back),
		cmocka_unit_test(test_unbacked_needs_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
