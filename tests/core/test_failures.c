/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failures of the machine. A scenario has all operations of a guest and a VMM. Each of its
 * allocations and calls to the host fails, first once, then permanently. After each return the
 * accounts are consistent, and a reported success is real. After the failures one refresh of
 * everything makes everything match the tables.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "failing.h"
#include "rig.h"

#define DEVICES 2
#define DOMAINS 2

struct story {
	struct guest guest;
	struct mock_host *mock;
	struct tables tables[DOMAINS];
	struct subject subject[DOMAINS];
	struct viommu_domain *direct;
	struct viommu_device *device[DEVICES];
	struct viommu_reader *reader;
	struct area *second;
	struct area *third;
	bool lossy; /* a host that failed may have lost reported pages */
};

/* Checked after each return. */
static void look(struct story *story)
{
	if (story->lossy)
		check_books_after_failure(story->mock, &story->guest, story->subject, DOMAINS);
	else
		check_books(story->mock, &story->guest, story->subject, DOMAINS);
}

static bool any_leaving(const struct story *story)
{
	bool leaving = false;

	for (unsigned int i = 0; i < story->guest.areas; i++)
		leaving |= story->guest.area[i].leaving;
	return leaving;
}

static void refresh(struct story *story, unsigned int n, uint64_t iova, uint64_t pages)
{
	int error;

	if (!story->subject[n].domain)
		return;
	error = viommu_domain_refresh(story->subject[n].domain, iova, iova + pages * PAGE - 1, NULL);
	/* Tables without memory are malformed. */
	assert_true(error == 0 || error == -ENOSPC || error == -EIO || (error == -EFAULT && !story->guest.area[0].shown));
	if (error == -EIO)
		story->lossy = true;
	else if (any_leaving(story))
		;
	else if (error)
		check_not_stale(story->mock, &story->subject[n], iova, iova + pages * PAGE - 1);
	else
		check_true(story->mock, &story->subject[n], iova, iova + pages * PAGE - 1);
	look(story);
}

static void make_domain(struct story *story, unsigned int n)
{
	int error;

	story->subject[n].tables = &story->tables[n];
	story->subject[n].domain = tables_domain(&story->tables[n], &story->mock->host, &error);
	assert_true(!error == !!story->subject[n].domain);
	assert_true(error == 0 || error == -ENOMEM || error == -ENOSPC || error == -EIO);
	if (!error) {
		story->subject[n].space = mock_newest(story->mock);
		check_true(story->mock, &story->subject[n], PBA, PBA + 4 * MIB - 1);
	}
	look(story);
}

static void drop_domain(struct story *story, unsigned int n)
{
	viommu_domain_destroy(story->subject[n].domain);
	story->subject[n].domain = NULL;
	look(story);
}

static void show(struct story *story, struct area *area)
{
	if (!area->shown)
		guest_show(&story->guest, area);
	look(story);
}

/* Twice, like a VMM that learns that its memory may still be reached. */
static void hide(struct story *story, struct area *area)
{
	for (unsigned int i = 0; i < 2 && area->shown; i++) {
		int error = guest_hide(&story->guest, area);

		assert_true(error == 0 || error == -ENOMEM || error == -EIO);
		story->lossy |= error == -EIO;
		look(story);
	}
}

static void attach(struct story *story, unsigned int domain, unsigned int device)
{
	int error;

	if (!story->subject[domain].domain || !story->device[device])
		return;
	error = viommu_domain_attach(story->subject[domain].domain, story->device[device], VIOMMU_NO_PASID);
	assert_true(error == 0 || error == -EIO || error == -EBUSY || error == -ENOSPC);
}

static void detach(struct story *story, unsigned int device)
{
	int error;

	if (!story->device[device])
		return;
	error = viommu_device_detach(story->device[device], VIOMMU_NO_PASID);
	assert_true(error == 0 || error == -EIO);
}

static struct mock_host *begin(void *ctx, bool split)
{
	struct story *story = ctx;

	story->mock = mock_create(&(struct mock_options){ .lookup = true, .split = split });
	guest_area(&story->guest, 0, 16 * MIB, VIOMMU_RW);
	story->second = guest_area(&story->guest, GIB, MIB, VIOMMU_RW);
	story->third = guest_area(&story->guest, 2 * GIB, MIB, VIOMMU_READ);
	guest_tables_in(&story->guest, 8 * MIB, 16 * MIB - 1);
	for (unsigned int i = 0; i < DOMAINS; i++)
		tables_init(&story->tables[i], &story->guest, 2, PBA, PBA + 4 * MIB - 1);
	return story->mock;
}

