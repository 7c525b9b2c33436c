/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The register pages (IHI 0070, chapter 6).
 *
 * A store has all its effects before it returns, so that CR0ACK, IRQ_CTRLACK and GBPA.Update never
 * report anything unfinished. Registers that may not change while something is enabled ignore
 * stores then, as section 6.3 has it for each; so do reserved bits and offsets. GERRORN
 * acknowledges only active errors. A store of 64 bits to two registers of 32 is one to the lower
 * and then one to the upper.
 */
#include "smmuv3.h"

/* Conditions that lock bits. */
enum { SMMU_ENABLED = 1, COMMANDS_ENABLED = 2, EVENTS_ENABLED = 4, GERROR_IRQ_ENABLED = 8, EVENTQ_IRQ_ENABLED = 16, NO_MSI = 32 };

enum { EFFECT_NONE, EFFECT_CR0, EFFECT_GBPA, EFFECT_IRQ_CTRL, EFFECT_GERRORN, EFFECT_CMDQ_PROD, EFFECT_INDEX };

#define ERRORS (GERROR_CMDQ_ERR | GERROR_EVENTQ_ABT_ERR)

const struct guest_register smmuv3_registers[REGISTERS] = {
	[REG_IDR0] = { .offset = VIOMMU_SMMUV3_IDR0, .bytes = 4 },
	[REG_IDR1] = { .offset = VIOMMU_SMMUV3_IDR1, .bytes = 4 },
	[REG_IDR2] = { .offset = VIOMMU_SMMUV3_IDR2, .bytes = 4 },
	[REG_IDR3] = { .offset = VIOMMU_SMMUV3_IDR3, .bytes = 4 },
	[REG_IDR4] = { .offset = VIOMMU_SMMUV3_IDR4, .bytes = 4 },
	[REG_IDR5] = { .offset = VIOMMU_SMMUV3_IDR5, .bytes = 4 },
	[REG_AIDR] = { .offset = VIOMMU_SMMUV3_AIDR, .bytes = 4 },
	[REG_CR0] = { VIOMMU_SMMUV3_CR0, 4, .effect = EFFECT_CR0, .writable = CR0_ALL },
	[REG_CR0ACK] = { VIOMMU_SMMUV3_CR0ACK, 4, .internal = CR0_ALL },
	[REG_CR1] = { VIOMMU_SMMUV3_CR1, 4, SMMU_ENABLED, .writable = CR1_TABLE },
	[REG_CR1_QUEUE] = { VIOMMU_SMMUV3_CR1, 4, COMMANDS_ENABLED | EVENTS_ENABLED, .writable = CR1_QUEUE },
	[REG_CR2] = { VIOMMU_SMMUV3_CR2, 4, SMMU_ENABLED, .writable = CR2_RECINVSID },
	[REG_GBPA] = { VIOMMU_SMMUV3_GBPA, 4, .effect = EFFECT_GBPA, .writable = GBPA_ALL },
	[REG_IRQ_CTRL] = { VIOMMU_SMMUV3_IRQ_CTRL, 4, .effect = EFFECT_IRQ_CTRL, .light = true, .writable = IRQ_CTRL_GERROR | IRQ_CTRL_EVENTQ },
	[REG_IRQ_CTRLACK] = { VIOMMU_SMMUV3_IRQ_CTRLACK, 4, .internal = IRQ_CTRL_GERROR | IRQ_CTRL_EVENTQ },
	[REG_GERROR] = { VIOMMU_SMMUV3_GERROR, 4, .internal = ERRORS },
	[REG_GERRORN] = { VIOMMU_SMMUV3_GERRORN, 4, .effect = EFFECT_GERRORN, .writable = ERRORS },
	[REG_GERROR_MSI_ADDRESS] = { VIOMMU_SMMUV3_GERROR_IRQ_CFG0, 8, GERROR_IRQ_ENABLED | NO_MSI, .writable = MSI_ADDRESS },
	[REG_GERROR_MSI_DATA] = { VIOMMU_SMMUV3_GERROR_IRQ_CFG1, 4, GERROR_IRQ_ENABLED | NO_MSI, .writable = UINT32_MAX },
	[REG_GERROR_MSI_ATTRIBUTES] = { VIOMMU_SMMUV3_GERROR_IRQ_CFG2, 4, GERROR_IRQ_ENABLED | NO_MSI, .writable = MSI_ATTRIBUTES },
	[REG_STRTAB_BASE] = { VIOMMU_SMMUV3_STRTAB_BASE, 8, SMMU_ENABLED, .writable = STRTAB_BASE_ALL },
	[REG_STRTAB_BASE_CFG] = { VIOMMU_SMMUV3_STRTAB_BASE_CFG, 4, SMMU_ENABLED, .writable = STRTAB_CFG_ALL },
	[REG_CMDQ_BASE] = { VIOMMU_SMMUV3_CMDQ_BASE, 8, COMMANDS_ENABLED, EFFECT_INDEX, .writable = QUEUE_BASE_ALL },
	[REG_CMDQ_PROD] = { VIOMMU_SMMUV3_CMDQ_PROD, 4, .effect = EFFECT_CMDQ_PROD, .writable = QUEUE_INDEX },
	[REG_CMDQ_CONS] = { VIOMMU_SMMUV3_CMDQ_CONS, 4, COMMANDS_ENABLED, EFFECT_INDEX, .writable = QUEUE_INDEX | CMDQ_CONS_ERR },
	[REG_EVENTQ_BASE] = { VIOMMU_SMMUV3_EVENTQ_BASE, 8, EVENTS_ENABLED, EFFECT_INDEX, .writable = QUEUE_BASE_ALL },
	[REG_EVENTQ_MSI_ADDRESS] = { VIOMMU_SMMUV3_EVENTQ_IRQ_CFG0, 8, EVENTQ_IRQ_ENABLED | NO_MSI, .writable = MSI_ADDRESS },
	[REG_EVENTQ_MSI_DATA] = { VIOMMU_SMMUV3_EVENTQ_IRQ_CFG1, 4, EVENTQ_IRQ_ENABLED | NO_MSI, .writable = UINT32_MAX },
	[REG_EVENTQ_MSI_ATTRIBUTES] = { VIOMMU_SMMUV3_EVENTQ_IRQ_CFG2, 4, EVENTQ_IRQ_ENABLED | NO_MSI, .writable = MSI_ATTRIBUTES },
	[REG_EVENTQ_PROD] = { VIOMMU_SMMUV3_EVENTQ_PROD, 4, EVENTS_ENABLED, EFFECT_INDEX, .writable = QUEUE_INDEX | EVENTQ_OVERFLOW },
	[REG_EVENTQ_CONS] = { VIOMMU_SMMUV3_EVENTQ_CONS, 4, .light = true, .writable = QUEUE_INDEX | EVENTQ_OVERFLOW },
};

