/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Refreshes of a whole aperture with a tracker. They read only written tables, and miss nothing:
 * tables that are shared, moved, freed and reused, written during a refresh, or not completely
 * established; and trackers that fail or report too much.
 *
 * The reference reads the tables for comparison. The tracker is exact, and each store of the guest
 * is reported to it.
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

#define TABLE_PAGES 256u /* pages that a leaf table maps */

/* Entries on one path down the tables: of the region third, the segment and the page table. */
#define WAY (1u + 1u + TABLE_PAGES)

static void begin(struct rig *rig, struct fake_tracker *fake)
{
	fake_tracker_init(fake);
	rig_begin(rig, &(struct rig_options){ .fake = fake });
}

static void end(struct rig *rig, struct fake_tracker *fake)
{
	rig_end(rig);
	fake_tracker_end(fake);
}

/*
 * A refresh of everything, after which everything must match the tables. Returns the number of
 * examined entries.
 */
static uint64_t refresh(struct rig *rig)
{
	struct viommu_refresh_result result;

	assert_int_equal(rig_refresh_all(rig, &result), 0);
	rig_check(rig);
	return result.entries;
}

static uint64_t leaf_table(struct rig *rig, uint64_t iova)
{
	return tables_entry(&rig->tables, iova & ~(MIB - 1), 0);
}

static void test_setting(void **state)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct fake_tracker fake;
	struct viommu_tracker tracker;
	struct guest guest;

	(void)state;
	fake_tracker_init(&fake);
	guest_simple(&guest, &config, MIB);
	assert_int_equal(viommu_vm_set_tracker(guest.vm, &fake.tracker), -EBUSY);
	guest_end(&guest);
	assert_int_equal(viommu_vm_create(&config, &guest.vm), 0);
	assert_int_equal(viommu_vm_set_tracker(guest.vm, NULL), -EINVAL);
	tracker = fake.tracker;
	tracker.size--;
	assert_int_equal(viommu_vm_set_tracker(guest.vm, &tracker), -EINVAL);
	tracker = fake.tracker;
	tracker.reserved = 1;
	assert_int_equal(viommu_vm_set_tracker(guest.vm, &tracker), -EINVAL);
	tracker = fake.tracker;
	tracker.watch = NULL;
	assert_int_equal(viommu_vm_set_tracker(guest.vm, &tracker), -EINVAL);
	tracker = fake.tracker;
	tracker.unwatch = NULL;
	assert_int_equal(viommu_vm_set_tracker(guest.vm, &tracker), -EINVAL);
	tracker = fake.tracker;
	tracker.collect = NULL;
	assert_int_equal(viommu_vm_set_tracker(guest.vm, &tracker), -EINVAL);
	tracker = fake.tracker;
	tracker.slot_added = NULL;
	tracker.slot_removed = NULL;
	assert_int_equal(viommu_vm_set_tracker(guest.vm, &tracker), 0);
	assert_int_equal(viommu_vm_set_tracker(guest.vm, &tracker), -EBUSY);
	viommu_vm_destroy(guest.vm);
	fake_tracker_end(&fake);
}

/*
 * Without writes, nothing is read. After a write to one page, the entries down to its table are
 * read, and the tables that share its page.
 */
static void test_cost_of_changes(void **state)
{
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	tables_map(&rig.tables, PBA, 20 * TABLE_PAGES, 0, VIOMMU_RW);
	rig_domain(&rig);
	assert_int_equal(rig_stats(&rig).tracked_tables, 22);
	assert_int_equal(rig_stats(&rig).tracked, 0);
	assert_int_equal(refresh(&rig), 0);
	assert_int_equal(rig_stats(&rig).tracked, 1);
	tables_map(&rig.tables, PBA + 7 * PAGE, 1, 5 * MIB, VIOMMU_RW);
	assert_in_range(refresh(&rig), WAY, 2 * (2 * WAY));
	assert_int_equal(refresh(&rig), 0);
	/* Data in guest memory outside of tables. */
	guest_store(&rig.guest, 3 * MIB, 1);
	assert_int_equal(refresh(&rig), 0);
	/* A refresh of a part compares as always, and does not consume the notes. */
	tables_unmap(&rig.tables, PBA + 9 * MIB, 10);
	tables_unmap(&rig.tables, PBA + 15 * MIB, 10);
	assert_int_equal(rig_refresh(&rig, PBA + 9 * MIB, 10, NULL), 0);
	assert_true(refresh(&rig));
	assert_int_equal(refresh(&rig), 0);
	end(&rig, &fake);
}

