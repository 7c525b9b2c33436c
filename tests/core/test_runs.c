/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hosts that remove only whole mappings: which pages are merged into one mapping, the removal of a
 * part of it, and that the core never requests what such a host does not support.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

static const struct rig_options plain;

/* Fills the tables and refreshes that range alone: one mapping. */
static void make_run(struct rig *rig, uint64_t iova, uint64_t pages, uint64_t gpa)
{
	tables_map(&rig->tables, iova, pages, gpa, VIOMMU_RW);
	mock_forget(rig->mock);
	assert_int_equal(rig_refresh(rig, iova, pages, NULL), 0);
	assert_int_equal(rig->mock->calls[MOCK_MAP], 1);
}

/*
 * A part of a run is removed: at its beginning, in its middle, at its end, and across the ends of
 * blocks and tables. The rest is mapped again afterwards.
 */
static void test_part_of_a_run(void **state)
{
	static const struct {
		uint64_t first, pages;
	} parts[] = { { 0, 1 }, { 17, 1 }, { 999, 1 }, { 0, 64 }, { 64, 64 }, { 100, 300 }, { 936, 64 }, { 255, 2 }, { 1, 998 }, { 0, 999 }, { 1, 999 } };

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct viommu_refresh_result result;
		struct viommu_domain_stats before, after;
		struct rig rig;

		rig_begin(&rig, &plain);
		rig_domain(&rig);
		make_run(&rig, PBA + 11 * PAGE, 1000, MIB);
		tables_unmap(&rig.tables, PBA + (11 + parts[i].first) * PAGE, parts[i].pages);
		mock_forget(rig.mock);
		before = rig_stats(&rig);
		assert_int_equal(rig_refresh(&rig, PBA + (11 + parts[i].first) * PAGE, parts[i].pages, &result), 0);
		after = rig_stats(&rig);
		assert_int_equal(after.host_maps - before.host_maps, rig.mock->calls[MOCK_MAP]);
		assert_int_equal(after.host_unmaps - before.host_unmaps, rig.mock->calls[MOCK_UNMAP]);
		assert_int_equal(after.host_flushes - before.host_flushes, rig.mock->calls[MOCK_FLUSH]);
		assert_int_equal(rig.mock->calls[MOCK_UNMAP], 1);
		assert_int_equal(rig.mock->calls[MOCK_FLUSH], 1);
		/* The rest is one run in front of it, and one after it. */
		assert_int_equal(rig.mock->calls[MOCK_MAP], (parts[i].first > 0) + (parts[i].first + parts[i].pages < 1000));
		assert_int_equal(result.released, parts[i].pages);
		assert_int_equal(result.established, 0);
		assert_int_equal(rig_stats(&rig).host_splits, 1);
		assert_int_equal(rig_stats(&rig).mapped_pages, 1000 - parts[i].pages);
		rig_check(&rig);
		/* Pages that were mapped again can be removed again. */
		tables_unmap(&rig.tables, PBA + 11 * PAGE, 1000);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		rig_check(&rig);
		rig_end(&rig);
	}
}

/*
 * A host whose capacity is exactly the number of mappings. When a page of a mapping changes, its
 * neighbours are mapped again before the page, so that only the page requested by the guest has no
 * room.
 */
static void test_neighbours_come_back_first(void **state)
{
	struct rig_options options = { .mock = { .entry_limit = 1 } };
	struct viommu_refresh_result result;
	struct rig rig;
	uint64_t gpa;
	uint32_t prot;

	(void)state;
	rig_begin(&rig, &options);
	rig_domain(&rig);
	make_run(&rig, PBA, 2, MIB);
	tables_map(&rig.tables, PBA, 1, 3 * MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh(&rig, PBA, 1, &result), -ENOSPC);
	assert_int_equal(result.unestablished, 1);
	assert_false(check_at(&rig.subject, PBA, &gpa, &prot));
	assert_true(check_at(&rig.subject, PBA + PAGE, &gpa, &prot));
	assert_int_equal(gpa, MIB + PAGE);
	check_not_stale(rig.mock, &rig.subject, PBA, PBA + 2 * PAGE - 1);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	/* With one more entry, both fit. */
	rig.mock->host.caps.entry_limit = 2;
	assert_int_equal(rig_refresh(&rig, PBA, 1, NULL), 0);
	rig_check(&rig);
	rig_end(&rig);
}

/*
 * Pages beside the refresh that were removed with a page of it are mapped again before anything
 * else is removed or mapped. Pages within it wait until everything was looked at.
 */
