/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observer: from instructions, before and after, to observations.
 *
 * Any function may be called from any thread.
 */
#ifndef VIOMMU_WATCH_OBSERVE_H
#define VIOMMU_WATCH_OBSERVE_H

#include <stddef.h>
#include <stdint.h>

#include "observation.h"
#include "outcome.h"

struct observer;
struct pending; /* an operation that has begun */

/* NULL if memory is short. The watchers, WATCHERS_MAX at the most, belong to the caller. */
struct observer *observer_create(struct watcher *const *watchers, size_t count);

/* How an operation has ended. */
struct ending {
	struct outcome outcome;
	uint64_t r1;	      /* the register as it is now */
	const uint8_t *block; /* of CLP alone, request and response; NULL if they could not be read */
	size_t block_bytes;
	uint64_t machine_ticks; /* timing_ticks() that the machine took */
	uint64_t watch_ticks;	/* and those that the observer took before */
};

/*
 * An instruction is about to be executed: its operands as in registers and memory. Each returns what observe_end() is to be given, or NULL if the
 * instruction is of no interest. fib holds VIOMMU_ZPCI_FIB_BYTES.
 */
struct pending *observe_rpcit(struct observer *observer, uint64_t r1, uint64_t start, uint64_t bytes);
struct pending *observe_mpcifc(struct observer *observer, uint64_t r1, const uint8_t *fib);
struct pending *observe_clp(struct observer *observer);

/* The instruction has ended. */
void observe_end(struct observer *observer, struct pending *pending, const struct ending *ending);

void observe_idle(struct observer *observer);

/* QEMU exits: tells the watcher what is complete. Nothing is observed any more. */
void observer_finish(struct observer *observer);

#endif
