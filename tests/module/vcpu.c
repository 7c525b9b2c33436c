/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/kvm.h>

#include "rig.h"

/* The guest's program is at this GPA. */
#define CODE UINT64_C(0x1000)

/* eax: value, ebx: step, ecx: times, edx: mask, esi: what is loaded at last, edi: stored to. */
asm(".pushsection .rodata\n"
    ".code32\n"
    "guest_begin:\n"
    "1:	movl %eax, (%edi)\n"
    "	addl %ebx, %eax\n"
    "	andl %edx, %eax\n"
    "	decl %ecx\n"
    "	jnz 1b\n"
    "guest_load:\n"
    "	movl (%esi), %eax\n"
    "	hlt\n"
    "guest_end:\n"
    ".code64\n"
    ".popsection\n");
extern const unsigned char guest_begin[], guest_load[], guest_end[];

bool vcpu_open(struct vcpu *vcpu, unsigned char *memory, uint64_t bytes, int group)
{
	struct kvm_userspace_memory_region region = { .memory_size = bytes, .userspace_addr = (uint64_t)(uintptr_t)memory };
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };
	struct kvm_device_attr attribute = { .group = KVM_DEV_VFIO_GROUP, .attr = KVM_DEV_VFIO_GROUP_ADD, .addr = (uint64_t)(uintptr_t)&group };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), size;
	struct kvm_sregs sregs;

	*vcpu = (struct vcpu){ .vm = -1, .fd = -1, .vfio = -1, .memory = memory };
	if (kvm < 0)
		return false;
	vcpu->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	assert_true(vcpu->vm >= 0);
	assert_int_equal(ioctl(vcpu->vm, KVM_SET_USER_MEMORY_REGION, &region), 0);
	if (group >= 0) {
		assert_int_equal(ioctl(vcpu->vm, KVM_CREATE_DEVICE, &device), 0);
		vcpu->vfio = (int)device.fd;
		assert_int_equal(ioctl(vcpu->vfio, KVM_SET_DEVICE_ATTR, &attribute), 0);
	}
	vcpu->fd = ioctl(vcpu->vm, KVM_CREATE_VCPU, 0);
	assert_true(vcpu->fd >= 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	close(kvm);
	vcpu->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	assert_true(vcpu->run != MAP_FAILED);
	assert_int_equal(ioctl(vcpu->fd, KVM_GET_SREGS, &sregs), 0);
	sregs.cs = (struct kvm_segment){ .limit = UINT32_MAX, .selector = 8, .type = 11, .present = 1, .db = 1, .s = 1, .g = 1 };
	sregs.ds = sregs.es = sregs.ss = (struct kvm_segment){ .limit = UINT32_MAX, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1 };
	sregs.cr0 |= 1;
	assert_int_equal(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), 0);
	memcpy(memory + CODE, guest_begin, (size_t)(guest_end - guest_begin));
	return true;
}

void vcpu_close(struct vcpu *vcpu)
{
	munmap(vcpu->run, PAGE);
	close(vcpu->fd);
	if (vcpu->vfio >= 0)
		close(vcpu->vfio);
	close(vcpu->vm);
}

/* Until HLT. Returns eax. */
static uint32_t go(struct vcpu *vcpu, const struct kvm_regs *begin)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs = *begin;
	uint64_t value;

	assert_int_equal(ioctl(vcpu->fd, KVM_SET_REGS, &regs), 0);
	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			assert_int_equal(errno, EINTR);
			continue;
		}
		if (run->exit_reason == KVM_EXIT_HLT)
			break;
		if (run->exit_reason != KVM_EXIT_MMIO)
			fail_msg("KVM_RUN ended with reason %u", run->exit_reason);
		vcpu->exits += run->mmio.is_write;
		value = 0;
		if (run->mmio.is_write)
			memcpy(&value, run->mmio.data, run->mmio.len);
		vcpu->access(vcpu->ctx, run->mmio.phys_addr, run->mmio.is_write, run->mmio.len, &value);
		if (!run->mmio.is_write)
			memcpy(run->mmio.data, &value, run->mmio.len);
	}
	assert_int_equal(ioctl(vcpu->fd, KVM_GET_REGS, &regs), 0);
	return (uint32_t)regs.rax;
}

uint32_t vcpu_stores(struct vcpu *vcpu, uint64_t gpa, uint32_t value, uint32_t step, uint32_t mask, uint32_t times, uint64_t then)
{
	const struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rax = value, .rbx = step, .rcx = times, .rdx = mask, .rsi = then, .rdi = gpa };

	return go(vcpu, &regs);
}

uint32_t vcpu_load(struct vcpu *vcpu, uint64_t gpa)
{
	const struct kvm_regs regs = { .rip = CODE + (uint64_t)(guest_load - guest_begin), .rflags = 2, .rsi = gpa };

	return go(vcpu, &regs);
}
