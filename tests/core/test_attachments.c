/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attachments of devices and of their PASIDs, and the kinds of domains that have no tables: blocked
 * and mapped.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viommu/viommu.h>

#include "mock_host.h"

#define PAGE  UINT64_C(4096)
#define BYTES (UINT64_C(64) * PAGE)
#define HIGH  (UINT64_C(1) << 40)

struct world {
	struct viommu_vm *vm;
	struct viommu_host *soft;
	struct mock_host *mock;
	unsigned char *memory;
	struct viommu_device *device;
};

static void show(struct world *world, uint64_t gpa, uint64_t at, uint64_t bytes, uint32_t prot)
{
	const struct viommu_slot slot = { .size = sizeof(slot), .prot = prot, .gpa = gpa, .bytes = bytes, .hva = world->memory + at, .fd = -1 };

	assert_int_equal(viommu_slot_add(world->vm, &slot), 0);
}

static void up(struct world *world)
{
	static const struct mock_options options;
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	memset(world, 0, sizeof(*world));
	world->memory = aligned_alloc(PAGE, BYTES);
	assert_int_equal(viommu_vm_create(&config, &world->vm), 0);
	assert_int_equal(viommu_host_soft_create(&world->soft), 0);
	world->mock = mock_create(&options);
	show(world, 0, 0, BYTES / 2, VIOMMU_RW);
	assert_int_equal(viommu_device_create(world->vm, world->soft, NULL, &world->device), 0);
}

static uint64_t pinned(struct world *world)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(world->vm, &stats);
	return stats.pinned_bytes;
}

static void down(struct world *world)
{
	viommu_vm_destroy(world->vm);
	viommu_host_destroy(world->soft);
	assert_true(!world->mock->breaches && !world->mock->spaces && !world->mock->devices);
	mock_destroy(world->mock);
	free(world->memory);
}

/* The target of a reader's access: the offset in memory, or the error of viommu_translate(). */
static int64_t at(struct world *world, struct viommu_reader *reader, uint64_t iova, uint32_t access, struct viommu_fault *fault)
{
	struct viommu_piece piece;
	uint64_t translated;
	int ret = viommu_translate(reader, iova, 1, access, &piece, 1, &translated, fault);

	return ret == 1 ? (unsigned char *)piece.hva - world->memory : ret;
}

static struct viommu_domain *direct(struct world *world, uint64_t offset)
{
	struct viommu_domain *domain;

	assert_int_equal(viommu_domain_create_direct(world->vm, world->soft, offset, 0, UINT64_MAX, &domain), 0);
	assert_int_equal(viommu_domain_kind(domain), VIOMMU_KIND_DIRECT);
	return domain;
}

