/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The end of the module's containers: kill -9 at any moment, while threads are in their ioctls, and
 * before the module is removed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

#define A      (RIG_NUMBERED + 8 * PAGE)
#define DEATHS 20u
#define MS     1000000

static void sleep_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * MS }, NULL);
}

/*
 * Adds and removes pages, domains and memory forever. Writes a byte to `begun` after the first
 * round. Errors are ignored.
 */
static void live(void *ctx, int begun)
{
	const uint32_t *type = ctx;
	struct rig rig;
	uint32_t domain;

	if (rig_begin(&rig, *type))
		_exit(1);
	rig_map(&rig, 0, 8 * MIB, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	rig_open_device(&rig);
	for (unsigned int i = 0;; i++) {
		if (rig_create(&rig, RIG_PBA, RIG_PAL, &domain, NULL))
			_exit(1);
		rig_attach(&rig, domain);
		rig_map(&rig, 8 * MIB, 8 * MIB, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
		for (unsigned int n = 0; n < 20; n++) {
			rig_name(&rig, RIG_PBA + n * 100 * PAGE, 150, n % 3 ? 8 * MIB + i % 64 * PAGE : A, n % 2);
			rig_refresh(&rig, domain, RIG_PBA, n % 4 ? 1000 : 2 * GIB / PAGE, NULL);
			rig_hide(&rig, RIG_PBA + n * 50 * PAGE, 70);
		}
		if (!i && write(begun, "", 1) != 1)
			_exit(1);
		rig_unmap(&rig, 8 * MIB, 8 * MIB);
		if (i % 2)
			rig_destroy(&rig, domain);
		else
			rig_attach(&rig, 0);
		if (rig_create_direct(&rig, RIG_PBA, RIG_PAL, RIG_OFFSET, VFIO_VIOMMU_DIRECT_READ, &domain))
			_exit(1);
		rig_attach(&rig, domain);
		rig_destroy(&rig, domain);
	}
}

/* The device works for the next process. */
static void check_usable(uint32_t type)
{
	struct rig rig;

	rig_open(&rig, type);
	rig_name(&rig, RIG_PBA, 1, A, true);
	rig_domain(&rig);
	rig_reaches(&rig, RIG_PBA, A, true);
	rig_close(&rig);
}

static void killed(uint32_t type)
{
	struct rig_child child;
	unsigned int pinned = 0;

	for (unsigned int i = 0; i < DEATHS; i++) {
		rig_fork(&child, live, &type);
		/* Some are killed during their setup. */
		if (i % 4)
			rig_await(&child);
		sleep_ms(i * 17 % 100);
		pinned += rig_kill(&child);
	}
	/* Otherwise this tests nothing. */
	assert_true(pinned >= DEATHS / 2);
	check_usable(type);
}

static void test_killed_pinned(void **state)
{
	(void)state;
	killed(VFIO_VIOMMU_PINNED_IOMMU);
}

static void test_killed_paged(void **state)
{
	(void)state;
	killed(VFIO_VIOMMU_PAGED_IOMMU);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / MS;
}

/*
 * Claims memory that there is not, and has one refresh after the other that examines as many
 * entries as that would have room for. How long the first takes is written to `took`.
 */
static void entangle(void *ctx, int took)
{
	const uint64_t claimed = UINT64_C(1) << 40, end = UINT64_C(1) << 38;
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ, .iova = claimed, .size = claimed };
	void *memory = mmap(NULL, claimed, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t domain;
	struct rig rig;

	(void)ctx;
	if (memory == MAP_FAILED || rig_begin(&rig, VFIO_VIOMMU_PAGED_IOMMU) || rig_map(&rig, 0, RIG_BYTES, VFIO_DMA_MAP_FLAG_READ))
		_exit(1);
	map.vaddr = (uint64_t)(uintptr_t)memory;
	if (ioctl(rig.container, VFIO_IOMMU_MAP_DMA, &map) || rig_create(&rig, 0, end - 1, &domain, NULL))
		_exit(1);
	rig_entangle(&rig, end);
	for (;;) {
		uint64_t begun = now_ms();

		if (rig_refresh(&rig, domain, 0, end / PAGE, NULL))
			_exit(1);
		begun = now_ms() - begun;
		if (took >= 0 && write(took, &begun, sizeof(begun)) != sizeof(begun))
			_exit(1);
		took = -1;
	}
}

static void test_killed_in_a_long_refresh(void **state)
{
	struct rig_child child;
	uint64_t took, begun;

	(void)state;
	rig_fork(&child, entangle, NULL);
	assert_int_equal(read(child.begun, &took, sizeof(took)), sizeof(took));
	/* It is at the beginning of the second one. */
	sleep_ms(50);
	begun = now_ms();
	rig_kill(&child);
	begun = now_ms() - begun;
	print_message("a refresh takes %llu ms, and is ended in %llu ms\n", (unsigned long long)took, (unsigned long long)begun);
	assert_true(begun < took / 3);
	check_usable(VFIO_VIOMMU_PAGED_IOMMU);
}

/* The module cannot be unloaded while it has a container. */
static void test_unloading(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_VIOMMU_PAGED_IOMMU);
	rig_domain(&rig);
	assert_false(rig_unload());
	assert_true(errno == EAGAIN || errno == EBUSY);
	rig_close(&rig);
	assert_true(rig_unload());
	assert_int_equal(rig_begin(&rig, VFIO_VIOMMU_PAGED_IOMMU), -ENODEV);
	rig_close(&rig);
	assert_true(rig_load(false));
	check_usable(VFIO_VIOMMU_PINNED_IOMMU);
}

/* If a device can send any interrupt, the module accepts its group only when forced. */
static void test_unsafe_interrupts(void **state)
{
	struct rig rig;

	(void)state;
	if (rig_has_isolated_interrupts())
		skip();
	assert_true(rig_unload());
	assert_true(rig_load(true));
	assert_int_equal(rig_begin(&rig, VFIO_VIOMMU_PINNED_IOMMU), -EPERM);
	rig_close(&rig);
	assert_true(rig_unload());
	assert_true(rig_load(false));
	check_usable(VFIO_VIOMMU_PINNED_IOMMU);
}

/* Threads in all ioctls at once. Each may fail, since the others remove its objects. */
static struct {
	struct rig rig;
	volatile bool end;
	volatile uint64_t refreshed;
	volatile uint64_t created;
	uint32_t domain;
} races;

static void *refresh_for_ever(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; !races.end; i++) {
		uint32_t domain = __atomic_load_n(&races.domain, __ATOMIC_RELAXED);

		rig_name(&races.rig, RIG_PBA + i % 64 * PAGE, 16, i % 2 ? A : 9 * MIB, true);
		races.refreshed += !rig_refresh(&races.rig, domain, RIG_PBA, i % 5 ? 80 : 2 * GIB / PAGE, NULL);
		rig_hide(&races.rig, RIG_PBA + i * 7 % 64 * PAGE, 8);
	}
	return NULL;
}

