/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Many threads on one VM: refreshes of overlapping ranges, tables that another thread writes,
 * slots, devices and domains that come and go. Meanwhile no call may fail with an unexpected error.
 * Whenever all threads rest, the accounts are consistent, and one refresh makes everything match
 * the tables.
 */
#include <viommu/zpci.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define PERIODS	   6
#define OPERATIONS 200u
#define PAGES	   5120u /* of each domain's aperture: more than the smallest step of a refresh */
#define DOMAINS	   2

struct crowd {
	struct guest guest;
	struct mock_host *mock;
	struct viommu_host *host;
	struct tables tables[DOMAINS];
	struct subject subject[DOMAINS];
	struct viommu_device *device[2];
	struct area *area;
	struct fake_tracker tracker;
	unsigned int whole; /* one in so many refreshes is of the whole aperture */
	uint64_t bad;
};

struct member {
	struct crowd *crowd;
	uint64_t seed;
	void (*act)(struct member *member);
	pthread_t thread;
};

static uint64_t draw(struct member *member, uint64_t bound)
{
	member->seed = member->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (member->seed >> 33) % bound;
}

static void expect(struct member *member, bool ok)
{
	if (!ok)
		__atomic_add_fetch(&member->crowd->bad, 1, __ATOMIC_RELAXED);
}

static void refresh(struct member *member)
{
	struct viommu_domain *domain = member->crowd->subject[draw(member, DOMAINS)].domain;
	uint64_t first = draw(member, PAGES), pages = 1 + draw(member, draw(member, 4) ? 64 : PAGES);
	int error;

	if (draw(member, member->crowd->whole))
		error = viommu_domain_refresh(domain, PBA + first * PAGE, PBA + (first + pages) * PAGE - 1, NULL);
	else
		error = viommu_domain_refresh(domain, 0, UINT64_MAX, NULL);
	expect(member, error == 0);
}

/* All tables exist already: no memory is taken here. */
static void write_tables(struct member *member)
{
	struct tables *tables = &member->crowd->tables[draw(member, DOMAINS)];
	uint64_t first = draw(member, PAGES), pages = 1 + draw(member, 64);
	uint64_t gpa = draw(member, 3) ? draw(member, 512) * PAGE : GIB + draw(member, 128) * PAGE;
	uint64_t ste;

	if (first + pages > PAGES)
		pages = PAGES - first;
	switch (draw(member, 4)) {
	case 0:
		tables_unmap(tables, PBA + first * PAGE, pages);
		break;
	case 1:
		/* Valid or not, protected or not: the address stays. */
		ste = tables_entry(tables, PBA + first * PAGE, 1);
		guest_store(tables->guest, ste, guest_load(tables->guest, ste) ^ PROTECTED);
		break;
	default:
		tables_map(tables, PBA + first * PAGE, pages, gpa, draw(member, 4) ? VIOMMU_RW : VIOMMU_READ);
		break;
	}
}

static void change_slots(struct member *member)
{
	struct area *area = member->crowd->area;

	expect(member, !(area->shown ? guest_hide(&member->crowd->guest, area) : guest_show(&member->crowd->guest, area)));
}

static void move_devices(struct member *member)
{
	struct crowd *crowd = member->crowd;
	struct viommu_device *device = crowd->device[draw(member, 2)];
	int error;

	expect(member, !viommu_device_detach(device, VIOMMU_NO_PASID));
	error = viommu_domain_attach(crowd->subject[draw(member, DOMAINS)].domain, device, VIOMMU_NO_PASID);
	expect(member, !error);
}

static int ignore_run(void *ctx, const struct viommu_run *run)
{
	(void)ctx;
	(void)run;
	return 0;
}

/* A third domain, over the tables of another one; a direct one; questions. */
static void come_and_go(struct member *member)
{
	struct crowd *crowd = member->crowd;
	struct viommu_domain_stats domain_stats = { .size = sizeof(domain_stats) };
	struct viommu_vm_stats vm_stats = { .size = sizeof(vm_stats) };
	unsigned int n = (unsigned int)draw(member, DOMAINS);
	struct viommu_zpci_ioat ioat = tables_ioat(&crowd->tables[n]);
	struct viommu_domain *domain;
	struct viommu_domain *direct;
	struct viommu_run run;

	switch (draw(member, 4)) {
	case 0:
		expect(member, !viommu_domain_create(crowd->guest.vm, crowd->host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain));
		viommu_domain_destroy(domain);
		break;
	case 1:
		expect(member, !viommu_domain_create_direct(crowd->guest.vm, crowd->host, 0, 0, UINT64_MAX, &direct));
		viommu_domain_each_run(direct, 0, UINT64_MAX, ignore_run, NULL);
		viommu_domain_destroy(direct);
		break;
	case 2:
		viommu_domain_stats(crowd->subject[n].domain, &domain_stats);
		viommu_vm_stats(crowd->guest.vm, &vm_stats);
		break;
	default:
		viommu_domain_each_run(crowd->subject[n].domain, 0, UINT64_MAX, ignore_run, NULL);
		viommu_domain_walk(crowd->subject[n].domain, PBA + draw(member, PAGES) * PAGE, &run, NULL);
		break;
	}
}

