/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The vCPU in whose thread a callback runs: its registers, PSW, memory at logical addresses, and
 * the outcome of an instruction, as derived from the next one.
 */
#ifndef VIOMMU_WATCH_ZPCI_VCPU_H
#define VIOMMU_WATCH_ZPCI_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qemu_plugin_api.h"

struct vcpu {
	struct qemu_plugin_register *gr[16];
	struct qemu_plugin_register *psw_mask;
	struct plugin_bytes *buffer; /* the last bytes read */
};

/* Initializes it, in the vCPU's thread. false if QEMU does not offer the registers. */
bool vcpu_init(struct vcpu *vcpu);

uint64_t vcpu_gr(struct vcpu *vcpu, unsigned int n);
uint64_t vcpu_psw_mask(struct vcpu *vcpu);

/*
 * Bytes at a logical address, valid until the next call for this vCPU. NULL if they cannot be read.
 */
const uint8_t *vcpu_memory(struct vcpu *vcpu, uint64_t address, size_t bytes);

struct outcome {
	enum {
		OUTCOME_UNKNOWN = 0,
		OUTCOME_DONE,	   /* carried out, with a condition code */
		OUTCOME_EXCEPTION, /* suppressed by a program exception */
		OUTCOME_NULLIFIED, /* will be repeated: its operand had to be paged in first */
	} kind;
	uint8_t cc;
	uint16_t exception;
};

/* The vCPU is about to execute the instruction at `now`. The watched one was at..next - 1. */
struct outcome vcpu_outcome(struct vcpu *vcpu, uint64_t at, uint64_t next, uint64_t now);

#endif
