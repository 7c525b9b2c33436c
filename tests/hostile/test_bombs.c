/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guests that try to exhaust the host: tables whose entries all name one table, five levels deep,
 * refreshed over all 2^64 addresses; ten thousand functions with such tables; a storm of
 * registrations; entries that change at each read. The cost stays within the limits given when the
 * VM was created: memory as requested from the allocator, time as the examined entries, which the
 * limits count. Another VM of the same process is not affected.
 *
 * Times are measured and printed for docs/reliability.md. Asserts on them are generous, since
 * machines are busy.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <viommu/zpci.h>

#include "guest.h"
#include "lock_watch.h"
#include "mock_host.h"
#include "port_wrap.h"

#define TOP	  4u
#define SHADOW	  (4 * MIB)
#define STEP	  UINT64_C(65536)
#define ENTRIES	  UINT64_C(1000000)
#define FUNCTIONS 10000u
#define STORM	  20000u

static struct viommu_vm_config limited(void)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	config.shadow_bytes = SHADOW;
	config.step_entries = STEP;
	config.refresh_entries = ENTRIES;
	return config;
}

static struct viommu_vm_stats stats_of(const struct guest *guest)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(guest->vm, &stats);
	return stats;
}

/* One table for each level. All its entries name the next lower one. Returns the top table. */
static uint64_t make_bomb(struct guest *guest)
{
	uint64_t below = tables_new(guest, 0);

	for (uint64_t i = 0; i < 256; i++)
		guest_store(guest, below + 8 * i, MIB + i * PAGE);
	for (unsigned int level = 1; level <= TOP; level++) {
		uint64_t table = tables_new(guest, level);

		for (uint64_t i = 0; i < 2048; i++)
			guest_store(guest, table + 8 * i, tables_link(level, below));
		below = table;
	}
	return below;
}

struct bomb {
	struct guest guest;
	struct viommu_host *host;
	struct tables tables;
	struct viommu_domain *domain;
	uint64_t honest; /* the top table as it was registered, empty */
	uint64_t armed;
	bool stop;
	uint64_t refreshes;
	double longest_hold; /* of a lock, in CPU seconds */
	double longest_wait; /* of another thread for the domain's lock */
};

static void bomb_begin(struct bomb *bomb)
{
	struct viommu_vm_config config = limited();

	memset(bomb, 0, sizeof(*bomb));
	assert_int_equal(viommu_host_soft_create(&bomb->host), 0);
	guest_simple(&bomb->guest, &config, 16 * MIB);
	tables_init(&bomb->tables, &bomb->guest, TOP, 0, UINT64_MAX);
	bomb->honest = bomb->tables.root;
	bomb->armed = guest_load(&bomb->guest, make_bomb(&bomb->guest));
	bomb->domain = tables_domain(&bomb->tables, bomb->host, NULL);
}

static void bomb_arm(struct bomb *bomb, bool armed)
{
	for (uint64_t i = 0; i < 2048; i++)
		guest_store(&bomb->guest, bomb->honest + 8 * i, armed ? bomb->armed : STE_INVALID);
}

static void bomb_end(struct bomb *bomb)
{
	viommu_domain_destroy(bomb->domain);
	assert_int_equal(stats_of(&bomb->guest).shadow_bytes, 0);
	assert_int_equal(stats_of(&bomb->guest).pinned_bytes, 0);
	guest_end(&bomb->guest);
	viommu_host_destroy(bomb->host);
}

static void *refresh_bomb(void *ctx)
{
	struct bomb *bomb = ctx;

	while (!__atomic_load_n(&bomb->stop, __ATOMIC_ACQUIRE)) {
		struct viommu_refresh_result result = { 0 };
		uint64_t turns = lock_watch_turns();
		int error = viommu_domain_refresh(bomb->domain, 0, UINT64_MAX, &result);

		if (error != -ENOSPC && error != 0)
			abort();
		/* Other threads have their turn between two steps. */
		if (lock_watch_turns() - turns != result.steps - 1)
			abort();
		/*
		 * Established pages, each of which takes 8 bytes of the shadow, may be examined
		 * once more.
		 */
		if (result.entries > ENTRIES + SHADOW / 8 || result.entries > result.steps * STEP)
			abort();
		__atomic_add_fetch(&bomb->refreshes, 1, __ATOMIC_RELEASE);
	}
	bomb->longest_hold = lock_watch_longest();
	return NULL;
}