/* In a wide aperture, tables outside the path to the written one are not read either. */
static void test_goes_straight_there(void **state)
{
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	fake_tracker_init(&fake);
	rig_begin(&rig, &(struct rig_options){ .fake = &fake, .aperture = 32 * GIB, .mock.split = true });
	for (uint64_t i = 0; i < 16; i++)
		tables_map(&rig.tables, PBA + (2 * i + 1) * GIB, TABLE_PAGES, 0, VIOMMU_RW);
	rig_domain(&rig);
	assert_int_equal(refresh(&rig), 0);
	tables_map(&rig.tables, PBA + 7 * GIB + 3 * PAGE, 1, 5 * MIB, VIOMMU_RW);
	assert_in_range(refresh(&rig), WAY, 2 * (2 * WAY));
	assert_int_equal(refresh(&rig), 0);
	end(&rig, &fake);
}

/* More written tables than ranges that can be noted. */
static void test_many_written(void **state)
{
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	fake_tracker_init(&fake);
	rig_begin(&rig, &(struct rig_options){ .fake = &fake, .aperture = 3 * GIB, .mock.split = true });
	for (uint64_t i = 0; i < 1000; i++)
		tables_map(&rig.tables, PBA + 3 * i * MIB, TABLE_PAGES, 0, VIOMMU_RW);
	rig_domain(&rig);
	assert_int_equal(refresh(&rig), 0);
	/* More notes than fit; then, more ranges. */
	for (uint64_t stride = 24; stride > 5; stride /= 2) {
		for (uint64_t i = 0; i < 1000; i += stride) {
			for (uint64_t page = 0; page < TABLE_PAGES; page += 2 + i % 3)
				tables_map(&rig.tables, PBA + 3 * i * MIB + page * PAGE, 1, MIB + (stride + page) * PAGE, VIOMMU_READ);
			if (i % 2)
				tables_unmap(&rig.tables, PBA + 3 * i * MIB + 30 * PAGE, 50);
		}
		assert_in_range(refresh(&rig), 1000 / stride * TABLE_PAGES, 5 * (1000 / stride) * TABLE_PAGES);
		assert_int_equal(refresh(&rig), 0);
	}
	end(&rig, &fake);
}

/*
 * Entries of higher tables: a table is added, replaced, removed, protected, mapped as a frame.
 * Nothing is written in the tables below.
 */
