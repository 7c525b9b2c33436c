/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The doorbell of a guest IOMMU on KVM's bus: the register to which a guest stores that there are
 * commands.
 *
 * The store is handled in the vCPU's thread, which holds the read side of the VM's SRCU. Changes of
 * that VM's memslots and buses wait for it, and nothing else does. It takes as long as the
 * commands: a queue with more than VFIO_VIOMMU_IOMMU_KVM_COMMANDS is left to user space, each
 * refresh reschedules between steps, and it ends early if the thread is killed.
 */
#include "machine.h"

#ifdef VIOMMU_KVM

#include <linux/file.h>
#include <linux/kvm_doorbell.h>
#include <linux/module.h>

/*
 * Whether a store of the tail makes more commands ready than are handled here. A command is at
 * least one unit of the tail, so that most stores need no look at the queue's size.
 */
static bool is_too_much(const struct machine *machine, u64 tail)
{
	const struct machine_type *type = machine->type;
	struct machine_ring ring;
	u64 base = 0, head = 0;

	type->read(machine->viommu, type->head, 4, &head);
	if (tail >= head && tail - head <= VFIO_VIOMMU_IOMMU_KVM_COMMANDS)
		return false;
	type->read(machine->viommu, type->base, 8, &base);
	ring = type->ring(base);
	return ((tail - head) & (ring.span - 1)) / ring.step > VFIO_VIOMMU_IOMMU_KVM_COMMANDS;
}

static int store(void *data, u64 offset, int len, u64 value)
{
	struct machine *machine = data;

	if (!offset && is_too_much(machine, value))
		return -EOPNOTSUPP;
	return machine->type->write(machine->viommu, machine->type->tail + offset, len, value);
}

static const struct kvm_doorbell_ops doorbell_ops = { .store = store };

/*
 * KVM may be a module that is not loaded. Each doorbell holds a reference to its function, and with
 * it to KVM.
 */
long machine_doorbell_set(struct machine *machine, int vm, u64 gpa)
{
	typeof(&kvm_doorbell_register) doorbell_register;
	struct kvm_doorbell *doorbell = ERR_PTR(-EBADF);
	struct file *file;

	if (machine->doorbell)
		return -EBUSY;
	doorbell_register = symbol_get(kvm_doorbell_register);
	if (!doorbell_register)
		return -EOPNOTSUPP;
	file = fget(vm);
	if (file) {
		doorbell = doorbell_register(file, gpa + machine->type->tail, machine->type->tail_bytes, &doorbell_ops, machine);
		fput(file);
	}
	if (IS_ERR(doorbell)) {
		symbol_put(kvm_doorbell_register);
		return PTR_ERR(doorbell);
	}
	machine->doorbell = doorbell;
	return 0;
}

void machine_doorbell_clear(struct machine *machine)
{
	typeof(&kvm_doorbell_unregister) doorbell_unregister;

	if (!machine->doorbell)
		return;
	doorbell_unregister = symbol_get(kvm_doorbell_unregister);
	if (WARN_ON_ONCE(!doorbell_unregister))
		return;
	doorbell_unregister(machine->doorbell);
	machine->doorbell = NULL;
	symbol_put(kvm_doorbell_unregister);
	symbol_put(kvm_doorbell_register);
}

#else

long machine_doorbell_set(struct machine *machine, int vm, u64 gpa)
{
	return -EOPNOTSUPP;
}

void machine_doorbell_clear(struct machine *machine)
{
}

#endif
