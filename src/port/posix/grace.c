/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The heavy side of the asymmetric fence: membarrier, which executes a fence on each CPU that runs
 * a thread of this process.
 *
 * The system may refuse membarrier at any time, to any thread: a seccomp filter can be installed
 * after the first use. From then on both sides fence by themselves. The change is made once. It has
 * to wait for light sides that began before it and executed no fence: each CPU must switch threads
 * once, which is a fence. So the thread that makes the change runs on one CPU after the other.
 * Where the system refuses that too, it waits. A store leaves the CPU's store buffer within
 * microseconds, and a timer tick ends what is left of it.
 */
#define _GNU_SOURCE
#include "port/port.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* linux/membarrier.h; older headers lack it. */
enum { MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4 };

enum { MOST_CPUS = 8192, WAIT_NS = 100000000 };

bool port_grace_is_asymmetric;
static bool may_be_asymmetric;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t change = PTHREAD_MUTEX_INITIALIZER; /* taken last */

static bool membarrier(int command)
{
#ifdef SYS_membarrier
	return !syscall(SYS_membarrier, command, 0, 0);
#else
	(void)command;
	return false;
#endif
}

static void find_membarrier(void)
{
#ifndef __SANITIZE_THREAD__
	may_be_asymmetric = membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) && membarrier(MEMBARRIER_PRIVATE_EXPEDITED);
	port_grace_is_asymmetric = may_be_asymmetric;
#endif
}

void port_grace_init(void)
{
	pthread_once(&once, find_membarrier);
}

/*
 * Runs on each CPU once. A CPU that does not exist, or that this process may not use, is EINVAL.
 * False if the system refuses.
 */
static bool visit_cpus(void)
{
	unsigned long before[MOST_CPUS / 8 / sizeof(long)], one[MOST_CPUS / 8 / sizeof(long)] = { 0 };
	const unsigned int bits = 8 * sizeof(long);
	long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(before), before);
	bool done = bytes > 0;

	for (unsigned int cpu = 0; done && cpu < 8 * (unsigned int)bytes; cpu++) {
		one[cpu / bits] = 1ul << cpu % bits;
		done = !syscall(SYS_sched_setaffinity, 0, (size_t)bytes, one) || errno == EINVAL;
		one[cpu / bits] = 0;
	}
	return bytes > 0 && !syscall(SYS_sched_setaffinity, 0, (size_t)bytes, before) && done;
}

static void become_symmetric(void)
{
	const struct timespec wait = { .tv_nsec = WAIT_NS };

	pthread_mutex_lock(&change);
	if (port_load_relaxed(&may_be_asymmetric)) {
		port_store_relaxed(&port_grace_is_asymmetric, false);
		port_fence();
		if (!visit_cpus())
			nanosleep(&wait, NULL);
		port_store_release(&may_be_asymmetric, false);
	}
	pthread_mutex_unlock(&change);
}

void port_grace_heavy(void)
{
	if (port_load_acquire(&may_be_asymmetric)) {
		if (membarrier(MEMBARRIER_PRIVATE_EXPEDITED))
			return;
		become_symmetric();
	}
	port_fence();
}

void port_relax(void)
{
	sched_yield();
}

/* A process ends while its threads are in the library. */
bool port_interrupted(void)
{
	return false;
}