static void test_higher_entries(void **state)
{
	struct fake_tracker fake;
	uint64_t a, b, entry;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	for (unsigned int i = 0; i < 4; i++)
		tables_map(&rig.tables, PBA + 2 * i * MIB, TABLE_PAGES, i * MIB, VIOMMU_RW);
	rig_domain(&rig);
	a = tables_entry(&rig.tables, PBA, 1);
	b = tables_entry(&rig.tables, PBA + 2 * MIB, 1);
	/* A table that was built before it is linked. */
	entry = guest_load(&rig.guest, b);
	guest_store(&rig.guest, b, STE_INVALID);
	assert_true(refresh(&rig));
	assert_int_equal(rig_stats(&rig).tracked_tables, 5);
	guest_store(&rig.guest, b, entry);
	assert_true(refresh(&rig));
	assert_int_equal(rig_stats(&rig).tracked_tables, 6);
	/* Protected by that entry alone. */
	guest_store(&rig.guest, b, entry | PROTECTED);
	assert_true(refresh(&rig));
	guest_store(&rig.guest, b, entry);
	assert_true(refresh(&rig));
	/* Two are exchanged. */
	guest_store(&rig.guest, b, guest_load(&rig.guest, a));
	guest_store(&rig.guest, a, entry);
	assert_true(refresh(&rig));
	assert_int_equal(refresh(&rig), 0);
	/* One table at both, and then written. */
	guest_store(&rig.guest, b, entry);
	assert_true(refresh(&rig));
	tables_unmap(&rig.tables, PBA + 5 * PAGE, 3);
	assert_true(refresh(&rig));
	assert_int_equal(refresh(&rig), 0);
	/* A frame in its place. */
	guest_store(&rig.guest, b, 8 * MIB | STE_FRAME);
	assert_true(refresh(&rig));
	guest_store(&rig.guest, b, 9 * MIB | STE_FRAME);
	assert_true(refresh(&rig));
	/* The whole segment table. */
	entry = tables_entry(&rig.tables, PBA, 2);
	guest_store(&rig.guest, entry, STE_INVALID);
	assert_true(refresh(&rig));
	assert_int_equal(rig_stats(&rig).mapped_pages, 0);
	assert_int_equal(rig_stats(&rig).tracked_tables, 1);
	assert_int_equal(refresh(&rig), 0);
	end(&rig, &fake);
}

/*
 * A part is refreshed while a higher entry leads elsewhere, or nowhere; then the entry is as
 * before, and nothing else was written.
 */
static void test_part_refreshed(void **state)
{
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	tables_map(&rig.tables, PBA, 4 * TABLE_PAGES, 0, VIOMMU_RW);
	tables_unmap(&rig.tables, PBA + 2 * MIB + 100 * PAGE, 1);
	tables_unmap(&rig.tables, PBA + 3 * MIB - PAGE, 1);
	rig_domain(&rig);
	for (unsigned int level = 1; level < 3; level++) {
		uint64_t gpa = tables_entry(&rig.tables, PBA + MIB, level), entry = guest_load(&rig.guest, gpa);
		uint64_t next = guest_load(&rig.guest, tables_entry(&rig.tables, PBA + 2 * MIB, level));
		const uint64_t others[] = { STE_INVALID, entry | PROTECTED, entry ^ 8, level == 1 ? 8 * MIB | STE_FRAME : STE_INVALID, next };

		/*
		 * The other table has no page there, so that pages are only released; or it has; or
		 * the part is more than a table.
		 */
		for (unsigned int i = 0; i < 4 * sizeof(others) / sizeof(others[0]); i++) {
			guest_store(&rig.guest, gpa, others[i / 4]);
			if (i % 4 == 0)
				rig_refresh(&rig, PBA + MIB + 100 * PAGE, 1, NULL);
			else if (i % 4 == 1)
				rig_refresh(&rig, PBA + MIB + 10 * PAGE, 7, NULL);
			else if (i % 4 == 2)
				rig_refresh(&rig, PBA + 2 * MIB - PAGE, 2, NULL);
			else
				rig_refresh(&rig, PBA + MIB - 20 * PAGE, 100, NULL);
			guest_store(&rig.guest, gpa, entry);
			refresh(&rig);
			assert_int_equal(refresh(&rig), 0);
		}
	}
	end(&rig, &fake);
}