static void test_gap_beside_the_refresh(void **state)
{
	static const struct mock_event expected[] = {
		{ MOCK_UNMAP, PBA, PBA + 10 * PAGE - 1 },
		{ MOCK_MAP, PBA, PBA + 5 * PAGE - 1 },
		{ MOCK_UNMAP, PBA + 10 * PAGE, PBA + 20 * PAGE - 1 },
		{ MOCK_MAP, PBA + 15 * PAGE, PBA + 20 * PAGE - 1 },
		{ MOCK_MAP, PBA + 6 * PAGE, PBA + 10 * PAGE - 1 },
		{ MOCK_MAP, PBA + 10 * PAGE, PBA + 14 * PAGE - 1 },
	};
	size_t at = 0;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	make_run(&rig, PBA, 10, MIB);
	make_run(&rig, PBA + 10 * PAGE, 10, 2 * MIB);
	tables_unmap(&rig.tables, PBA + 5 * PAGE, 1);
	tables_unmap(&rig.tables, PBA + 14 * PAGE, 1);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA + 5 * PAGE, 10, NULL), 0);
	for (size_t i = 0; i < rig.mock->events; i++) {
		const struct mock_event *event = &rig.mock->event[i];

		if (event->call != MOCK_MAP && event->call != MOCK_UNMAP)
			continue;
		assert_true(at < sizeof(expected) / sizeof(expected[0]));
		assert_int_equal(event->call, expected[at].call);
		assert_int_equal(event->first, expected[at].first);
		assert_int_equal(event->last, expected[at].last);
		at++;
	}
	assert_int_equal(at, sizeof(expected) / sizeof(expected[0]));
	rig_check(&rig);
	rig_end(&rig);
}

static bool reaches(struct rig *rig, uint64_t page)
{
	uint64_t gpa;
	uint32_t prot;

	return check_at(&rig->subject, PBA + page * PAGE, &gpa, &prot);
}

/*
 * Pages that a host does not take back for a shortage are not lost for good: refreshes of other
 * ranges map them again as soon as there is room, as the tables say by then.
 */
static void test_lost_neighbours_return(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	make_run(&rig, PBA, 10, MIB);
	tables_unmap(&rig.tables, PBA + 4 * PAGE, 1);
	mock_fail(rig.mock, MOCK_MAP, 1, true, ENOSPC);
	assert_int_equal(rig_refresh(&rig, PBA + 4 * PAGE, 1, &result), -ENOSPC);
	assert_int_equal(result.unestablished, 9);
	assert_int_equal(result.released, 10);
	assert_false(reaches(&rig, 0) || reaches(&rig, 5));
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	/* Still short: that is no failure of this refresh. */
	assert_int_equal(rig_refresh(&rig, PBA + 100 * PAGE, 1, &result), 0);
	assert_int_equal(result.unestablished, 0);
	assert_false(reaches(&rig, 0) || reaches(&rig, 5));
	mock_fail(rig.mock, MOCK_MAP, 0, false, 0);
	tables_unmap(&rig.tables, PBA + 9 * PAGE, 1);
	assert_int_equal(rig_refresh(&rig, PBA + 100 * PAGE, 1, &result), 0);
	assert_int_equal(result.established, 8);
	rig_check(&rig);
	rig_end(&rig);
}

/* Lost pages of a large mapping return by and by: a refresh looks at so many entries. */
static void test_lost_neighbours_are_many(void **state)
{
	enum { PAGES = 2000 };
	struct viommu_refresh_result result;
	unsigned int refreshes = 0;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	make_run(&rig, PBA, PAGES, MIB);
	tables_unmap(&rig.tables, PBA, 1);
	mock_fail(rig.mock, MOCK_MAP, 1, true, ENOSPC);
	assert_int_equal(rig_refresh(&rig, PBA, 1, &result), -ENOSPC);
	assert_int_equal(result.unestablished, PAGES - 1);
	mock_fail(rig.mock, MOCK_MAP, 0, false, 0);
	for (; !reaches(&rig, PAGES - 1); refreshes++) {
		assert_true(refreshes < PAGES);
		assert_int_equal(rig_refresh(&rig, PBA, 1, &result), 0);
		assert_true(result.established && result.entries < 1000);
	}
	assert_true(refreshes > 2);
	rig_check(&rig);
	rig_end(&rig);
}

/* Several parts of one run in one refresh: its mapping is removed once. */
static void test_parts_of_a_run(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	make_run(&rig, PBA, 600, MIB);
	make_run(&rig, PBA + 600 * PAGE, 600, MIB);
	for (uint64_t i = 5; i < 1200; i += 50)
		tables_unmap(&rig.tables, PBA + i * PAGE, 1 + i % 3);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA, 1200, &result), 0);
	assert_int_equal(rig.mock->calls[MOCK_UNMAP], 2);
	assert_int_equal(rig.mock->calls[MOCK_FLUSH], 1);
	assert_int_equal(rig_stats(&rig).host_splits, 2);
	rig_check(&rig);
	rig_end(&rig);
}

