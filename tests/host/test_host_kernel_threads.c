/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hosts type1 and iommufd on a fake kernel, used by several threads at once within the rules of
 * host.h.
 */
#define _GNU_SOURCE
#include "fake_kernel.h"
#include "host/host.h"
#include "host/iommufd_abi.h"

#include <linux/vfio.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <viommu/vfio.h>

#define PAGE  VIOMMU_PAGE_SIZE
#define SLOT  (16 * PAGE)
#define PLACE (UINT64_C(1) << 32)

enum { VMS = 2, ROUNDS = 300 };

static const char *const addresses[VMS] = { FAKE_ONE, FAKE_TWO };
static unsigned char memory[3][SLOT] __attribute__((aligned(4096)));

static void *allocate(void *ctx, size_t bytes, size_t align)
{
	(void)ctx, (void)align;
	return calloc(1, bytes);
}

static void give_back(void *ctx, void *piece, size_t bytes, size_t align)
{
	(void)ctx, (void)bytes, (void)align;
	free(piece);
}

static const struct host_memory plain = { .alloc = allocate, .free = give_back };

/* A VM: one thread has its spaces and its device, another one has its slots. */
struct vm {
	struct viommu_host *host;
	struct host_vm *guest;
	unsigned int number;
	unsigned int failures;	    /* of the first thread */
	unsigned int slot_failures; /* of the second thread */
};

static struct host_slot slot(unsigned int number)
{
	return (struct host_slot){ .first = number * SLOT, .last = number * SLOT + SLOT - 1, .hva = memory[number], .prot = VIOMMU_RW, .fd = -1 };
}

static unsigned int map_and_remove(const struct vm *vm, struct host_space *space, unsigned int round)
{
	const struct host_ops *ops = vm->host->ops;
	struct host_mapping mapping = {
		.first = PLACE + round % 7 * PAGE, .gpa = SLOT + round % 16 * PAGE, .hva = memory[1] + round % 16 * PAGE, .prot = VIOMMU_RW, .fd = -1
	};
	unsigned int failures;

	mapping.last = mapping.first + PAGE - 1;
	failures = ops->map(space, &mapping) != 0;
	failures += ops->unmap(space, mapping.first, mapping.last) != 0;
	return failures + (ops->flush(space) != 0);
}

static void *live(void *ctx)
{
	struct vm *vm = (struct vm *)ctx;
	const struct host_ops *ops = vm->host->ops;
	struct viommu_vfio_device named = VIOMMU_VFIO_DEVICE_INIT;

	named.address = addresses[vm->number];
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct host_device *device;
		struct host_space *space;

		if (ops->device_create(vm->host, vm->guest, &named, &device)) {
			vm->failures++;
			continue;
		}
		if (ops->space_create(vm->host, vm->guest, PLACE, PLACE + 64 * PAGE - 1, &plain, &space)) {
			vm->failures++;
		} else {
			vm->failures += map_and_remove(vm, space, round);
			vm->failures += ops->attach(space, device, VIOMMU_NO_PASID) != 0;
			vm->failures += map_and_remove(vm, space, round + 1);
			vm->failures += ops->detach(space, device, VIOMMU_NO_PASID) != 0;
			ops->space_destroy(space);
		}
		ops->device_destroy(device);
	}
	return NULL;
}

static void *change_slots(void *ctx)
{
	struct vm *vm = (struct vm *)ctx;
	const struct host_slot before = slot(0), behind = slot(2);

	for (unsigned int round = 0; round < ROUNDS; round++) {
		vm->slot_failures += vm->host->ops->slot_add(vm->guest, &behind) != 0;
		vm->slot_failures += vm->host->ops->slot_add(vm->guest, &before) != 0;
		vm->slot_failures += vm->host->ops->slot_remove(vm->guest, &behind) != 0;
		vm->slot_failures += vm->host->ops->slot_remove(vm->guest, &before) != 0;
	}
	return NULL;
}

static void together(int (*create)(const struct viommu_vfio_config *config, struct viommu_host **out))
{
	struct viommu_vfio_device named = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .device = &named };
	pthread_t lives[VMS], changes[VMS];
	struct vm vms[VMS] = { 0 };
	struct viommu_host *host;
	bool guests;

	fake_begin(&(struct fake_options){ 0 });
	named.address = FAKE_ONE;
	assert_int_equal(create(&config, &host), 0);
	guests = host->ops->vm_create;
	for (unsigned int i = 0; i < VMS; i++) {
		const struct host_slot always = slot(1);

		vms[i].host = host;
		vms[i].number = i;
		if (guests) {
			assert_int_equal(host->ops->vm_create(host, false, &vms[i].guest), 0);
			assert_int_equal(host->ops->slot_add(vms[i].guest, &always), 0);
			assert_int_equal(pthread_create(&changes[i], NULL, change_slots, &vms[i]), 0);
		}
		assert_int_equal(pthread_create(&lives[i], NULL, live, &vms[i]), 0);
	}
	for (unsigned int i = 0; i < VMS; i++) {
		assert_int_equal(pthread_join(lives[i], NULL), 0);
		if (guests) {
			assert_int_equal(pthread_join(changes[i], NULL), 0);
			host->ops->vm_destroy(vms[i].guest);
		}
		assert_int_equal(vms[i].failures, 0);
		assert_int_equal(vms[i].slot_failures, 0);
	}
	viommu_host_destroy(host);
	assert_true(fake_end());
}

