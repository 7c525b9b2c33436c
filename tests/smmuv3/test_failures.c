/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exhausted budgets and limits, and failing hosts: the guest must not suffer more than necessary.
 */
#include "double.h"
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* The n-th allocation of the library from now on fails; 0: none does. */
static unsigned int fail_at;

void *__wrap_port_alloc(size_t bytes, size_t align);
void *__real_port_alloc(size_t bytes, size_t align);

void *__wrap_port_alloc(size_t bytes, size_t align)
{
	return fail_at && !--fail_at ? NULL : __real_port_alloc(bytes, align);
}

static uint64_t page(uint64_t n)
{
	return (0x12345000 + n * PAGE) | TG(1) | TTL(3);
}

/* No room for a domain: the device is attached to nothing, and the next access tries again. */
static void test_no_room(void **state)
{
	static const int errors[] = { -ENOSPC, -ENOMEM, -EIO, -ERANGE };
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);

	for (unsigned int i = 0; i < 4; i++) {
		doubles.create = errors[i];
		rig_stage1(rig, 5, i, CD0(7 + i), TABLES);
		assert_int_equal(rig_device_info(device).stream, VIOMMU_SMMUV3_STREAM_STAGE1);
		assert_int_equal(rig_device_info(device).sharing, 0);
		assert_int_equal(doubles.domains, 0);
		assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EFAULT);
		assert_no_event(rig);
		doubles.create = 0;
		assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), 0);
		assert_int_equal(rig_device_info(device).sharing, 1);
		assert_int_equal(doubles.attached, 1);
	}
	assert_int_equal(rig_info(rig).gerror, 0);
	/* The domain of a stream's last device may occupy the room that its next one needs. */
	doubles.create = -ENOSPC;
	doubles.create_count = 1;
	rig_stage1(rig, 5, 0, CD0(9), TABLES + PAGE);
	assert_int_equal(rig_device_info(device).sharing, 1);
	assert_int_equal(rig_device_info(device).asid, 9);
	assert_int_equal(doubles.domains, 1);
	assert_int_equal(doubles.attached, 1);
}

/* A domain that took long, and did not fit: no access tries again before something has changed. */
static void test_remembered(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);
	struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_READ, .gpa = HOLE_GPA, .bytes = PAGE, .hva = rig->ram, .fd = -1 };
	unsigned int creates;

	doubles.create = -ENOSPC;
	doubles.entries = 1u << 20;
	viommu_vm_set_pin_budget(rig->vm, RAM_BYTES);
	rig_stage1(rig, 5, 0, CD0(7), TABLES);
	for (unsigned int i = 0; i < 6; i++) {
		creates = doubles.creates;
		for (unsigned int n = 0; n < 100; n++)
			assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EFAULT);
		assert_int_equal(doubles.creates, creates);
		switch (i) {
		case 0:
			rig_command(rig, TLBI_VA(7), 0x1000);
			break;
		case 1:
			viommu_vm_set_pin_budget(rig->vm, RAM_BYTES + PAGE);
			break;
		case 2:
			assert_int_equal(viommu_slot_add(rig->vm, &slot), 0);
			break;
		case 3:
			assert_int_equal(viommu_slot_remove(rig->vm, HOLE_GPA), 0);
			break;
		case 4: /* a host's shortage cannot be seen */
			for (unsigned int n = 0; n < 4096; n++)
				rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ);
			assert_int_equal(doubles.creates, creates + 1);
			continue;
		default:
			doubles.create = 0;
			rig_command(rig, CFGI_CD(5), LEAF);
			assert_int_equal(rig_device_info(device).sharing, 1);
			continue;
		}
		assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EFAULT);
		assert_int_equal(doubles.creates, creates + 1);
	}
	doubles.entries = 0;
}

static void test_no_attaching(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);

	doubles.attach = -ENOSPC;
	rig_stage1(rig, 5, 0, CD0(7), TABLES);
	assert_int_equal(rig_device_info(device).sharing, 0);
	assert_int_equal(doubles.domains, 0);
	assert_int_equal(rig_info(rig).insufficient, 1);
	assert_int_equal(rig_info(rig).domains, 0);
	doubles.attach = -EIO;
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EFAULT);
	doubles.attach = 0;
	rig_command(rig, CFGI_STE(5), LEAF);
	assert_int_equal(rig_device_info(device).sharing, 1);
}

