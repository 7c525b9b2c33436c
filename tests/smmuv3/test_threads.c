/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything at once: a CPU that maps and unmaps, one that configures streams, one that reads
 * events, devices that access memory, and a VMM that plugs and unplugs. The assertions hold for
 * every interleaving; ThreadSanitizer checks for races.
 */
#include "tables.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define PAGES 8u
#define RW    VIOMMU_RW
#define IOVA  UINT64_C(0x7ffff000)

enum { ROUNDS = 300 };

struct race {
	struct rig rig;
	pthread_mutex_t queue; /* the guest's own, around its command queue */
	struct tables tables;
	struct user user[3];
	bool live[PAGES]; /* between mapping and invalidating it */
	bool stop;
	unsigned int wrong;
	unsigned int reached;
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

static void command(struct race *race, uint64_t dw0, uint64_t dw1)
{
	uint32_t prod;

	pthread_mutex_lock(&race->queue);
	prod = rig_read(&race->rig, R_CMDQ_PROD);
	rig_queue(&race->rig, &prod, dw0, dw1);
	rig_queue(&race->rig, &prod, SYNC, 0);
	rig_kick(&race->rig, prod);
	expect(race, rig_read(&race->rig, R_CMDQ_CONS) == prod);
	pthread_mutex_unlock(&race->queue);
}

static void *map_and_unmap(void *ctx)
{
	struct race *race = ctx;

	for (unsigned int n = 0; n < PAGES; n++) {
		__atomic_store_n(&race->live[n], true, __ATOMIC_RELEASE);
		tables_map(&race->tables, IOVA + n * PAGE, DATA + n * PAGE, 0);
	}
	/* Until the devices have begun. */
	while (!__atomic_load_n(&race->reached, __ATOMIC_RELAXED))
		sched_yield();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int n = round % PAGES;

		__atomic_store_n(&race->live[n], true, __ATOMIC_RELEASE);
		tables_map(&race->tables, IOVA + n * PAGE, DATA + n * PAGE, 0);
		sched_yield();
		if (round % 3)
			continue;
		for (n = 0; n < PAGES; n++)
			tables_unmap(&race->tables, IOVA + n * PAGE);
		if (round % 2)
			command(race, TLBI_VA(1) | RANGE(PAGES - 1, 0), IOVA | TG(1) | TTL(3) | LEAF);
		else
			command(race, TLBI_ASID(1), 0);
		/* From here on no access can reach it. */
		for (n = 0; n < PAGES; n++)
			__atomic_store_n(&race->live[n], false, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void *configure(void *ctx)
{
	struct race *race = ctx;

	while (!stopped(race)) {
		rig_put_ste(&race->rig, 1, STE_ABORT, 0);
		command(race, CFGI_STE(1), LEAF);
		rig_put_ste(&race->rig, 1, STE_S1(cd_gpa(0)), 0);
		command(race, CFGI_ALL, 31);
		sched_yield();
	}
	return NULL;
}

static void *read_events(void *ctx)
{
	struct race *race = ctx;
	uint64_t record[4];

	while (!stopped(race)) {
		while (rig_event(&race->rig, record))
			expect(race, (record[0] & 0xff) == 0x10);
		rig_write(&race->rig, R_EVENTQ_CONS, rig_read(&race->rig, R_EVENTQ_PROD));
		rig_write(&race->rig, R_IRQ_CTRL, 5);
		rig_info(&race->rig);
		sched_yield();
	}
	return NULL;
}

static int no_more(void *ctx, const struct viommu_run *run)
{
	(void)ctx;
	(void)run;
	return 0;
}

static void *plug(void *ctx)
{
	struct race *race = ctx;
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct user user;

	while (!stopped(race)) {
		user_init(&user, &race->rig, 7);
		expect(race, rig_device_info(user.device).sharing >= 1);
		viommu_smmuv3_device_stats(race->user[1].device, &stats);
		viommu_smmuv3_device_each_run(race->user[1].device, 0, UINT64_MAX, no_more, NULL);
		expect(race, viommu_smmuv3_find(race->rig.smmu, 7) == user.device);
		user_end(&user);
		sched_yield();
	}
	return NULL;
}

static void access_memory(struct race *race, struct user *user)
{
	for (unsigned int n = 0; n < PAGES; n++) {
		const uint8_t *hva;
		int ret = user_access(user, IOVA + n * PAGE, RW, &hva);

		expect(race, ret == 0 || ret == -EFAULT || ret == -EAGAIN);
		viommu_reader_enter(user->reader);
		if (user_has(user, IOVA + n * PAGE, RW, &hva)) {
			expect(race, hva == race->rig.ram + DATA + n * PAGE);
			expect(race, __atomic_load_n(&race->live[n], __ATOMIC_ACQUIRE));
			__atomic_add_fetch(&race->reached, 1, __ATOMIC_RELAXED);
		}
		viommu_reader_leave(user->reader);
	}
}

struct device_thread {
	struct race *race;
	struct user *user;
};

static void *run_device(void *ctx)
{
	struct device_thread *thread = ctx;

	while (!stopped(thread->race))
		access_memory(thread->race, thread->user);
	return NULL;
}

static void test_everything(void **state)
{
	static struct race race;
	struct device_thread devices[3];
	pthread_t mapper, threads[6];

	(void)state;
	pthread_mutex_init(&race.queue, NULL);
	rig_up(&race.rig);
	tables_init(&race.tables, &race.rig, TABLES);
	rig_put_cd(&race.rig, 0, CD0(1), TABLES);
	for (unsigned int sid = 0; sid < 8; sid++)
		rig_put_ste(&race.rig, sid, STE_S1(cd_gpa(0)), 0);
	rig_enable(&race.rig);
	for (unsigned int i = 0; i < 3; i++) {
		user_init(&race.user[i], &race.rig, i);
		devices[i] = (struct device_thread){ &race, &race.user[i] };
	}
	pthread_create(&threads[0], NULL, configure, &race);
	pthread_create(&threads[1], NULL, read_events, &race);
	pthread_create(&threads[2], NULL, plug, &race);
	for (unsigned int i = 0; i < 3; i++)
		pthread_create(&threads[3 + i], NULL, run_device, &devices[i]);
	pthread_create(&mapper, NULL, map_and_unmap, &race);
	pthread_join(mapper, NULL);
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.wrong, 0);
	assert_true(race.reached > 0);
	for (unsigned int i = 0; i < 3; i++)
		user_end(&race.user[i]);
	rig_down(&race.rig);
	pthread_mutex_destroy(&race.queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_everything) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
