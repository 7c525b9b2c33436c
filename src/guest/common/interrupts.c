/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interrupts are made pending with lock held, and delivered without locks. One with a message is
 * a store of 32 bits: to guest memory if there is some at the address, else by the monitor.
 */
#include "guest/common/iommu.h"

static void interrupt(struct guest_iommu *iommu, unsigned int irq)
{
	struct guest_message message = { 0 };

	if (iommu->ops->message) {
		port_lock(&iommu->lock);
		message = iommu->ops->message(iommu, irq);
		port_unlock(&iommu->lock);
	}
	message.address &= iommu->last_address;
	if (!message.address && iommu->ops->wired)
		iommu->ops->wired(iommu, irq);
	else if (message.address && !guest_memory_store32(&iommu->memory, message.address, message.data))
		iommu->ops->msi(iommu, &message);
}

/* True if commands waited for that, and are `taken` by the caller, which consumes them. */
static bool deliver(struct guest_iommu *iommu, bool taken)
{
	struct guest_message message[GUEST_SIGNALS];
	unsigned int number;
	uint32_t irqs;

	port_lock(&iommu->lock);
	irqs = iommu->irqs;
	iommu->irqs = 0;
	number = iommu->signals.number;
	iommu->signals.number = 0;
	for (unsigned int i = 0; i < number; i++)
		message[i] = iommu->signals.message[i];
	taken &= iommu->signals.waits;
	iommu->signals.waits &= !taken;
	port_unlock(&iommu->lock);
	for (unsigned int i = 0; i < number; i++)
		iommu->ops->msi(iommu, &message[i]);
	for (unsigned int irq = 0; irqs >> irq; irq++)
		if (irqs >> irq & 1)
			interrupt(iommu, irq);
	return taken;
}

void guest_iommu_deliver(struct guest_iommu *iommu)
{
	(void)deliver(iommu, false);
}

bool guest_iommu_deliver_for_commands(struct guest_iommu *iommu)
{
	return deliver(iommu, true);
}

void guest_iommu_signal(struct guest_iommu *iommu, unsigned int irq, struct guest_message message)
{
	message.address &= iommu->last_address;
	if (message.address && guest_memory_store32(&iommu->memory, message.address, message.data))
		return;
	port_lock(&iommu->lock);
	if (message.address)
		iommu->signals.message[iommu->signals.number++] = message;
	else
		guest_iommu_note(iommu, irq);
	port_unlock(&iommu->lock);
}
