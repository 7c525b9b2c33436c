/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two CPUs that map and unmap for a device each, one that moves a third device between domains and
 * into pass-through, devices that access memory, misses with a handler of fault interrupts, routes
 * of interrupts, and a VMM that plugs and unplugs. After an unmapped page was invalidated, no
 * access reaches it. ThreadSanitizer looks at the rest.
 */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { ROUNDS = 40, WORKERS = 2 };

#define IOVA	 UINT64_C(0x1000)
#define FRAME(i) (DATA + (i)*PAGE)

struct race {
	struct rig rig;
	pthread_mutex_t queue; /* the guest's lock around the invalidation queue */
	struct user user[WORKERS + 1];
	uint64_t root[WORKERS];
	uint64_t leaf[WORKERS];
	bool live[WORKERS]; /* from before the page is mapped until its invalidation has returned */
	bool stop;
	unsigned int wrong;
	unsigned int reached;
};

struct worker {
	struct race *race;
	unsigned int index;
};

static bool stopped(struct race *race)
{
	return __atomic_load_n(&race->stop, __ATOMIC_ACQUIRE);
}

static void expect(struct race *race, bool so)
{
	if (!so)
		__atomic_add_fetch(&race->wrong, 1, __ATOMIC_RELAXED);
}

/* A descriptor, and a wait with a status of its own. */
static void submit(struct race *race, unsigned int cpu, uint64_t dw0, uint64_t dw1)
{
	uint32_t tail;

	pthread_mutex_lock(&race->queue);
	rig_put(&race->rig, STATUS + 8 * cpu, 1);
	tail = rig_read(&race->rig, R_IQT);
	rig_queue(&race->rig, &tail, dw0, dw1);
	rig_queue(&race->rig, &tail, WAIT(2), STATUS + 8 * cpu);
	rig_kick(&race->rig, tail);
	expect(race, rig_get(&race->rig, STATUS + 8 * cpu) == 2);
	pthread_mutex_unlock(&race->queue);
}

static void *map_and_unmap(void *ctx)
{
	const struct worker *worker = ctx;
	struct race *race = worker->race;
	unsigned int i = worker->index;

	for (unsigned int round = 0; round < ROUNDS || !__atomic_load_n(&race->reached, __ATOMIC_RELAXED); round++) {
		__atomic_store_n(&race->live[i], true, __ATOMIC_RELEASE);
		rig_put(&race->rig, race->leaf[i], FRAME(i) | E_R | E_W);
		submit(race, i, IOTLB_PAGES(1 + i), IOVA);
		sched_yield();
		rig_put(&race->rig, race->leaf[i], 0);
		submit(race, i, round & 1 ? IOTLB_PAGES(1 + i) : IOTLB_DOMAIN(1 + i), IOVA);
		__atomic_store_n(&race->live[i], false, __ATOMIC_RELEASE);
		sched_yield();
	}
	return NULL;
}