/* An invalidation that met a limit is complete: missing pages are looked up at the next access. */
static void test_refresh_short(void **state)
{
	static const int errors[] = { -ENOSPC, -EFAULT, -ERANGE };
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);

	rig_stage1(rig, 5, 0, CD0(7), TABLES);
	for (unsigned int i = 0; i < 3; i++) {
		doubles.refresh = errors[i];
		rig_command(rig, TLBI_VA(7), page(0));
		rig_command(rig, SYNC, 0);
		assert_int_equal(rig_device_info(device).sharing, 1);
		assert_int_equal(doubles.creates, 1);
	}
	assert_int_equal(rig_info(rig).insufficient, 1);
	assert_int_equal(rig_info(rig).refreshes, 3);
	assert_int_equal(rig_info(rig).gerror, 0);
	doubles.refresh = 0;
}

/*
 * The host fails to remove something: the domain is destroyed before the CMD_SYNC is passed, and
 * all its streams get another.
 */
static void test_refresh_fails(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device[3];
	uint32_t prod;

	for (unsigned int i = 0; i < 3; i++) {
		device[i] = rig_device(rig, i);
		rig_stage1(rig, i, i, CD0(i < 2 ? 7 : 9), TABLES);
	}
	assert_int_equal(doubles.creates, 2);
	doubles.refresh = -EIO;
	doubles.refresh_count = 1;
	prod = rig_read(rig, R_CMDQ_PROD);
	rig_queue(rig, &prod, TLBI_VA(7), page(0));
	rig_queue(rig, &prod, SYNC, 0);
	rig_kick(rig, prod);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), prod);
	assert_int_equal(doubles.creates, 3);
	assert_int_equal(doubles.domains, 2);
	assert_int_equal(doubles.attached, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(rig_device_info(device[i]).sharing, i < 2 ? 2 : 1);
	assert_int_equal(rig_info(rig).rebuilt, 1);
	assert_int_equal(rig_info(rig).gerror, 0);
	/* Where no other domain can be made, they reach nothing until one can. */
	doubles.refresh = -EIO;
	doubles.refresh_count = 1;
	doubles.create = -EIO;
	rig_command(rig, TLBI_ASID(7), 0);
	assert_int_equal(doubles.domains, 1);
	assert_int_equal(doubles.attached, 1);
	doubles.create = 0;
	assert_int_equal(rig_fault(device[1], VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), 0);
	assert_int_equal(rig_device_info(device[1]).sharing, 1);
	assert_int_equal(rig_device_info(device[0]).sharing, 0);
	rig_command(rig, CFGI_ALL, 31);
	assert_int_equal(rig_device_info(device[0]).sharing, 2);
}

/* The same at an access. */
static void test_fill_fails(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);

	rig_stage1(rig, 5, 0, CD0(7), TABLES);
	doubles.run = (struct viommu_run){ .first = 0x5000, .last = 0x5fff, .prot = VIOMMU_RW };
	doubles.refresh = -EIO;
	doubles.refresh_count = 1;
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x5000, VIOMMU_READ), 0);
	assert_int_equal(rig_info(rig).rebuilt, 1);
	assert_int_equal(doubles.creates, 2);
	assert_int_equal(doubles.attached, 1);
	doubles.refresh = -EIO;
	doubles.refresh_count = 1;
	doubles.create = -EIO;
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x5000, VIOMMU_READ), -EFAULT);
	assert_int_equal(doubles.attached, 0);
	assert_no_event(rig);
	doubles.create = 0;
}

/*
 * The host fails to detach a device: the domain is destroyed, and the streams that shared it get
 * another.
 */