/*
 * Until this many refreshes have ended: a thread that reads the domain's statistics waits for a
 * step, and for a CPU.
 */
static void watch_steps(struct bomb *bomb, uint64_t refreshes)
{
	double begin, longest = 0;

	while (__atomic_load_n(&bomb->refreshes, __ATOMIC_ACQUIRE) < refreshes) {
		struct viommu_domain_stats stats = { .size = sizeof(stats) };

		begin = lock_watch_seconds(CLOCK_MONOTONIC);
		viommu_domain_stats(bomb->domain, &stats);
		begin = lock_watch_seconds(CLOCK_MONOTONIC) - begin;
		longest = begin > longest ? begin : longest;
	}
	bomb->longest_wait = longest;
}

/*
 * All 2^64 addresses, again and again. Each refresh and each step stays within its limit of
 * entries, and memory stays within the VM's limit.
 */
static void test_everything_names_one_table(void **state)
{
	struct bomb bomb;
	pthread_t thread;
	double begin, used;

	(void)state;
	port_wrap.outstanding = 0;
	bomb_begin(&bomb);
	bomb_arm(&bomb, true);
	begin = lock_watch_seconds(CLOCK_PROCESS_CPUTIME_ID);
	assert_int_equal(pthread_create(&thread, NULL, refresh_bomb, &bomb), 0);
	watch_steps(&bomb, 20);
	__atomic_store_n(&bomb.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	used = lock_watch_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
	print_message("%llu refreshes of 2^64 bytes: %.1f ms of CPU each; a lock is held for %.2f ms of CPU at the most, and waited for %.1f ms; %llu KiB of "
		      "shadow of %llu\n",
		      (unsigned long long)bomb.refreshes, used * 1000 / (double)bomb.refreshes, bomb.longest_hold * 1000, bomb.longest_wait * 1000,
		      (unsigned long long)stats_of(&bomb.guest).shadow_bytes_peak / 1024, (unsigned long long)SHADOW / 1024);
	assert_true(stats_of(&bomb.guest).shadow_bytes_peak <= SHADOW);
	assert_true(bomb.longest_hold < 2);
	bomb_arm(&bomb, false);
	assert_int_equal(viommu_domain_refresh(bomb.domain, 0, UINT64_MAX, NULL), 0);
	assert_int_equal(stats_of(&bomb.guest).pinned_bytes, 0);
	bomb_end(&bomb);
}

/* Entries that alternate between a bomb, nothing, and garbage, as fast as a CPU can write them. */
static void *alternate(void *ctx)
{
	struct bomb *bomb = ctx;

	for (uint64_t i = 0; !__atomic_load_n(&bomb->stop, __ATOMIC_ACQUIRE); i++) {
		const uint64_t entries[] = { bomb->armed, STE_INVALID, bomb->armed ^ PROTECTED, 0, bomb->honest | 0xf };

		guest_store(&bomb->guest, bomb->honest + 8 * (i % 64), entries[i / 64 % 5]);
	}
	return NULL;
}

static void test_entries_alternate(void **state)
{
	struct bomb bomb;
	pthread_t thread;

	(void)state;
	bomb_begin(&bomb);
	assert_int_equal(pthread_create(&thread, NULL, alternate, &bomb), 0);
	for (unsigned int i = 0; i < 40; i++) {
		struct viommu_refresh_result result = { 0 };
		int error = viommu_domain_refresh(bomb.domain, 0, i % 2 ? UINT64_MAX : UINT64_C(1) << 58, &result);

		assert_true(error == 0 || error == -ENOSPC || error == -EFAULT);
		assert_true(result.entries <= ENTRIES + SHADOW / 8 && result.entries <= result.steps * STEP);
		assert_true(stats_of(&bomb.guest).shadow_bytes_peak <= SHADOW);
	}
	__atomic_store_n(&bomb.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	bomb_end(&bomb);
}

struct bus {
	struct guest guest;
	struct viommu_host *host;
	struct viommu_zpci *zpci;
	struct tables tables;
};

static void bus_begin(struct bus *bus)
{
	struct viommu_vm_config config = limited();
	struct viommu_zpci_config zpci = { .size = sizeof(zpci) };

	memset(bus, 0, sizeof(*bus));
	port_wrap.outstanding = 0;
	port_wrap.bytes = 0;
	assert_int_equal(viommu_host_soft_create(&bus->host), 0);
	/* Ten thousand functions make ten thousand attempts, each of a small cost. */
	config.refresh_entries = 4096;
	guest_simple(&bus->guest, &config, 16 * MIB);
	tables_init(&bus->tables, &bus->guest, TOP, 4 * GIB, 4 * GIB + 16 * MIB - 1);
	assert_int_equal(viommu_zpci_create(bus->guest.vm, &zpci, &bus->zpci), 0);
}

static void bus_end(struct bus *bus)
{
	viommu_zpci_destroy(bus->zpci);
	assert_int_equal(stats_of(&bus->guest).shadow_bytes, 0);
	assert_int_equal(stats_of(&bus->guest).pinned_bytes, 0);
	guest_end(&bus->guest);
	viommu_host_destroy(bus->host);
	assert_int_equal(port_wrap.outstanding, 0);
}

static struct viommu_zpci_function *plug(struct bus *bus, unsigned int n)
{
	const struct viommu_zpci_function_config config = {
		.size = sizeof(config), .fid = 1 + n, .fh = 0x80000000 | n, .state = VIOMMU_ZPCI_ENABLED, .host = bus->host
	};
	struct viommu_zpci_function *function;

	assert_int_equal(viommu_zpci_function_add(bus->zpci, &config, &function), 0);
	return function;
}

static struct viommu_zpci_answer mpcifc(struct bus *bus, unsigned int n, uint8_t operation)
{
	const struct viommu_zpci_ioat ioat = tables_ioat(&bus->tables);
	const struct viommu_zpci_fib fib = { .pba = ioat.pba, .pal = ioat.pal, .iota = ioat.iota };
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };

	assert_int_equal(viommu_zpci_mpcifc(bus->zpci, (uint64_t)(0x80000000 | n) << 32 | operation, &fib, &answer), 0);
	assert_int_equal(answer.exception, 0);
	return answer;
}

/*
 * The shadows of all functions share the VM's limit. Some are registered, the others get a
 * shortage. The registered ones continue.
 */
static void test_ten_thousand_functions(void **state)
{
	uint64_t registered = 0, refused = 0;
	struct bus bus;
	double begin = lock_watch_seconds(CLOCK_PROCESS_CPUTIME_ID);

	(void)state;
	bus_begin(&bus);
	tables_map(&bus.tables, 4 * GIB, 256, MIB, VIOMMU_RW);
	for (unsigned int n = 0; n < FUNCTIONS; n++) {
		struct viommu_zpci_answer answer;

		plug(&bus, n);
		answer = mpcifc(&bus, n, VIOMMU_ZPCI_OC_REG_IOAT);
		assert_true(answer.cc == 0 || (answer.cc == 1 && answer.status == VIOMMU_ZPCI_ST_INSUF_RES));
		if (answer.cc)
			refused++;
		else
			registered++;
	}
	print_message("%u functions: %llu registered, %llu refused for lack of room; %llu KiB of shadow, %llu KiB in all; %.1f s of CPU\n", FUNCTIONS,
		      (unsigned long long)registered, (unsigned long long)refused, (unsigned long long)stats_of(&bus.guest).shadow_bytes / 1024,
		      (unsigned long long)port_wrap.bytes / 1024, lock_watch_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
	assert_true(registered && refused);
	assert_true(stats_of(&bus.guest).shadow_bytes_peak <= SHADOW);
	/* A page is pinned once for all devices that reach it. */
	assert_int_equal(stats_of(&bus.guest).pinned_bytes, 256 * PAGE);
	/*
	 * In addition to the shadows: the size of a function. The monitor chooses the number of
	 * functions.
	 */
	assert_true(port_wrap.bytes < SHADOW + FUNCTIONS * UINT64_C(4096));
	for (unsigned int n = 0; n < FUNCTIONS; n += 97) {
		struct viommu_zpci_answer answer = { .size = sizeof(answer) };

		assert_int_equal(viommu_zpci_rpcit(bus.zpci, (uint64_t)(0x80000000 | n) << 32, 4 * GIB, 256 * PAGE, &answer), 0);
		assert_true(answer.cc == 0 || n >= registered);
	}
	bus_end(&bus);
}

/* Endless registrations and deregistrations leak nothing. */
static void test_registrations(void **state)
{
	uint64_t outstanding = 0, bytes = 0;
	struct bus bus;
	double begin;

	(void)state;
	bus_begin(&bus);
	tables_map(&bus.tables, 4 * GIB, 64, MIB, VIOMMU_RW);
	plug(&bus, 0);
	begin = lock_watch_seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned int i = 0; i < STORM; i++) {
		assert_int_equal(mpcifc(&bus, 0, VIOMMU_ZPCI_OC_REG_IOAT).cc, 0);
		if (i % 3 == 0)
			assert_int_equal(mpcifc(&bus, 0, VIOMMU_ZPCI_OC_REREG_IOAT).cc, 0);
		assert_int_equal(stats_of(&bus.guest).pinned_bytes, 64 * PAGE);
		assert_int_equal(mpcifc(&bus, 0, VIOMMU_ZPCI_OC_DEREG_IOAT).cc, 0);
		assert_int_equal(stats_of(&bus.guest).pinned_bytes, 0);
		if (i == 10) {
			outstanding = port_wrap.outstanding;
			bytes = port_wrap.bytes;
		}
	}
	assert_int_equal(port_wrap.outstanding, outstanding);
	assert_int_equal(port_wrap.bytes, bytes);
	print_message("%u registrations: %.1f us of CPU each\n", STORM, (lock_watch_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin) * 1e6 / STORM);
	bus_end(&bus);
}

struct neighbour {
	struct guest guest;
	struct viommu_host *host;
	struct tables tables;
	struct viommu_domain *domain;
};

static void neighbour_begin(struct neighbour *neighbour)
{
	assert_int_equal(viommu_host_soft_create(&neighbour->host), 0);
	guest_simple(&neighbour->guest, NULL, 16 * MIB);
	tables_init(&neighbour->tables, &neighbour->guest, 2, 4 * GIB, 4 * GIB + 64 * MIB - 1);
	tables_map(&neighbour->tables, 4 * GIB, 64, MIB, VIOMMU_RW);
	neighbour->domain = tables_domain(&neighbour->tables, neighbour->host, NULL);
}

/*
 * CPU time of one refresh, in microseconds. CPU time excludes waits for locks of others, which must
 * not occur.
 */
static double neighbour_refresh(struct neighbour *neighbour)
{
	const unsigned int rounds = 3000;
	double begin = lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID);

	for (unsigned int i = 0; i < rounds; i++) {
		if (i % 2)
			tables_map(&neighbour->tables, 4 * GIB + 16 * PAGE, 16, 2 * MIB, VIOMMU_RW);
		else
			tables_unmap(&neighbour->tables, 4 * GIB + 16 * PAGE, 16);
		assert_int_equal(viommu_domain_refresh(neighbour->domain, 4 * GIB, 4 * GIB + 64 * PAGE - 1, NULL), 0);
	}
	return (lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID) - begin) * 1e6 / rounds;
}

