/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtual machine of KVM with one vCPU, without paging, which executes a few instructions at a
 * time: each run ends in a store to VCPU_END.
 */
#ifndef TESTS_MODULE_VCPU_H
#define TESTS_MODULE_VCPU_H

#include <stdbool.h>
#include <stdint.h>

struct kvm_run;

struct vcpu {
	int vm;
	int fd;
	int vfio; /* KVM's device for VFIO, which has the group */
	struct kvm_run *run;
	unsigned char *memory;
	/* Exits for stores where there is no memory, and what handles them, and loads. */
	unsigned int exits;
	void (*access)(void *ctx, uint64_t gpa, bool store, unsigned int bytes, uint64_t *value);
	void *ctx;
};

/* Memory from GPA 0 on. False without KVM. group: a VFIO group's file, or -1. */
bool vcpu_open(struct vcpu *vcpu, unsigned char *memory, uint64_t bytes, int group);
void vcpu_close(struct vcpu *vcpu);

/*
 * `times` stores to a GPA: of the value, and each next one greater by `step`, in the bits of
 * `mask`. Returns what is at the GPA `then` after the last one, which the vCPU loads. `times` may
 * be 0.
 */
uint32_t vcpu_stores(struct vcpu *vcpu, uint64_t gpa, uint32_t value, uint32_t step, uint32_t mask, uint32_t times, uint64_t then);

static inline uint32_t vcpu_store(struct vcpu *vcpu, uint64_t gpa, uint32_t value, uint64_t then)
{
	return vcpu_stores(vcpu, gpa, value, 0, UINT32_MAX, 1, then);
}

static inline uint32_t vcpu_load(struct vcpu *vcpu, uint64_t gpa)
{
	return vcpu_stores(vcpu, 0, 0, 0, 0, 0, gpa);
}

/*
 * What vcpu.c takes from vcpu_ARCHITECTURE.c: a new vCPU has the guest's program, which is at
 * VCPU_CODE in memory; and the registers of vcpu_stores() are set for the next run.
 */
#define VCPU_CODE UINT64_C(0x1000)
#define VCPU_END  UINT64_C(0xf0000000)

enum { VCPU_VALUE, VCPU_STEP, VCPU_MASK, VCPU_TIMES, VCPU_THEN, VCPU_GPA, VCPU_REGISTERS };

void vcpu_begin(struct vcpu *vcpu);
void vcpu_set(struct vcpu *vcpu, const uint64_t registers[VCPU_REGISTERS]);

#endif
