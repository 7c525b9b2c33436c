/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The heavy side of the asymmetric fence: membarrier, which executes a fence on each CPU that runs a thread of this process.
 */
#define _GNU_SOURCE
#include "port/port.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/membarrier.h; older headers lack it. */
enum { MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4 };

bool port_grace_is_asymmetric;
static pthread_once_t once = PTHREAD_ONCE_INIT;

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
	port_grace_is_asymmetric = membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) && membarrier(MEMBARRIER_PRIVATE_EXPEDITED);
#endif
}

void port_grace_init(void)
{
	pthread_once(&once, find_membarrier);
}

void port_grace_heavy(void)
{
	if (!port_grace_is_asymmetric || !membarrier(MEMBARRIER_PRIVATE_EXPEDITED))
		port_fence();
}

void port_relax(void)
{
	sched_yield();
}
