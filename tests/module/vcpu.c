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

bool vcpu_open(struct vcpu *vcpu, unsigned char *memory, uint64_t bytes, int group)
{
	struct kvm_userspace_memory_region region = { .memory_size = bytes, .userspace_addr = (uint64_t)(uintptr_t)memory };
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };
	struct kvm_device_attr attribute = { .group = KVM_DEV_VFIO_GROUP, .attr = KVM_DEV_VFIO_GROUP_ADD, .addr = (uint64_t)(uintptr_t)&group };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), size;

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
	vcpu_begin(vcpu);
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

/* Until the store to VCPU_END. Returns its value. */
static uint32_t go(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint64_t value;

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			assert_int_equal(errno, EINTR);
			continue;
		}
		if (run->exit_reason != KVM_EXIT_MMIO)
			fail_msg("KVM_RUN ended with reason %u", run->exit_reason);
		value = 0;
		if (run->mmio.is_write)
			memcpy(&value, run->mmio.data, run->mmio.len);
		if (run->mmio.phys_addr == VCPU_END)
			return (uint32_t)value;
		vcpu->exits += run->mmio.is_write;
		vcpu->access(vcpu->ctx, run->mmio.phys_addr, run->mmio.is_write, run->mmio.len, &value);
		if (!run->mmio.is_write)
			memcpy(run->mmio.data, &value, run->mmio.len);
	}
}

uint32_t vcpu_stores(struct vcpu *vcpu, uint64_t gpa, uint32_t value, uint32_t step, uint32_t mask, uint32_t times, uint64_t then)
{
	const uint64_t registers[VCPU_REGISTERS] = {
		[VCPU_VALUE] = value, [VCPU_STEP] = step, [VCPU_MASK] = mask, [VCPU_TIMES] = times, [VCPU_THEN] = then, [VCPU_GPA] = gpa,
	};

	vcpu_set(vcpu, registers);
	return go(vcpu);
}
