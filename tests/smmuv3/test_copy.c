/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * viommu_read() and viommu_write() for a device behind an SMMUv3: misses, page crossings, faults in
 * the middle, and the limit of misses.
 */
#include "tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "core/device.h"

#define SID	  0x8u
#define IOVA	  UINT64_C(0x7fff0000)
#define PAGES	  8u
#define F_TRANSL  0x10u
#define F_PERMISS 0x13u

struct guest {
	struct rig rig;
	struct tables tables;
	struct user user;
	uint8_t buffer[PAGES * 4096];
};

/*
 * Consecutive pages of the IOVA space are in descending order in memory, so that no two are one
 * piece.
 */
static uint64_t page_gpa(unsigned int page)
{
	return DATA + (PAGES - page) * PAGE;
}

static uint8_t *memory(struct guest *guest, size_t at)
{
	return guest->rig.ram + page_gpa((unsigned int)(at / PAGE)) + at % PAGE;
}

static void start(struct guest *guest, uint64_t cd0)
{
	memset(guest, 0, sizeof(*guest));
	rig_up(&guest->rig);
	user_init(&guest->user, &guest->rig, SID);
	rig_enable(&guest->rig);
	tables_init(&guest->tables, &guest->rig, TABLES);
	rig_stage1(&guest->rig, SID, 0, cd0, TABLES);
	for (unsigned int i = 0; i < PAGES; i++)
		tables_map(&guest->tables, IOVA + i * PAGE, page_gpa(i), 0);
	for (size_t i = 0; i < sizeof(guest->buffer); i++)
		*memory(guest, i) = (uint8_t)(i / 7);
}

static void end(struct guest *guest)
{
	user_end(&guest->user);
	rig_down(&guest->rig);
}

/* The guest does not announce what it maps: the first access to a page is a miss. */
static void test_misses(void **state)
{
	static struct guest guest;
	const size_t bytes = 3 * PAGE + 100;
	struct viommu_fault fault;
	size_t done = 1;

	(void)state;
	start(&guest, CD0(1));
	assert_int_equal(viommu_read(guest.user.reader, IOVA + 4000, guest.buffer, bytes, &done, &fault), 0);
	assert_int_equal(done, bytes);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(guest.buffer[i], *memory(&guest, 4000 + i));
	for (size_t i = 0; i < bytes; i++)
		guest.buffer[i] = (uint8_t)(i / 11 + 3);
	/* Ends in a page that was not reached before. */
	assert_int_equal(viommu_write(guest.user.reader, IOVA + 3 * PAGE + 1, guest.buffer, bytes, NULL, NULL), 0);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(*memory(&guest, 3 * PAGE + 1 + i), guest.buffer[i]);
	assert_int_equal(*memory(&guest, 3 * PAGE), (uint8_t)(3 * PAGE / 7));
	assert_int_equal(*memory(&guest, 3 * PAGE + 1 + bytes), (uint8_t)((3 * PAGE + 1 + bytes) / 7));
	rig_assert_event(&guest.rig, 0, 0, __FILE__, __LINE__);
	end(&guest);
}

static void test_faults(void **state)
{
	static struct guest guest;
	struct viommu_fault fault;
	size_t done;

	(void)state;
	start(&guest, CD0(1));
	tables_unmap(&guest.tables, IOVA + 2 * PAGE);
	tables_map(&guest.tables, IOVA + 5 * PAGE, page_gpa(5), E_RO);
	assert_int_equal(viommu_read(guest.user.reader, IOVA + 10, guest.buffer, 4 * PAGE, &done, &fault), -EFAULT);
	assert_int_equal(done, 2 * PAGE - 10);
	assert_int_equal(fault.iova, IOVA + 2 * PAGE);
	assert_int_equal(fault.access, VIOMMU_READ);
	assert_int_equal(fault.reason, VIOMMU_FAULT_NOT_PRESENT);
	assert_event(&guest.rig, F_TRANSL, SID);
	for (size_t i = 0; i < done; i++)
		assert_int_equal(guest.buffer[i], *memory(&guest, 10 + i));
	for (size_t i = done; i < 4 * PAGE; i++)
		assert_int_equal(guest.buffer[i], 0);
	/* Loads are allowed there, stores are not; the bytes before it are stored. */
	memset(guest.buffer, 0xaa, sizeof(guest.buffer));
	assert_int_equal(viommu_write(guest.user.reader, IOVA + 5 * PAGE - 16, guest.buffer, 32, &done, NULL), -EFAULT);
	assert_int_equal(done, 16);
	assert_int_equal(*memory(&guest, 5 * PAGE - 1), 0xaa);
	assert_int_equal(*memory(&guest, 5 * PAGE), (uint8_t)(5 * PAGE / 7));
	assert_event(&guest.rig, F_PERMISS, SID);
	assert_int_equal(viommu_read(guest.user.reader, IOVA + 5 * PAGE - 16, guest.buffer, 32, &done, NULL), 0);
	assert_int_equal(done, 32);
	end(&guest);
}

