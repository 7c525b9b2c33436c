/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * At EL1. A run continues behind the store that the last one has ended in: KVM steps over it when
 * it goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>
#include <linux/kvm.h>

#include "vcpu.h"

/* x0 to x5 are those of vcpu_set(), x6: VCPU_END. */
asm(".pushsection .rodata\n"
    ".balign 4\n"
    "guest_begin:\n"
    "1:	cbz w3, 2f\n"
    "	str w0, [x5]\n"
    "	add w0, w0, w1\n"
    "	and w0, w0, w2\n"
    "	sub w3, w3, #1\n"
    "	b 1b\n"
    "2:	ldr w0, [x4]\n"
    "	str w0, [x6]\n"
    "	b 1b\n"
    "guest_end:\n"
    ".popsection\n");
/* Not by the GOT, which has one entry for all local symbols of a section. */
extern const unsigned char guest_begin[] __attribute__((visibility("hidden"))), guest_end[] __attribute__((visibility("hidden")));

static void set(struct vcpu *vcpu, size_t offset, uint64_t value)
{
	const struct kvm_one_reg reg = { .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / sizeof(uint32_t),
					 .addr = (uint64_t)(uintptr_t)&value };

	assert_int_equal(ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg), 0);
}

static void set_x(struct vcpu *vcpu, unsigned int number, uint64_t value)
{
	set(vcpu, offsetof(struct kvm_regs, regs.regs) + number * sizeof(uint64_t), value);
}

void vcpu_begin(struct vcpu *vcpu)
{
	struct kvm_vcpu_init init;

	assert_int_equal(ioctl(vcpu->vm, KVM_ARM_PREFERRED_TARGET, &init), 0);
	assert_int_equal(ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init), 0);
	memcpy(vcpu->memory + VCPU_CODE, guest_begin, (size_t)(guest_end - guest_begin));
	set(vcpu, offsetof(struct kvm_regs, regs.pc), VCPU_CODE);
	set_x(vcpu, VCPU_REGISTERS, VCPU_END);
}

void vcpu_set(struct vcpu *vcpu, const uint64_t registers[VCPU_REGISTERS])
{
	for (unsigned int i = 0; i < VCPU_REGISTERS; i++)
		set_x(vcpu, i, registers[i]);
}
