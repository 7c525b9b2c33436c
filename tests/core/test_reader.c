/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translation for a device model, in one thread: results, faults, and the invalidation of the
 * reader's cache exactly when it is due.
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

static void expect_fault(struct bench *bench, uint64_t iova, uint64_t bytes, uint32_t access, uint32_t reason, uint64_t at)
{
	struct viommu_fault fault = { 0 };
	struct viommu_piece piece[4];
	uint64_t translated;

	assert_int_equal(viommu_translate(bench->reader, iova, bytes, access, piece, 4, &translated, &fault), -EFAULT);
	assert_int_equal(fault.reason, reason);
	assert_int_equal(fault.iova, at);
	assert_int_equal(fault.access, access);
	/* Result pointers may be NULL. */
	assert_int_equal(viommu_translate(bench->reader, iova, bytes, access, piece, 4, &translated, NULL), -EFAULT);
}

/* The page of the guest that one byte translates to, 1 if there is none. */
static uint64_t where(struct bench *bench, uint64_t iova)
{
	struct viommu_piece piece;
	uint64_t translated;

	if (viommu_translate(bench->reader, iova, 1, VIOMMU_READ, &piece, 1, &translated, NULL) != 1)
		return 1;
	for (unsigned int i = 0; i < bench->rig.guest.areas; i++) {
		const struct area *area = &bench->rig.guest.area[i];

		if ((unsigned char *)piece.hva >= area->memory && (unsigned char *)piece.hva < area->memory + area->bytes)
			return area->gpa + (uint64_t)((unsigned char *)piece.hva - area->memory);
	}
	return 2;
}

static void pieces(bool soft)
{
	struct viommu_piece piece[4];
	struct bench bench;
	struct guest *guest = &bench.rig.guest;
	uint64_t translated;

	bench_begin(&bench, soft, false);
	/*
	 * Three pages of one piece of memory, in two runs; two elsewhere; and a frame that
	 * continues the last of them.
	 */
	tables_map(&bench.rig.tables, PBA + 253 * PAGE, 2, MIB, VIOMMU_RW);
	tables_map(&bench.rig.tables, PBA + 255 * PAGE, 1, MIB + 2 * PAGE, VIOMMU_READ);
	tables_map(&bench.rig.tables, PBA + 256 * PAGE, 1, 2 * MIB, VIOMMU_RW);
	tables_map(&bench.rig.tables, PBA + 257 * PAGE, 255, 3 * MIB + PAGE, VIOMMU_RW);
	tables_set(&bench.rig.tables, PBA + 2 * MIB, 1, 4 * MIB | STE_FRAME);
	bench_refresh(&bench);

	assert_int_equal(viommu_translate(bench.reader, PBA + 253 * PAGE + 100, 3 * PAGE, VIOMMU_READ, piece, 4, &translated, NULL), 2);
	assert_int_equal(translated, 3 * PAGE);
	assert_ptr_equal(piece[0].hva, guest_hva(guest, MIB + 100));
	assert_int_equal(piece[0].bytes, 3 * PAGE - 100);
	assert_ptr_equal(piece[1].hva, guest_hva(guest, 2 * MIB));
	assert_int_equal(piece[1].bytes, 100);

	/* Room for fewer pieces than there are: those that fit, and their length. */
	assert_int_equal(viommu_translate(bench.reader, PBA + 253 * PAGE, 5 * PAGE, VIOMMU_READ, piece, 1, &translated, NULL), 1);
	assert_int_equal(translated, 3 * PAGE);
	assert_int_equal(viommu_translate(bench.reader, PBA + 253 * PAGE, 5 * PAGE, VIOMMU_READ, piece, 2, &translated, NULL), 2);
	assert_int_equal(translated, 4 * PAGE);
	assert_int_equal(viommu_translate(bench.reader, PBA + 253 * PAGE, 5 * PAGE, VIOMMU_READ, piece, 3, &translated, NULL), 3);
	assert_int_equal(translated, 5 * PAGE);
	assert_ptr_equal(piece[2].hva, guest_hva(guest, 3 * MIB + PAGE));

	/* More extents than a cache has room for, one piece. */
	assert_int_equal(viommu_translate(bench.reader, PBA + 257 * PAGE + 1, 255 * PAGE + MIB - 2, VIOMMU_WRITE, piece, 4, &translated, NULL), 1);
	assert_int_equal(translated, 255 * PAGE + MIB - 2);
	assert_ptr_equal(piece[0].hva, guest_hva(guest, 3 * MIB + PAGE + 1));

	/* Zero bytes, no room, and a range that wraps. */
	assert_int_equal(viommu_translate(bench.reader, PBA, 0, VIOMMU_READ, piece, 4, &translated, NULL), 0);
	assert_int_equal(translated, 0);
	assert_int_equal(viommu_translate(bench.reader, PBA, 1, VIOMMU_READ, piece, 0, &translated, NULL), -EINVAL);
	assert_int_equal(viommu_translate(bench.reader, UINT64_MAX, 2, VIOMMU_READ, piece, 4, &translated, NULL), -EINVAL);
	assert_int_equal(viommu_translate(bench.reader, PBA, UINT64_MAX, VIOMMU_READ, piece, 4, &translated, NULL), -EINVAL);
	bench_end(&bench);
}

