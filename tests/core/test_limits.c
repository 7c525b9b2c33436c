/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Limits: tables larger than any honest ones, memory for the shadow, ranges and apertures of the
 * largest size.
 */
#include <viommu/zpci.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

#include "core/shadow/shadow.h"

static struct viommu_vm_stats vm_stats(const struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(rig->guest.vm, &stats);
	return stats;
}

/*
 * One table a level, all of whose entries name the next one; the leaves of the page table are valid
 * or not. Returns the top table.
 */
static uint64_t make_bomb(struct guest *guest, unsigned int top, bool leaves)
{
	uint64_t below = tables_new(guest, 0);

	for (uint64_t i = 0; leaves && i < 256; i++)
		guest_store(guest, below + 8 * i, MIB + i * PAGE);
	for (unsigned int level = 1; level <= top; level++) {
		uint64_t table = tables_new(guest, level);

		for (uint64_t i = 0; i < 2048; i++)
			guest_store(guest, table + 8 * i, tables_link(level, below));
		below = table;
	}
	return below;
}

static void begin_bomb(struct rig *rig, bool leaves)
{
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT, .level = 4 };

	options.config.shadow_bytes = MIB;
	rig_begin(rig, &options);
	rig->tables.root = make_bomb(&rig->guest, 4, leaves);
	rig->tables.pba = 0;
	rig->tables.pal = UINT64_MAX;
}

/* At registration: insufficient resources, within bounds, and nothing stays. */
static void test_bomb_registered(void **state)
{
	(void)state;
	for (unsigned int leaves = 0; leaves < 2; leaves++) {
		struct viommu_refresh_result result = { 0 };
		struct viommu_domain *domain = NULL;
		struct viommu_zpci_ioat ioat;
		struct rig rig;

		begin_bomb(&rig, leaves);
		ioat = tables_ioat(&rig.tables);
		assert_int_equal(viommu_domain_create(rig.guest.vm, &rig.mock->host, VIOMMU_DOMAIN_ZPCI, &ioat, &result, &domain), -ENOSPC);
		/* Twice what 64 MiB have room for. */
		assert_true(result.entries > 0 && result.entries <= 2 * 64 * MIB / 8);
		assert_true(vm_stats(&rig).shadow_bytes_peak <= MIB);
		assert_int_equal(vm_stats(&rig).shadow_bytes, 0);
		assert_int_equal(guest_pinned(&rig.guest), 0);
		assert_null(rig.mock->spaces);
		rig_end(&rig);
	}
}

/* Armed after an honest registration. */
static void test_bomb_refreshed(void **state)
{
	(void)state;
	for (unsigned int leaves = 0; leaves < 2; leaves++) {
		struct viommu_refresh_result result;
		uint64_t bomb, entry;
		struct rig rig;

		begin_bomb(&rig, leaves);
		bomb = rig.tables.root;
		rig.tables.root = tables_new(&rig.guest, 4);
		rig_domain(&rig);
		tables_map(&rig.tables, PBA, 300, 5 * MIB, VIOMMU_RW);
		tables_map(&rig.tables, UINT64_MAX - MIB + 1, 100, 5 * MIB, VIOMMU_RW);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 400);
		/*
		 * Mapped before, at the end of the range, and changed since: the refresh does not
		 * get there, and must release it.
		 */
		tables_unmap(&rig.tables, UINT64_MAX - MIB + 1, 50);
		entry = guest_load(&rig.guest, bomb);
		for (uint64_t i = 1; i < 2047; i++)
			guest_store(&rig.guest, rig.tables.root + 8 * i, entry);
		assert_int_equal(viommu_domain_refresh(rig.subject.domain, 0, UINT64_MAX, NULL), -ENOSPC);
		assert_true(vm_stats(&rig).shadow_bytes_peak <= MIB);
		assert_true(check_pages(&rig.subject, 0, UINT64_MAX) >= 350);
		check_true(rig.mock, &rig.subject, UINT64_MAX - MIB + 1, UINT64_MAX);
		check_not_stale(rig.mock, &rig.subject, PBA, PBA + 300 * PAGE);
		check_not_stale(rig.mock, &rig.subject, UINT64_MAX - MIB + 1, UINT64_MAX);
		check_books(rig.mock, &rig.guest, &rig.subject, 1);
		/* A part that is small enough to be examined, and too large for the shadow. */
		assert_int_equal(rig_refresh(&rig, (uint64_t)1 << 53, 150 * 1024, &result), leaves ? -ENOSPC : 0);
		assert_true(vm_stats(&rig).shadow_bytes_peak <= MIB);
		check_not_stale(rig.mock, &rig.subject, (uint64_t)1 << 53, ((uint64_t)1 << 53) + MIB);
		check_books(rig.mock, &rig.guest, &rig.subject, 1);
		assert_true(!leaves || check_pages(&rig.subject, 0, UINT64_MAX) > 50000);
		/* Defused. */
		for (uint64_t i = 1; i < 2047; i++)
			guest_store(&rig.guest, rig.tables.root + 8 * i, STE_INVALID);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 350);
		check_true(rig.mock, &rig.subject, PBA, PBA + 2 * MIB);
		check_true(rig.mock, &rig.subject, UINT64_MAX - MIB + 1, UINT64_MAX);
		check_books(rig.mock, &rig.guest, &rig.subject, 1);
		rig_end(&rig);
	}
}

