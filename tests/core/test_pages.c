/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The core on a port that accesses guest memory like a kernel: paged_port/port_guest.h. The library
 * accesses guest memory through a second mapping, in which only the currently mapped pages are
 * accessible. So a pointer that is used after its unmapping faults. Pages are unmapped in the
 * reverse order, all of them at each return, and a page may be missing at any time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

#include "port/port.h"

/* As many as Linux lets one thread map with kmap_local_page(). */
enum { MOST_MAPPED = 16 };

static struct {
	void *memory[MOST_MAPPED];
	unsigned int number;
	uint64_t maps;
	uint64_t fail_at; /* the fail_at-th map from now on, counted from 1, fails; 0: none does */
	bool written;	  /* of the memory that came last */
} mapped;

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Puts a file where the memory is, so that it can be mapped twice. */
int port_guest_init(struct port_guest *guest, const struct viommu_slot *slot)
{
	int fd = memfd_create("guest", 0);
	uint64_t bytes = slot->bytes;
	void *hva = slot->hva;

	must(fd >= 0 && !ftruncate(fd, (off_t)bytes));
	guest->bytes = bytes;
	guest->written = mapped.written = slot->prot & VIOMMU_WRITE;
	guest->base = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	must(guest->base != MAP_FAILED);
	for (uint64_t at = 0; at < bytes; at += PAGE) {
		const unsigned char *page = (unsigned char *)hva + at;

		if (page[0] || memcmp(page, page + 1, PAGE - 1))
			memcpy(guest->base + at, page, PAGE);
	}
	must(mmap(hva, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0) != MAP_FAILED);
	must(!mprotect(guest->base, (size_t)bytes, PROT_NONE) && !close(fd));
	return 0;
}

void port_guest_destroy(struct port_guest *guest)
{
	must(!munmap(guest->base, (size_t)guest->bytes));
}

static unsigned char *page_of(void *memory)
{
	return (unsigned char *)memory - (uintptr_t)memory % PAGE;
}

static bool is_mapped(const unsigned char *page)
{
	for (unsigned int i = 0; i < mapped.number; i++)
		if (page_of(mapped.memory[i]) == page)
			return true;
	return false;
}

void *port_guest_map(const struct port_guest *guest, uint64_t offset)
{
	unsigned char *memory = guest->base + offset;

	mapped.maps++;
	must(mapped.number < MOST_MAPPED && offset < guest->bytes);
	if (mapped.fail_at && !--mapped.fail_at)
		return NULL;
	if (!is_mapped(page_of(memory)))
		must(!mprotect(page_of(memory), PAGE, guest->written ? PROT_READ | PROT_WRITE : PROT_READ));
	mapped.memory[mapped.number++] = memory;
	return memory;
}

void port_guest_unmap(const struct port_guest *guest, void *memory)
{
	(void)guest;
	must(mapped.number && mapped.memory[mapped.number - 1] == memory);
	mapped.number--;
	if (!is_mapped(page_of(memory)))
		must(!mprotect(page_of(memory), PAGE, PROT_NONE));
}

static void fill(struct rig *rig)
{
	tables_map(&rig->tables, PBA, 40, 0, VIOMMU_RW);
	tables_map(&rig->tables, PBA + MIB, 1, 5 * MIB, VIOMMU_READ);
	tables_map(&rig->tables, PBA + 7 * MIB - PAGE, 2, 3 * MIB, VIOMMU_RW);
	tables_set(&rig->tables, PBA + 9 * MIB, 1, 4 * MIB | STE_FRAME);
}

/*
 * Refreshes of one page alternate with refreshes of everything, and tables change in each way that
 * a path has to detect.
 */
static void test_nothing_is_kept(void **state)
{
	struct viommu_run run;
	struct area *area;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .guest_bytes = 16 * MIB });
	area = guest_area(&rig.guest, GIB, MIB, VIOMMU_RW);
	fill(&rig);
	rig_domain(&rig);
	assert_int_equal(mapped.number, 0);
	rig_check(&rig);
	for (unsigned int round = 0; round < 50; round++) {
		uint64_t iova = PBA + (round % 3) * MIB;

		tables_map(&rig.tables, iova, 1, round % 2 ? GIB : round * PAGE, VIOMMU_RW);
		if (round % 10 == 1)
			assert_int_equal(guest_show(&rig.guest, area), 0);
		assert_int_equal(rig_refresh(&rig, iova, 1, NULL), 0);
		assert_int_equal(mapped.number, 0);
		assert_int_equal(viommu_domain_walk(rig.subject.domain, iova, &run, NULL), round % 2 && !area->shown ? -EFAULT : 0);
		assert_int_equal(mapped.number, 0);
		if (round % 10 == 7)
			assert_int_equal(guest_hide(&rig.guest, area), 0);
		/* The same page again uses the path; another table between does not. */
		assert_int_equal(rig_refresh(&rig, iova, 1, NULL), 0);
		tables_set(&rig.tables, PBA + 20 * MIB, 1, round % 2 ? STE_INVALID : tables_link(1, tables_new(&rig.guest, 0)));
		assert_int_equal(rig_refresh(&rig, PBA + 20 * MIB, 1, NULL), 0);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		assert_int_equal(mapped.number, 0);
		rig_check(&rig);
	}
	rig_end(&rig);
}

/*
 * A page that is missing for a moment counts as no table: the pages below it are released, or stay
 * as the tables say. The next refresh repairs it.
 */
static void test_page_is_missing(void **state)
{
	struct rig rig;
	uint64_t maps;
	int error;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .guest_bytes = 16 * MIB });
	fill(&rig);
	rig_domain(&rig);
	for (unsigned int kind = 0; kind < 4; kind++) {
		uint64_t pages = kind % 2 ? 1 : 64 * MIB / PAGE, at = 0;

		do {
			/* With work for the refresh, or without. */
			if (kind < 2)
				tables_map(&rig.tables, PBA, 1, at % 2 * PAGE, VIOMMU_RW);
			mapped.maps = 0;
			mapped.fail_at = ++at;
			error = rig_refresh(&rig, PBA, pages, NULL);
			assert_true(error == 0 || error == -EFAULT);
			assert_int_equal(mapped.number, 0);
			maps = mapped.maps;
			mapped.fail_at = 0;
			check_not_stale(rig.mock, &rig.subject, PBA, PBA + 64 * MIB - 1);
			assert_int_equal(rig_refresh_all(&rig, NULL), 0);
			rig_check(&rig);
		} while (at < maps);
		assert_true(maps > 0);
	}
	rig_end(&rig);
}

/* A port may have to know in advance which memory is written. A read-only slot is never written. */
static void test_written_slots(void **state)
{
	static const uint32_t prots[] = { VIOMMU_READ, VIOMMU_RW };
	struct viommu_slot slot = VIOMMU_SLOT_INIT;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &(struct rig_options){ .guest_bytes = 16 * MIB });
	slot.gpa = GIB;
	slot.bytes = PAGE;
	slot.hva = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(slot.hva != MAP_FAILED);
	for (unsigned int i = 0; i < 2; i++) {
		slot.prot = prots[i];
		assert_int_equal(viommu_slot_add(rig.guest.vm, &slot), 0);
		assert_int_equal(mapped.written, prots[i] == VIOMMU_RW);
		assert_int_equal(viommu_slot_remove(rig.guest.vm, slot.gpa), 0);
	}
	must(!munmap(slot.hva, PAGE));
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_slots),
		cmocka_unit_test(test_nothing_is_kept),
		cmocka_unit_test(test_page_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
