/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * In 32 bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>
#include <linux/kvm.h>

#include "vcpu.h"

/* eax: value, ebx: step, ecx: times, edx: mask, esi: what is loaded at last, edi: stored to. */
asm(".pushsection .rodata\n"
    ".code32\n"
    "guest_begin:\n"
    "	jecxz 2f\n"
    "1:	movl %eax, (%edi)\n"
    "	addl %ebx, %eax\n"
    "	andl %edx, %eax\n"
    "	decl %ecx\n"
    "	jnz 1b\n"
    "2:	movl (%esi), %eax\n"
    "	movl %eax, (%ebp)\n"
    "guest_end:\n"
    ".code64\n"
    ".popsection\n");
extern const unsigned char guest_begin[], guest_end[];

void vcpu_begin(struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	assert_int_equal(ioctl(vcpu->fd, KVM_GET_SREGS, &sregs), 0);
	sregs.cs = (struct kvm_segment){ .limit = UINT32_MAX, .selector = 8, .type = 11, .present = 1, .db = 1, .s = 1, .g = 1 };
	sregs.ds = sregs.es = sregs.ss = (struct kvm_segment){ .limit = UINT32_MAX, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1 };
	sregs.cr0 |= 1;
	assert_int_equal(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), 0);
	memcpy(vcpu->memory + VCPU_CODE, guest_begin, (size_t)(guest_end - guest_begin));
}

void vcpu_set(struct vcpu *vcpu, const uint64_t registers[VCPU_REGISTERS])
{
	const struct kvm_regs regs = { .rip = VCPU_CODE,
				       .rflags = 2,
				       .rax = registers[VCPU_VALUE],
				       .rbx = registers[VCPU_STEP],
				       .rcx = registers[VCPU_TIMES],
				       .rdx = registers[VCPU_MASK],
				       .rsi = registers[VCPU_THEN],
				       .rdi = registers[VCPU_GPA],
				       .rbp = VCPU_END };

	assert_int_equal(ioctl(vcpu->fd, KVM_SET_REGS, &regs), 0);
}