static void test_arguments(void **state)
{
	static struct guest guest;
	struct viommu_piece piece;
	size_t done = 1;

	(void)state;
	start(&guest, CD0(1));
	assert_int_equal(viommu_read(guest.user.reader, UINT64_MAX, guest.buffer, 2, &done, NULL), -EINVAL);
	assert_int_equal(done, 0);
	assert_int_equal(viommu_write(guest.user.reader, IOVA, guest.buffer, 0, &done, NULL), 0);
	assert_int_equal(viommu_read(guest.user.reader, IOVA, guest.buffer, 1, NULL, NULL), 0);
	assert_int_equal(viommu_translate(guest.user.reader, IOVA, 1, VIOMMU_READ, &piece, 1, NULL, NULL), 1);
	assert_ptr_equal(piece.hva, memory(&guest, 0));
	end(&guest);
}

/*
 * CD.A is 0: faults end without an error. Loads yield zeros, stores are ignored, to the end of the
 * page.
 */
static void test_ignored(void **state)
{
	static struct guest guest;
	size_t done;

	(void)state;
	start(&guest, CD0(1) & ~CD_A);
	tables_unmap(&guest.tables, IOVA + PAGE);
	memset(guest.buffer, 0xaa, sizeof(guest.buffer));
	assert_int_equal(viommu_read(guest.user.reader, IOVA + PAGE - 8, guest.buffer, PAGE + 16, &done, NULL), 0);
	assert_int_equal(done, PAGE + 16);
	for (size_t i = 0; i < done; i++)
		assert_int_equal(guest.buffer[i], i >= 8 && i < PAGE + 8 ? 0 : *memory(&guest, PAGE - 8 + i));
	assert_event(&guest.rig, F_TRANSL, SID);
	assert_int_equal(viommu_write(guest.user.reader, IOVA + PAGE + 4, guest.buffer, 16, &done, NULL), 0);
	assert_int_equal(done, 16);
	assert_int_equal(*memory(&guest, PAGE + 4), (uint8_t)((PAGE + 4) / 7));
	assert_event(&guest.rig, F_TRANSL, SID);
	end(&guest);
}

/* A guest IOMMU that establishes a translation at each miss, and removes it before it is used. */
static int finds(void *ctx, const struct viommu_fault *fault)
{
	unsigned int *asked = ctx;

	assert_int_equal(fault->iova, IOVA);
	return ++*asked > 1000 ? -EFAULT : 0;
}

static void test_bounded(void **state)
{
	static struct guest guest;
	struct viommu_device *device;
	struct viommu_reader *reader;
	struct viommu_fault fault;
	unsigned int asked = 0;
	size_t done;

	(void)state;
	start(&guest, CD0(1));
	assert_int_equal(viommu_device_create(guest.rig.vm, guest.rig.host, NULL, &device), 0);
	device_set_fault(device, finds, &asked);
	assert_int_equal(viommu_reader_create(device, VIOMMU_NO_PASID, &reader), 0);
	assert_int_equal(viommu_read(reader, IOVA, guest.buffer, 64, &done, &fault), -EFAULT);
	assert_int_equal(asked, VIOMMU_COPY_MISSES);
	assert_int_equal(done, 0);
	assert_int_equal(fault.iova, IOVA);
	viommu_reader_destroy(reader);
	viommu_device_destroy(device);
	end(&guest);
}

/*
 * A guest IOMMU that establishes one page at each miss: only misses at the same byte are counted.
 */
#define MANY (3 * VIOMMU_COPY_MISSES)

static int maps_page(void *ctx, const struct viommu_fault *fault)
{
	return viommu_mapped_map(ctx, fault->iova, fault->iova + PAGE - 1, DATA + fault->iova, VIOMMU_RW);
}