static void test_pieces(void **state)
{
	(void)state;
	pieces(true);
	pieces(false);
}

static void faults(bool soft)
{
	struct bench bench;

	bench_begin(&bench, soft, false);
	tables_map(&bench.rig.tables, PBA, 3, MIB, VIOMMU_RW);
	tables_map(&bench.rig.tables, PBA + 3 * PAGE, 1, MIB + 3 * PAGE, VIOMMU_READ);
	bench_refresh(&bench);
	expect_fault(&bench, PBA - 1, 1, VIOMMU_READ, VIOMMU_FAULT_APERTURE, PBA - 1);
	expect_fault(&bench, PBA - 1, 2, VIOMMU_READ, VIOMMU_FAULT_APERTURE, PBA - 1);
	expect_fault(&bench, bench.rig.tables.pal + 1, 1, VIOMMU_WRITE, VIOMMU_FAULT_APERTURE, bench.rig.tables.pal + 1);
	expect_fault(&bench, UINT64_MAX, 1, VIOMMU_WRITE, VIOMMU_FAULT_APERTURE, UINT64_MAX);
	expect_fault(&bench, PBA + 4 * PAGE + 7, 1, VIOMMU_READ, VIOMMU_FAULT_NOT_PRESENT, PBA + 4 * PAGE + 7);
	/* The first byte without a translation, or without one for this access. */
	expect_fault(&bench, PBA + 2 * PAGE + 7, 3 * PAGE, VIOMMU_READ, VIOMMU_FAULT_NOT_PRESENT, PBA + 4 * PAGE);
	expect_fault(&bench, PBA + 2 * PAGE + 7, 3 * PAGE, VIOMMU_WRITE, VIOMMU_FAULT_PROTECTION, PBA + 3 * PAGE);
	expect_fault(&bench, PBA + 3 * PAGE + 9, 1, VIOMMU_WRITE, VIOMMU_FAULT_PROTECTION, PBA + 3 * PAGE + 9);
	assert_int_equal(viommu_device_detach(bench.device, VIOMMU_NO_PASID), 0);
	expect_fault(&bench, PBA, 1, VIOMMU_READ, VIOMMU_FAULT_BLOCKED, PBA);
	bench_end(&bench);
}

static void test_faults(void **state)
{
	(void)state;
	faults(true);
	faults(false);
}

