/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A device that writes one page again and again, in a thread of its own, while a test changes its
 * translation.
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
	uint64_t begun, ended; /* transfers; these and the next two atomic */
	bool stop;
	bool failed; /* a transfer did, and there are no more */
	pthread_t thread;
};

void runner_start(struct runner *runner, struct dma_device *device, uint64_t iova);
/* A transfer that failed is the test's failure, here and below. */
void runner_stop(struct runner *runner);

/* Until a transfer has ended that began after now. */
void runner_await(const struct runner *runner);

#endif