static void type1(void **state)
{
	(void)state;
	together(viommu_host_type1_create);
}

static void iommufd(void **state)
{
	(void)state;
	together(viommu_host_iommufd_create);
}

/*
 * Two VMs of one host. While the kernel pins and maps all memory of one VM, another thread detaches
 * a device of the other VM. The kernel call waits for that thread.
 */
struct neighbour {
	struct viommu_host *host;
	struct host_vm *guest;
	struct host_space *space;
	struct host_device *device;
	unsigned long request; /* during which */
	bool tried, in_time, detached, again;
};

static void *detach_neighbour(void *ctx)
{
	struct neighbour *neighbour = ctx;

	const struct host_ops *ops = neighbour->host->ops;
	struct viommu_vfio_device named = VIOMMU_VFIO_DEVICE_INIT;

	__atomic_store_n(&neighbour->detached, !ops->detach(neighbour->space, neighbour->device, VIOMMU_NO_PASID), __ATOMIC_SEQ_CST);
	/* The kernel may be using it for the other VM. */
	ops->device_destroy(neighbour->device);
	named.address = addresses[0];
	__atomic_store_n(&neighbour->again, !ops->device_create(neighbour->host, neighbour->guest, &named, &neighbour->device), __ATOMIC_SEQ_CST);
	return NULL;
}

static void during(void *ctx, unsigned long request)
{
	struct neighbour *neighbour = ctx;
	struct timespec until;
	pthread_t thread;

	if (neighbour->tried || request != neighbour->request)
		return;
	neighbour->tried = true;
	assert_int_equal(pthread_create(&thread, NULL, detach_neighbour, neighbour), 0);
	/* The timeout only ends a failing test. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	neighbour->in_time = !pthread_timedjoin_np(thread, NULL, &until);
	if (!neighbour->in_time)
		pthread_detach(thread);
}

static void waits_for_no_other(int (*create)(const struct viommu_vfio_config *config, struct viommu_host **out), bool pinned, unsigned long request)
{
	struct viommu_vfio_device named = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .device = &named };
	static struct neighbour neighbour;
	const struct host_slot memory_of_both = slot(1);
	struct host_vm *guest[2] = { NULL };
	struct host_device *device[2];
	struct host_space *space[2];
	const struct host_ops *ops;

	fake_begin(&(struct fake_options){ 0 });
	named.address = addresses[0];
	neighbour = (struct neighbour){ .request = request };
	assert_int_equal(create(&config, &neighbour.host), 0);
	ops = neighbour.host->ops;
	for (unsigned int i = 0; i < 2; i++) {
		named.address = addresses[i];
		/* The second VM's memory is pinned when its first device is added. */
		if (i && pinned) {
			neighbour.guest = guest[0];
			neighbour.space = space[0];
			neighbour.device = device[0];
			fake_watch(during, &neighbour);
		}
		if (ops->vm_create)
			assert_int_equal(ops->vm_create(neighbour.host, i && pinned, &guest[i]), 0);
		if (ops->vm_create)
			assert_int_equal(ops->slot_add(guest[i], &memory_of_both), 0);
		assert_int_equal(ops->device_create(neighbour.host, guest[i], &named, &device[i]), 0);
		assert_int_equal(ops->space_create(neighbour.host, guest[i], PLACE, PLACE + 64 * PAGE - 1, &plain, &space[i]), 0);
		assert_int_equal(map_and_remove(&(struct vm){ .host = neighbour.host }, space[i], i), 0);
		if (!i)
			assert_int_equal(ops->attach(space[0], device[0], VIOMMU_NO_PASID), 0);
	}
	if (!pinned) {
		const struct host_mapping mapping = { .first = PLACE, .last = PLACE + PAGE - 1, .gpa = SLOT, .hva = memory[1], .prot = VIOMMU_RW, .fd = -1 };

		assert_int_equal(ops->map(space[1], &mapping), 0);
		neighbour.guest = guest[0];
		neighbour.space = space[0];
		neighbour.device = device[0];
		fake_watch(during, &neighbour);
		assert_int_equal(ops->attach(space[1], device[1], VIOMMU_NO_PASID), 0);
	}
	fake_watch(NULL, NULL);
	assert_true(neighbour.tried && neighbour.in_time);
	assert_true(__atomic_load_n(&neighbour.detached, __ATOMIC_SEQ_CST));
	assert_true(__atomic_load_n(&neighbour.again, __ATOMIC_SEQ_CST));
	device[0] = neighbour.device;
	if (!pinned)
		assert_int_equal(ops->detach(space[1], device[1], VIOMMU_NO_PASID), 0);
	for (unsigned int i = 0; i < 2; i++) {
		ops->space_destroy(space[i]);
		ops->device_destroy(device[i]);
		if (guest[i])
			ops->vm_destroy(guest[i]);
	}
	viommu_host_destroy(neighbour.host);
	assert_true(fake_end());
}

static void type1_neighbours(void **state)
{
	(void)state;
	waits_for_no_other(viommu_host_type1_create, false, VFIO_IOMMU_MAP_DMA);
}

static void iommufd_neighbours(void **state)
{
	(void)state;
	waits_for_no_other(viommu_host_iommufd_create, true, IOMMUFD_ABI_HWPT_ALLOC);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(type1), cmocka_unit_test(iommufd), cmocka_unit_test(type1_neighbours),
					    cmocka_unit_test(iommufd_neighbours) };

	return cmocka_run_group_tests_name("hosts used by several threads", tests, NULL, NULL);
}