/*
 * More entries than a refresh may examine, in honest tables. The examined part matches the tables.
 * In the rest, stale translations are released, and others stay. Smaller refreshes reach the rest.
 */
static void test_refresh_entries(void **state)
{
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT };
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	options.config.refresh_entries = 1; /* raised to the least */
	rig_begin(&rig, &options);
	rig_domain(&rig);
	for (uint64_t i = 0; i < 20; i++) {
		tables_map(&rig.tables, PBA + i * 2 * MIB, 256, MIB, VIOMMU_RW);
		assert_int_equal(rig_refresh(&rig, PBA + i * 2 * MIB, 256, NULL), 0);
	}
	rig_check(&rig);
	tables_map(&rig.tables, PBA, 16, 3 * MIB, VIOMMU_RW);
	tables_unmap(&rig.tables, PBA + 38 * MIB, 100);
	tables_set(&rig.tables, PBA + 36 * MIB, 1, STE_INVALID);
	tables_map(&rig.tables, PBA + 34 * MIB + 50 * PAGE, 1, 4 * MIB, VIOMMU_READ);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	/* Established pages are examined beyond that. */
	assert_true(result.entries <= VIOMMU_LEAST_STEP_ENTRIES + 20 * (256 + 4 * 2));
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 20 * 256 - 16 - 100 - 256 - 1);
	check_not_stale(rig.mock, &rig.subject, rig.tables.pba, rig.tables.pal);
	check_books(rig.mock, &rig.guest, &rig.subject, 1);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(rig_refresh(&rig, PBA + i * 2 * MIB, 512, NULL), 0);
	rig_check(&rig);
	rig_end(&rig);
}

/* The thread is to end from the interrupt_at-th question on; 0: never. Used by one thread. */
static unsigned int interrupt_at, asked;

bool __wrap_port_interrupted(void);
bool __wrap_port_interrupted(void)
{
	return interrupt_at && ++asked >= interrupt_at;
}

/* A thread that is to end goes on no further: as at a limit, what it came to is true. */
static void test_interrupted(void **state)
{
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT };
	struct viommu_refresh_result whole, result;
	struct rig rig;

	(void)state;
	options.config.step_entries = 1;
	rig_begin(&rig, &options);
	rig_domain(&rig);
	for (uint64_t i = 0; i < 60; i++)
		tables_map(&rig.tables, PBA + i * MIB, 256, i % 8 * MIB, VIOMMU_RW);
	for (unsigned int at = 1; at < 4; at++) {
		interrupt_at = at;
		asked = 0;
		assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
		assert_true(result.entries <= (at + 1) * 2 * VIOMMU_LEAST_STEP_ENTRIES);
		check_not_stale(rig.mock, &rig.subject, rig.tables.pba, rig.tables.pal);
		check_books(rig.mock, &rig.guest, &rig.subject, 1);
	}
	/* Established pages are taken away even so. */
	interrupt_at = 0;
	assert_int_equal(rig_refresh_all(&rig, &whole), 0);
	tables_unmap(&rig.tables, PBA, 60 * 256);
	interrupt_at = 1;
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 0);
	interrupt_at = 0;
	rig_check(&rig);
	rig_end(&rig);
}

/* Beyond the limit the refresh goes on in steps, too, and each flushes its releases. */
static void test_beyond_the_limit_takes_steps(void **state)
{
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT, .mock = { .split = true } };
	struct viommu_refresh_result result;
	struct rig rig;

	(void)state;
	options.config.refresh_entries = 1;
	options.config.step_entries = 1;
	rig_begin(&rig, &options);
	rig_domain(&rig);
	for (uint64_t i = 0; i < 60; i++) {
		tables_map(&rig.tables, PBA + i * MIB, 256, i % 8 * MIB, VIOMMU_RW);
		assert_int_equal(rig_refresh(&rig, PBA + i * MIB, 256, NULL), 0);
	}
	tables_unmap(&rig.tables, PBA + 30 * MIB, 29 * 256);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh_all(&rig, &result), -ENOSPC);
	assert_int_equal(result.released, 29 * 256);
	assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 31 * 256);
	assert_true(result.steps >= result.entries / VIOMMU_LEAST_STEP_ENTRIES);
	assert_true(rig.mock->calls[MOCK_FLUSH] >= 29 * 256 / (VIOMMU_LEAST_STEP_ENTRIES / SHADOW_RELEASE_COST + SHADOW_BLOCK));
	rig_check(&rig);
	rig_end(&rig);
}