/* The guest frees a table's page, uses it for data, and then for another table at another place. */
static void test_reused_page(void **state)
{
	struct fake_tracker fake;
	uint64_t table, ste;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	for (unsigned int i = 0; i < 8; i++)
		tables_map(&rig.tables, PBA + i * MIB, TABLE_PAGES, i * MIB, VIOMMU_RW);
	rig_domain(&rig);
	/*
	 * The tables of segments 2 and 3, for example, are on one page: one is removed, then the
	 * other.
	 */
	ste = tables_entry(&rig.tables, PBA + 2 * MIB, 1);
	table = leaf_table(&rig, PBA + 2 * MIB);
	guest_store(&rig.guest, ste, STE_INVALID);
	refresh(&rig);
	assert_true(fake_tracker_watches(&fake, table));
	ste = table % PAGE ? ste - 8 : ste + 8;
	guest_store(&rig.guest, ste, STE_INVALID);
	refresh(&rig);
	assert_false(fake_tracker_watches(&fake, table));
	/* Data that looks like entries. */
	for (uint64_t at = 0; at < PAGE; at += 8)
		guest_store(&rig.guest, (table & ~(PAGE - 1)) + at, at << 9);
	assert_int_equal(refresh(&rig), 0);
	/* A table again, of another segment, without a store to it. */
	guest_store(&rig.guest, tables_entry(&rig.tables, PBA + 7 * MIB, 1), tables_link(1, table));
	assert_true(refresh(&rig));
	assert_true(fake_tracker_watches(&fake, table));
	guest_store(&rig.guest, table + 8 * 3, PTE_INVALID);
	assert_true(refresh(&rig));
	assert_int_equal(refresh(&rig), 0);
	end(&rig, &fake);
}

/* The root table's own memory read as a table of leaves, as a hostile guest might do. */
static void test_root_as_leaves(void **state)
{
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	tables_map(&rig.tables, PBA, 30, 0, VIOMMU_RW);
	guest_store(&rig.guest, tables_entry(&rig.tables, PBA + 3 * MIB, 1), tables_link(1, rig.tables.root));
	rig_domain(&rig);
	refresh(&rig);
	guest_store(&rig.guest, rig.tables.root + 8 * 200, 7 * MIB);
	/* It is a malformed entry of the root, outside of the aperture, and a leaf. */
	assert_true(refresh(&rig));
	guest_store(&rig.guest, rig.tables.root + 8 * 200, STE_INVALID | PTE_INVALID);
	assert_true(refresh(&rig));
	assert_int_equal(refresh(&rig), 0);
	end(&rig, &fake);
}

/*
 * Notes that one domain's refresh collects are not lost for another domain that shares some of the
 * tables.
 */
static void test_two_domains(void **state)
{
	struct subject subjects[2];
	struct fake_tracker fake;
	struct tables other;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	tables_map(&rig.tables, PBA, 3 * TABLE_PAGES, 0, VIOMMU_RW);
	rig_domain(&rig);
	tables_init(&other, &rig.guest, 3, PBA, PBA + 64 * MIB - 1);
	tables_map(&other, PBA + 40 * MIB, 10, 0, VIOMMU_RW);
	guest_store(&rig.guest, tables_entry(&other, PBA + 5 * MIB, 1), tables_link(1, leaf_table(&rig, PBA)));
	subjects[0] = rig.subject;
	subjects[1].tables = &other;
	subjects[1].domain = tables_domain(&other, &rig.mock->host, NULL);
	subjects[1].space = mock_newest(rig.mock);
	for (unsigned int i = 0; i < 6; i++) {
		const struct subject *one = &subjects[i % 2], *two = &subjects[(i + 1) % 2];

		tables_map(&rig.tables, PBA + i * PAGE, 1, MIB + 2 * i * PAGE, VIOMMU_READ);
		tables_unmap(&other, PBA + 40 * MIB + i * PAGE, 1);
		/* One refreshes three times before the other does. */
		for (unsigned int j = 0; j < 3; j++)
			assert_int_equal(viommu_domain_refresh(one->domain, 0, UINT64_MAX, NULL), 0);
		assert_int_equal(viommu_domain_refresh(two->domain, 0, UINT64_MAX, NULL), 0);
		check_true(rig.mock, one, PBA, PBA + 64 * MIB - 1);
		check_true(rig.mock, two, PBA, PBA + 64 * MIB - 1);
		check_books(rig.mock, &rig.guest, subjects, 2);
	}
	/* One is destroyed: the other's tables are still watched. */
	viommu_domain_destroy(subjects[1].domain);
	assert_true(fake_tracker_watches(&fake, leaf_table(&rig, PBA)));
	assert_false(fake_tracker_watches(&fake, other.root));
	tables_unmap(&rig.tables, PBA, 100);
	refresh(&rig);
	end(&rig, &fake);
}

