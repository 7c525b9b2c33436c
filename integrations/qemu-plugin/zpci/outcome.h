/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How an instruction ended, as far as it can be told from what the vCPU executes next.
 */
#ifndef VIOMMU_WATCH_OUTCOME_H
#define VIOMMU_WATCH_OUTCOME_H

#include <stdint.h>

#include "zpci/vcpu.h"

struct outcome {
	enum {
		OUTCOME_UNKNOWN = 0,
		OUTCOME_DONE,	   /* carried out, with a condition code */
		OUTCOME_EXCEPTION, /* suppressed by a program exception */
		OUTCOME_NULLIFIED, /* it will be executed again: its operand had to be paged in first */
	} kind;
	uint8_t cc;
	uint16_t exception;
};

/* The vCPU is about to execute the instruction at `now`; the one in question was at `at`, and `next` follows it in memory. */
struct outcome outcome_of(struct vcpu *vcpu, uint64_t at, uint64_t next, uint64_t now);

#endif