static void *create_for_ever(void *unused)
{
	(void)unused;
	while (!races.end) {
		uint32_t domain;

		if (rig_create(&races.rig, RIG_PBA, RIG_PAL, &domain, NULL))
			continue;
		races.created++;
		__atomic_store_n(&races.domain, domain, __ATOMIC_RELAXED);
		rig_attach(&races.rig, domain);
		rig_attach(&races.rig, 0);
		rig_destroy(&races.rig, domain);
	}
	return NULL;
}

static void *remap_for_ever(void *unused)
{
	(void)unused;
	while (!races.end) {
		rig_map(&races.rig, 8 * MIB, 8 * MIB, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
		rig_unmap(&races.rig, 8 * MIB, 8 * MIB);
	}
	return NULL;
}

static void *ask_for_ever(void *unused)
{
	struct vfio_viommu_info info = { .argsz = sizeof(info), .group = races.rig.group };

	(void)unused;
	while (!races.end) {
		ioctl(races.rig.container, VFIO_VIOMMU_INFO, &info);
		ioctl(races.rig.container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU);
	}
	return NULL;
}

#define RACERS 5u

static void race(uint32_t type, bool leave)
{
	static void *(*const run[RACERS])(void *) = { refresh_for_ever, refresh_for_ever, create_for_ever, remap_for_ever, ask_for_ever };
	pthread_t threads[RACERS];

	races.end = false;
	races.refreshed = races.created = 0;
	assert_int_equal(rig_begin(&races.rig, type), 0);
	assert_int_equal(rig_map(&races.rig, 0, 8 * MIB, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	for (unsigned int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run[i], NULL), 0);
	while (!races.refreshed || !races.created)
		sleep_ms(1);
	sleep_ms(leave ? 0 : 4000);
	/* The container loses its last group, and with it all objects, while threads use them. */
	if (leave)
		assert_int_equal(ioctl(races.rig.group_fd, VFIO_GROUP_UNSET_CONTAINER), 0);
	sleep_ms(leave ? 100 : 0);
	races.end = true;
	for (unsigned int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	rig_close(&races.rig);
}

static void test_races(void **state)
{
	(void)state;
	race(VFIO_VIOMMU_PAGED_IOMMU, false);
	race(VFIO_VIOMMU_PINNED_IOMMU, false);
	for (unsigned int i = 0; i < 5; i++)
		race(i % 2 ? VFIO_VIOMMU_PINNED_IOMMU : VFIO_VIOMMU_PAGED_IOMMU, true);
	check_usable(VFIO_VIOMMU_PAGED_IOMMU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_killed_pinned, rig_setup),
		cmocka_unit_test_setup(test_killed_paged, rig_setup),
		cmocka_unit_test_setup(test_killed_in_a_long_refresh, rig_setup),
		cmocka_unit_test_setup(test_unloading, rig_setup),
		cmocka_unit_test_setup(test_unsafe_interrupts, rig_setup),
		cmocka_unit_test_setup(test_races, rig_setup),
	};

	if (!rig_load(false))
		return 1;
	return rig_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