/* Slots with leaves, and with tables, are removed and added again; stores in between are found. */
static void test_slots(void **state)
{
	struct viommu_refresh_result result;
	struct area *leaves, *tables;
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	leaves = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
	tables = guest_area(&rig.guest, 2 * GIB, MIB, VIOMMU_RW);
	assert_int_equal(guest_show(&rig.guest, leaves), 0);
	assert_int_equal(guest_show(&rig.guest, tables), 0);
	tables_map(&rig.tables, PBA, TABLE_PAGES, GIB, VIOMMU_RW);
	guest_tables_in(&rig.guest, 2 * GIB, 2 * GIB + MIB - 1);
	tables_map(&rig.tables, PBA + 3 * MIB, TABLE_PAGES, 0, VIOMMU_RW);
	rig_domain(&rig);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(guest_hide(&rig.guest, leaves), 0);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_int_equal(result.unbacked, TABLE_PAGES);
		/* It is reported each time, and nothing else is looked at. */
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_int_equal(result.unbacked, TABLE_PAGES);
		assert_in_range(result.entries, TABLE_PAGES, 3 * WAY);
		assert_int_equal(guest_show(&rig.guest, leaves), 0);
		assert_true(refresh(&rig));
		assert_int_equal(rig_stats(&rig).mapped_pages, 2 * TABLE_PAGES);
		assert_int_equal(refresh(&rig), 0);

		assert_int_equal(guest_hide(&rig.guest, tables), 0);
		assert_int_equal(rig_refresh_all(&rig, &result), -EFAULT);
		assert_int_equal(rig_refresh_all(&rig, &result), -EFAULT);
		assert_int_equal(result.fault.reason, VIOMMU_FAULT_TABLE_UNBACKED);
		rig_check(&rig);
		/* Written while it cannot be watched. */
		guest_store(&rig.guest, 2 * GIB + 8 * (7 + i), PTE_INVALID);
		assert_int_equal(guest_show(&rig.guest, tables), 0);
		assert_true(refresh(&rig));
		tables_map(&rig.tables, PBA + 3 * MIB, TABLE_PAGES, 0, VIOMMU_RW);
		assert_true(refresh(&rig));
		assert_int_equal(refresh(&rig), 0);
	}
	end(&rig, &fake);
}

