/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two CPUs that send requests for a domain each, one that moves an endpoint between both and into
 * bypass mode, devices that access memory, and a VMM that plugs and unplugs. After an UNMAP has
 * returned, no access reaches the page. ThreadSanitizer checks for races.
 */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { ROUNDS = 100, WORKERS = 2 };

struct race {
	struct rig rig;
	struct viommu_host *host;
	struct viommu_reader *reader[WORKERS + 1];
	bool live[WORKERS]; /* from before the MAP until the UNMAP has returned */
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

/* Domain i maps IOVA page 1 to the GPA page 16 + i. */
static void *map_and_unmap(void *ctx)
{
	const struct worker *worker = ctx;
	struct race *race = worker->race;
	unsigned int i = worker->index;

	for (unsigned int round = 0; round < ROUNDS || !__atomic_load_n(&race->reached, __ATOMIC_RELAXED); round++) {
		__atomic_store_n(&race->live[i], true, __ATOMIC_RELEASE);
		expect(race, rig_map(&race->rig, i, 0x1000, 0x1fff, (16 + i) * PAGE, MAP_READ | MAP_WRITE) == OK);
		sched_yield();
		expect(race, rig_unmap(&race->rig, i, 0, 0xffff) == OK);
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

		viommu_reader_enter(race->reader[i]);
		live = __atomic_load_n(&race->live[i], __ATOMIC_ACQUIRE);
		reached = viommu_translate(race->reader[i], 0x1000, 8, VIOMMU_READ, &piece, 1, NULL, NULL) == 1;
		if (reached)
			expect(race, piece.hva == race->rig.ram + (16 + i) * PAGE);
		/* It was live before or is so now, as an UNMAP waits for this section. */
		expect(race, !reached || live || __atomic_load_n(&race->live[i], __ATOMIC_ACQUIRE));
		viommu_reader_leave(race->reader[i]);
		if (reached)
			__atomic_store_n(&race->reached, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *move(void *ctx)
{
	struct race *race = ctx;
	uint8_t byte;

	while (!stopped(race)) {
		struct viommu_virtio_info info = { .size = sizeof(info) };
		uint8_t bypass = 1;

		for (uint32_t domain = 0; domain < WORKERS; domain++) {
			expect(race, rig_attach(&race->rig, domain, WORKERS, 0) == OK);
			if (!viommu_read(race->reader[WORKERS], 0x1000, &byte, 1, NULL, NULL))
				expect(race, byte == 16 + domain);
		}
		viommu_virtio_config_write(race->rig.virtio, 36, &bypass, 1);
		expect(race, rig_detach(&race->rig, WORKERS - 1, WORKERS) == OK);
		expect(race, !viommu_read(race->reader[WORKERS], 0x1000, &byte, 1, NULL, NULL) && byte == 1);
		bypass = 0;
		viommu_virtio_config_write(race->rig.virtio, 36, &bypass, 1);
		expect(race, viommu_read(race->reader[WORKERS], 0x1000, &byte, 1, NULL, NULL));
		expect(race, !viommu_virtio_info(race->rig.virtio, &info) && info.domains == WORKERS);
	}
	return NULL;
}

static void *plug(void *ctx)
{
	struct race *race = ctx;

	while (!stopped(race)) {
		struct viommu_virtio_endpoint *endpoint = rig_endpoint(&race->rig, 20, race->host);

		expect(race, rig_attach(&race->rig, 0, 20, 0) == OK);
		viommu_virtio_endpoint_remove(endpoint);
		sched_yield();
	}
	return NULL;
}

static void test_all_at_once(void **state)
{
	static struct race race;
	struct worker workers[WORKERS];
	pthread_t mapper[WORKERS], device[WORKERS], mover, plugger;

	(void)state;
	memset(&race, 0, sizeof(race));
	rig_up(&race.rig);
	assert_int_equal(viommu_host_soft_create(&race.host), 0);
	for (unsigned int i = 0; i <= WORKERS; i++) {
		struct viommu_virtio_endpoint *endpoint = rig_endpoint(&race.rig, i, race.host);

		assert_int_equal(viommu_reader_create(viommu_virtio_endpoint_device(endpoint), VIOMMU_NO_PASID, &race.reader[i]), 0);
		if (i < WORKERS)
			assert_int_equal(rig_attach(&race.rig, i, i, 0), OK);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ &race, i };
		pthread_create(&device[i], NULL, access_memory, &workers[i]);
		pthread_create(&mapper[i], NULL, map_and_unmap, &workers[i]);
	}
	pthread_create(&mover, NULL, move, &race);
	pthread_create(&plugger, NULL, plug, &race);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(mapper[i], NULL);
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(device[i], NULL);
	pthread_join(mover, NULL);
	pthread_join(plugger, NULL);
	assert_int_equal(race.wrong, 0);
	for (unsigned int i = 0; i <= WORKERS; i++)
		viommu_reader_destroy(race.reader[i]);
	rig_down(&race.rig);
	viommu_host_destroy(race.host);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_at_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
