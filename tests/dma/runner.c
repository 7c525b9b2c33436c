/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "runner.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void *run(void *argument)
{
	struct runner *runner = argument;

	while (!__atomic_load_n(&runner->stop, __ATOMIC_ACQUIRE)) {
		__atomic_add_fetch(&runner->begun, 1, __ATOMIC_SEQ_CST);
		if (dma_write_to(runner->device, runner->iova, 0)) {
			__atomic_store_n(&runner->failed, true, __ATOMIC_RELEASE);
			break;
		}
		__atomic_add_fetch(&runner->ended, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

void runner_start(struct runner *runner, struct dma_device *device, uint64_t iova)
{
	*runner = (struct runner){ .device = device, .iova = iova };
	assert_int_equal(pthread_create(&runner->thread, NULL, run, runner), 0);
}

static void check(const struct runner *runner)
{
	if (__atomic_load_n(&runner->failed, __ATOMIC_ACQUIRE))
		fail_msg("a transfer failed: %s", dma_why(runner->device));
}

void runner_stop(struct runner *runner)
{
	__atomic_store_n(&runner->stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(runner->thread, NULL), 0);
	check(runner);
}

void runner_await(const struct runner *runner)
{
	uint64_t begun = __atomic_load_n(&runner->begun, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&runner->ended, __ATOMIC_SEQ_CST) <= begun) {
		check(runner);
		sched_yield();
	}
}
