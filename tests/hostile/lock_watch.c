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
		must(held[i].lock != lock, "a lock is taken that is held already");
	must(number < MOST, "more locks are held than there are kinds of");
	__real_port_lock(lock);
	held[number].lock = lock;
	held[number++].since = lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID);
}

void __wrap_port_unlock(struct port_lock *lock)
{
	unsigned int i = number;
	double hold;

	while (i && held[i - 1].lock != lock)
		i--;
	must(i, "a lock is let go of that is not held");
	hold = lock_watch_seconds(CLOCK_THREAD_CPUTIME_ID) - held[i - 1].since;
	if (hold > longest)
		longest = hold;
	for (number--; i <= number; i++)
		held[i - 1] = held[i];
	__real_port_unlock(lock);
}

double lock_watch_longest(void)
{
	return longest;
}

unsigned int lock_watch_held(void)
{
	return number;
}
