/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two CPUs that map and unmap in a domain each, one that moves a device between both, pass-through
 * and nothing, one that reads the event log; devices that access memory and send interrupts, and a
 * VMM that plugs and unplugs. After a COMPLETION_WAIT behind an invalidation, no access reaches the
 * page. ThreadSanitizer looks at the rest.
 */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { ROUNDS = 50, WORKERS = 2, MOVED = 2, PLUGGED = 3 };

#define IOVA UINT64_C(0x40000000)

struct race {
	struct rig rig;
	pthread_mutex_t driver; /* of the command buffer */
	struct viommu_reader *reader[WORKERS + 1];
	uint64_t root[WORKERS];
	bool live[WORKERS]; /* from before the entry is valid until the wait is done */
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

/* As a driver does: the lock is held until the wait is done. */
static void command(struct race *race, uint64_t dw0, uint64_t dw1)
{
	static uint64_t sequence;
	uint64_t tail;
	uint32_t at;

	pthread_mutex_lock(&race->driver);
	expect(race, !viommu_amdvi_read(race->rig.amdvi, R_CMD_TAIL, 8, &tail));
	at = (uint32_t)tail;
	rig_queue(&race->rig, &at, dw0, dw1);
	rig_queue(&race->rig, &at, WAIT | SEMAPHORE | 1 | 2, ++sequence);
	expect(race, !viommu_amdvi_write(race->rig.amdvi, R_CMD_TAIL, 4, at));
	expect(race, rig_get(&race->rig, SEMAPHORE) == sequence);
	pthread_mutex_unlock(&race->driver);
}

/* Domain 1 + i has the page IOVA at DATA + i pages. */
static void *map_and_unmap(void *ctx)
{
	const struct worker *worker = ctx;
	struct race *race = worker->race;
	unsigned int i = worker->index;
	uint64_t slot = rig_slot(&race->rig, race->root[i], 3, IOVA, 1);

	for (unsigned int round = 0; round < ROUNDS || !__atomic_load_n(&race->reached, __ATOMIC_RELAXED); round++) {
		__atomic_store_n(&race->live[i], true, __ATOMIC_RELEASE);
		rig_put(&race->rig, slot, (DATA + i * PAGE) | P_RW);
		command(race, INV_PAGES(1 + i), IOVA);
		sched_yield();
		rig_put(&race->rig, slot, 0);
		command(race, INV_PAGES(1 + i), round & 1 ? IOVA : ALL_PAGES);
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
		const struct viommu_fault fault = { .reason = VIOMMU_FAULT_NOT_PRESENT, .access = VIOMMU_READ, .iova = IOVA };
		struct viommu_piece piece;
		bool live, reached;

		viommu_reader_enter(race->reader[i]);
		live = __atomic_load_n(&race->live[i], __ATOMIC_ACQUIRE);
		reached = viommu_translate(race->reader[i], IOVA, 8, VIOMMU_READ, &piece, 1, NULL, NULL) == 1;
		if (reached)
			expect(race, piece.hva == race->rig.ram + DATA + i * PAGE);
		/* It was live before or is so now, as the wait is for this section, too. */
		expect(race, !reached || live || __atomic_load_n(&race->live[i], __ATOMIC_ACQUIRE));
		viommu_reader_leave(race->reader[i]);
		if (reached)
			__atomic_store_n(&race->reached, 1, __ATOMIC_RELAXED);
		else
			(void)viommu_amdvi_device_fault(viommu_amdvi_find(race->rig.amdvi, i), &fault);
	}
	return NULL;
}

static void *move(void *ctx)
{
	struct race *race = ctx;
	uint8_t byte;

	for (unsigned int round = 0; !stopped(race); round++) {
		uint64_t dw0 = round % 4 == 3 ? D_V : round % 4 == 2 ? 0 : D_V | D_TV | D_RW | D_MODE(3) | race->root[round % 4];

		rig_put_entry(&race->rig, MOVED, dw0, 1 + round % 4, 0, 0);
		command(race, round % 8 ? INV_DEVICE(MOVED) : INV_ALL, 0);
		if (round % 4 == 2)
			expect(race, !viommu_read(race->reader[MOVED], DATA, &byte, 1, NULL, NULL));
		else
			expect(race, viommu_read(race->reader[MOVED], DATA, &byte, 1, NULL, NULL));
	}
	return NULL;
}

static void *plug(void *ctx)
{
	struct race *race = ctx;

	while (!stopped(race)) {
		viommu_amdvi_device_remove(rig_device(&race->rig, PLUGGED));
		sched_yield();
	}
	return NULL;
}

static void *read_log(void *ctx)
{
	struct race *race = ctx;
	struct viommu_amdvi_info info = { .size = sizeof(info) };
	uint64_t tail;

	while (!stopped(race)) {
		expect(race, !viommu_amdvi_read(race->rig.amdvi, R_EVENT_TAIL, 4, &tail));
		expect(race, !viommu_amdvi_write(race->rig.amdvi, R_EVENT_HEAD, 4, tail));
		expect(race, !viommu_amdvi_write(race->rig.amdvi, R_STATUS, 4, S_EVENT_INT | S_WAIT_INT | S_OVERFLOW));
		expect(race, !viommu_amdvi_info(race->rig.amdvi, &info) && info.devices >= 3);
		sched_yield();
	}
	return NULL;
}

static void *interrupt(void *ctx)
{
	const struct viommu_amdvi_message from = { .address = UINT64_C(0xfee00000), .data = 1 };
	struct race *race = ctx;
	struct viommu_amdvi_message to;

	while (!stopped(race))
		for (uint32_t id = 0; id < 5; id++)
			expect(race, !viommu_amdvi_interrupt(race->rig.amdvi, id, &from, &to) || id == 4);
	return NULL;
}

static void test_all_at_once(void **state)
{
	static struct race race;
	static void *(*const others[])(void *) = { move, plug, read_log, interrupt };
	struct worker workers[WORKERS];
	pthread_t mapper[WORKERS], device[WORKERS], other[4];

	(void)state;
	memset(&race, 0, sizeof(race));
	pthread_mutex_init(&race.driver, NULL);
	rig_up(&race.rig);
	rig_enable(&race.rig);
	rig_put_entry(&race.rig, 4, 0, 0, 1, 0);
	for (unsigned int i = 0; i <= WORKERS; i++) {
		if (i < WORKERS) {
			race.root[i] = rig_table(&race.rig);
			(void)rig_slot(&race.rig, race.root[i], 3, IOVA, 1);
			rig_put_entry(&race.rig, i, D_V | D_TV | D_RW | D_MODE(3) | race.root[i], 1 + i, 0, 0);
		}
		assert_int_equal(viommu_reader_create(viommu_amdvi_device_device(rig_device(&race.rig, i)), VIOMMU_NO_PASID, &race.reader[i]), 0);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ &race, i };
		pthread_create(&device[i], NULL, access_memory, &workers[i]);
		pthread_create(&mapper[i], NULL, map_and_unmap, &workers[i]);
	}
	for (unsigned int i = 0; i < 4; i++)
		pthread_create(&other[i], NULL, others[i], &race);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(mapper[i], NULL);
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(device[i], NULL);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(other[i], NULL);
	assert_int_equal(race.wrong, 0);
	assert_int_equal(rig_info(&race.rig).errors, 0);
	for (unsigned int i = 0; i <= WORKERS; i++)
		viommu_reader_destroy(race.reader[i]);
	rig_down(&race.rig);
	pthread_mutex_destroy(&race.driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_at_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
