/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guests with an SMMUv3 that try to exhaust the host: a command queue full of invalidations of
 * everything, over tables that name themselves; accesses that each retry a domain that does not
 * fit; thousands of streams that share a context, or have one each. The work of one store is at
 * most the queue's commands times the VM's domains times the entries of a refresh, and less where
 * commands are alike. Memory stays within the VM's limits. Loads of registers do not wait.
 *
 * Times are measured and printed for docs/reliability.md. Only counts are asserted.
 */
#include "../smmuv3/tables.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lock_watch.h"
#include "port_wrap.h"

#define SHADOW	  UINT64_C(0x100000)
#define ENTRIES	  UINT64_C(4096)
#define BIG_CMDQ  UINT64_C(0x1e00000) /* 4096 commands */
#define BIG_BITS  12u
#define COMMANDS  4096u
#define SHARING	  4096u
#define CONTEXTS  512u
#define BOMB_ROOT (TABLES + UINT64_C(0x400000))
#define BOMB_CD	  63u
#define BOMB_CD0  (CD0(5) - 25 + 16) /* 48 bits: four levels */

static struct viommu_vm_config limited(void)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	config.shadow_bytes = SHADOW;
	config.step_entries = 4096;
	config.refresh_entries = ENTRIES;
	return config;
}

static struct viommu_vm_stats stats_of(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(rig->vm, &stats);
	return stats;
}

static void begin(struct rig *rig)
{
	struct rig_config config = rig_config();

	port_wrap.outstanding = 0;
	port_wrap.bytes = 0;
	config.vm = limited();
	config.smmu.flags = VIOMMU_SMMUV3_RESET_ABORT;
	rig_up_as(rig, &config);
	rig_set_up(rig);
	rig_write64(rig, R_CMDQ_BASE, BIG_CMDQ | BIG_BITS);
	rig_write(rig, R_STRTAB_BASE_CFG, 12);
	rig_write64(rig, R_STRTAB_BASE, STRTAB);
}

static void end(struct rig *rig)
{
	rig_down(rig);
	assert_int_equal(port_wrap.outstanding, 0);
}

/*
 * A table whose entries all name it. At the lowest level they are pages: the table itself, again
 * and again.
 */
static void arm(struct rig *rig, bool armed)
{
	for (uint64_t i = 0; i < 512; i++)
		rig_put(rig, BOMB_ROOT + 8 * i, armed ? BOMB_ROOT | E_PAGE : 0);
}

static void put_command(struct rig *rig, unsigned int n, uint64_t dw0, uint64_t dw1)
{
	rig_put(rig, BIG_CMDQ + 16 * (uint64_t)n, dw0);
	rig_put(rig, BIG_CMDQ + 16 * (uint64_t)n + 8, dw1);
}

/* The whole queue in one store. Returns seconds of CPU. */
static double kick_all(struct rig *rig)
{
	uint32_t prod = (rig_read(rig, R_CMDQ_PROD) + COMMANDS) & (2 * COMMANDS - 1);
	double start = lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID);

	rig_write(rig, R_CMDQ_PROD, prod);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), prod);
	assert_int_equal(rig_info(rig).gerror, 0);
	return lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

static uint64_t entries_of(struct user *user)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	viommu_smmuv3_device_stats(user->device, &stats);
	return stats.entries;
}

/* The work of a store: refreshes of one domain, and the entries that they examined. */
struct work {
	uint64_t refreshes;
	uint64_t entries;
	double seconds;
};

static struct work measure(struct rig *rig, struct user *user)
{
	struct work work = { .refreshes = rig_info(rig).refreshes, .entries = entries_of(user) };

	work.seconds = kick_all(rig);
	work.refreshes = rig_info(rig).refreshes - work.refreshes;
	work.entries = entries_of(user) - work.entries;
	assert_true(stats_of(rig).shadow_bytes_peak <= SHADOW);
	assert_true(work.entries <= work.refreshes * ENTRIES);
	return work;
}

/* A vCPU that loads a register all the time, and the longest wait by the wall clock. */
struct watcher {
	struct rig *rig;
	bool stop;
	uint64_t loads;
	double longest;
};

static void *watch(void *ctx)
{
	struct watcher *watcher = ctx;

	while (!__atomic_load_n(&watcher->stop, __ATOMIC_ACQUIRE)) {
		double start = lock_watch_seconds(CLOCK_MONOTONIC), wait;

		rig_read(watcher->rig, R_CMDQ_CONS);
		wait = lock_watch_seconds(CLOCK_MONOTONIC) - start;
		watcher->longest = wait > watcher->longest ? wait : watcher->longest;
		__atomic_add_fetch(&watcher->loads, 1, __ATOMIC_RELEASE);
		sched_yield();
	}
	return NULL;
}

/*
 * The domain is created while its tables are small. They are a bomb when everything is invalidated:
 * by identical commands, by commands that each have a CMD_SYNC, and by ranges that do not touch.
 */