/* A page that could not be established is tried again, although nothing was written. */
static void test_budget(void **state)
{
	struct viommu_refresh_result result;
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	tables_map(&rig.tables, PBA, TABLE_PAGES, 0, VIOMMU_RW);
	rig_domain(&rig);
	viommu_vm_set_pin_budget(rig.guest.vm, 300 * PAGE);
	tables_map(&rig.tables, PBA + 5 * MIB, TABLE_PAGES, MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	assert_int_equal(result.unestablished, 2 * TABLE_PAGES - 300);
	viommu_vm_set_pin_budget(rig.guest.vm, VIOMMU_NO_LIMIT);
	assert_true(refresh(&rig));
	assert_int_equal(rig_stats(&rig).mapped_pages, 2 * TABLE_PAGES);
	assert_int_equal(refresh(&rig), 0);
	/* The same where only a part was refreshed. */
	viommu_vm_set_pin_budget(rig.guest.vm, 520 * PAGE);
	tables_map(&rig.tables, PBA + 9 * MIB, TABLE_PAGES, 4 * MIB, VIOMMU_RW);
	assert_int_equal(rig_refresh(&rig, PBA + 9 * MIB, TABLE_PAGES, &result), -ENOSPC);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	viommu_vm_set_pin_budget(rig.guest.vm, VIOMMU_NO_LIMIT);
	assert_true(refresh(&rig));
	end(&rig, &fake);
}

/* A host that fails, in a refresh of everything and in one of a part; then it works again. */
static void test_failing_host(void **state)
{
	static const enum mock_call calls[] = { MOCK_MAP, MOCK_UNMAP, MOCK_FLUSH };
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		uint64_t ste;

		begin(&rig, &fake);
		tables_map(&rig.tables, PBA, 2 * TABLE_PAGES, 0, VIOMMU_RW);
		rig_domain(&rig);
		ste = tables_entry(&rig.tables, PBA, 1);
		guest_store(&rig.guest, ste, guest_load(&rig.guest, ste) ^ PROTECTED);
		mock_fail(rig.mock, calls[i % 3], 1, true, EIO);
		if (i < 3)
			assert_true(rig_refresh_all(&rig, NULL) != 0);
		else
			assert_true(rig_refresh(&rig, PBA, 10, NULL) != 0);
		mock_fail(rig.mock, calls[i % 3], 0, false, 0);
		assert_true(refresh(&rig));
		assert_int_equal(refresh(&rig), 0);
		end(&rig, &fake);
	}
}

/* A malformed entry is reported each time until it is repaired, and hides nothing. */
static void test_malformed(void **state)
{
	struct viommu_refresh_result result;
	struct fake_tracker fake;
	uint64_t entry_gpa, entry, elsewhere;
	struct rig rig;

	(void)state;
	begin(&rig, &fake);
	tables_map(&rig.tables, PBA, 4 * TABLE_PAGES, 0, VIOMMU_RW);
	rig_domain(&rig);
	elsewhere = leaf_table(&rig, PBA + 3 * MIB);
	for (unsigned int level = 1; level < 3; level++) {
		entry_gpa = tables_entry(&rig.tables, PBA + MIB + 5 * PAGE, level);
		entry = guest_load(&rig.guest, entry_gpa);
		guest_store(&rig.guest, entry_gpa, entry ^ 0x8);
		for (unsigned int i = 0; i < 3; i++) {
			/* In another table; not through the tables, which lead nowhere now. */
			guest_store(&rig.guest, elsewhere + 8 * (3 * level + i), PTE_INVALID);
			assert_int_equal(rig_refresh_all(&rig, &result), -EFAULT);
			assert_int_equal(result.fault.entry_gpa, entry_gpa);
			rig_check(&rig);
		}
		guest_store(&rig.guest, entry_gpa, entry);
		assert_true(refresh(&rig));
		assert_int_equal(refresh(&rig), 0);
	}
	end(&rig, &fake);
}

struct writer {
	struct rig *rig;
	unsigned int at;
	unsigned int now;
	uint64_t gpa;
	uint64_t value;
};

static void write_in_collect(void *ctx, bool after)
{
	struct writer *writer = ctx;

	if (after)
		tables_unmap(&writer->rig->tables, PBA + writer->now++ * PAGE, 1);
}

/* Between the scan and the fill, the entry that leads to a table changes. */
static void redirect_in_flush(void *ctx, struct mock_space *space, const struct mock_event *event)
{
	struct writer *writer = ctx;

	(void)space;
	if (event->call == MOCK_FLUSH)
		guest_store(&writer->rig->guest, writer->gpa, writer->value);
}

static void write_in_call(void *ctx, struct mock_space *space, const struct mock_event *event)
{
	struct writer *writer = ctx;

	(void)space;
	(void)event;
	if (writer->now++ == writer->at)
		tables_unmap(&writer->rig->tables, PBA + 100 * PAGE, 1);
}

