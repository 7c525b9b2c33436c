/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observer: from instructions, before and after, to observations.
 *
 * Any function may be called from any thread.
 */
#ifndef VIOMMU_RECORD_OBSERVE_H
#define VIOMMU_RECORD_OBSERVE_H

#include <stddef.h>
#include <stdint.h>

#include "observation.h"
#include "outcome.h"

struct observer;
struct pending; /* an operation that has begun */

/* NULL if memory is short. The watcher belongs to the caller. */
struct observer *observer_create(struct watcher *watcher);

/*
 * An instruction is about to be executed: its operands as in registers and memory. Each returns what observe_end() is to be given, or NULL if the
 * instruction is of no interest. fib holds VIOMMU_ZPCI_FIB_BYTES.
 */
struct pending *observe_rpcit(struct observer *observer, uint64_t r1, uint64_t start, uint64_t bytes);
struct pending *observe_mpcifc(struct observer *observer, uint64_t r1, const uint8_t *fib);
struct pending *observe_clp(struct observer *observer);

/* The instruction has ended. r1 is the register as it is now; block, of CLP alone, the request and response, NULL if they could not be read. */
void observe_end(struct observer *observer, struct pending *pending, const struct outcome *outcome, uint64_t r1, const uint8_t *block, size_t block_bytes);

void observe_idle(struct observer *observer);

/* QEMU exits: tells the watcher what is complete. Nothing is observed any more. */
void observer_finish(struct observer *observer);

#endif
