/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lock_watch.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST 8u

static _Thread_local struct {
	struct port_lock *lock;
	double since;
} held[MOST];
static _Thread_local unsigned int number;
static _Thread_local double longest;
static _Thread_local uint64_t turns;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "lock watch: %s\n", what);
	abort();
}

void __wrap_port_lock(struct port_lock *lock)
{
	for (unsigned int i = 0; i < number; i++)
		must(held[i].lock != lock, "a lock is taken twice");
	must(number < MOST, "more locks are held than there are kinds of");
	__real_port_lock(lock);
	held[number].lock = lock;
	held[number++].since = lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID);
}

/* Finds this lock among the thread's locks. */
static unsigned int find(const struct port_lock *lock)
{
	unsigned int i = number;

	while (i && held[i - 1].lock != lock)
		i--;
	must(i, "a lock is released that is not held");
	return i - 1;
}

static void end_hold(unsigned int i)
{
	double hold = lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID) - held[i].since;

	if (hold > longest)
		longest = hold;
}

void __wrap_port_unlock(struct port_lock *lock)
{
	unsigned int i = find(lock);

	end_hold(i);
	for (number--; i < number; i++)
		held[i] = held[i + 1];
	__real_port_unlock(lock);
}

void __wrap_port_lock_by_turns(struct port_lock *lock)
{
	unsigned int i = find(lock);

	end_hold(i);
	turns++;
	__real_port_lock_by_turns(lock);
	held[i].since = lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID);
}

double lock_watch_longest(void)
{
	return longest;
}

uint64_t lock_watch_turns(void)
{
	return turns;
}

unsigned int lock_watch_held(void)
{
	return number;
}
