// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Work by one thread, or by two at the same time. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

struct worker {
	const struct bench *bench;
	const struct bench_work *work;
	unsigned int which;
	unsigned int *missing; /* threads that have not reached the start */
	uint64_t begin, end;
	uint64_t preemptions; /* preemptions during the work */
	uint64_t waiting;     /* and during the wait for the start, which do not matter */
	int error;
};

/* Both leave at the same moment. The wait for a thread without a CPU yields this one. */
static void wait_for_start(unsigned int *missing)
{
	unsigned int turns = 0;

	__atomic_sub_fetch(missing, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(missing, __ATOMIC_ACQUIRE))
		if (++turns % 4096 == 0)
			sched_yield();
}

static void *work(void *ctx)
{
	struct worker *worker = ctx;

	bench_bind(&worker->bench->machine, worker->which);
	uint64_t early = bench_preemptions();
	wait_for_start(worker->missing);
	uint64_t before = bench_preemptions();
	worker->waiting = before - early;
	worker->begin = bench_now();
	worker->error = worker->work->fn(worker->work->ctx);
	worker->end = bench_now();
	worker->preemptions = bench_preemptions() - before;
	return NULL;
}

/* If a thread had to wait for a CPU after the start, the other one worked alone. */
static bool began_together(const struct worker *workers)
{
	uint64_t apart = workers[0].begin < workers[1].begin ? workers[1].begin - workers[0].begin : workers[0].begin - workers[1].begin;

	return apart < (workers[0].end - workers[0].begin) / 8 + 1000;
}

double bench_together(struct bench *bench, const struct bench_work *works, unsigned int threads)
{
	unsigned int missing = threads;
	struct worker workers[2];
	pthread_t thread;

	for (unsigned int i = 0; i < threads; i++)
		workers[i] = (struct worker){ .bench = bench, .work = &works[i], .which = i, .missing = &missing };
	if (threads == 2 && pthread_create(&thread, NULL, work, &workers[1]))
		return -EAGAIN;
	work(&workers[0]);
	if (threads == 2) {
		pthread_join(thread, NULL);
		bench->lost += workers[1].preemptions + !began_together(workers);
	}
	/* The sampling thread counts the calling thread's preemptions. */
	bench->lost -= workers[0].waiting;
	uint64_t begin = workers[0].begin, end = workers[0].end;
	if (threads == 2 && workers[1].begin < begin)
		begin = workers[1].begin;
	if (threads == 2 && workers[1].end > end)
		end = workers[1].end;
	for (unsigned int i = 0; i < threads; i++)
		if (workers[i].error)
			return workers[i].error;
	return (double)(end - begin);
}