/*
 * The same in a refresh of everything, which does not merge new pages: the rest stays merged. And
 * two runs do not become one.
 */
static void test_parts_go_with_everything(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	make_run(&rig, PBA, 500, MIB);
	make_run(&rig, PBA + 500 * PAGE, 500, MIB + 500 * PAGE);
	tables_unmap(&rig.tables, PBA + 100 * PAGE, 1);
	tables_unmap(&rig.tables, PBA + 900 * PAGE, 1);
	tables_map(&rig.tables, PBA + 1000 * PAGE, 3, 5 * MIB, VIOMMU_RW);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(rig.mock->calls[MOCK_UNMAP], 2);
	assert_int_equal(rig.mock->calls[MOCK_MAP], 4 + 3);
	rig_check(&rig);
	tables_unmap(&rig.tables, PBA + 499 * PAGE, 1);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(rig_stats(&rig).host_splits, 3);
	rig_check(&rig);
	rig_end(&rig);
}

/* One page of a run changes its frame, and another its rights, in one refresh. */
static void test_changes_within_a_run(void **state)
{
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	make_run(&rig, PBA, 256, MIB);
	tables_map(&rig.tables, PBA + 20 * PAGE, 1, 9 * MIB, VIOMMU_RW);
	tables_map(&rig.tables, PBA + 200 * PAGE, 1, MIB + 200 * PAGE, VIOMMU_READ);
	assert_int_equal(rig_refresh(&rig, PBA, 256, &result), 0);
	assert_int_equal(result.released, 2);
	assert_int_equal(result.established, 2);
	rig_check(&rig);
	rig_end(&rig);
}

/*
 * Pages that a registration or a refresh of everything finds are not merged, since it is not known
 * in which parts they will be removed. For a host that splits they are merged.
 */
static void test_registration_is_not_merged(void **state)
{
	(void)state;
	for (unsigned int split = 0; split < 2; split++) {
		struct rig rig;

		rig_begin(&rig, &(struct rig_options){ .mock.split = split });
		tables_map(&rig.tables, PBA, 300, MIB, VIOMMU_RW);
		rig_domain(&rig);
		assert_int_equal(rig.mock->calls[MOCK_MAP], split ? 1 : 300);
		tables_map(&rig.tables, PBA + 300 * PAGE, 100, 3 * MIB, VIOMMU_RW);
		mock_forget(rig.mock);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		assert_int_equal(rig.mock->calls[MOCK_MAP], split ? 1 : 100);
		/* So any page of it is removed without a split. */
		tables_unmap(&rig.tables, PBA + 17 * PAGE, 1);
		tables_unmap(&rig.tables, PBA + 350 * PAGE, 1);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		assert_int_equal(rig_stats(&rig).host_splits, 0);
		rig_check(&rig);
		rig_end(&rig);
	}
}

/* A removal of several adjacent mappings is one call, which ends where mappings end. */
static void test_neighbours(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	for (uint64_t i = 0; i < 8; i++)
		make_run(&rig, PBA + i * 10 * PAGE, 10, MIB + i * 10 * PAGE);
	tables_unmap(&rig.tables, PBA + 15 * PAGE, 50);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(rig.mock->calls[MOCK_UNMAP], 1);
	assert_int_equal(rig_stats(&rig).host_splits, 1);
	rig_check(&rig);
	rig_end(&rig);
}

/* The last page of the address space. */
static void test_end_of_the_iovas(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .level = 4 });
	rig.tables.pba = UINT64_MAX - 16 * MIB + 1;
	rig.tables.pal = UINT64_MAX;
	rig_domain(&rig);
	make_run(&rig, UINT64_MAX - 100 * PAGE + 1, 100, MIB);
	tables_unmap(&rig.tables, UINT64_MAX - 10 * PAGE + 1, 5);
	assert_int_equal(rig_refresh(&rig, UINT64_MAX - 10 * PAGE + 1, 5, NULL), 0);
	rig_check(&rig);
	tables_unmap(&rig.tables, UINT64_MAX - PAGE + 1, 1);
	assert_int_equal(viommu_domain_refresh(rig.subject.domain, UINT64_MAX, UINT64_MAX, NULL), 0);
	rig_check(&rig);
	rig_end(&rig);
}

/* Random operations */

static uint64_t draw(uint64_t *state, uint64_t bound)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*state >> 33) % bound;
}

#define RANDOM_PAGES 2048u

/* The expected mappings: the contents of the tables at the last refresh of each page. 0: none. */
struct model {
	uint64_t gpa[RANDOM_PAGES]; /* with 1 for writable, 2 for readable */
};