static void staleness(bool soft)
{
	struct viommu_domain *second;
	struct viommu_domain *direct;
	struct tables other;
	struct area *area;
	struct bench bench;

	bench_begin(&bench, soft, false);
	area = guest_area(&bench.rig.guest, GIB, MIB, VIOMMU_RW);
	assert_int_equal(guest_show(&bench.rig.guest, area), 0);
	tables_map(&bench.rig.tables, PBA, 4, MIB, VIOMMU_RW);
	tables_map(&bench.rig.tables, PBA + 4 * PAGE, 2, GIB, VIOMMU_RW);
	bench_refresh(&bench);
	assert_int_equal(where(&bench, PBA + 5), MIB + 5);
	assert_int_equal(where(&bench, PBA + PAGE), MIB + PAGE);
	/* The refreshed state, not the tables. */
	tables_unmap(&bench.rig.tables, PBA, 1);
	tables_map(&bench.rig.tables, PBA + PAGE, 1, 2 * MIB, VIOMMU_RW);
	assert_int_equal(where(&bench, PBA + 5), MIB + 5);
	bench_refresh(&bench);
	assert_int_equal(where(&bench, PBA + 5), 1);
	assert_int_equal(where(&bench, PBA + PAGE), 2 * MIB);
	/* A missing translation is found once it is established. */
	tables_map(&bench.rig.tables, PBA, 1, 3 * MIB, VIOMMU_RW);
	bench_refresh(&bench);
	assert_int_equal(where(&bench, PBA + 5), 3 * MIB + 5);
	/* A slot is removed. */
	assert_int_equal(where(&bench, PBA + 4 * PAGE), GIB);
	assert_int_equal(guest_hide(&bench.rig.guest, area), 0);
	assert_int_equal(where(&bench, PBA + 4 * PAGE), 1);
	assert_int_equal(where(&bench, PBA), 3 * MIB);

	/*
	 * Another domain, with the same IOVAs elsewhere, and with the same number of flushes, so
	 * that the number does not distinguish the two.
	 */
	tables_init(&other, &bench.rig.guest, 2, PBA, PBA + MIB - 1);
	tables_map(&other, PBA, 1, 5 * MIB, VIOMMU_RW);
	second = tables_domain(&other, bench.host, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		tables_map(&other, PBA + 9 * PAGE, 1, 5 * MIB, VIOMMU_RW);
		assert_int_equal(viommu_domain_refresh(second, 0, UINT64_MAX, NULL), 0);
		tables_unmap(&other, PBA + 9 * PAGE, 1);
		assert_int_equal(viommu_domain_refresh(second, 0, UINT64_MAX, NULL), 0);
	}
	assert_int_equal(viommu_domain_attach(bench.domain, bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA), 3 * MIB);
	assert_int_equal(viommu_domain_attach(second, bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA), 5 * MIB);
	assert_int_equal(where(&bench, PBA + PAGE), 1);
	assert_int_equal(viommu_domain_attach(bench.domain, bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA), 3 * MIB);
	assert_int_equal(viommu_device_detach(bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA), 1);
	assert_int_equal(viommu_domain_attach(second, bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA), 5 * MIB);
	assert_int_equal(where(&bench, PBA + PAGE), 1);
	assert_int_equal(viommu_device_detach(bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_domain_attach(bench.domain, bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA), 3 * MIB);
	assert_int_equal(where(&bench, PBA + PAGE), 2 * MIB);

	/* A direct domain. */
	assert_int_equal(viommu_domain_create_direct(bench.rig.guest.vm, bench.host, PBA, PBA, PBA + GIB - 1, &direct), 0);
	assert_int_equal(viommu_domain_attach(direct, bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA + 77), 77);
	assert_int_equal(where(&bench, PBA + 64 * MIB - 1), 64 * MIB - 1);
	assert_int_equal(where(&bench, PBA + 64 * MIB), 1);

	/* The domain that it is attached to is destroyed. */
	viommu_domain_destroy(direct);
	expect_fault(&bench, PBA, 1, VIOMMU_READ, VIOMMU_FAULT_BLOCKED, PBA);
	assert_int_equal(viommu_domain_attach(second, bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA), 5 * MIB);
	viommu_domain_destroy(second);
	expect_fault(&bench, PBA, 1, VIOMMU_READ, VIOMMU_FAULT_BLOCKED, PBA);
	assert_int_equal(viommu_domain_attach(bench.domain, bench.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(where(&bench, PBA), 3 * MIB);
	bench_end(&bench);
}

static void test_staleness(void **state)
{
	(void)state;
	staleness(true);
	staleness(false);
}

/* Each device sees its own domain; VMs and hosts are not mixed. */
static void test_sealed(void **state)
{
	struct viommu_device *stranger, *foreigner;
	struct viommu_domain *direct;
	struct viommu_host *soft;
	struct viommu_reader *reader;
	struct guest other;
	struct bench bench;

	(void)state;
	bench_begin(&bench, false, false);
	guest_simple(&other, NULL, 16 * MIB);
	assert_int_equal(viommu_host_soft_create(&soft), 0);
	assert_int_equal(viommu_device_create(other.vm, bench.host, NULL, &stranger), 0);
	assert_int_equal(viommu_device_create(bench.rig.guest.vm, soft, NULL, &foreigner), 0);
	assert_int_equal(viommu_domain_attach(bench.domain, stranger, VIOMMU_NO_PASID), -EXDEV);
	assert_int_equal(viommu_domain_attach(bench.domain, foreigner, VIOMMU_NO_PASID), -EXDEV);
	assert_int_equal(viommu_domain_create_direct(other.vm, bench.host, 0, 0, UINT64_MAX, &direct), 0);
	assert_int_equal(viommu_domain_attach(direct, bench.device, VIOMMU_NO_PASID), -EXDEV);
	assert_int_equal(viommu_domain_attach(direct, stranger, VIOMMU_NO_PASID), 0);
	viommu_device_destroy(foreigner);
	/* The other device and the direct domain are destroyed with their VM. */
	guest_end(&other);
	bench.rig.mock->host.caps.lookup = false;
	assert_int_equal(viommu_reader_create(bench.device, VIOMMU_NO_PASID, &reader), -EOPNOTSUPP);
	bench_end(&bench);
	viommu_host_destroy(soft);
}

#define MANY 1200u

/*
 * Many pages at a time against one page at a time, in a space with contiguous and scattered frames,
 * read-only pages and holes, across tables.
 */
static void test_many_pages(void **state)
{
	static struct viommu_piece many[MANY];
	uint64_t random = 1, sizes[3] = { 0 };
	struct viommu_mapped *mapped;
	struct bench bench;

	(void)state;
	for (unsigned int soft = 0; soft < 2; soft++) {
		bench_begin(&bench, soft, false);
		assert_int_equal(viommu_mapped_create(bench.rig.guest.vm, bench.host, 0, (UINT64_C(1) << 40) - 1, &mapped), 0);
		for (uint64_t page = 0; page < MANY - 20;) {
			uint64_t pages = 1;

			random = random * UINT64_C(6364136223846793005) + 1;
			if (random >> 60 < 2)
				pages = 1 + (random >> 40) % 9;
			/* A few holes. */
			if ((random >> 34) % 200)
				assert_int_equal(viommu_mapped_map(mapped, page << 12, ((page + pages) << 12) - 1, ((random >> 20) % 64) << 12,
								   (random >> 50) % 200 ? VIOMMU_RW : VIOMMU_READ),
						 0);
			page += pages;
		}
		assert_int_equal(viommu_domain_attach(viommu_mapped_domain(mapped), bench.device, VIOMMU_NO_PASID), 0);
		for (unsigned int round = 0; round < 3000; round++) {
			uint64_t iova, bytes, at, expected = 0, translated;
			uint32_t access = round % 3 ? VIOMMU_READ : VIOMMU_WRITE;
			unsigned int max, number = 0;
			static struct viommu_piece ours[MANY]; /* a kernel's stack is small */
			struct viommu_piece piece;
			struct viommu_fault fault = { 0 }, single = { 0 };
			int found, one = 0;

			random = random * UINT64_C(6364136223846793005) + 1;
			iova = (random >> 20) % (MANY << 12);
			bytes = 1 + (random >> 45) % (round % 2 ? 0x80000 : 0x8000);
			max = round % 5 ? MANY : 1 + (unsigned int)(random >> 33) % 40;
			found = viommu_translate(bench.reader, iova, bytes, access, many, max, &translated, &fault);
			for (at = iova; at < iova + bytes; at += piece.bytes) {
				uint64_t left = iova + bytes - at, page = 0x1000 - at % 0x1000;

				one = viommu_translate(bench.reader, at, left < page ? left : page, access, &piece, 1, NULL, &single);
				if (one < 0)
					break;
				assert_int_equal(one, 1);
				if (number && (unsigned char *)piece.hva == (unsigned char *)ours[number - 1].hva + ours[number - 1].bytes)
					ours[number - 1].bytes += piece.bytes;
				else if (number == max)
					break;
				else
					ours[number++] = piece;
				expected += piece.bytes;
			}
			assert_int_equal(translated, expected);
			assert_int_equal(found, one < 0 ? -EFAULT : (int)number);
			assert_memory_equal(many, ours, number * sizeof(piece));
			if (one < 0)
				assert_memory_equal(&fault, &single, sizeof(fault));
			sizes[found < 0 ? 0 : number < 50 ? 1 : 2]++;
		}
		viommu_domain_destroy(viommu_mapped_domain(mapped));
		bench_end(&bench);
	}
	/* Faults, few pieces, and many. */
	for (unsigned int i = 0; i < 3; i++)
		assert_true(sizes[i] > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces), cmocka_unit_test(test_faults),	  cmocka_unit_test(test_staleness),
		cmocka_unit_test(test_sealed), cmocka_unit_test(test_many_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
