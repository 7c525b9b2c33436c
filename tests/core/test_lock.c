/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lock: one holder at a time, no lost wakeup, and turns for waiters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "port/port.h"

enum { WAITERS = 3, ROUNDS = 200, TIMES = 5000 };

struct shared {
	struct port_lock lock;
	unsigned int turns; /* under the lock: of the waiters */
	uint64_t counter;   /* under the lock */
};

static void *wait_once(void *arg)
{
	struct shared *shared = arg;

	port_lock(&shared->lock);
	shared->turns++;
	port_unlock(&shared->lock);
	return NULL;
}

/*
 * A thread that gives turns takes the lock after one of the waiters, as long as there are any. Not
 * always: a thread that was woken may get no CPU on a busy machine, and is not waited for
 * indefinitely.
 */
static void test_turns(void **state)
{
	struct shared shared = { .turns = 0 };
	unsigned int tries = 0;
	uint32_t alone;

	(void)state;
	port_lock_init(&shared.lock);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		pthread_t thread[WAITERS];

		port_lock(&shared.lock);
		alone = __atomic_load_n(&shared.lock.state, __ATOMIC_RELAXED);
		port_lock_by_turns(&shared.lock);
		assert_int_equal(shared.turns, round * WAITERS);
		for (unsigned int i = 0; i < WAITERS; i++) {
			uint32_t before = __atomic_load_n(&shared.lock.state, __ATOMIC_RELAXED);

			assert_int_equal(pthread_create(&thread[i], NULL, wait_once, &shared), 0);
			while (__atomic_load_n(&shared.lock.state, __ATOMIC_RELAXED) == before)
				sched_yield();
		}
		for (; shared.turns < (round + 1) * WAITERS; tries++)
			port_lock_by_turns(&shared.lock);
		assert_int_equal(shared.turns, (round + 1) * WAITERS);
		assert_int_equal(__atomic_load_n(&shared.lock.state, __ATOMIC_RELAXED), alone);
		port_unlock(&shared.lock);
		for (unsigned int i = 0; i < WAITERS; i++)
			assert_int_equal(pthread_join(thread[i], NULL), 0);
	}
	assert_in_range(tries, 1, 2 * ROUNDS * WAITERS);
	port_lock_destroy(&shared.lock);
}

static void *count(void *arg)
{
	struct shared *shared = arg;

	for (unsigned int i = 0; i < TIMES; i++) {
		port_lock(&shared->lock);
		shared->counter++;
		if (i % 4 == 0) {
			port_lock_by_turns(&shared->lock);
			shared->counter++;
		}
		port_unlock(&shared->lock);
	}
	return NULL;
}

/*
 * All threads give turns to all others, and take the lock without asking: no count is lost, and no
 * thread sleeps forever.
 */
static void test_crowd(void **state)
{
	struct shared shared = { .turns = 0 };
	pthread_t thread[WAITERS];

	(void)state;
	port_lock_init(&shared.lock);
	for (unsigned int i = 0; i < WAITERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, count, &shared), 0);
	for (unsigned int i = 0; i < WAITERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(shared.counter, WAITERS * (TIMES + TIMES / 4));
	port_lock_destroy(&shared.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