/* A store during a refresh is seen by it or by the next one, at any point of the refresh. */
static void test_written_meanwhile(void **state)
{
	struct fake_tracker fake;
	struct rig rig;
	struct writer writer = { .rig = &rig };

	(void)state;
	begin(&rig, &fake);
	tables_map(&rig.tables, PBA, TABLE_PAGES, 0, VIOMMU_RW);
	rig_domain(&rig);
	fake.in_collect = write_in_collect;
	fake.ctx = &writer;
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	fake.in_collect = NULL;
	refresh(&rig);

	/*
	 * In each call to the host during a refresh: its scan has ended then, or has passed the
	 * entry.
	 */
	rig.mock->watch = write_in_call;
	rig.mock->watch_ctx = &writer;
	for (writer.at = 0; writer.at < 4; writer.at++) {
		tables_map(&rig.tables, PBA + 100 * PAGE, 1, MIB, VIOMMU_RW);
		writer.now = UINT32_MAX / 2;
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		tables_map(&rig.tables, PBA + 50 * PAGE, 1, MIB + writer.at * PAGE, VIOMMU_RW);
		tables_unmap(&rig.tables, PBA + 60 * PAGE + writer.at * PAGE, 1);
		writer.now = 0;
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		writer.now = UINT32_MAX / 2;
		refresh(&rig);
	}
	assert_int_equal(refresh(&rig), 0);
	end(&rig, &fake);
}

static void test_redirected_meanwhile(void **state)
{
	struct fake_tracker fake;
	struct rig rig;
	struct writer writer = { .rig = &rig };
	uint64_t entry;

	(void)state;
	begin(&rig, &fake);
	tables_map(&rig.tables, PBA, 3 * TABLE_PAGES, 0, VIOMMU_RW);
	tables_map(&rig.tables, PBA + 4 * MIB, TABLE_PAGES, 5 * MIB, VIOMMU_RW);
	rig_domain(&rig);
	writer.gpa = tables_entry(&rig.tables, PBA + MIB, 1);
	entry = guest_load(&rig.guest, writer.gpa);
	rig.mock->watch_ctx = &writer;
	for (unsigned int i = 0; i < 12; i++) {
		const uint64_t others[] = { STE_INVALID, tables_link(1, leaf_table(&rig, PBA + 4 * MIB)), 8 * MIB | STE_FRAME, entry | PROTECTED };

		writer.value = others[i % 4];
		/*
		 * Pages to release and pages to establish: in one table, or across its end where
		 * all tables are compared in one go.
		 */
		if (i < 8) {
			tables_unmap(&rig.tables, PBA + MIB + i * PAGE, 1);
			tables_map(&rig.tables, PBA + MIB + (20 + i) * PAGE, 1, 9 * MIB, VIOMMU_RW);
		} else {
			guest_store(&rig.guest, writer.gpa, entry);
			tables_map(&rig.tables, PBA + 2 * MIB - PAGE, 2, 10 * MIB + 2 * i * PAGE, VIOMMU_RW);
		}
		rig.mock->watch = redirect_in_flush;
		if (i < 4 || i >= 8)
			rig_refresh_all(&rig, NULL);
		else
			rig_refresh(&rig, PBA + MIB, 100, NULL);
		rig.mock->watch = NULL;
		guest_store(&rig.guest, writer.gpa, entry);
		refresh(&rig);
		assert_int_equal(refresh(&rig), 0);
	}
	end(&rig, &fake);
}

static void count_log(void *ctx, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b)
{
	(void)level;
	(void)what;
	(void)a;
	(void)b;
	++*(unsigned int *)ctx;
}