#define FULL_TABLES 2048u /* of leaves, that a segment table names */

/*
 * As many tables as a guest that never freed any, with one leaf in total. `distinct`: each has its
 * own memory, and the limits are small enough for that. Otherwise eight empty tables are named
 * repeatedly.
 */
static void sparse_tables(struct rig *rig, unsigned int segments, bool distinct)
{
	uint64_t empty[8] = { 0 };

	for (unsigned int s = 0; s < segments; s++) {
		uint64_t iova = PBA + s * 2 * GIB;

		for (unsigned int i = 0; i < FULL_TABLES; i++) {
			uint64_t *table = &empty[i % 8];

			if (distinct || !*table)
				*table = tables_new(&rig->guest, 0);
			tables_set(&rig->tables, iova + i * MIB, 1, tables_link(1, *table));
		}
	}
	tables_set(&rig->tables, rig->tables.pal - MIB + 1, 1, tables_link(1, tables_new(&rig->guest, 0)));
	tables_map(&rig->tables, rig->tables.pal - PAGE + 1, 1, MIB, VIOMMU_RW);
}

/*
 * With the default limits of a VM, such a guest reaches none: it is registered and refreshed
 * completely, again and again.
 */
static void test_honest_guest_meets_no_limit(void **state)
{
	(void)state;
	for (unsigned int distinct = 0; distinct < 2; distinct++) {
		const unsigned int segments = distinct ? 8 : 256;
		struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT, .guest_bytes = distinct ? 128 * MIB : 2 * GIB, .aperture = segments * 2 * GIB };
		struct viommu_refresh_result result;
		struct rig rig;

		options.config.shadow_bytes = distinct ? MIB : 0;
		rig_begin(&rig, &options);
		sparse_tables(&rig, segments, distinct);
		rig_domain(&rig);
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 1);
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(rig_refresh_all(&rig, &result), 0);
			assert_true(result.entries >= segments * FULL_TABLES * 256);
			assert_int_equal(result.released, i);
			assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 1);
			tables_map(&rig.tables, rig.tables.pal - PAGE + 1, 1, 2 * MIB, VIOMMU_RW);
		}
		rig_end(&rig);
	}
}

/*
 * The limit is exactly the maximum memory use: one byte less is not enough, and repetitions leak
 * nothing.
 */
static uint64_t shadow_of(uint64_t limit, bool soft, int expected)
{
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT };
	struct viommu_host *host;
	struct viommu_domain *domain;
	struct rig rig;
	uint64_t peak;

	options.config.shadow_bytes = limit;
	rig_begin(&rig, &options);
	assert_int_equal(viommu_host_soft_create(&host), 0);
	domain = tables_domain(&rig.tables, soft ? host : &rig.mock->host, NULL);
	for (unsigned int round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < 40; i++)
			tables_map(&rig.tables, PBA + (3 * i * 64 + i) * PAGE, 30, i * PAGE, VIOMMU_RW);
		assert_int_equal(viommu_domain_refresh(domain, 0, UINT64_MAX, NULL), expected);
		peak = vm_stats(&rig).shadow_bytes_peak;
		assert_true(peak <= limit);
		for (uint64_t i = 0; i < 40; i++)
			tables_unmap(&rig.tables, PBA + (3 * i * 64 + i) * PAGE, 30);
		assert_int_equal(viommu_domain_refresh(domain, 0, UINT64_MAX, NULL), 0);
	}
	viommu_domain_destroy(domain);
	assert_int_equal(vm_stats(&rig).shadow_bytes, 0);
	viommu_host_destroy(host);
	rig_end(&rig);
	return peak;
}

