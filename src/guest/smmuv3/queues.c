/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The registers of the queues (IHI 0070, section 3.5), overflow and global errors (7.2, 7.4, 7.5),
 * and the MSIs of the SMMU's own interrupts (3.18).
 *
 * A record that finds the queue full is lost, and OVFLG reports that, once until the guest has
 * acknowledged it; one that cannot be written is lost, and GERROR.EVENTQ_ABT_ERR reports that.
 * While that is active, and while the queue is disabled, records are lost silently. GERROR.CMDQ_ERR
 * stops the command queue until the guest has acknowledged it; CONS.ERR says why.
 */
#include "smmuv3.h"

/*
 * A queue is aligned to its size, and to 32 bytes at least; its address has as many bits as the
 * guest's addresses (section 3.4.3).
 */
static struct guest_queue queue_of(const struct viommu_smmuv3 *smmu, enum smmuv3_register base, unsigned int most_bits, uint32_t entry_bytes)
{
	uint64_t reg = smmu->reg[base];
	unsigned int bits = reg & QUEUE_BASE_LOG2SIZE;
	uint32_t entries = 1u << (bits < most_bits ? bits : most_bits);
	uint64_t gpa = reg & QUEUE_BASE_ADDRESS & ~((uint64_t)entries * entry_bytes - 1) & smmu->iommu.last_address;

	return (struct guest_queue){ .gpa = gpa, .entries = entries, .entry_bytes = entry_bytes, .step = 1, .wrap_bit = true };
}

/* With lock held: makes a global error active, if it is not (section 7.5). */
static void raise_gerror(struct viommu_smmuv3 *smmu, uint32_t error)
{
	uint64_t *reg = smmu->reg;

	if ((reg[REG_GERROR] ^ reg[REG_GERRORN]) & error)
		return;
	reg[REG_GERROR] ^= error;
	if (reg[REG_IRQ_CTRL] & IRQ_CTRL_GERROR)
		guest_iommu_note(&smmu->iommu, VIOMMU_SMMUV3_IRQ_GERROR);
}

bool smmuv3_commands(struct guest_iommu *iommu, struct guest_ring *ring)
{
	struct viommu_smmuv3 *smmu = smmuv3_of(iommu);
	uint64_t *reg = smmu->reg;

	*ring = (struct guest_ring){ queue_of(smmu, REG_CMDQ_BASE, SMMUV3_CMDQS, VIOMMU_SMMUV3_CMD_BYTES), &reg[REG_CMDQ_PROD], &reg[REG_CMDQ_CONS] };
	return reg[REG_CR0] & CR0_CMDQEN && !((reg[REG_GERROR] ^ reg[REG_GERRORN]) & GERROR_CMDQ_ERR);
}

void smmuv3_stop(struct guest_iommu *iommu, unsigned int error)
{
	struct viommu_smmuv3 *smmu = smmuv3_of(iommu);

	raise_gerror(smmu, GERROR_CMDQ_ERR);
	smmu->reg[REG_CMDQ_CONS] = (smmu->reg[REG_CMDQ_CONS] & ~(uint64_t)CMDQ_CONS_ERR) | error << CMDQ_CONS_ERR_SHIFT;
}

bool smmuv3_events(struct guest_iommu *iommu, struct guest_ring *ring)
{
	struct viommu_smmuv3 *smmu = smmuv3_of(iommu);
	uint64_t *reg = smmu->reg;

	*ring = (struct guest_ring){ queue_of(smmu, REG_EVENTQ_BASE, SMMUV3_EVENTQS, EVENT_BYTES), &reg[REG_EVENTQ_PROD], &reg[REG_EVENTQ_CONS] };
	return reg[REG_CR0] & CR0_EVENTQEN && !((reg[REG_GERROR] ^ reg[REG_GERRORN]) & GERROR_EVENTQ_ABT_ERR);
}

/* An interrupt for each record, as a handler may have loaded PROD before this one. */
void smmuv3_recorded(struct guest_iommu *iommu)
{
	if (smmuv3_of(iommu)->reg[REG_IRQ_CTRL] & IRQ_CTRL_EVENTQ)
		guest_iommu_note(iommu, VIOMMU_SMMUV3_IRQ_EVENTQ);
}

void smmuv3_overflow(struct guest_iommu *iommu)
{
	uint64_t *reg = smmuv3_of(iommu)->reg;

	if (!((reg[REG_EVENTQ_PROD] ^ reg[REG_EVENTQ_CONS]) & EVENTQ_OVERFLOW))
		reg[REG_EVENTQ_PROD] ^= EVENTQ_OVERFLOW;
}

void smmuv3_abort(struct guest_iommu *iommu)
{
	raise_gerror(smmuv3_of(iommu), GERROR_EVENTQ_ABT_ERR);
}

bool smmuv3_device_id(const uint64_t *record, uint32_t *id)
{
	*id = (uint32_t)(record[0] >> EVENT0_SID_SHIFT);
	return record[0] & EVENT0_TYPE;
}

struct guest_message smmuv3_message(const struct guest_iommu *iommu, unsigned int irq)
{
	const uint64_t *reg = smmuv3_of(iommu)->reg;

	if (irq == VIOMMU_SMMUV3_IRQ_EVENTQ)
		return (struct guest_message){ reg[REG_EVENTQ_MSI_ADDRESS], (uint32_t)reg[REG_EVENTQ_MSI_DATA] };
	if (irq == VIOMMU_SMMUV3_IRQ_GERROR)
		return (struct guest_message){ reg[REG_GERROR_MSI_ADDRESS], (uint32_t)reg[REG_GERROR_MSI_DATA] };
	return (struct guest_message){ 0 };
}