static void test_detach_fails(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device[2] = { rig_device(rig, 0), rig_device(rig, 1) };

	rig_stage1(rig, 0, 0, CD0(7), TABLES);
	rig_stage1(rig, 1, 0, CD0(7), TABLES);
	doubles.detach = -EIO;
	doubles.detach_count = 1;
	rig_put_ste(rig, 0, STE_ABORT, 0);
	rig_command(rig, CFGI_STE(0), LEAF);
	assert_int_equal(rig_device_info(device[0]).sharing, 0);
	assert_int_equal(rig_device_info(device[1]).sharing, 1);
	assert_int_equal(doubles.attached, 1);
	assert_int_equal(doubles.domains, 1);
	assert_int_equal(doubles.creates, 2);
	assert_int_equal(rig_info(rig).rebuilt, 1);
	/* The same where the device has another domain to move to. */
	rig_stage1(rig, 0, 0, CD0(7), TABLES);
	assert_int_equal(rig_device_info(device[1]).sharing, 2);
	doubles.detach = -EIO;
	doubles.detach_count = 1;
	rig_stage1(rig, 0, 1, CD0(9), TABLES);
	assert_int_equal(doubles.data.cd[0] >> 48, 7);
	assert_int_equal(rig_device_info(device[0]).sharing, 1);
	assert_int_equal(rig_device_info(device[1]).sharing, 1);
	assert_int_equal(doubles.attached, 2);
	assert_int_equal(doubles.domains, 2);
	assert_int_equal(rig_info(rig).rebuilt, 2);
	/* Making another domain fails, too. */
	rig_stage1(rig, 0, 0, CD0(7), TABLES);
	doubles.detach = -EIO;
	doubles.detach_count = 1;
	doubles.attach = -EIO;
	rig_stage1(rig, 0, 1, CD0(9), TABLES);
	assert_int_equal(doubles.attached, 0);
	assert_int_equal(doubles.domains, 0);
	doubles.attach = 0;
	assert_int_equal(rig_fault(device[1], VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), 0);
	assert_int_equal(rig_device_info(device[1]).sharing, 1);
	rig_put_ste(rig, 0, STE_ABORT, 0);
	rig_command(rig, CFGI_STE(0), LEAF);
	doubles.detach = -EIO;
	doubles.detach_count = 1;
	viommu_smmuv3_device_remove(device[1]);
	assert_int_equal(doubles.domains, 0);
	/* The same by stores to registers. */
	rig_stage1(rig, 0, 0, CD0(7), TABLES);
	doubles.detach = -EIO;
	doubles.detach_count = 1;
	rig_write(rig, R_GBPA, 1u << 31 | 1u << 20);
	rig_write(rig, R_CR0, 0);
	assert_int_equal(doubles.domains, 0);
	assert_int_equal(rig_device_info(device[0]).sharing, 0);
}

struct visit {
	struct viommu_smmuv3_device *device;
	bool inside; /* atomic */
};

/* Returns some time after the device was detached from the domain. */
static void stay(void *ctx)
{
	struct visit *visit = ctx;

	__atomic_store_n(&visit->inside, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&doubles.detached, __ATOMIC_RELAXED))
		sched_yield();
	for (unsigned int i = 0; i < 1000; i++)
		sched_yield();
}

static void *visit_domain(void *ctx)
{
	struct visit *visit = ctx;

	rig_fault(visit->device, VIOMMU_FAULT_NOT_PRESENT, 0x5000, VIOMMU_READ);
	return NULL;
}