static void model_refresh(struct model *model, const struct rig *rig, uint64_t first, uint64_t pages)
{
	const struct naive_tables naive = tables_naive(&rig->tables);

	for (uint64_t i = first; i < first + pages; i++) {
		struct naive_answer answer = naive_walk(&rig->guest.memory, &naive, PBA + i * PAGE);

		model->gpa[i] = answer.outcome == NAIVE_PAGE ? answer.gpa | 2 | answer.writable : 0;
	}
}

static int compare_run(void *ctx, const struct viommu_run *run)
{
	uint64_t *left = ctx; /* a copy of the model, from which reported pages are removed */

	for (uint64_t iova = run->first; iova < run->last; iova += PAGE) {
		uint64_t page = (iova - PBA) / PAGE;

		assert_int_equal(left[page], (run->gpa + (iova - run->first)) | 2 | (run->prot == VIOMMU_RW));
		left[page] = 0;
	}
	return 0;
}

static void compare(struct rig *rig, const struct model *model, bool all)
{
	static struct model left; /* a kernel's stack is small */

	left = *model;
	viommu_domain_each_run(rig->subject.domain, 0, UINT64_MAX, compare_run, left.gpa);
	for (unsigned int i = 0; i < RANDOM_PAGES; i++)
		assert_int_equal(left.gpa[i], 0);
	if (rig->mock->breaches)
		fail_msg("%s", rig->mock->breach);
	if (all)
		check_books(rig->mock, &rig->guest, &rig->subject, 1);
}

static void write_something(struct rig *rig, uint64_t *seed)
{
	uint64_t page = draw(seed, RANDOM_PAGES), pages = 1 + draw(seed, draw(seed, 4) ? 20 : 300);
	uint64_t iova = PBA + page * PAGE, entry;

	if (page + pages > RANDOM_PAGES)
		pages = RANDOM_PAGES - page;
	switch (draw(seed, 10)) {
	case 0:
	case 1:
	case 2:
		tables_unmap(&rig->tables, iova, pages);
		break;
	case 3:
		entry = tables_entry(&rig->tables, iova, 1);
		guest_store(&rig->guest, entry, guest_load(&rig->guest, entry) ^ (draw(seed, 2) ? PROTECTED : STE_INVALID));
		break;
	case 4:
		tables_set(&rig->tables, iova, 1, draw(seed, 16) * MIB | STE_FRAME);
		break;
	case 5:
		tables_map(&rig->tables, iova, pages, draw(seed, 4096) * PAGE, VIOMMU_READ);
		break;
	default:
		tables_map(&rig->tables, iova, pages, draw(seed, 4096) * PAGE, VIOMMU_RW);
		break;
	}
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned int split = 0; split < 2; split++) {
		static struct model model;
		uint64_t seed = 20220504 + split;
		struct rig rig;

		memset(&model, 0, sizeof(model));
		rig_begin(&rig, &(struct rig_options){ .guest_bytes = 96 * MIB, .aperture = RANDOM_PAGES * PAGE, .mock.split = split });
		rig_domain(&rig);
		for (unsigned int step = 0; step < 10000; step++) {
			uint64_t first = draw(&seed, RANDOM_PAGES), pages = 1 + draw(&seed, draw(&seed, 8) ? 40 : RANDOM_PAGES);

			/*
			 * Tables replaced by frames are not reused: begin anew before there is no
			 * more room for tables.
			 */
			if (rig.guest.table_next > 95 * MIB) {
				guest_tables_in(&rig.guest, 48 * MIB, 96 * MIB - 1);
				rig.tables.root = tables_new(&rig.guest, 2);
				viommu_domain_destroy(rig.subject.domain);
				assert_int_equal(guest_pinned(&rig.guest), 0);
				rig_domain(&rig);
				model_refresh(&model, &rig, 0, RANDOM_PAGES);
			}
			if (first + pages > RANDOM_PAGES)
				pages = RANDOM_PAGES - first;
			write_something(&rig, &seed);
			assert_int_equal(rig_refresh(&rig, PBA + first * PAGE, pages, NULL), 0);
			model_refresh(&model, &rig, first, pages);
			compare(&rig, &model, step % 16 == 0);
		}
		/* The run must have tested something. */
		assert_true(split || rig_stats(&rig).host_splits > 100);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		rig_check(&rig);
		rig_end(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part_of_a_run),
		cmocka_unit_test(test_gap_beside_the_refresh),
		cmocka_unit_test(test_lost_neighbours_return),
		cmocka_unit_test(test_lost_neighbours_are_many),
		cmocka_unit_test(test_parts_of_a_run),
		cmocka_unit_test(test_parts_go_with_everything),
		cmocka_unit_test(test_changes_within_a_run),
		cmocka_unit_test(test_registration_is_not_merged),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_end_of_the_iovas),
		cmocka_unit_test(test_neighbours_come_back_first),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