static void test_shadow_is_notified(void **state)
{
	static const struct rig_options options;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &options);
	rig_domain(&rig);
	assert_int_equal(rig_stats(&rig).shadow_bytes, 0);
	/* The mock host uses no memory of the limit: all is the shadow's. */
	for (unsigned int i = 0; i < 5; i++) {
		tables_map(&rig.tables, PBA + i * 3 * MIB, 600, 0, VIOMMU_RW);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		assert_true(rig_stats(&rig).shadow_bytes > 600 * sizeof(uint64_t));
		assert_int_equal(rig_stats(&rig).shadow_bytes, vm_stats(&rig).shadow_bytes);
	}
	for (unsigned int i = 0; i < 5; i++) {
		tables_unmap(&rig.tables, PBA + i * 3 * MIB, 600);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		assert_int_equal(rig_stats(&rig).shadow_bytes, vm_stats(&rig).shadow_bytes);
	}
	rig_end(&rig);
}

static void test_shadow_bytes(void **state)
{
	(void)state;
	for (unsigned int soft = 0; soft < 2; soft++) {
		uint64_t need = shadow_of(64 * MIB, soft, 0);

		assert_int_equal(shadow_of(need, soft, 0), need);
		shadow_of(need - 1, soft, -ENOSPC);
	}
}

/* An aperture wider than the reach of the root table: the table appears repeatedly. */
static void test_aliases(void **state)
{
	static const uint64_t begins[] = { 0, GIB, 2 * GIB, (uint64_t)5 << 40, (uint64_t)1 << 63 };

	(void)state;
	for (size_t n = 0; n < sizeof(begins) / sizeof(begins[0]); n++) {
		uint64_t begin = begins[n], at = begin + 3 * MIB, gpa;
		struct viommu_refresh_result result;
		struct rig rig;
		uint32_t prot;

		rig_begin(&rig, &(struct rig_options){ .level = 1 });
		rig.tables.pba = begin;
		rig.tables.pal = begin + 6 * GIB + 4 * MIB - 1;
		tables_map(&rig.tables, at, 10, MIB, VIOMMU_RW);
		rig_domain(&rig);
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 40);
		assert_int_equal(guest_pinned(&rig.guest), 10 * PAGE);
		for (uint64_t i = 0; i < 4; i++)
			check_true(rig.mock, &rig.subject, at + i * 2 * GIB - MIB, at + i * 2 * GIB + MIB - 1);
		/* One of the views is refreshed, the others are not. */
		tables_map(&rig.tables, at, 10, 2 * MIB, VIOMMU_READ);
		assert_int_equal(rig_refresh(&rig, at + 4 * GIB, 5, &result), 0);
		assert_int_equal(result.established, 5);
		for (uint64_t i = 0; i < 4; i++) {
			assert_true(check_at(&rig.subject, at + i * 2 * GIB + PAGE, &gpa, &prot));
			assert_int_equal(gpa, (i == 2 ? 2 * MIB : MIB) + PAGE);
		}
		assert_int_equal(guest_pinned(&rig.guest), 15 * PAGE);
		check_books(rig.mock, &rig.guest, &rig.subject, 1);
		assert_int_equal(rig_refresh(&rig, at, 6 * GIB / PAGE + 10, &result), 0);
		assert_int_equal(guest_pinned(&rig.guest), 10 * PAGE);
		tables_unmap(&rig.tables, at, 10);
		assert_int_equal(viommu_domain_refresh(rig.subject.domain, 0, UINT64_MAX, NULL), 0);
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 0);
		check_books(rig.mock, &rig.guest, &rig.subject, 1);
		rig_end(&rig);
	}
}

/* An aperture that lies beyond the root table's reach, but is no wider. */
static void test_far_aperture(void **state)
{
	struct rig rig;

	(void)state;
	for (unsigned int level = 1; level <= 4; level++) {
		rig_begin(&rig, &(struct rig_options){ .level = level });
		rig.tables.pba = (uint64_t)3 << 60;
		rig.tables.pal = rig.tables.pba + 4 * MIB - 1;
		rig_domain(&rig);
		tables_map(&rig.tables, rig.tables.pba, 5, MIB, VIOMMU_RW);
		tables_map(&rig.tables, rig.tables.pal - 5 * PAGE + 1, 5, 3 * MIB, VIOMMU_READ);
		assert_int_equal(viommu_domain_refresh(rig.subject.domain, 0, UINT64_MAX, NULL), 0);
		rig_check(&rig);
		assert_int_equal(check_pages(&rig.subject, 0, UINT64_MAX), 10);
		rig_end(&rig);
	}
}

/* The host's aperture is a limit, too. */
static void test_host_aperture(void **state)
{
	struct rig rig;
	int error;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .mock.last = PBA + 64 * MIB - 1 });
	rig_domain(&rig);
	rig.tables.pal += PAGE;
	assert_null(tables_domain(&rig.tables, &rig.mock->host, &error));
	assert_int_equal(error, -ERANGE);
	rig_end(&rig);
}

