/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The port for user space: libc's allocator, and of Linux the futex for locks and membarrier for the asymmetric fence. */
#define _GNU_SOURCE
#include "port/port.h"

#include <errno.h>
#include <linux/futex.h>
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

/*
 * The lock is a futex: free, taken, or taken with somebody asleep who must be woken. It is held for short whiles mostly, so that who finds it taken looks a few
 * times before he sleeps.
 */
enum { FREE, TAKEN, WAITED_FOR };
enum { LOOKS = 100 };

static inline void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

void port_lock_init(struct port_lock *lock)
{
	lock->state = FREE;
}

void port_lock_destroy(struct port_lock *lock)
{
	(void)lock;
}

static __attribute__((noinline)) void wait_for_lock(struct port_lock *lock)
{
	for (unsigned int i = 0; i < LOOKS; i++) {
		uint32_t state = FREE;

		if (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) == FREE &&
		    __atomic_compare_exchange_n(&lock->state, &state, TAKEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		pause_cpu();
	}
	/* Who has slept does not know whether others still do, and leaves it to the next unlock to find out. */
	while (__atomic_exchange_n(&lock->state, WAITED_FOR, __ATOMIC_ACQUIRE) != FREE)
#ifdef SYS_futex
		syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, WAITED_FOR, NULL);
#else
		sched_yield();
#endif
}

void port_lock(struct port_lock *lock)
{
	uint32_t state = FREE;

	if (!__atomic_compare_exchange_n(&lock->state, &state, TAKEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		wait_for_lock(lock);
}

void port_unlock(struct port_lock *lock)
{
	if (__atomic_exchange_n(&lock->state, FREE, __ATOMIC_RELEASE) == WAITED_FOR) {
#ifdef SYS_futex
		syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1);
#endif
	}
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