void smmuv3_reset(struct guest_iommu *iommu)
{
	struct viommu_smmuv3 *smmu = smmuv3_of(iommu);

	if (smmu->config.flags & VIOMMU_SMMUV3_RESET_ABORT)
		smmu->reg[REG_GBPA] = GBPA_ABORT;
}

/*
 * Of the indices that the SMMU writes, bits above the wrap bit are RAZ (sections 6.3.28 and
 * 6.3.95).
 */
static void trim_indices(struct guest_iommu *iommu)
{
	struct guest_ring commands, events;

	(void)smmuv3_commands(iommu, &commands);
	(void)smmuv3_events(iommu, &events);
	*commands.consumer &= CMDQ_CONS_ERR | guest_queue_mask(&commands.queue);
	*events.producer &= EVENTQ_OVERFLOW | guest_queue_mask(&events.queue);
}

unsigned int smmuv3_stored(struct guest_iommu *iommu, const struct guest_store *store)
{
	uint64_t *reg = smmuv3_of(iommu)->reg;
	uint64_t changed = reg[store->row] ^ store->old, active;

	switch (store->effect) {
	case EFFECT_CR0:
		reg[REG_CR0ACK] = reg[REG_CR0];
		return (changed & CR0_SMMUEN ? GUEST_CONFIGURE : 0u) | (changed & CR0_CMDQEN ? GUEST_CONSUME : 0u);
	case EFFECT_GBPA:
		if (!(store->written & GBPA_UPDATE))
			reg[REG_GBPA] = store->old;
		return store->written & GBPA_UPDATE && !(reg[REG_CR0] & CR0_SMMUEN) ? GUEST_CONFIGURE : 0;
	case EFFECT_IRQ_CTRL:
		reg[REG_IRQ_CTRLACK] = reg[REG_IRQ_CTRL];
		break;
	case EFFECT_GERRORN:
		active = reg[REG_GERROR] ^ store->old;
		reg[REG_GERRORN] = store->old ^ (changed & active);
		if (!(changed & active & GERROR_CMDQ_ERR))
			break;
		reg[REG_CMDQ_CONS] &= ~(uint64_t)CMDQ_CONS_ERR;
		return GUEST_CONSUME;
	case EFFECT_CMDQ_PROD:
		return GUEST_CONSUME;
	case EFFECT_INDEX:
		trim_indices(iommu);
	}
	return 0;
}

unsigned int smmuv3_conditions(const struct guest_iommu *iommu)
{
	const uint64_t *reg = smmuv3_of(iommu)->reg;
	uint64_t cr0 = reg[REG_CR0], irqs = reg[REG_IRQ_CTRL];

	return (cr0 & CR0_SMMUEN ? SMMU_ENABLED : 0) | (cr0 & CR0_CMDQEN ? COMMANDS_ENABLED : 0) | (cr0 & CR0_EVENTQEN ? EVENTS_ENABLED : 0) |
	       (irqs & IRQ_CTRL_GERROR ? GERROR_IRQ_ENABLED : 0) | (irqs & IRQ_CTRL_EVENTQ ? EVENTQ_IRQ_ENABLED : 0) | (reg[REG_IDR0] & IDR0_MSI ? 0 : NO_MSI);
}