static void *live(void *ctx)
{
	struct member *member = ctx;

	for (unsigned int i = 0; i < OPERATIONS; i++)
		member->act(member);
	return NULL;
}

/* At rest. */
static void check_crowd(struct crowd *crowd)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	assert_int_equal(crowd->bad, 0);
	check_books(crowd->mock, &crowd->guest, crowd->subject, DOMAINS);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		assert_int_equal(viommu_domain_refresh(crowd->subject[i].domain, 0, UINT64_MAX, NULL), 0);
		check_true(crowd->mock, &crowd->subject[i], PBA, PBA + PAGES * PAGE - 1);
		viommu_domain_stats(crowd->subject[i].domain, &stats);
		assert_int_equal(stats.mapped_pages, check_pages(&crowd->subject[i], 0, UINT64_MAX));
	}
	check_books(crowd->mock, &crowd->guest, crowd->subject, DOMAINS);
}

static void run_crowd(bool soft, bool split, bool tracked)
{
	static void (*const acts[])(struct member * member) = { refresh, refresh, refresh, write_tables, change_slots, move_devices, come_and_go };
	enum { MEMBERS = sizeof(acts) / sizeof(acts[0]) };
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct member member[MEMBERS];
	struct crowd crowd;

	memset(&crowd, 0, sizeof(crowd));
	crowd.mock = mock_create(&(struct mock_options){ .split = split });
	crowd.host = &crowd.mock->host;
	if (soft)
		assert_int_equal(viommu_host_soft_create(&crowd.host), 0);
	/* Small steps, so that threads meet within refreshes, too. */
	config.step_entries = 1;
	fake_tracker_init(&crowd.tracker);
	guest_tracked(&crowd.guest, &config, 32 * MIB, tracked ? &crowd.tracker.tracker : NULL);
	crowd.guest.tracker = tracked ? &crowd.tracker : NULL;
	crowd.whole = tracked ? 2 : 16;
	crowd.area = guest_area(&crowd.guest, GIB, MIB, VIOMMU_RW);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		tables_init(&crowd.tables[i], &crowd.guest, 2 + i, PBA, PBA + PAGES * PAGE - 1);
		for (uint64_t page = 0; page < PAGES; page += 256)
			tables_entry(&crowd.tables[i], PBA + page * PAGE, 0);
		crowd.subject[i].tables = &crowd.tables[i];
		crowd.subject[i].domain = tables_domain(&crowd.tables[i], crowd.host, NULL);
		crowd.subject[i].space = soft ? NULL : mock_newest(crowd.mock);
		assert_int_equal(viommu_device_create(crowd.guest.vm, crowd.host, NULL, &crowd.device[i]), 0);
	}
	for (unsigned int period = 0; period < PERIODS; period++) {
		for (unsigned int i = 0; i < MEMBERS; i++) {
			member[i] = (struct member){ .crowd = &crowd, .seed = period * MEMBERS + i, .act = acts[i] };
			assert_int_equal(pthread_create(&member[i].thread, NULL, live, &member[i]), 0);
		}
		for (unsigned int i = 0; i < MEMBERS; i++)
			pthread_join(member[i].thread, NULL);
		check_crowd(&crowd);
	}
	for (unsigned int i = 0; i < DOMAINS; i++)
		viommu_domain_destroy(crowd.subject[i].domain);
	assert_int_equal(guest_pinned(&crowd.guest), 0);
	guest_end(&crowd.guest);
	fake_tracker_end(&crowd.tracker);
	if (soft)
		viommu_host_destroy(crowd.host);
	assert_null(crowd.mock->spaces);
	mock_destroy(crowd.mock);
}

static void test_soft(void **state)
{
	(void)state;
	run_crowd(true, false, false);
}

static void test_whole_mappings(void **state)
{
	(void)state;
	run_crowd(false, false, false);
}

static void test_splitting(void **state)
{
	(void)state;
	run_crowd(false, true, false);
}

static void test_tracked(void **state)
{
	(void)state;
	run_crowd(false, true, true);
}

static void test_tracked_whole_mappings(void **state)
{
	(void)state;
	run_crowd(false, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_soft),	cmocka_unit_test(test_whole_mappings),	       cmocka_unit_test(test_splitting),
		cmocka_unit_test(test_tracked), cmocka_unit_test(test_tracked_whole_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