/* Unknown designations and illegal registrations. */
static void test_bad_registrations(void **state)
{
	struct viommu_domain *domain = NULL;
	struct viommu_zpci_ioat ioat;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .level = 2 });
	for (unsigned int i = 0; i < 6; i++) {
		ioat = tables_ioat(&rig.tables);
		switch (i) {
		case 0:
			ioat.iota &= ~UINT64_C(0x800);
			break;
		case 1:
			ioat.iota |= 0x10;
			break;
		case 2:
			ioat.flags = 2;
			break;
		case 3:
			ioat.size = 8;
			break;
		case 4:
			ioat.pal = ioat.pba - 1;
			break;
		default:
			ioat.flags = VIOMMU_ZPCI_IOAT_QEMU;
			ioat.iota &= ~UINT64_C(0x1c);
			break;
		}
		assert_int_equal(viommu_domain_create(rig.guest.vm, &rig.mock->host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain), -EINVAL);
	}
	assert_int_equal(viommu_domain_create(rig.guest.vm, &rig.mock->host, (enum viommu_domain_type)99, &ioat, NULL, &domain), -EINVAL);
	assert_int_equal(viommu_domain_create(rig.guest.vm, &rig.mock->host, VIOMMU_DOMAIN_ZPCI, NULL, NULL, &domain), -EINVAL);
	assert_null(rig.mock->spaces);
	rig_end(&rig);
}

#define MANY_TABLES 200u

/* Many tables of 256 pages each, with the least step. */
static void begin_many(struct rig *rig)
{
	struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT, .aperture = MANY_TABLES * MIB, .mock = { .split = true } };

	options.config.step_entries = VIOMMU_LEAST_STEP_ENTRIES;
	rig_begin(rig, &options);
	for (unsigned int i = 0; i < MANY_TABLES; i++)
		tables_map(&rig->tables, PBA + i * MIB, 256, i % 8 * MIB, VIOMMU_RW);
	rig_domain(rig);
	mock_forget(rig->mock);
}

/* No step releases more pages than this, and each step has a flush. */
#define STEP_RELEASES (VIOMMU_LEAST_STEP_ENTRIES / SHADOW_RELEASE_COST + SHADOW_BLOCK)

/*
 * One entry that is cleared releases all pages below it: in steps, as if each page had been
 * cleared.
 */
static void test_release_takes_steps(void **state)
{
	const uint64_t pages = MANY_TABLES * 256;

	(void)state;
	for (unsigned int kind = 0; kind < 3; kind++) {
		struct viommu_refresh_result result;
		struct rig rig;

		begin_many(&rig);
		if (kind == 0)
			tables_set(&rig.tables, PBA, 2, STE_INVALID);
		else if (kind == 1)
			for (unsigned int i = 0; i < MANY_TABLES; i++)
				tables_set(&rig.tables, PBA + i * MIB, 1, STE_INVALID);
		else
			tables_unmap(&rig.tables, PBA, pages);
		assert_int_equal(rig_refresh_all(&rig, &result), 0);
		assert_int_equal(result.released, pages);
		assert_true(result.steps >= pages / STEP_RELEASES);
		assert_true(rig.mock->calls[MOCK_FLUSH] >= pages / STEP_RELEASES);
		assert_true(kind || result.entries <= result.steps);
		rig_check(&rig);
		rig_end(&rig);
	}
}

/* The same for the removal of a slot. */
static void test_removal_takes_steps(void **state)
{
	struct rig rig;
	struct area *area;

	(void)state;
	begin_many(&rig);
	area = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
	assert_int_equal(guest_show(&rig.guest, area), 0);
	for (unsigned int i = 0; i < MANY_TABLES; i += 2)
		tables_map(&rig.tables, PBA + i * MIB, 256, GIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	mock_forget(rig.mock);
	assert_int_equal(guest_hide(&rig.guest, area), 0);
	assert_true(rig.mock->calls[MOCK_FLUSH] >= MANY_TABLES / 2 * 256 / STEP_RELEASES);
	rig_check(&rig);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release_takes_steps),
		cmocka_unit_test(test_removal_takes_steps),
		cmocka_unit_test(test_bomb_registered),
		cmocka_unit_test(test_bomb_refreshed),
		cmocka_unit_test(test_refresh_entries),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_beyond_the_limit_takes_steps),
		cmocka_unit_test(test_honest_guest_meets_no_limit),
		cmocka_unit_test(test_shadow_is_notified),
		cmocka_unit_test(test_shadow_bytes),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_far_aperture),
		cmocka_unit_test(test_host_aperture),
		cmocka_unit_test(test_bad_registrations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