static bool make_vm(struct story *story)
{
	const struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	if (!story->guest.vm && viommu_vm_create(&config, &story->guest.vm))
		story->guest.vm = NULL;
	return story->guest.vm;
}

/* Destroys the rest. */
static void end(void *ctx)
{
	struct story *story = ctx;

	viommu_domain_destroy(story->subject[0].domain);
	/* The other domain, the devices and the direct domain are destroyed with the VM. */
	viommu_vm_destroy(story->guest.vm);
	guest_free(&story->guest);
}

static void tell_tables(struct story *story)
{
	struct tables *tables = &story->tables[0];

	/*
	 * A run over two tables. Parts of it are released, one page at a time, and come back
	 * unchanged.
	 */
	tables_map(tables, PBA + 100 * PAGE, 300, MIB, VIOMMU_RW);
	refresh(story, 0, PBA + 100 * PAGE, 300);
	for (unsigned int i = 0; i < 3; i++) {
		tables_unmap(tables, PBA + (150 + 60 * i) * PAGE, 2);
		refresh(story, 0, PBA + (150 + 60 * i) * PAGE, 2);
		tables_map(tables, PBA + (150 + 60 * i) * PAGE, 2, MIB + (50 + 60 * i) * PAGE, VIOMMU_RW);
		refresh(story, 0, PBA + (150 + 60 * i) * PAGE, 2);
	}
	/*
	 * The same for many parts at once, and in another part of the range while the first may
	 * still be in doubt.
	 */
	tables_unmap(tables, PBA + 110 * PAGE, 1);
	tables_unmap(tables, PBA + 390 * PAGE, 1);
	tables_map(tables, PBA + 300 * PAGE, 1, 3 * MIB, VIOMMU_RW);
	tables_map(tables, PBA + 301 * PAGE, 1, MIB + 201 * PAGE, VIOMMU_READ);
	refresh(story, 0, PBA + 100 * PAGE, 300);
	tables_map(tables, PBA + 110 * PAGE, 1, MIB + 10 * PAGE, VIOMMU_RW);
	tables_map(tables, PBA + 301 * PAGE, 1, MIB + 201 * PAGE, VIOMMU_RW);
	refresh(story, 0, PBA + 111 * PAGE, 100);
	refresh(story, 0, PBA, 1024);
	/* A segment becomes invalid, another becomes a frame, and a whole table changes. */
	tables_set(tables, PBA + MIB, 1, STE_INVALID);
	tables_set(tables, PBA + 2 * MIB, 1, 5 * MIB | STE_FRAME);
	refresh(story, 0, PBA + MIB, 512);
	tables_set(tables, PBA + 2 * MIB, 1, 6 * MIB | STE_FRAME | PROTECTED);
	refresh(story, 0, PBA + 2 * MIB + 50 * PAGE, 10);
	refresh(story, 0, PBA, 1024);
	/* Pages in slots that come and go. */
	tables_map(tables, PBA + 3 * MIB, 5, GIB, VIOMMU_RW);
	tables_map(tables, PBA + 3 * MIB + 5 * PAGE, 5, 2 * GIB, VIOMMU_RW);
	refresh(story, 0, PBA + 3 * MIB, 40);
	tables_map(&story->tables[1], PBA + 10 * PAGE, 5, GIB + 3 * PAGE, VIOMMU_RW);
	refresh(story, 1, PBA, 1024);
}

static void tell(void *ctx)
{
	struct story *story = ctx;
	struct viommu_vm *vm;

	if (!make_vm(story))
		return;
	vm = story->guest.vm;
	show(story, &story->guest.area[0]);
	show(story, story->second);
	tables_map(&story->tables[0], PBA, 7, 2 * MIB, VIOMMU_RW);
	tables_map(&story->tables[1], PBA, 5, 2 * MIB + 5 * PAGE, VIOMMU_READ);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (viommu_device_create(vm, &story->mock->host, NULL, &story->device[i]))
			story->device[i] = NULL;
	make_domain(story, 0);
	make_domain(story, 1);
	attach(story, 0, 0);
	attach(story, 1, 1);
	if (story->device[0] && viommu_reader_create(story->device[0], VIOMMU_NO_PASID, &story->reader))
		story->reader = NULL;
	show(story, story->third);
	tell_tables(story);

	hide(story, story->second);
	refresh(story, 0, PBA, 1024);
	show(story, story->second);
	refresh(story, 0, PBA, 1024);

	/* A direct domain beside them, with slots that come and go. */
	if (!viommu_domain_create_direct(vm, &story->mock->host, 8 * GIB, 0, UINT64_MAX, &story->direct))
		story->guest.whole = true;
	look(story);
	detach(story, 1);
	if (story->direct && story->device[1])
		viommu_domain_attach(story->direct, story->device[1], VIOMMU_NO_PASID);
	hide(story, story->third);
	show(story, story->third);
	hide(story, story->second);
	refresh(story, 0, PBA, 1024);
	viommu_domain_destroy(story->direct);
	story->guest.whole = false;
	story->direct = NULL;
	look(story);
	show(story, story->second);

	/* A device moves, and its old domain is destroyed while another is attached. */
	detach(story, 0);
	attach(story, 1, 0);
	attach(story, 1, 1);
	attach(story, 0, 1);
	attach(story, 1, 1);
	drop_domain(story, 1);
	viommu_device_destroy(story->device[1]);
	attach(story, 0, 0);
	refresh(story, 0, PBA, 1024);
}

