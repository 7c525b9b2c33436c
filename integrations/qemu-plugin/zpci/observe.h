/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From instructions, before and after, to observations. Any function may be called in any thread.
 */
#ifndef VIOMMU_WATCH_ZPCI_OBSERVE_H
#define VIOMMU_WATCH_ZPCI_OBSERVE_H

#include <stddef.h>
#include <stdint.h>

#include "observer.h"
#include "zpci/vcpu.h"

struct pending; /* an operation that has begun */

void observe_start(struct observer *observer);

/* How an operation has ended. */
struct ending {
	struct outcome outcome;
	uint64_t r1;	      /* the register as it is now */
	const uint8_t *block; /* of CLP, request and response; NULL if they could not be read */
	size_t block_bytes;
	uint64_t machine_ticks; /* timing_ticks() that the machine took */
	uint64_t watch_ticks;	/* and those that watching took before */
};

/*
 * An instruction is about to be executed: its operands as in registers and memory. Each returns what
 * observe_end() is given, or NULL if the instruction is of no interest. fib holds
 * VIOMMU_ZPCI_FIB_BYTES.
 */
struct pending *observe_rpcit(uint64_t r1, uint64_t start, uint64_t bytes);
struct pending *observe_mpcifc(uint64_t r1, const uint8_t *fib);
struct pending *observe_clp(void);

/* The instruction has ended. */
void observe_end(struct pending *pending, const struct ending *ending);

#endif