/* A VM next to one that refreshes bombs has its own locks, limits and memory. */
static void test_neighbour(void **state)
{
	struct neighbour neighbour;
	struct bomb bomb;
	pthread_t thread;
	double alone, beside;

	(void)state;
	neighbour_begin(&neighbour);
	bomb_begin(&bomb);
	bomb_arm(&bomb, true);
	neighbour_refresh(&neighbour);
	alone = neighbour_refresh(&neighbour);
	assert_int_equal(pthread_create(&thread, NULL, refresh_bomb, &bomb), 0);
	while (!__atomic_load_n(&bomb.refreshes, __ATOMIC_ACQUIRE))
		sched_yield();
	beside = neighbour_refresh(&neighbour);
	__atomic_store_n(&bomb.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	print_message("a refresh of another VM: %.2f us of CPU alone, %.2f us beside bombs, %.2f times as much\n", alone, beside, beside / alone);
	assert_true(beside < 20 * alone);
	viommu_domain_destroy(neighbour.domain);
	guest_end(&neighbour.guest);
	viommu_host_destroy(neighbour.host);
	bomb_end(&bomb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_names_one_table),
		cmocka_unit_test(test_entries_alternate),
		cmocka_unit_test(test_ten_thousand_functions),
		cmocka_unit_test(test_registrations),
		cmocka_unit_test(test_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