static void *access_memory(void *ctx)
{
	const struct worker *worker = ctx;
	struct race *race = worker->race;
	unsigned int i = worker->index;

	while (!stopped(race)) {
		struct viommu_piece piece;
		bool live, reached;

		viommu_reader_enter(race->user[i].reader);
		live = __atomic_load_n(&race->live[i], __ATOMIC_ACQUIRE);
		reached = viommu_translate(race->user[i].reader, IOVA, 8, VIOMMU_READ, &piece, 1, NULL, NULL) == 1;
		if (reached)
			expect(race, piece.hva == race->rig.ram + FRAME(i));
		/* It was live before or is so now, as an invalidation waits for this section. */
		expect(race, !reached || live || __atomic_load_n(&race->live[i], __ATOMIC_ACQUIRE));
		viommu_reader_leave(race->user[i].reader);
		if (reached)
			__atomic_store_n(&race->reached, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* The third device: to both roots, passed through, and to nothing. */
static void *move(void *ctx)
{
	struct race *race = ctx;
	const uint8_t *hva;

	while (!stopped(race)) {
		for (unsigned int i = 0; i < WORKERS; i++) {
			rig_put_context(&race->rig, 24, race->root[i] | CONTEXT_SECOND, CONTEXT1(1, 1 + i));
			submit(race, WORKERS, CC_DEVICE(24), 0);
			if (user_has(&race->user[WORKERS], IOVA, VIOMMU_READ, &hva))
				expect(race, hva == race->rig.ram + FRAME(i));
		}
		rig_put_context(&race->rig, 24, CONTEXT_PASS_THROUGH, CONTEXT1(1, 9));
		submit(race, WORKERS, CC_DEVICE(24), 0);
		expect(race, user_has(&race->user[WORKERS], DATA, VIOMMU_READ, &hva) && hva == race->rig.ram + DATA);
		rig_put_context(&race->rig, 24, 0, 0);
		submit(race, WORKERS, CC_GLOBAL, 0);
		expect(race, !user_has(&race->user[WORKERS], DATA, VIOMMU_READ, &hva));
		sched_yield();
	}
	return NULL;
}

/* Misses, which find the page or are recorded; and the interrupt's handler. */
static void *miss(void *ctx)
{
	struct race *race = ctx;
	struct record record;

	while (!stopped(race)) {
		for (unsigned int i = 0; i <= WORKERS; i++)
			(void)rig_fault(race->user[i].device, i ? IOVA : 0x7000, VIOMMU_READ);
		while (rig_record(&race->rig, &record))
			expect(race, record.reason == 0x06 || record.reason == 0x02);
		rig_write(&race->rig, R_FSTS, PFO);
		sched_yield();
	}
	return NULL;
}

static void *interrupt(void *ctx)
{
	struct race *race = ctx;
	struct viommu_vtd_message message = { .size = sizeof(message) };
	struct viommu_vtd_info info = { .size = sizeof(info) };

	while (!stopped(race)) {
		expect(race, !viommu_vtd_interrupt(race->rig.vtd, 8, 0xfee00000, 0x41, &message) && message.data == 0x41);
		expect(race, !viommu_vtd_info(race->rig.vtd, &info) && info.domains >= WORKERS - 1);
		sched_yield();
	}
	return NULL;
}

static void *plug(void *ctx)
{
	struct race *race = ctx;

	while (!stopped(race)) {
		struct viommu_vtd_device *device = rig_device(&race->rig, 32);

		rig_put_context(&race->rig, 32, race->root[0] | CONTEXT_SECOND, CONTEXT1(1, 1));
		submit(race, WORKERS + 1, CC_DEVICE(32), 0);
		expect(race, viommu_vtd_find(race->rig.vtd, 32) == device);
		viommu_vtd_device_remove(device);
		sched_yield();
	}
	return NULL;
}

static void test_races(void **state)
{
	static void *(*const others[])(void *) = { move, miss, interrupt, plug };
	pthread_t cpu[WORKERS], accessor[WORKERS], other[4];
	struct worker worker[WORKERS];
	struct race race = { .queue = PTHREAD_MUTEX_INITIALIZER };

	(void)state;
	rig_up(&race.rig);
	rig_enable(&race.rig);
	for (unsigned int i = 0; i < WORKERS; i++) {
		race.root[i] = rig_table(&race.rig);
		race.leaf[i] = rig_entry(&race.rig, race.root[i], 3, IOVA, 0);
		rig_put_context(&race.rig, 8 + 8 * i, race.root[i] | CONTEXT_SECOND, CONTEXT1(1, 1 + i));
	}
	for (unsigned int i = 0; i <= WORKERS; i++)
		user_init(&race.user[i], &race.rig, 8 + 8 * i);
	for (unsigned int i = 0; i < WORKERS; i++) {
		worker[i] = (struct worker){ &race, i };
		assert_int_equal(pthread_create(&accessor[i], NULL, access_memory, &worker[i]), 0);
	}
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&other[i], NULL, others[i], &race), 0);
	for (unsigned int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&cpu[i], NULL, map_and_unmap, &worker[i]), 0);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(cpu[i], NULL);
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(other[i], NULL);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(accessor[i], NULL);
	assert_int_equal(race.wrong, 0);
	for (unsigned int i = 0; i <= WORKERS; i++)
		user_end(&race.user[i]);
	pthread_mutex_destroy(&race.queue);
	rig_down(&race.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_races) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
