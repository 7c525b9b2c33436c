/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turns instructions, before and after their execution, into observations. Any thread may call any
 * function.
 */
#ifndef VIOMMU_WATCH_ZPCI_OBSERVE_H
#define VIOMMU_WATCH_ZPCI_OBSERVE_H

#include "observer.h"
#include "zpci/functions.h"
#include "zpci/vcpu.h"

/* The IOVAs that an operation refreshes, and their tables. */
struct range {
	uint64_t iota;
	uint64_t first;
	uint64_t last;
	bool whole; /* they are the whole registration */
};

/* A watched instruction of a vCPU. */
struct operation {
	struct capture_record record; /* with its operands, except those of CLP */
	bool refreshes;		      /* there is a range */
	struct range range;
	/* QEMU's walk of the range, when the instruction began. Its list is reused. */
	bool walked;
	struct stretch walk;
};

void observe_start(struct observer *observer);

/* An instruction is about to be executed. false: nothing is observed. */
bool observe_begin(struct operation *operation);

/* The instruction has ended. */
struct ending {
	struct outcome outcome;
	uint64_t r1; /* the register's value now */
	/* the block of CLP, of CLP_BLOCK_BYTES; NULL: it could not be read */
	const uint8_t *clp;
	uint64_t machine_ticks; /* timing_ticks() that the machine took */
	uint64_t watch_ticks;	/* and those that the plugin took before */
};
void observe_end(struct operation *operation, const struct ending *ending);

#endif
