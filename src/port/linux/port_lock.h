/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lock of a kernel: a mutex. Each place that initialises locks makes a class of its own for
 * lockdep.
 */
#ifndef VIOMMU_PORT_LINUX_LOCK_H
#define VIOMMU_PORT_LINUX_LOCK_H

#include <linux/mutex.h>
#include <linux/sched.h>

struct port_lock {
	struct mutex mutex;
};

#define port_lock_init(lock) mutex_init(&(lock)->mutex)

static inline void port_lock_destroy(struct port_lock *lock)
{
	mutex_destroy(&lock->mutex);
}

static inline void port_lock(struct port_lock *lock)
{
	mutex_lock(&lock->mutex);
}

static inline void port_lock_nested(struct port_lock *lock)
{
	mutex_lock_nested(&lock->mutex, SINGLE_DEPTH_NESTING);
}

static inline void port_unlock(struct port_lock *lock)
{
	mutex_unlock(&lock->mutex);
}

/*
 * A mutex may be taken again before a thread that it woke has run. That thread then asks for it to
 * be handed over, which the next unlock does: it waits for two steps at the most.
 */
static inline void port_lock_by_turns(struct port_lock *lock)
{
	mutex_unlock(&lock->mutex);
	cond_resched();
	mutex_lock(&lock->mutex);
}

#endif