static void test_queue_of_invalidations(void **state)
{
	struct watcher watcher = { .stop = false };
	struct work alike, waited, apart;
	pthread_t thread;
	struct user user;
	struct rig rig;
	uint64_t before;

	(void)state;
	begin(&rig);
	rig_put_cd(&rig, BOMB_CD, BOMB_CD0, BOMB_ROOT);
	rig_put_ste(&rig, 1, STE_S1(cd_gpa(BOMB_CD)), 0);
	rig_write(&rig, R_CR0, SMMUEN | CMDQEN);
	user_init(&user, &rig, 1);
	assert_int_equal(rig_device_info(user.device).sharing, 1);
	arm(&rig, true);
	watcher.rig = &rig;
	assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);
	while (!__atomic_load_n(&watcher.loads, __ATOMIC_ACQUIRE))
		sched_yield();
	for (unsigned int i = 0; i < COMMANDS; i++)
		put_command(&rig, i, TLBI_VAA | RANGE(31, 31), TG(3));
	alike = measure(&rig, &user);
	assert_int_equal(alike.refreshes, 1);
	for (unsigned int i = 0; i < COMMANDS; i++)
		put_command(&rig, i, i & 1 ? SYNC : TLBI_ALL, 0);
	waited = measure(&rig, &user);
	assert_int_equal(waited.refreshes, COMMANDS / 2);
	for (unsigned int i = 0; i < COMMANDS; i++)
		put_command(&rig, i, TLBI_VAA | RANGE(0, 0), ((uint64_t)i * 2 << 21) | TG(1) | TTL(2));
	apart = measure(&rig, &user);
	assert_int_equal(apart.refreshes, COMMANDS);
	__atomic_store_n(&watcher.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	print_message("%u commands in one store, over a bomb: alike %llu refresh, %.1f ms of CPU; each waited for %llu refreshes, %.1f ms; apart %llu "
		      "refreshes, %.1f ms\n",
		      COMMANDS, (unsigned long long)alike.refreshes, alike.seconds * 1000, (unsigned long long)waited.refreshes, waited.seconds * 1000,
		      (unsigned long long)apart.refreshes, apart.seconds * 1000);
	print_message("%llu loads of a register meanwhile, the longest took %.2f ms\n", (unsigned long long)watcher.loads, watcher.longest * 1000);
	/* Destroys everything. */
	arm(&rig, false);
	before = rig_info(&rig).refreshes;
	kick_all(&rig);
	put_command(&rig, 0, TLBI_ALL, 0);
	kick_all(&rig);
	assert_true(rig_info(&rig).refreshes > before);
	assert_int_equal(rig_pinned(&rig), 0);
	user_end(&user);
	end(&rig);
}

/*
 * An invalidation of everything that reaches the limit of a refresh removes nothing that is still
 * in the tables, although it does not get to it: a device continues without a miss.
 */
static void test_valid_translations_stay(void **state)
{
	const uint64_t page = UINT64_C(511) << 39 | PAGE;
	struct viommu_piece piece = { 0 };
	uint64_t insufficient;
	struct user user;
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_put_cd(&rig, BOMB_CD, BOMB_CD0, BOMB_ROOT);
	rig_put(&rig, BOMB_ROOT + 8 * 511, TABLES | E_PAGE);
	rig_put(&rig, TABLES, (TABLES + PAGE) | E_TABLE);
	rig_put(&rig, TABLES + PAGE, (TABLES + 2 * PAGE) | E_TABLE);
	rig_put(&rig, TABLES + 2 * PAGE + 8, DATA | E_PAGE);
	rig_put(&rig, TABLES + 2 * PAGE + 16, (DATA + PAGE) | E_PAGE);
	rig_put_ste(&rig, 1, STE_S1(cd_gpa(BOMB_CD)), 0);
	rig_write(&rig, R_CR0, SMMUEN | CMDQEN);
	user_init(&user, &rig, 1);
	assert_int_equal(rig_pinned(&rig), 2);
	for (uint64_t i = 0; i < 511; i++)
		rig_put(&rig, BOMB_ROOT + 8 * i, BOMB_ROOT | E_PAGE);
	rig_put(&rig, TABLES + 2 * PAGE + 16, 0);
	insufficient = rig_info(&rig).insufficient;
	put_command(&rig, 0, TLBI_ALL, 0);
	put_command(&rig, 1, SYNC, 0);
	rig_write(&rig, R_CMDQ_PROD, 2);
	assert_int_equal(rig_info(&rig).insufficient, insufficient + 1);
	assert_int_equal(viommu_translate(user.reader, page, PAGE, VIOMMU_READ, &piece, 1, NULL, NULL), 1);
	assert_ptr_equal(piece.hva, rig.ram + DATA);
	/* The translation that is not in the tables any more is removed. */
	assert_int_equal(viommu_translate(user.reader, page + PAGE, PAGE, VIOMMU_READ, &piece, 1, NULL, NULL), -EFAULT);
	user_end(&user);
	end(&rig);
}

/*
 * A full table of itself does not fit. Each access retries at the cost of one refresh, and leaks
 * nothing.
 */
