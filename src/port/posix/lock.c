/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lock of user space.
 *
 * It is a futex: whether it is taken, and how many threads sleep for it or are about to. It is
 * mostly held for a short time, so that a thread that finds it taken looks again a few times before
 * it sleeps. An unlock wakes one sleeper. A thread that comes in between may take the lock first.
 */
#define _GNU_SOURCE
#include "port/port.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TAKEN = 1, SLEEPER = 2 };
enum { LOOKS = 100, YIELDS = 10000 };

static inline void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

#ifdef SYS_futex
static void sleep_while(struct port_lock *lock, uint32_t state)
{
	syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, state, NULL);
}

static void wake_one(struct port_lock *lock)
{
	syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1);
}
#else
static void sleep_while(struct port_lock *lock, uint32_t state)
{
	(void)lock;
	(void)state;
	sched_yield();
}

static void wake_one(struct port_lock *lock)
{
	(void)lock;
}
#endif

/* Takes a lock as one of its sleepers. */
static void sleep_for_lock(struct port_lock *lock, uint32_t state)
{
	for (;;) {
		if (state & TAKEN) {
			sleep_while(lock, state);
			state = port_load_relaxed(&lock->state);
		} else if (port_cmpxchg_acquire(&lock->state, &state, state - SLEEPER + TAKEN)) {
			return;
		}
	}
}

static port_noinline void wait_for_lock(struct port_lock *lock)
{
	for (unsigned int i = 0; i < LOOKS; i++) {
		uint32_t state = port_load_relaxed(&lock->state);

		if (!(state & TAKEN) && port_cmpxchg_acquire(&lock->state, &state, state + TAKEN))
			return;
		pause_cpu();
	}
	sleep_for_lock(lock, port_add_relaxed(&lock->state, SLEEPER));
}

void port_lock(struct port_lock *lock)
{
	uint32_t state = 0;

	if (!port_cmpxchg_acquire(&lock->state, &state, TAKEN))
		wait_for_lock(lock);
}

void port_unlock(struct port_lock *lock)
{
	if (port_sub_release(&lock->state, TAKEN))
		wake_one(lock);
}

void port_lock_by_turns(struct port_lock *lock)
{
	uint32_t state = port_load_relaxed(&lock->state);

	if (state == TAKEN)
		return;
	state = port_sub_release(&lock->state, TAKEN);
	wake_one(lock);
	/*
	 * This thread does not sleep, since no unlock need wake it. Nor does it wait without end:
	 * the thread that was woken may get no CPU.
	 */
	for (unsigned int i = 0; i < YIELDS && port_load_relaxed(&lock->state) == state; i++)
		sched_yield();
	port_lock(lock);
}
