/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The registration of guest memory with hosts that need it (iommufd): all memory, in time, and none
 * unnecessarily.
 */
#include <viommu/zpci.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

static const struct rig_options plain;

static int add(struct rig *rig, uint64_t gpa, unsigned char *memory)
{
	const struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .gpa = gpa, .bytes = PAGE, .hva = memory, .fd = -1 };

	return viommu_slot_add(rig->guest.vm, &slot);
}

/* A host learns of existing slots once, and of each new one; at the VM's end they are removed. */
static void test_registration(void **state)
{
	static unsigned char memory[4096] __attribute__((aligned(4096)));
	static const struct mock_options options;
	struct viommu_device *device;
	struct mock_host *other;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	other = mock_create(&options);
	rig_domain(&rig);
	assert_int_equal(rig.mock->guests, 1);
	assert_false(rig.subject.space->guest->pinned);
	assert_int_equal(rig.subject.space->guest->slots, 1);
	assert_int_equal(add(&rig, GIB, memory), 0);
	assert_int_equal(rig.subject.space->guest->slots, 2);
	assert_int_equal(other->guests, 0);
	assert_int_equal(viommu_device_create(rig.guest.vm, &other->host, NULL, &device), 0);
	assert_int_equal(other->calls[MOCK_GUEST_ADD], 2);
	viommu_device_destroy(device);
	assert_int_equal(viommu_device_create(rig.guest.vm, &other->host, NULL, &device), 0);
	assert_int_equal(other->calls[MOCK_GUEST_CREATE], 1);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, GIB), 0);
	assert_int_equal(other->calls[MOCK_GUEST_REMOVE], 1);
	assert_int_equal(rig.mock->calls[MOCK_GUEST_REMOVE], 1);
	viommu_device_destroy(device);
	/* Slots stay registered as long as the VM exists. */
	assert_int_equal(other->guests, 1);
	rig_end(&rig);
	assert_int_equal(other->guests + other->breaches, 0);
	mock_destroy(other);
}

static void test_policy_is_passed_on(void **state)
{
	const struct rig_options options = { .config = { .size = sizeof(options.config), .pin = VIOMMU_PIN_GUEST, .pin_budget = VIOMMU_NO_LIMIT } };
	struct rig rig;

	(void)state;
	rig_begin(&rig, &options);
	rig_domain(&rig);
	assert_true(rig.subject.space->guest->pinned);
	assert_int_equal(guest_hide(&rig.guest, &rig.guest.area[0]), 0);
	rig_end(&rig);
}

/* One of two hosts refuses to add a slot, or to remove it. */
static void test_one_of_two(void **state)
{
	static unsigned char memory[4096] __attribute__((aligned(4096)));
	static const struct mock_options options;
	struct viommu_device *device, *third_device;
	struct mock_host *other, *third;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	other = mock_create(&options);
	third = mock_create(&options);
	rig_domain(&rig);
	assert_int_equal(viommu_device_create(rig.guest.vm, &other->host, NULL, &device), 0);

	/* It is removed from the host that accepted it. */
	mock_fail(other, MOCK_GUEST_ADD, 1, false, ENOSPC);
	assert_int_equal(add(&rig, GIB, memory), -ENOSPC);
	assert_int_equal(rig.subject.space->guest->slots, 1);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, GIB), -ENOENT);

	/*
	 * It cannot be removed: it stays, nothing is established in it, and its removal can be
	 * tried again.
	 */
	mock_fail(other, MOCK_GUEST_ADD, 1, false, ENOSPC);
	mock_fail(rig.mock, MOCK_GUEST_REMOVE, 1, false, EIO);
	assert_int_equal(add(&rig, GIB, memory), -EBUSY);
	tables_map(&rig.tables, PBA, 1, GIB, VIOMMU_RW);
	assert_int_equal(rig_refresh_all(&rig, NULL), 0);
	assert_int_equal(rig_stats(&rig).mapped_pages, 0);
	/* It is not registered with a new host. */
	assert_int_equal(viommu_device_create(rig.guest.vm, &third->host, NULL, &third_device), 0);
	assert_int_equal(third->calls[MOCK_GUEST_ADD], 1);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, GIB), 0);
	assert_int_equal(rig.subject.space->guest->slots, 1);

	viommu_device_destroy(third_device);
	viommu_device_destroy(device);
	/* The hosts outlive the VM. */
	rig_end(&rig);
	assert_int_equal(other->breaches + other->guests + third->breaches + third->guests, 0);
	mock_destroy(other);
	mock_destroy(third);
}