static void refresh_all(struct story *story)
{
	story->lossy = false;
	assert_int_equal(viommu_domain_refresh(story->subject[0].domain, 0, UINT64_MAX, NULL), 0);
	check_true(story->mock, &story->subject[0], PBA, PBA + 4 * MIB - 1);
	look(story);
}

/*
 * One refresh of everything: in the present state, so that the refresh alone repairs it; and after
 * all slots were removed and added again.
 */
static void repair(void *ctx)
{
	struct story *story = ctx;

	assert_true(make_vm(story));
	if (story->subject[0].domain && story->guest.area[0].shown && !any_leaving(story))
		refresh_all(story);
	for (unsigned int i = 0; i < story->guest.areas; i++) {
		struct area *area = &story->guest.area[i];

		/* Removals that failed before succeed now. */
		if (area->shown)
			assert_int_equal(guest_hide(&story->guest, area), 0);
		assert_int_equal(guest_show(&story->guest, area), 0);
	}
	if (!story->subject[0].domain)
		make_domain(story, 0);
	refresh_all(story);
}

/* A lack of memory is not an error of the host. */
static void unharmed(void *ctx, bool nothing)
{
	(void)nothing;
	assert_false(((struct story *)ctx)->lossy);
}

/*
 * A page does not stay in doubt after a failure: once it is mapped again, together with the
 * released part of its run, it is like any other page.
 */
static void test_doubt_ends(void **state)
{
	static const enum mock_call calls[] = { MOCK_UNMAP, MOCK_FLUSH };
	struct rig rig;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		rig_begin(&rig, &(struct rig_options){ .aperture = 4 * MIB });
		rig_domain(&rig);
		tables_map(&rig.tables, PBA, 500, MIB, VIOMMU_RW);
		assert_int_equal(rig_refresh(&rig, PBA, 500, NULL), 0);
		tables_unmap(&rig.tables, PBA + 100 * PAGE, 1);
		mock_fail(rig.mock, calls[i], 1, false, EIO);
		assert_int_equal(rig_refresh(&rig, PBA + 100 * PAGE, 1, NULL), -EIO);
		check_books_after_failure(rig.mock, &rig.guest, &rig.subject, 1);
		assert_int_equal(rig_refresh(&rig, PBA + 100 * PAGE, 1, NULL), 0);
		rig_check(&rig);
		mock_forget(rig.mock);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		assert_int_equal(rig.mock->events, 0);
		rig_end(&rig);
	}
}

/* A host that never detaches a device does not keep a VM from being destroyed. */
static void test_detach_never_works(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		struct story story = { .lossy = false };

		begin(&story, false);
		assert_true(make_vm(&story));
		show(&story, &story.guest.area[0]);
		make_domain(&story, 0);
		assert_int_equal(viommu_device_create(story.guest.vm, &story.mock->host, NULL, &story.device[0]), 0);
		attach(&story, 0, 0);
		assert_int_equal(viommu_reader_create(story.device[0], VIOMMU_NO_PASID, &story.reader), 0);
		mock_fail(story.mock, MOCK_DETACH, 1, true, EBUSY);
		assert_int_equal(viommu_device_detach(story.device[0], VIOMMU_NO_PASID), -EIO);
		if (round == 1)
			viommu_device_destroy(story.device[0]);
		if (round == 2)
			drop_domain(&story, 0);
		end(&story);
		assert_int_equal(story.mock->breaches, 0);
		mock_destroy(story.mock);
	}
}

int main(void)
{
	static const struct failing_story story = {
		.bytes = sizeof(struct story), .least = 50, .begin = begin, .tell = tell, .unharmed = unharmed, .repair = repair, .end = end
	};
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_doubt_ends), cmocka_unit_test(test_detach_never_works) };

	return failing_run(&story) + cmocka_run_group_tests(tests, NULL, NULL);
}