/* A domain is not destroyed while a fault is handled: the double counts that as a breach. */
static void test_destroyed_under_fault(void **state)
{
	struct rig *rig = *state;
	struct visit visit = { .device = rig_device(rig, 5) };
	pthread_t thread;

	rig_stage1(rig, 5, 0, CD0(7), TABLES);
	doubles.run = (struct viommu_run){ .first = 0x5000, .last = 0x5fff, .prot = VIOMMU_RW };
	doubles.in_refresh = stay;
	doubles.ctx = &visit;
	assert_int_equal(pthread_create(&thread, NULL, visit_domain, &visit), 0);
	while (!__atomic_load_n(&visit.inside, __ATOMIC_ACQUIRE))
		sched_yield();
	rig_put_ste(rig, 5, STE_ABORT, 0);
	rig_command(rig, CFGI_STE(5), LEAF);
	assert_int_equal(doubles.domains, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(doubles.breaches, 0);
	doubles.in_refresh = NULL;
}

struct access {
	struct viommu_smmuv3_device *device;
	pthread_t thread;
	int result;
	bool done; /* atomic */
};

static void *access_memory(void *ctx)
{
	struct access *access = ctx;

	access->result = rig_fault(access->device, VIOMMU_FAULT_NOT_PRESENT, 0x5000, VIOMMU_READ);
	__atomic_store_n(&access->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void access_meanwhile(void *ctx)
{
	struct access *access = ctx;

	assert_int_equal(pthread_create(&access->thread, NULL, access_memory, access), 0);
	/* It waits, so that the retry does not fail at once. */
	for (unsigned int i = 0; i < 1000; i++) {
		assert_false(__atomic_load_n(&access->done, __ATOMIC_ACQUIRE));
		sched_yield();
	}
}

/* A miss in a nested domain while the stream moves to bypass, where the access is legal. */
static void test_fault_on_the_way(void **state)
{
	struct rig *rig = *state;
	struct access access = { .device = rig_device(rig, 5), .result = 1 };

	rig_stage1(rig, 5, 0, CD0(7), TABLES);
	doubles.in_direct = access_meanwhile;
	doubles.ctx = &access;
	rig_put_ste(rig, 5, STE_BYPASS, 0);
	rig_command(rig, CFGI_STE(5), LEAF);
	assert_int_equal(pthread_join(access.thread, NULL), 0);
	assert_int_equal(access.result, 0);
	assert_no_event(rig);
	doubles.in_direct = NULL;
}

/*
 * Bypass pins all of the guest's memory: a budget that is too small for it causes no event, and the
 * stream recovers when it is raised.
 */
static void test_bypass_budget(void **state)
{
	struct rig_config config = rig_config();
	struct viommu_smmuv3_device *device;
	struct rig rig;

	(void)state;
	double_reset();
	config.vm.pin_budget = RAM_BYTES;
	rig_up_as(&rig, &config);
	device = rig_device(&rig, 5);
	assert_int_equal(rig_device_info(device).stream, VIOMMU_SMMUV3_STREAM_BYPASS);
	assert_int_equal(rig_device_info(device).sharing, 0);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EFAULT);
	assert_int_equal(rig_info(&rig).insufficient, 2);
	viommu_vm_set_pin_budget(rig.vm, VIOMMU_NO_LIMIT);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), 0);
	assert_int_equal(rig_device_info(device).sharing, 1);
	rig_down(&rig);
	double_reset();
}

/*
 * Each allocation fails once: a call that failed leaves nothing behind, and succeeds when it is
 * tried again.
 */
static void test_no_memory(void **state)
{
	struct viommu_smmuv3_config config = { .size = sizeof(config) };
	struct viommu_smmuv3_device_config plain = { .size = sizeof(plain), .sid = 5 };
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = NULL;
	struct viommu_smmuv3 *second;
	unsigned int failures = 0;

	fail_at = 1;
	assert_int_equal(viommu_smmuv3_create(rig->vm, &config, &second), -ENOMEM);
	plain.host = rig->host;
	for (unsigned int n = 1; !device; n++) {
		fail_at = n;
		if (viommu_smmuv3_device_add(rig->smmu, &plain, &device)) {
			assert_int_equal(rig_info(rig).devices, 0);
			failures++;
		}
	}
	fail_at = 0;
	assert_true(failures >= 2);
	/* The domain of a stream in stage 1, which is made at a device's access, and in bypass. */
	fail_at = 1;
	rig_stage1(rig, 5, 0, CD0(7), TABLES);
	assert_int_equal(fail_at, 0);
	assert_int_equal(rig_device_info(device).sharing, 0);
	assert_int_equal(rig_info(rig).insufficient, 1);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), 0);
	rig_put_ste(rig, 5, STE_BYPASS, 0);
	fail_at = 1;
	rig_command(rig, CFGI_STE(5), LEAF);
	/* The first attempt failed; the obstacle was removed, and the second attempt succeeded. */
	assert_int_equal(rig_device_info(device).sharing, 1);
	assert_int_equal(doubles.domains, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, double_setup_enabled, double_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_memory),
		TEST(test_destroyed_under_fault),
		TEST(test_no_room),
		TEST(test_remembered),
		TEST(test_no_attaching),
		TEST(test_refresh_short),
		TEST(test_refresh_fails),
		TEST(test_fill_fails),
		TEST(test_detach_fails),
		TEST(test_fault_on_the_way),
		cmocka_unit_test(test_bypass_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
