/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a callback can learn of the vCPU in whose thread it runs: registers, PSW, and memory at logical addresses.
 */
#ifndef VIOMMU_WATCH_VCPU_H
#define VIOMMU_WATCH_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qemu_plugin_api.h"

struct vcpu {
	struct qemu_plugin_register *gr[16];
	struct qemu_plugin_register *psw_mask;
	struct plugin_bytes *buffer; /* what was read last */
};

/* Makes it ready, in the vCPU's thread. false if QEMU does not offer the registers. */
bool vcpu_init(struct vcpu *vcpu);

uint64_t vcpu_gr(struct vcpu *vcpu, unsigned int n);
uint64_t vcpu_psw_mask(struct vcpu *vcpu);

/* The bytes at a logical address, good until the next call for this vCPU. NULL if they cannot be read. */
const uint8_t *vcpu_memory(struct vcpu *vcpu, uint64_t address, size_t bytes);

/* The condition code in a PSW mask: bits 18 and 19. */
static inline uint8_t psw_mask_cc(uint64_t mask)
{
	return mask >> 44 & 3;
}

#endif
