/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The port for user space: libc's allocator, pthreads, and Linux' membarrier for the asymmetric fence. */
#define _GNU_SOURCE
#include "port/port.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(PORT_ENOENT == ENOENT && PORT_EIO == EIO && PORT_EAGAIN == EAGAIN && PORT_ENOMEM == ENOMEM && PORT_EFAULT == EFAULT && PORT_EBUSY == EBUSY &&
		       PORT_EEXIST == EEXIST && PORT_EXDEV == EXDEV && PORT_EINVAL == EINVAL && PORT_ENOSPC == ENOSPC && PORT_ERANGE == ERANGE &&
		       PORT_EOPNOTSUPP == EOPNOTSUPP && PORT_EDQUOT == EDQUOT,
	       "the public interface has the kernel's errno values");
_Static_assert(sizeof(struct port_lock) >= sizeof(pthread_mutex_t), "room for a mutex");

void *port_alloc(size_t bytes, size_t align)
{
	void *memory;

	if (align <= _Alignof(max_align_t))
		return calloc(1, bytes);
	if (posix_memalign(&memory, align, bytes))
		return NULL;
	return memset(memory, 0, bytes);
}

void port_free(void *memory, size_t bytes, size_t align)
{
	(void)bytes;
	(void)align;
	free(memory);
}

static pthread_mutex_t *mutex(struct port_lock *lock)
{
	return (pthread_mutex_t *)(void *)lock->opaque;
}

void port_lock_init(struct port_lock *lock)
{
	pthread_mutex_init(mutex(lock), NULL);
}

void port_lock_destroy(struct port_lock *lock)
{
	pthread_mutex_destroy(mutex(lock));
}

void port_lock(struct port_lock *lock)
{
	pthread_mutex_lock(mutex(lock));
}

void port_unlock(struct port_lock *lock)
{
	pthread_mutex_unlock(mutex(lock));
}

/* linux/membarrier.h, spelt out so that old headers do */
enum { MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4 };

static bool asymmetric;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_membarrier(void)
{
#if defined(SYS_membarrier) && !defined(__SANITIZE_THREAD__)
	asymmetric = !syscall(SYS_membarrier, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED, 0, 0) && !syscall(SYS_membarrier, MEMBARRIER_PRIVATE_EXPEDITED, 0, 0);
#endif
}

void port_grace_init(void)
{
	pthread_once(&once, find_membarrier);
}

bool port_grace_is_asymmetric(void)
{
	return asymmetric;
}

void port_grace_heavy(void)
{
	if (!asymmetric || syscall(SYS_membarrier, MEMBARRIER_PRIVATE_EXPEDITED, 0, 0))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void port_relax(void)
{
	sched_yield();
}
