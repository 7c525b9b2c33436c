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
		       PORT_EEXIST == EEXIST && PORT_EXDEV == EXDEV && PORT_ENODEV == ENODEV && PORT_EINVAL == EINVAL && PORT_ENOSPC == ENOSPC &&
		       PORT_ERANGE == ERANGE && PORT_EOPNOTSUPP == EOPNOTSUPP && PORT_EDQUOT == EDQUOT,
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
 * The lock is a futex: whether it is taken, and how many sleep for it or are about to. It is held for short whiles mostly, so that who finds it taken looks a
 * few times before he sleeps. Whoever lets go of it wakes one of them; who comes by until then may take it first.
 */
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

void port_lock_init(struct port_lock *lock)
{
	lock->state = 0;
}

void port_lock_destroy(struct port_lock *lock)
{
	(void)lock;
}

/* Takes a lock as one of its sleepers. */
static void sleep_for_lock(struct port_lock *lock, uint32_t state)
{
	for (;;) {
		if (state & TAKEN) {
			sleep_while(lock, state);
			state = __atomic_load_n(&lock->state, __ATOMIC_RELAXED);
		} else if (__atomic_compare_exchange_n(&lock->state, &state, state - SLEEPER + TAKEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			return;
		}
	}
}

static __attribute__((noinline)) void wait_for_lock(struct port_lock *lock)
{
	for (unsigned int i = 0; i < LOOKS; i++) {
		uint32_t state = __atomic_load_n(&lock->state, __ATOMIC_RELAXED);

		if (!(state & TAKEN) && __atomic_compare_exchange_n(&lock->state, &state, state + TAKEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		pause_cpu();
	}
	sleep_for_lock(lock, __atomic_add_fetch(&lock->state, SLEEPER, __ATOMIC_RELAXED));
}

void port_lock(struct port_lock *lock)
{
	uint32_t state = 0;

	if (!__atomic_compare_exchange_n(&lock->state, &state, TAKEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		wait_for_lock(lock);
}

void port_unlock(struct port_lock *lock)
{
	if (__atomic_fetch_sub(&lock->state, TAKEN, __ATOMIC_RELEASE) != TAKEN)
		wake_one(lock);
}

void port_lock_by_turns(struct port_lock *lock)
{
	uint32_t state = __atomic_load_n(&lock->state, __ATOMIC_RELAXED);

	if (state == TAKEN)
		return;
	state = __atomic_sub_fetch(&lock->state, TAKEN, __ATOMIC_RELEASE);
	wake_one(lock);
	/* Not asleep: nobody would have to wake us. Nor for ever: who was woken may get no CPU, and we have work to do. */
	for (unsigned int i = 0; i < YIELDS && __atomic_load_n(&lock->state, __ATOMIC_RELAXED) == state; i++)
		sched_yield();
	port_lock(lock);
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
