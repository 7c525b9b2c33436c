/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The asymmetric fence, where the system refuses membarrier after it was used: a seccomp filter,
 * installed in a child process that runs the litmus test of two flags (store buffering). Each side
 * stores its flag, fences, and loads the other's: one of the two sees the other's store.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "port/port.h"

/*
 * Durations of the litmus test. Those in seconds are for busy machines, where the two sides seldom
 * run at the same time.
 */
enum { ROUNDS = 300000, SECONDS = 2 };
enum { LINES = 1 << 14, STORES = 24 };

/* Exit statuses of a child. */
enum { HELD, BROKEN, STILL_ASYMMETRIC, NO_FILTER };

/* Each on its own cache line. Values are numbers of rounds. */
struct word {
	uint32_t value port_aligned(256);
};
static struct word ready[2], flag[2], cold[LINES];
static uint32_t seen[2][ROUNDS + 1];
static uint32_t last; /* round; the heavy side sets it */

/* Both sides begin a round together. */
static void meet(unsigned int side, uint32_t round)
{
	port_store_release(&ready[side].value, round);
	for (unsigned int i = 1; port_load_acquire(&ready[!side].value) < round; i++)
		if (i % 1024 == 0)
			sched_yield();
}

static void *light_side(void *arg)
{
	for (uint32_t round = 1; round <= port_load_acquire(&last); round++) {
		meet(0, round);
		/* Stores that miss the caches delay the flag in the store buffer. */
		for (uint32_t i = 0; i < STORES; i++)
			port_store_relaxed(&cold[(round * STORES + i) * 7919 % LINES].value, round);
		port_store_relaxed(&flag[0].value, round);
		port_grace_light();
		seen[0][round] = port_load_relaxed(&flag[1].value);
	}
	return arg;
}

static void *heavy_side(void *arg)
{
	const time_t begin = time(NULL);

	for (uint32_t round = 1; round <= last; round++) {
		if (round % 64 == 0 && time(NULL) - begin > SECONDS)
			port_store_relaxed(&last, round);
		meet(1, round);
		for (volatile uint32_t delay = round % 64; delay; delay--)
			;
		port_store_relaxed(&flag[1].value, round);
		port_grace_heavy();
		seen[1][round] = port_load_relaxed(&flag[0].value);
	}
	return arg;
}

/* The number of rounds in which neither side saw the other's flag. */
static unsigned int run_litmus(void)
{
	unsigned int violations = 0;
	pthread_t thread;

	last = ROUNDS;
	if (pthread_create(&thread, NULL, light_side, NULL))
		abort();
	heavy_side(NULL);
	pthread_join(thread, NULL);
	for (uint32_t round = 1; round <= last; round++)
		violations += seen[0][round] < round && seen[1][round] < round;
	return violations;
}

/* Refuses system calls of this thread and of its children. */
static bool refuse(uint32_t one, uint32_t other)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, one, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, other, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) &&
	       syscall(SYS_membarrier, 0, 0, 0) == -1 && errno == EPERM;
}

/*
 * In a process of its own, since filters are never removed, and the change to symmetric fences is
 * permanent.
 */
static void check_refused(uint32_t other)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		unsigned int violations;

		port_grace_init();
		if (!refuse(SYS_membarrier, other))
			_exit(NO_FILTER);
		violations = run_litmus();
		if (violations)
			fprintf(stderr, "in %u of %u rounds neither side saw the other\n", violations, last);
		_exit(violations ? BROKEN : port_load_relaxed(&port_grace_is_asymmetric) ? STILL_ASYMMETRIC : HELD);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_FILTER)
		skip();
	assert_int_equal(WEXITSTATUS(status), HELD);
}

static void test_refused(void **state)
{
	(void)state;
	check_refused(SYS_membarrier);
}

/* Visiting the other CPUs is refused, too. */
static void test_all_refused(void **state)
{
	(void)state;
	check_refused(SYS_sched_setaffinity);
}

static void test_not_refused(void **state)
{
	(void)state;
	port_grace_init();
	assert_int_equal(run_litmus(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_all_refused),
		cmocka_unit_test(test_not_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
