/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wraps the library's locks: a thread releases only locks that it holds, and holds none twice. The
 * longest hold is measured: the length of a step, and the wait of others. Only CPU time counts,
 * since a thread may be preempted while it holds a lock.
 *
 * A test that links it passes -Wl,--wrap=port_lock,--wrap=port_unlock,--wrap=port_lock_by_turns to
 * the linker.
 */
#ifndef TESTS_HOSTILE_LOCK_WATCH_H
#define TESTS_HOSTILE_LOCK_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "port/port.h"

void __real_port_lock(struct port_lock *lock);
void __real_port_unlock(struct port_lock *lock);
void __wrap_port_lock(struct port_lock *lock);
void __wrap_port_unlock(struct port_lock *lock);
void __real_port_lock_by_turns(struct port_lock *lock);
void __wrap_port_lock_by_turns(struct port_lock *lock);

static inline double lock_watch_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The longest hold by this thread, in seconds of CPU. */
double lock_watch_longest(void);

/* The number of times that this thread gave others a turn. */
uint64_t lock_watch_turns(void);

/* The number of locks that this thread holds: none, whenever the library has returned. */
unsigned int lock_watch_held(void);

#endif