static int ignores(void *ctx, const struct viommu_fault *fault)
{
	(void)ctx;
	(void)fault;
	return DEVICE_FAULT_IGNORED;
}

static void test_many(void **state)
{
	static uint8_t buffer[MANY * 4096];
	static struct guest guest;
	struct viommu_device *device;
	struct viommu_mapped *mapped;
	struct viommu_reader *reader;
	size_t done;

	(void)state;
	start(&guest, CD0(1));
	memset(guest.rig.ram + DATA, 0x5a, sizeof(buffer));
	assert_int_equal(viommu_mapped_create(guest.rig.vm, guest.rig.host, 0, sizeof(buffer) - 1, &mapped), 0);
	assert_int_equal(viommu_device_create(guest.rig.vm, guest.rig.host, NULL, &device), 0);
	device_set_fault(device, maps_page, mapped);
	assert_int_equal(viommu_domain_attach(viommu_mapped_domain(mapped), device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_reader_create(device, VIOMMU_NO_PASID, &reader), 0);
	assert_int_equal(viommu_read(reader, 0, buffer, sizeof(buffer), &done, NULL), 0);
	assert_int_equal(done, sizeof(buffer));
	assert_memory_equal(buffer, guest.rig.ram + DATA, sizeof(buffer));
	assert_int_equal(viommu_mapped_unmap(mapped, 0, sizeof(buffer) - 1), 0);
	device_set_fault(device, ignores, NULL);
	assert_int_equal(viommu_read(reader, 0, buffer, sizeof(buffer), &done, NULL), 0);
	assert_int_equal(done, sizeof(buffer));
	for (size_t i = 0; i < sizeof(buffer); i++)
		assert_int_equal(buffer[i], 0);
	viommu_reader_destroy(reader);
	viommu_device_destroy(device);
	viommu_domain_destroy(viommu_mapped_domain(mapped));
	end(&guest);
}

/* Without a guest IOMMU, only the established translations of the domain are reached. */
static void test_alone(void **state)
{
	static struct guest guest;
	struct viommu_device *device;
	struct viommu_domain *domain;
	struct viommu_reader *reader;
	struct viommu_fault fault;
	size_t done;

	(void)state;
	start(&guest, CD0(1));
	assert_int_equal(viommu_device_create(guest.rig.vm, guest.rig.host, NULL, &device), 0);
	assert_int_equal(viommu_reader_create(device, VIOMMU_NO_PASID, &reader), 0);
	assert_int_equal(viommu_read(reader, 0, guest.buffer, 16, &done, &fault), -EFAULT);
	assert_int_equal(fault.reason, VIOMMU_FAULT_BLOCKED);
	assert_int_equal(viommu_domain_create_direct(guest.rig.vm, guest.rig.host, 0, 0, RAM_BYTES + PAGE - 1, &domain), 0);
	assert_int_equal(viommu_domain_attach(domain, device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_read(reader, RAM_BYTES - 16, guest.buffer, 32, &done, &fault), -EFAULT);
	assert_int_equal(done, 16);
	assert_int_equal(fault.iova, RAM_BYTES);
	viommu_reader_destroy(reader);
	viommu_device_destroy(device);
	viommu_domain_destroy(domain);
	end(&guest);
}

/* The domain of a stream, for inspection. */
static void test_domain(void **state)
{
	static struct guest guest;
	struct viommu_domain *domain;
	struct viommu_run run;

	(void)state;
	start(&guest, CD0(1));
	domain = viommu_smmuv3_device_domain(guest.user.device);
	assert_non_null(domain);
	assert_int_equal(viommu_domain_walk(domain, IOVA + PAGE, &run, NULL), 0);
	assert_int_equal(run.gpa, page_gpa(1));
	rig_put_ste(&guest.rig, SID, STE_ABORT, 0);
	rig_command(&guest.rig, CFGI_STE(SID), 1);
	rig_command(&guest.rig, SYNC, 0);
	assert_null(viommu_smmuv3_device_domain(guest.user.device));
	end(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_misses),	cmocka_unit_test(test_faults), cmocka_unit_test(test_arguments), cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_bounded), cmocka_unit_test(test_many),   cmocka_unit_test(test_alone),	 cmocka_unit_test(test_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
