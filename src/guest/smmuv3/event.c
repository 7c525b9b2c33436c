/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event queue (IHI 0070, sections 3.5, 7.2 and 7.4), global errors (7.5), and the interrupts
 * that belong to them (3.18).
 *
 * A record is in memory, whole, before PROD covers it. One that finds the queue full is lost, and
 * OVFLG reports that, once until the guest has acknowledged it; one that cannot be written is lost,
 * and GERROR.EVENTQ_ABT_ERR reports that. While that is active, and while the queue is disabled,
 * records are lost silently. Records of hardware take the same way; those that were lost before
 * they came here are reported as an overflow.
 */
#include <viommu/nesting.h>

#include "format/format.h"

#include "smmuv3.h"

void smmuv3_raise_gerror(struct viommu_smmuv3 *smmu, uint32_t error)
{
	uint64_t *reg = smmu->reg;

	if ((reg[REG_GERROR] ^ reg[REG_GERRORN]) & error)
		return;
	reg[REG_GERROR] ^= error;
	if (reg[REG_IRQ_CTRL] & IRQ_CTRL_GERROR)
		guest_iommu_note(&smmu->iommu, VIOMMU_SMMUV3_IRQ_GERROR);
}

static void interrupt_syncs(struct viommu_smmuv3 *smmu)
{
	const struct viommu_smmuv3_config *config = &smmu->config;
	struct smmuv3_syncs syncs;

	port_lock(&smmu->iommu.lock);
	syncs = smmu->syncs;
	smmu->syncs.number = 0;
	smmu->syncs.wired = false;
	port_unlock(&smmu->iommu.lock);
	for (unsigned int i = 0; i < syncs.number; i++)
		config->msi(config->ctx, syncs.msi[i].address, syncs.msi[i].data);
	if (syncs.wired && config->interrupt)
		config->interrupt(config->ctx, VIOMMU_SMMUV3_IRQ_CMD_SYNC);
}

/*
 * An MSI if the guest has configured an address (section 3.18), stored in its memory or handed to
 * the VMM; else an edge.
 */
void smmuv3_interrupt(struct guest_iommu *iommu, unsigned int irq)
{
	struct viommu_smmuv3 *smmu = smmuv3_of(iommu);
	const struct viommu_smmuv3_config *config = &smmu->config;
	bool is_event = irq == VIOMMU_SMMUV3_IRQ_EVENTQ;
	uint64_t address;
	uint32_t data;

	if (irq == VIOMMU_SMMUV3_IRQ_CMD_SYNC) {
		interrupt_syncs(smmu);
		return;
	}
	port_lock(&iommu->lock);
	address = smmu->reg[is_event ? REG_EVENTQ_MSI_ADDRESS : REG_GERROR_MSI_ADDRESS];
	data = (uint32_t)smmu->reg[is_event ? REG_EVENTQ_MSI_DATA : REG_GERROR_MSI_DATA];
	port_unlock(&iommu->lock);
	address &= smmuv3_addresses(smmu);
	if (address && !guest_memory_store32(&iommu->memory, address, data))
		config->msi(config->ctx, address, data);
	else if (!address && config->interrupt)
		config->interrupt(config->ctx, (enum viommu_smmuv3_irq)irq);
}

static void overflow(uint64_t *reg)
{
	if (!((reg[REG_EVENTQ_PROD] ^ reg[REG_EVENTQ_CONS]) & EVENTQ_OVERFLOW))
		reg[REG_EVENTQ_PROD] ^= EVENTQ_OVERFLOW;
}

/* Whether records are taken: while EVENTQ_ABT_ERR is active, they are discarded (section 7.2.1). */
static bool is_recording(const uint64_t *reg)
{
	return reg[REG_CR0] & CR0_EVENTQEN && !((reg[REG_GERROR] ^ reg[REG_GERRORN]) & GERROR_EVENTQ_ABT_ERR);
}

/* With lock held. */
static bool write_record(struct viommu_smmuv3 *smmu, const uint64_t record[EVENT_WORDS])
{
	uint64_t *reg = smmu->reg;
	const struct guest_queue queue = smmuv3_event_queue(smmu);
	uint32_t prod = (uint32_t)reg[REG_EVENTQ_PROD], cons = (uint32_t)reg[REG_EVENTQ_CONS];

	if (!is_recording(reg))
		return false;
	if (guest_queue_is_full(&queue, prod, cons)) {
		overflow(reg);
		return false;
	}
	if (!guest_memory_store(&smmu->iommu.memory, guest_queue_entry(&queue, prod), record, EVENT_WORDS)) {
		smmuv3_raise_gerror(smmu, GERROR_EVENTQ_ABT_ERR);
		return false;
	}
	/*
	 * A guest reads PROD by a load that takes this lock. A reader of its memory without one
	 * finds the record first, too.
	 */
	port_fence_release();
	/* For each record, as a handler may have loaded PROD before this one. */
	if (reg[REG_IRQ_CTRL] & IRQ_CTRL_EVENTQ)
		guest_iommu_note(&smmu->iommu, VIOMMU_SMMUV3_IRQ_EVENTQ);
	reg[REG_EVENTQ_PROD] = (prod & EVENTQ_OVERFLOW) | guest_queue_next(&queue, prod);
	return true;
}

/* With lock held. */
static void record_for(struct viommu_smmuv3 *smmu, struct guest_device *device, const uint64_t record[EVENT_WORDS])
{
	bool written = write_record(smmu, record);

	smmuv3_count(smmu, written ? COUNT_EVENTS : COUNT_EVENTS_LOST);
	if (written)
		guest_count(&device->events);
}

void smmuv3_record(struct viommu_smmuv3_device *device, uint64_t record[EVENT_WORDS])
{
	struct viommu_smmuv3 *smmu = smmuv3_of(device->guest.iommu);

	record[0] |= (uint64_t)device->guest.id.id << 32;
	port_lock(&smmu->iommu.lock);
	record_for(smmu, &device->guest, record);
	port_unlock(&smmu->iommu.lock);
	guest_iommu_deliver(&smmu->iommu);
}

/* From nesting hardware: nest_sink (core/hardware.h). */
static bool take(void *ctx, const void *from)
{
	struct viommu_smmuv3 *smmu = ctx;
	struct guest_device *device;
	uint64_t record[EVENT_WORDS];

	__builtin_memcpy(record, from, sizeof(record));
	for (unsigned int i = 0; i < EVENT_WORDS; i++)
		record[i] = format_swap_if_big(record[i]);
	port_lock(&smmu->iommu.lock);
	device = guest_device_find(&smmu->iommu, (uint32_t)(record[0] >> 32));
	if (device && record[0] & EVENT0_TYPE)
		record_for(smmu, device, record);
	port_unlock(&smmu->iommu.lock);
	return device;
}

static void lost(void *ctx)
{
	struct viommu_smmuv3 *smmu = ctx;

	port_lock(&smmu->iommu.lock);
	smmuv3_count(smmu, COUNT_EVENTS_LOST);
	if (is_recording(smmu->reg))
		overflow(smmu->reg);
	port_unlock(&smmu->iommu.lock);
}

static void deliver(void *ctx)
{
	struct viommu_smmuv3 *smmu = ctx;

	guest_iommu_deliver(&smmu->iommu);
}

void smmuv3_listen(struct viommu_smmuv3 *smmu)
{
	smmu->sink = (struct nest_sink){ .type = VIOMMU_DOMAIN_SMMUV3, .ctx = smmu, .take = take, .lost = lost, .deliver = deliver };
	nest_sink_add(smmu->iommu.vm, &smmu->sink);
}
