/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event queue (IHI 0070, sections 3.5, 7.2 and 7.4), global errors (7.5), and the interrupts that go with them (3.18).
 *
 * What holds: a record is in memory, whole, before PROD says so. One that finds the queue full is lost, and OVFLG tells of it, once until the guest has
 * acknowledged it; one that cannot be written is lost, and GERROR.EVENTQ_ABT_ERR tells of it; while the queue is off, records are lost without a word. What
 * hardware recorded goes the same way; of what was lost on the way to us, the guest is told as if its queue had been full.
 */
#include "event.h"

#include <viommu/nesting.h>

#include "memory.h"

void smmuv3_note_irq(struct viommu_smmuv3 *smmu, enum viommu_smmuv3_irq irq)
{
	if (irq == VIOMMU_SMMUV3_IRQ_EVENTQ && !(smmu->registers.irq_ctrl & IRQ_CTRL_EVENTQ))
		return;
	if (irq == VIOMMU_SMMUV3_IRQ_GERROR && !(smmu->registers.irq_ctrl & IRQ_CTRL_GERROR))
		return;
	smmu->irqs |= 1u << irq;
}

void smmuv3_deliver(struct viommu_smmuv3 *smmu)
{
	uint32_t irqs, irq;

	port_lock(&smmu->lock);
	irqs = smmu->irqs;
	smmu->irqs = 0;
	port_unlock(&smmu->lock);
	for (irq = 0; irqs >> irq; irq++)
		if (irqs >> irq & 1 && smmu->config.interrupt)
			smmu->config.interrupt(smmu->config.ctx, (enum viommu_smmuv3_irq)irq);
}

void smmuv3_raise_gerror(struct viommu_smmuv3 *smmu, uint32_t error)
{
	struct smmuv3_registers *registers = &smmu->registers;

	if ((registers->gerror ^ registers->gerrorn) & error)
		return;
	registers->gerror ^= error;
	smmuv3_note_irq(smmu, VIOMMU_SMMUV3_IRQ_GERROR);
}

static void overflow(struct smmuv3_registers *registers)
{
	if (!((registers->eventq_prod ^ registers->eventq_cons) & EVENTQ_OVERFLOW))
		registers->eventq_prod ^= EVENTQ_OVERFLOW;
}

/* With lock held. */
static bool record(struct viommu_smmuv3 *smmu, const uint64_t words[EVENT_WORDS])
{
	struct smmuv3_registers *registers = &smmu->registers;
	unsigned int bits = registers->eventq_base & QUEUE_BASE_LOG2SIZE;
	uint32_t wrap, index;
	uint64_t gpa;

	if (bits > SMMUV3_EVENTQS)
		bits = SMMUV3_EVENTQS;
	wrap = (2u << bits) - 1;
	index = wrap >> 1;
	if (!(registers->cr0 & CR0_EVENTQEN))
		return false;
	/* Full: the same index, but not in the same round. */
	if (((registers->eventq_prod ^ registers->eventq_cons) & wrap) == index + 1) {
		overflow(registers);
		return false;
	}
	gpa = registers->eventq_base & QUEUE_BASE_ADDRESS & ~((UINT64_C(1) << bits) * EVENT_BYTES - 1);
	if (!smmuv3_store(smmu->vm, gpa + (registers->eventq_prod & index) * (uint64_t)EVENT_BYTES, words, EVENT_WORDS)) {
		smmuv3_raise_gerror(smmu, GERROR_EVENTQ_ABT_ERR);
		return false;
	}
	/* The guest learns of PROD by a load that takes this lock; for who looks at its memory in another way, too, the record comes first. */
	port_fence_release();
	if (!((registers->eventq_prod ^ registers->eventq_cons) & wrap))
		smmuv3_note_irq(smmu, VIOMMU_SMMUV3_IRQ_EVENTQ);
	registers->eventq_prod = (registers->eventq_prod & EVENTQ_OVERFLOW) | ((registers->eventq_prod + 1) & wrap);
	return true;
}

void smmuv3_record(struct viommu_smmuv3_device *device, uint64_t words[EVENT_WORDS])
{
	struct viommu_smmuv3 *smmu = device->smmu;
	bool done;

	words[0] |= (uint64_t)device->sid << 32;
	port_lock(&smmu->lock);
	done = record(smmu, words);
	port_unlock(&smmu->lock);
	smmuv3_count(done ? &smmu->counts.events : &smmu->counts.events_lost);
	if (done)
		smmuv3_count(&device->events);
	smmuv3_deliver(smmu);
}

/* With lock held: the record of a device that is still there. */
static void record_nested(struct viommu_smmuv3 *smmu, const struct viommu_nest_event *event)
{
	struct viommu_smmuv3_device *device = smmuv3_lookup(smmu, (uint32_t)(event->record[0] >> 32));
	bool done;

	if (event->lost) {
		smmuv3_count(&smmu->counts.events_lost);
		if (smmu->registers.cr0 & CR0_EVENTQEN)
			overflow(&smmu->registers);
	}
	if (!(event->record[0] & EVENT0_TYPE) || !device)
		return;
	done = record(smmu, event->record);
	smmuv3_count(done ? &smmu->counts.events : &smmu->counts.events_lost);
	if (done)
		smmuv3_count(&device->events);
}

/* A device can go on making events while these are taken: so many at a time, and no more. */
#define NESTED_EVENTS (1u << SMMUV3_EVENTQS)

int viommu_smmuv3_nest_events(struct viommu_smmuv3 *smmu, struct viommu_host *host)
{
	struct viommu_nest_event event = { .size = sizeof(event) };
	int ret = 0;

	for (unsigned int i = 0; !ret && i < NESTED_EVENTS; i++) {
		ret = viommu_nest_event(smmu->vm, host, &event);
		if (ret)
			break;
		port_lock(&smmu->lock);
		record_nested(smmu, &event);
		port_unlock(&smmu->lock);
	}
	smmuv3_deliver(smmu);
	return ret == -PORT_ENOENT ? 0 : ret;
}