/*
 * Two slots that are adjacent in the process, but not in the guest, make two runs: a host that maps
 * from guest memory could not map them as one.
 */
static void test_runs_end_with_guest_memory(void **state)
{
	static unsigned char memory[2 * 4096] __attribute__((aligned(4096)));
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	assert_int_equal(add(&rig, GIB, memory), 0);
	assert_int_equal(add(&rig, 2 * GIB, memory + PAGE), 0);
	assert_int_equal(add(&rig, 3 * GIB, memory), 0);
	assert_int_equal(add(&rig, 3 * GIB + PAGE, memory + PAGE), 0);
	rig_domain(&rig);
	tables_map(&rig.tables, PBA, 1, GIB, VIOMMU_RW);
	tables_map(&rig.tables, PBA + PAGE, 1, 2 * GIB, VIOMMU_RW);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA, 2, NULL), 0);
	assert_int_equal(rig.mock->calls[MOCK_MAP], 2);
	/* Adjacent in both. */
	tables_map(&rig.tables, PBA + 4 * PAGE, 2, 3 * GIB, VIOMMU_RW);
	mock_forget(rig.mock);
	assert_int_equal(rig_refresh(&rig, PBA + 4 * PAGE, 2, NULL), 0);
	assert_int_equal(rig.mock->calls[MOCK_MAP], 1);
	for (uint64_t gpa = 3 * GIB; gpa >= GIB; gpa -= GIB)
		assert_int_equal(viommu_slot_remove(rig.guest.vm, gpa), 0);
	assert_int_equal(viommu_slot_remove(rig.guest.vm, 3 * GIB + PAGE), 0);
	rig_end(&rig);
}

/* A limit of a device's host is not a failure of the host. */
static void test_no_room_on_attach(void **state)
{
	static const int errors[][2] = { { ENOSPC, -ENOSPC }, { ENOMEM, -ENOSPC }, { EINVAL, -EIO } };
	struct viommu_device *device;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	rig_domain(&rig);
	assert_int_equal(viommu_device_create(rig.guest.vm, &rig.mock->host, NULL, &device), 0);
	for (unsigned int i = 0; i < 3; i++) {
		mock_fail(rig.mock, MOCK_ATTACH, 1, false, errors[i][0]);
		assert_int_equal(viommu_domain_attach(rig.subject.domain, device, VIOMMU_NO_PASID), errors[i][1]);
		assert_int_equal(rig_stats(&rig).devices, 0);
	}
	assert_int_equal(viommu_domain_attach(rig.subject.domain, device, VIOMMU_NO_PASID), 0);
	viommu_device_destroy(device);
	rig_end(&rig);
}

/*
 * errno values of a host are translated: -EINVAL of the creation of a domain means that its
 * arguments are wrong, and nothing else.
 */
static void test_failures_of_the_host(void **state)
{
	static const enum mock_call calls[] = { MOCK_GUEST_CREATE, MOCK_GUEST_ADD, MOCK_CREATE };
	static const int errors[][2] = { { EINVAL, -EIO }, { EBUSY, -EIO }, { EPERM, -EIO }, { ENOMEM, -ENOMEM }, { ENOSPC, -ENOSPC } };
	struct viommu_domain *direct;
	struct viommu_domain *domain;
	struct rig rig;

	(void)state;
	rig_begin(&rig, &plain);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (size_t n = 0; n < sizeof(errors) / sizeof(errors[0]); n++) {
			const struct viommu_zpci_ioat ioat = tables_ioat(&rig.tables);

			mock_fail(rig.mock, calls[i], 1, false, errors[n][0]);
			assert_int_equal(viommu_domain_create(rig.guest.vm, &rig.mock->host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain), errors[n][1]);
			mock_fail(rig.mock, calls[i], 1, false, errors[n][0]);
			assert_int_equal(viommu_domain_create_direct(rig.guest.vm, &rig.mock->host, 0, PBA, PBA + GIB - 1, &direct), errors[n][1]);
		}
	}
	rig_domain(&rig);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registration),	  cmocka_unit_test(test_policy_is_passed_on),
		cmocka_unit_test(test_one_of_two),	  cmocka_unit_test(test_runs_end_with_guest_memory),
		cmocka_unit_test(test_no_room_on_attach), cmocka_unit_test(test_failures_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