/* After the tracker's failure there is no tracking, and nothing else changes. */
static void test_failing_tracker(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
		unsigned int logged = 0;
		struct fake_tracker fake;
		struct rig rig;

		config.log = count_log;
		config.log_ctx = &logged;
		fake_tracker_init(&fake);
		if (i % 2)
			fake.fail_watch = 1 + i / 2;
		else
			fake.fail_collect = 1 + i / 2;
		rig_begin(&rig, &(struct rig_options){ .fake = &fake, .config = config });
		tables_map(&rig.tables, PBA, 6 * TABLE_PAGES, 0, VIOMMU_RW);
		rig_domain(&rig);
		for (unsigned int j = 0; j < 6; j++) {
			tables_unmap(&rig.tables, PBA + (uint64_t)j * MIB + j * PAGE, 1);
			assert_true(refresh(&rig));
		}
		assert_int_equal(logged, 1);
		assert_true(refresh(&rig));
		assert_int_equal(rig_stats(&rig).tracked_tables, 0);
		assert_int_equal(fake.pages, 0);
		end(&rig, &fake);
	}
}

static void test_reports_too_much(void **state)
{
	struct fake_tracker fake;
	struct rig rig;

	(void)state;
	for (unsigned int i = 1; i < 6; i++) {
		begin(&rig, &fake);
		fake.too_much = i;
		tables_map(&rig.tables, PBA, 6 * TABLE_PAGES, 0, VIOMMU_RW);
		rig_domain(&rig);
		for (unsigned int j = 0; j < 40; j++) {
			tables_unmap(&rig.tables, PBA + (uint64_t)j * 13 * PAGE, 1);
			refresh(&rig);
		}
		end(&rig, &fake);
	}
}

/*
 * A domain with that much memory: 0, or the error of its creation. *tables: the number of tables
 * with a record in the end.
 */
static int run_short(uint64_t bytes, struct fake_tracker *fake, uint64_t *tables)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct rig rig;
	int error;

	config.shadow_bytes = bytes;
	config.refresh_entries = 100000;
	rig_begin(&rig, &(struct rig_options){ .fake = fake, .config = config });
	for (uint64_t i = 0; i < 60; i++) {
		tables_entry(&rig.tables, PBA + i * MIB, 0);
		tables_map(&rig.tables, PBA + i * MIB, i < 10 ? 1 : 0, i * PAGE, VIOMMU_RW);
	}
	rig.subject.domain = tables_domain(&rig.tables, &rig.mock->host, &error);
	if (rig.subject.domain) {
		rig.subject.space = mock_newest(rig.mock);
		tables_unmap(&rig.tables, PBA + 2 * MIB, 1);
		refresh(&rig);
		refresh(&rig);
		*tables = rig_stats(&rig).tracked_tables;
	}
	rig_end(&rig);
	return error;
}

/*
 * Memory is short: a domain that can be made without a tracker can be made with one, if need be
 * without tracking.
 */
static void test_no_memory(void **state)
{
	bool tracked = false, untracked = false;

	(void)state;
	for (uint64_t bytes = 4096; bytes < 40960; bytes += 512) {
		struct fake_tracker fake;
		uint64_t tables = 0;
		int error;

		fake_tracker_init(&fake);
		error = run_short(bytes, &fake, &tables);
		fake_tracker_end(&fake);
		assert_int_equal(run_short(bytes, NULL, &(uint64_t){ 0 }), error);
		assert_true(tables == 0 || tables == 62);
		tracked |= tables > 0;
		untracked |= !error && tables == 0;
	}
	assert_true(tracked && untracked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setting),
		cmocka_unit_test(test_cost_of_changes),
		cmocka_unit_test(test_goes_straight_there),
		cmocka_unit_test(test_many_written),
		cmocka_unit_test(test_higher_entries),
		cmocka_unit_test(test_part_refreshed),
		cmocka_unit_test(test_reused_page),
		cmocka_unit_test(test_root_as_leaves),
		cmocka_unit_test(test_two_domains),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_failing_host),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_written_meanwhile),
		cmocka_unit_test(test_redirected_meanwhile),
		cmocka_unit_test(test_failing_tracker),
		cmocka_unit_test(test_reports_too_much),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
