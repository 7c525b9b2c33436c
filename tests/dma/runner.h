/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A device that writes one page again and again, in a thread of its own, while a test changes the
 * page's translation.
 */
#ifndef TESTS_DMA_RUNNER_H
#define TESTS_DMA_RUNNER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "dma/dma.h"

struct runner {
	struct dma_device *device;
	uint64_t iova;
	uint64_t begun, ended; /* number of transfers; these and the next two are atomic */
	bool stop;
	bool failed; /* a transfer failed, and there are no more */
	pthread_t thread;
};

void runner_start(struct runner *runner, struct dma_device *device, uint64_t iova);
/* A failed transfer fails the test, here and below. */
void runner_stop(struct runner *runner);

/* Waits for the end of a transfer that began after the call. */
void runner_await(const struct runner *runner);

#endif