static void test_domain_that_does_not_fit(void **state)
{
	struct user user;
	struct rig rig;
	const uint8_t *hva;
	uint64_t outstanding, insufficient;
	double start;

	(void)state;
	begin(&rig);
	arm(&rig, true);
	rig_put_cd(&rig, BOMB_CD, BOMB_CD0, BOMB_ROOT);
	rig_put_ste(&rig, 1, STE_S1(cd_gpa(BOMB_CD)), 0);
	rig_write(&rig, R_CR0, SMMUEN | CMDQEN | EVENTQEN);
	user_init(&user, &rig, 1);
	assert_int_equal(rig_device_info(user.device).sharing, 0);
	outstanding = port_wrap.outstanding;
	insufficient = rig_info(&rig).insufficient;
	start = lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(user_access(&user, i * PAGE, VIOMMU_READ, &hva), -EFAULT);
		assert_int_equal(port_wrap.outstanding, outstanding);
	}
	print_message("an access that retries a domain that does not fit: %.2f ms of CPU\n",
		      (lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID) - start) * 1000 / 200);
	assert_int_equal(rig_info(&rig).insufficient - insufficient, 200);
	assert_true(stats_of(&rig).shadow_bytes_peak <= SHADOW);
	assert_int_equal(rig_pinned(&rig), 0);
	assert_no_event(&rig);
	/* Until the guest has repaired its tables. */
	arm(&rig, false);
	rig_put(&rig, BOMB_ROOT, (TABLES + 0) | E_TABLE);
	rig_put(&rig, TABLES, (TABLES + PAGE) | E_TABLE);
	rig_put(&rig, TABLES + PAGE, (TABLES + 2 * PAGE) | E_TABLE);
	rig_put(&rig, TABLES + 2 * PAGE + 8, DATA | E_PAGE);
	assert_reaches(&user, PAGE, DATA, VIOMMU_WRITE);
	user_end(&user);
	end(&rig);
}

static struct viommu_smmuv3_device *plugged[SHARING];

static void plug_all(struct rig *rig, unsigned int number, bool alike)
{
	for (unsigned int n = 0; n < number; n++) {
		/* Descriptors beyond the stream table's end. */
		uint64_t cd = UINT64_C(0x600000) + (alike ? 0 : 64 * (uint64_t)n);

		rig_put(rig, STRTAB + 64 * (uint64_t)n, STE_S1(cd));
		rig_put(rig, cd, CD0(alike ? 1 : 1 + n));
		rig_put(rig, cd + 8, TABLES + UINT64_C(0x600000));
	}
	for (unsigned int n = 0; n < number; n++)
		plugged[n] = rig_device(rig, n);
}

/*
 * The monitor chooses the number of streams. Measures a full queue of commands for all of them, and
 * the memory of each.
 */
static void streams(unsigned int number, bool alike)
{
	struct tables tables;
	uint64_t bytes;
	struct rig rig;
	double seconds;

	begin(&rig);
	tables_init(&tables, &rig, TABLES + UINT64_C(0x600000));
	tables_map(&tables, 0x5000, DATA, 0);
	rig_write(&rig, R_CR0, SMMUEN | CMDQEN);
	bytes = port_wrap.bytes;
	plug_all(&rig, number, alike);
	bytes = port_wrap.bytes - bytes - stats_of(&rig).shadow_bytes;
	assert_int_equal(rig_info(&rig).devices, number);
	assert_int_equal(rig_pinned(&rig), 1);
	if (alike)
		assert_int_equal(rig_device_info(plugged[number - 1]).sharing, number);
	/* If each stream has a domain of its own, not all shadows have room. */
	assert_in_range(rig_info(&rig).domains, 1, alike ? 1 : number);
	assert_true(stats_of(&rig).shadow_bytes_peak <= SHADOW);
	assert_true(bytes / number < 8192);
	for (unsigned int i = 0; i < COMMANDS; i++)
		put_command(&rig, i, i < 16 ? CFGI_ALL : SYNC, i < 16 ? 31 : 0);
	seconds = kick_all(&rig);
	/* Nothing has changed, so nothing was created or destroyed. */
	assert_int_equal(rig_pinned(&rig), 1);
	print_message("%u streams with %s: %u domains, %llu bytes each beside shadows; a CMD_CFGI_ALL takes %.2f us of CPU for each of them\n", number,
		      alike ? "one context" : "a context each", rig_info(&rig).domains, (unsigned long long)(bytes / number), seconds * 1e6 / 16 / number);
	for (unsigned int n = 0; n < number; n++)
		viommu_smmuv3_device_remove(plugged[n]);
	assert_int_equal(rig_info(&rig).domains, 0);
	end(&rig);
}

static void test_streams_that_share(void **state)
{
	(void)state;
	streams(SHARING, true);
}

static void test_streams_that_do_not_share(void **state)
{
	(void)state;
	streams(CONTEXTS, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_of_invalidations),	  cmocka_unit_test(test_valid_translations_stay),
		cmocka_unit_test(test_domain_that_does_not_fit),  cmocka_unit_test(test_streams_that_share),
		cmocka_unit_test(test_streams_that_do_not_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