/* Two PASIDs of one device in two domains, and the device in a third. */
static void test_pasids(void **state)
{
	struct viommu_fault fault = { 0 };
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_domain *domain[3];
	struct viommu_reader *reader[3];
	const uint32_t pasid[3] = { VIOMMU_NO_PASID, 0, 77 };
	struct world world;

	(void)state;
	up(&world);
	for (unsigned int i = 0; i < 3; i++) {
		domain[i] = direct(&world, i * PAGE);
		assert_int_equal(viommu_reader_create(world.device, pasid[i], &reader[i]), 0);
		assert_int_equal(at(&world, reader[i], 8 * PAGE, VIOMMU_READ, &fault), -EFAULT);
		assert_true(fault.reason == VIOMMU_FAULT_BLOCKED && fault.pasid == pasid[i]);
	}
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(viommu_domain_attach(domain[i], world.device, pasid[i]), 0);
		for (unsigned int n = 0; n < 3; n++)
			assert_int_equal(at(&world, reader[n], 8 * PAGE, VIOMMU_WRITE, NULL), n <= i ? (int64_t)((8 - n) * PAGE) : -EFAULT);
	}
	/* One is moved, one is detached: the others stay. */
	assert_int_equal(viommu_domain_attach(domain[0], world.device, 77), 0);
	assert_int_equal(at(&world, reader[2], 8 * PAGE, VIOMMU_WRITE, NULL), 8 * PAGE);
	viommu_domain_stats(domain[0], &stats);
	assert_int_equal(stats.devices, 2);
	assert_int_equal(viommu_device_detach(world.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(at(&world, reader[0], 8 * PAGE, VIOMMU_READ, NULL), -EFAULT);
	assert_int_equal(at(&world, reader[1], 8 * PAGE, VIOMMU_READ, NULL), 7 * PAGE);
	assert_int_equal(at(&world, reader[2], 8 * PAGE, VIOMMU_READ, NULL), 8 * PAGE);
	/* An unknown PASID, and one that is too wide. */
	assert_int_equal(viommu_device_detach(world.device, 5), 0);
	assert_int_equal(viommu_domain_attach(domain[0], world.device, 1u << 20), -EINVAL);
	assert_int_equal(viommu_reader_create(world.device, 1u << 20, &reader[0]), -EINVAL);
	/* The destruction of a domain detaches all devices, and PASIDs without readers. */
	assert_int_equal(viommu_domain_attach(domain[1], world.device, 9), 0);
	viommu_domain_destroy(domain[1]);
	assert_int_equal(at(&world, reader[1], 8 * PAGE, VIOMMU_READ, NULL), -EFAULT);
	viommu_reader_destroy(reader[1]);
	down(&world);
}

/* A host without PASIDs, and one that refuses one all the same. */
static void test_no_pasids(void **state)
{
	struct viommu_device *device;
	struct viommu_domain *domain;
	struct world world;

	(void)state;
	up(&world);
	assert_int_equal(viommu_device_create(world.vm, &world.mock->host, NULL, &device), 0);
	assert_int_equal(viommu_domain_create_direct(world.vm, &world.mock->host, 0, 0, UINT64_MAX, &domain), 0);
	assert_int_equal(viommu_domain_attach(domain, device, 1), -EOPNOTSUPP);
	world.mock->host.caps.pasid_bits = 4;
	mock_fail(world.mock, MOCK_ATTACH, 1, false, EOPNOTSUPP);
	assert_int_equal(viommu_domain_attach(domain, device, 1), -EOPNOTSUPP);
	/* Of the device itself that is a failure. */
	mock_fail(world.mock, MOCK_ATTACH, 1, false, EOPNOTSUPP);
	assert_int_equal(viommu_domain_attach(domain, device, VIOMMU_NO_PASID), -EIO);
	world.mock->host.caps.pasid_bits = 0;
	assert_int_equal(viommu_domain_attach(domain, device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_device_detach(device, 1), 0);
	down(&world);
}

struct detacher {
	struct world *world;
	uint32_t pasid;
	int done; /* atomic */
};

static void *detach(void *arg)
{
	struct detacher *detacher = arg;

	assert_int_equal(viommu_device_detach(detacher->world->device, detacher->pasid), 0);
	__atomic_store_n(&detacher->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* A detach drains only the readers of its own attachment. */
static void test_detach_drains_its_own(void **state)
{
	struct viommu_reader *held, *other;
	struct viommu_domain *domain;
	struct detacher detacher;
	struct world world;
	pthread_t thread;

	(void)state;
	up(&world);
	domain = direct(&world, 0);
	for (uint32_t pasid = 1; pasid <= 2; pasid++) {
		assert_int_equal(viommu_domain_attach(domain, world.device, pasid), 0);
		assert_int_equal(viommu_reader_create(world.device, pasid, pasid == 1 ? &held : &other), 0);
	}
	viommu_reader_enter(held);
	/* This would not return if it waited for the other attachment's reader. */
	detacher = (struct detacher){ .world = &world, .pasid = 2 };
	detach(&detacher);
	detacher = (struct detacher){ .world = &world, .pasid = 1 };
	assert_int_equal(pthread_create(&thread, NULL, detach, &detacher), 0);
	/* The attachment is gone, but the call waits for the reader that is held. */
	while (at(&world, held, 0, VIOMMU_READ, NULL) >= 0)
		sched_yield();
	assert_int_equal(__atomic_load_n(&detacher.done, __ATOMIC_SEQ_CST), 0);
	viommu_reader_leave(held);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(detacher.done, 1);
	down(&world);
}

static void test_blocked(void **state)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_fault fault = { 0 };
	struct viommu_domain *blocked, *domain;
	struct viommu_reader *reader;
	struct viommu_device *device;
	struct viommu_run run;
	struct world world;

	(void)state;
	up(&world);
	domain = direct(&world, 0);
	assert_int_equal(viommu_domain_create_blocked(world.vm, world.soft, &blocked), 0);
	assert_int_equal(viommu_domain_kind(blocked), VIOMMU_KIND_BLOCKED);
	assert_int_equal(viommu_reader_create(world.device, VIOMMU_NO_PASID, &reader), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(viommu_domain_attach(blocked, world.device, VIOMMU_NO_PASID), 0);
		assert_int_equal(at(&world, reader, 0, VIOMMU_READ, &fault), -EFAULT);
		assert_int_equal(fault.reason, VIOMMU_FAULT_BLOCKED);
		viommu_domain_stats(blocked, &stats);
		assert_int_equal(stats.devices, 1);
		assert_int_equal(viommu_domain_attach(domain, world.device, VIOMMU_NO_PASID), 0);
		assert_int_equal(at(&world, reader, 0, VIOMMU_READ, NULL), 0);
	}
	assert_int_equal(viommu_domain_refresh(blocked, 0, UINT64_MAX, NULL), -EOPNOTSUPP);
	assert_int_equal(viommu_domain_refresh(domain, 0, UINT64_MAX, NULL), -EOPNOTSUPP);
	assert_int_equal(viommu_domain_walk(blocked, 0, &run, NULL), -EOPNOTSUPP);
	assert_int_equal(viommu_domain_each_run(blocked, 0, UINT64_MAX, NULL, NULL), 0);
	/* For a host, such a device is detached. */
	assert_int_equal(viommu_device_create(world.vm, &world.mock->host, NULL, &device), 0);
	assert_int_equal(viommu_domain_create_direct(world.vm, &world.mock->host, 0, 0, UINT64_MAX, &domain), 0);
	assert_int_equal(viommu_domain_create_blocked(world.vm, &world.mock->host, &blocked), 0);
	assert_int_equal(viommu_domain_attach(blocked, device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_domain_attach(domain, device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_domain_attach(blocked, device, VIOMMU_NO_PASID), 0);
	assert_true(world.mock->calls[MOCK_ATTACH] == 1 && world.mock->calls[MOCK_DETACH] == 1);
	viommu_domain_destroy(blocked);
	down(&world);
}

static int count_run(void *ctx, const struct viommu_run *run)
{
	struct viommu_run *runs = ctx;

	while (runs->prot)
		runs++;
	*runs = *run;
	return 0;
}

/* virtio 1.4, 5.13.6.5 and 5.13.6.6. */
static void test_mapped(void **state)
{
	struct viommu_run runs[8] = { { 0 } }, run;
	struct viommu_fault fault = { 0 };
	struct viommu_mapped *mapped;
	struct viommu_reader *reader;
	struct world world;

	(void)state;
	up(&world);
	assert_int_equal(viommu_mapped_create(world.vm, world.soft, 1, PAGE - 1, &mapped), -EINVAL);
	assert_int_equal(viommu_mapped_create(world.vm, world.soft, 0, 2 * HIGH - 1, &mapped), 0);
	assert_int_equal(viommu_domain_kind(viommu_mapped_domain(mapped)), VIOMMU_KIND_MAPPED);
	assert_int_equal(viommu_domain_attach(viommu_mapped_domain(mapped), world.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_reader_create(world.device, VIOMMU_NO_PASID, &reader), 0);
	assert_int_equal(viommu_mapped_map(mapped, HIGH, HIGH + 4 * PAGE - 1, PAGE, VIOMMU_RW), 0);
	assert_int_equal(at(&world, reader, HIGH + 3 * PAGE + 5, VIOMMU_WRITE, NULL), 4 * PAGE + 5);
	/* A page is charged once, however many IOVAs name it. */
	assert_int_equal(viommu_mapped_map(mapped, 0, 2 * PAGE - 1, 2 * PAGE, VIOMMU_READ), 0);
	assert_int_equal(pinned(&world), 4 * PAGE);
	assert_int_equal(at(&world, reader, PAGE, VIOMMU_READ, NULL), 3 * PAGE);
	assert_int_equal(at(&world, reader, PAGE, VIOMMU_WRITE, &fault), -EFAULT);
	assert_int_equal(fault.reason, VIOMMU_FAULT_PROTECTION);
	/* The request is refused, and nothing has changed. */
	assert_int_equal(viommu_mapped_map(mapped, HIGH + 3 * PAGE, HIGH + 5 * PAGE - 1, 0, VIOMMU_RW), -EEXIST);
	assert_int_equal(viommu_mapped_map(mapped, 2 * HIGH - PAGE, 2 * HIGH + PAGE - 1, 0, VIOMMU_RW), -ERANGE);
	assert_int_equal(viommu_mapped_map(mapped, 5 * PAGE, 6 * PAGE - 1, 1, VIOMMU_RW), -EINVAL);
	assert_int_equal(viommu_mapped_map(mapped, 5 * PAGE, 7 * PAGE - 1, UINT64_MAX - PAGE + 1, VIOMMU_RW), -EINVAL);
	assert_int_equal(viommu_mapped_map(mapped, 5 * PAGE, 6 * PAGE - 1, 0, VIOMMU_WRITE), -EINVAL);
	assert_int_equal(viommu_mapped_map(mapped, 6 * PAGE, 5 * PAGE - 1, 0, VIOMMU_RW), -EINVAL);
	assert_int_equal(viommu_mapped_unmap(mapped, HIGH, HIGH + 3 * PAGE - 1), -ERANGE);
	assert_int_equal(viommu_mapped_unmap(mapped, HIGH + PAGE, HIGH + 9 * PAGE - 1), -ERANGE);
	/* The range is refused as a whole: one of its mappings would be split. */
	assert_int_equal(viommu_mapped_unmap(mapped, 0, HIGH + PAGE - 1), -ERANGE);
	assert_int_equal(at(&world, reader, PAGE, VIOMMU_READ, NULL), 3 * PAGE);
	assert_int_equal(pinned(&world), 4 * PAGE);
	assert_int_equal(viommu_domain_each_run(viommu_mapped_domain(mapped), PAGE, UINT64_MAX, count_run, runs), 0);
	assert_true(runs[0].first == PAGE && runs[0].last == 2 * PAGE - 1 && runs[0].gpa == 3 * PAGE && runs[0].prot == VIOMMU_READ);
	assert_true(runs[1].first == HIGH && runs[1].last == HIGH + 4 * PAGE - 1 && !runs[2].prot);
	assert_int_equal(viommu_domain_walk(viommu_mapped_domain(mapped), HIGH + 5, &run, &fault), 0);
	assert_true(run.gpa == PAGE && run.prot == VIOMMU_RW);
	assert_int_equal(viommu_domain_walk(viommu_mapped_domain(mapped), 9 * PAGE, &run, &fault), -EFAULT);
	assert_int_equal(fault.reason, VIOMMU_FAULT_NOT_PRESENT);
	/* Gaps are legal. */
	assert_int_equal(viommu_mapped_unmap(mapped, 0, HIGH - 1), 0);
	assert_int_equal(at(&world, reader, PAGE, VIOMMU_READ, NULL), -EFAULT);
	assert_int_equal(pinned(&world), 4 * PAGE);
	assert_int_equal(viommu_mapped_unmap(mapped, 0, HIGH - 1), 0);
	assert_int_equal(viommu_mapped_unmap(mapped, HIGH, UINT64_MAX), 0);
	assert_int_equal(pinned(&world), 0);
	/* The rest is destroyed with the domain. */
	assert_int_equal(viommu_mapped_map(mapped, 0, PAGE - 1, 0, VIOMMU_RW), 0);
	viommu_domain_destroy(viommu_mapped_domain(mapped));
	assert_int_equal(pinned(&world), 0);
	down(&world);
}

/* Slots come and go beneath a request; budget and host fail. */
static void test_mapped_slots(void **state)
{
	const uint64_t gpa = 30 * PAGE; /* the first slot ends at page 32 */
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_fault fault = { 0 };
	struct viommu_mapped *mapped;
	struct mock_space *space;
	struct viommu_run run;
	unsigned char *hva;
	struct world world;
	uint32_t prot;

	(void)state;
	up(&world);
	assert_int_equal(viommu_mapped_create(world.vm, &world.mock->host, 0, HIGH - 1, &mapped), 0);
	space = mock_newest(world.mock);
	assert_int_equal(viommu_mapped_map(mapped, 0, 4 * PAGE - 1, gpa, VIOMMU_RW), 0);
	assert_int_equal(mock_pages(world.mock, space), 2);
	assert_int_equal(pinned(&world), 2 * PAGE);
	assert_int_equal(viommu_domain_walk(viommu_mapped_domain(mapped), 3 * PAGE, &run, &fault), -EFAULT);
	assert_int_equal(fault.reason, VIOMMU_FAULT_LEAF_UNBACKED);
	show(&world, BYTES / 2, BYTES / 2, 4 * PAGE, VIOMMU_READ);
	assert_int_equal(mock_pages(world.mock, space), 4);
	assert_int_equal(pinned(&world), 4 * PAGE);
	assert_true(mock_reach(world.mock, space, 3 * PAGE, &hva, &prot) && hva == world.memory + 33 * PAGE && prot == VIOMMU_READ);
	assert_int_equal(viommu_slot_remove(world.vm, 0), 0);
	assert_int_equal(mock_pages(world.mock, space), 2);
	assert_int_equal(pinned(&world), 2 * PAGE);
	viommu_vm_set_pin_budget(world.vm, 3 * PAGE);
	{
		const struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .gpa = 0, .bytes = BYTES / 2, .hva = world.memory, .fd = -1 };

		assert_int_equal(viommu_slot_add(world.vm, &slot), -EDQUOT);
		assert_int_equal(pinned(&world), 2 * PAGE);
	}
	assert_int_equal(viommu_mapped_map(mapped, 8 * PAGE, 11 * PAGE - 1, BYTES / 2 + PAGE, VIOMMU_READ), -ENOSPC);
	assert_int_equal(pinned(&world), 2 * PAGE);
	viommu_vm_set_pin_budget(world.vm, VIOMMU_NO_LIMIT);
	show(&world, 0, 0, BYTES / 2, VIOMMU_RW);
	assert_int_equal(pinned(&world), 4 * PAGE);
	/* The host has no room for the second part of a request: the first one is unmapped. */
	mock_fail(world.mock, MOCK_MAP, 2, false, ENOSPC);
	assert_int_equal(viommu_mapped_map(mapped, 8 * PAGE, 12 * PAGE - 1, gpa, VIOMMU_READ), -ENOSPC);
	assert_int_equal(mock_pages(world.mock, space), 4);
	assert_int_equal(pinned(&world), 4 * PAGE);
	/* The host refused: the request stays, and can be unmapped later. */
	mock_fail(world.mock, MOCK_MAP, 2, false, ENOSPC);
	mock_fail(world.mock, MOCK_UNMAP, 1, false, EIO);
	assert_int_equal(viommu_mapped_map(mapped, 8 * PAGE, 12 * PAGE - 1, 20 * PAGE, VIOMMU_READ), 0);
	assert_int_equal(viommu_mapped_unmap(mapped, 8 * PAGE, 12 * PAGE - 1), -EIO);
	assert_int_equal(pinned(&world), 8 * PAGE);
	assert_int_equal(viommu_mapped_unmap(mapped, 8 * PAGE, 12 * PAGE - 1), 0);
	assert_int_equal(pinned(&world), 4 * PAGE);
	mock_fail(world.mock, MOCK_MAP, 1, false, ENOSPC);
	mock_fail(world.mock, MOCK_FLUSH, 1, false, EIO);
	assert_int_equal(viommu_mapped_map(mapped, 8 * PAGE, 12 * PAGE - 1, gpa, VIOMMU_READ), -EIO);
	assert_int_equal(viommu_mapped_map(mapped, 8 * PAGE, 12 * PAGE - 1, gpa, VIOMMU_READ), -EEXIST);
	mock_fail(world.mock, MOCK_UNMAP, 0, false, 0);
	assert_int_equal(viommu_mapped_unmap(mapped, 8 * PAGE, 12 * PAGE - 1), 0);
	viommu_domain_stats(viommu_mapped_domain(mapped), &stats);
	assert_int_equal(stats.mapped_pages, 4);
	viommu_domain_destroy(viommu_mapped_domain(mapped));
	assert_int_equal(pinned(&world), 0);
	down(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pasids),	cmocka_unit_test(test_no_pasids), cmocka_unit_test(test_detach_drains_its_own),
		cmocka_unit_test(test_blocked), cmocka_unit_test(test_mapped),	  cmocka_unit_test(test_mapped_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
