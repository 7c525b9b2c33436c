/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lock of user space: a futex. It is small, so that it can stand in the cache line of what it
 * guards.
 */
#ifndef VIOMMU_PORT_POSIX_LOCK_H
#define VIOMMU_PORT_POSIX_LOCK_H

#include <port_types.h>

struct port_lock {
	uint32_t state;
};

static inline void port_lock_init(struct port_lock *lock)
{
	lock->state = 0;
}

static inline void port_lock_destroy(struct port_lock *lock)
{
	(void)lock;
}

void port_lock(struct port_lock *lock);

static inline void port_lock_nested(struct port_lock *lock)
{
	port_lock(lock);
}

void port_unlock(struct port_lock *lock);
void port_lock_by_turns(struct port_lock *lock);

#endif
