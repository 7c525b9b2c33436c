/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From instructions, before and after, to observations. Any function may be called in any thread.
 */
#ifndef VIOMMU_WATCH_ZPCI_OBSERVE_H
#define VIOMMU_WATCH_ZPCI_OBSERVE_H

#include "observer.h"
#include "zpci/functions.h"
#include "zpci/vcpu.h"

struct pending; /* an operation that has begun */

void observe_start(struct observer *observer);

/*
 * An instruction is about to be executed: the operation with its operands, without any of CLP.
 * Returns what observe_end() is given, or NULL if nothing is observed.
 */
struct pending *observe_begin(const struct capture_record *operation);

/* How it has ended. */
struct ending {
	struct outcome outcome;
	uint64_t r1;		/* the register as it is now */
	const uint8_t *clp;	/* the block of CLP, of CLP_BLOCK_BYTES; NULL: it could not be read */
	uint64_t machine_ticks; /* timing_ticks() that the machine took */
	uint64_t watch_ticks;	/* and those that watching took before */
};

void observe_end(struct pending *pending, const struct ending *ending);

#endif
