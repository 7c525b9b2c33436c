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

static const struct guest_register table[REGISTERS] = {
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
	[REG_IRQ_CTRL] = { VIOMMU_SMMUV3_IRQ_CTRL, 4, .effect = EFFECT_IRQ_CTRL, .writable = IRQ_CTRL_GERROR | IRQ_CTRL_EVENTQ },
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
	[REG_EVENTQ_CONS] = { VIOMMU_SMMUV3_EVENTQ_CONS, 4, .writable = QUEUE_INDEX | EVENTQ_OVERFLOW },
};

static struct guest_registers registers_of(struct viommu_smmuv3 *smmu)
{
	return (struct guest_registers){ table, REGISTERS, smmu->reg };
}

void smmuv3_registers_reset(struct viommu_smmuv3 *smmu)
{
	for (unsigned int row = REG_CR0; row < REGISTERS; row++)
		smmu->reg[row] = table[row].reset;
	if (smmu->config.flags & VIOMMU_SMMUV3_RESET_ABORT)
		smmu->reg[REG_GBPA] = GBPA_ABORT;
}

/* The effects of a store, after the register has its value and lock was released. */
struct work {
	bool configure; /* every stream anew */
	bool consume;	/* commands */
};

/*
 * Of the indices that the SMMU writes, bits above the wrap bit are RAZ (sections 6.3.28 and
 * 6.3.95).
 */
static void trim_indices(struct viommu_smmuv3 *smmu)
{
	const struct guest_queue commands = smmuv3_command_queue(smmu), events = smmuv3_event_queue(smmu);

	smmu->reg[REG_CMDQ_CONS] &= CMDQ_CONS_ERR | guest_queue_mask(&commands);
	smmu->reg[REG_EVENTQ_PROD] &= EVENTQ_OVERFLOW | guest_queue_mask(&events);
}

/* With lock held: what a store does beyond changing writable bits. */
static struct work react(struct viommu_smmuv3 *smmu, const struct guest_store *store)
{
	uint64_t *reg = smmu->reg;
	uint64_t changed = reg[store->row] ^ store->old, active;

	switch (store->effect) {
	case EFFECT_CR0:
		reg[REG_CR0ACK] = reg[REG_CR0];
		return (struct work){ .configure = changed & CR0_SMMUEN, .consume = changed & CR0_CMDQEN };
	case EFFECT_GBPA:
		if (!(store->written & GBPA_UPDATE))
			reg[REG_GBPA] = store->old;
		return (struct work){ .configure = store->written & GBPA_UPDATE && !(reg[REG_CR0] & CR0_SMMUEN) };
	case EFFECT_IRQ_CTRL:
		reg[REG_IRQ_CTRLACK] = reg[REG_IRQ_CTRL];
		break;
	case EFFECT_GERRORN:
		active = reg[REG_GERROR] ^ store->old;
		reg[REG_GERRORN] = store->old ^ (changed & active);
		if (!(changed & active & GERROR_CMDQ_ERR))
			break;
		reg[REG_CMDQ_CONS] &= ~(uint64_t)CMDQ_CONS_ERR;
		return (struct work){ .consume = true };
	case EFFECT_CMDQ_PROD:
		return (struct work){ .consume = true };
	case EFFECT_INDEX:
		trim_indices(smmu);
		break;
	default:
		break;
	}
	return (struct work){ .consume = false };
}

static unsigned int conditions_now(const uint64_t reg[REGISTERS])
{
	uint64_t cr0 = reg[REG_CR0], irqs = reg[REG_IRQ_CTRL];

	return (cr0 & CR0_SMMUEN ? SMMU_ENABLED : 0) | (cr0 & CR0_CMDQEN ? COMMANDS_ENABLED : 0) | (cr0 & CR0_EVENTQEN ? EVENTS_ENABLED : 0) |
	       (irqs & IRQ_CTRL_GERROR ? GERROR_IRQ_ENABLED : 0) | (irqs & IRQ_CTRL_EVENTQ ? EVENTQ_IRQ_ENABLED : 0) | (reg[REG_IDR0] & IDR0_MSI ? 0 : NO_MSI);
}

/* Two registers that a guest writes while commands are consumed need not wait for that. */
static bool needs_change(uint32_t offset)
{
	return offset != VIOMMU_SMMUV3_EVENTQ_CONS && offset != VIOMMU_SMMUV3_IRQ_CTRL;
}

static void store32(struct viommu_smmuv3 *smmu, uint32_t offset, uint32_t value)
{
	const struct guest_registers registers = registers_of(smmu);
	struct work work = { .consume = false };
	struct guest_store store;
	unsigned int conditions;

	if (needs_change(offset))
		port_lock(&smmu->iommu.change);
	port_lock(&smmu->iommu.lock);
	conditions = conditions_now(smmu->reg);
	if (guest_registers_store(&registers, offset, value, conditions, &store))
		work = react(smmu, &store);
	port_unlock(&smmu->iommu.lock);
	if (work.configure) {
		smmuv3_configure_all(smmu);
		guest_iommu_sync(&smmu->iommu);
	}
	if (work.consume)
		smmuv3_consume(smmu);
	if (needs_change(offset))
		port_unlock(&smmu->iommu.change);
}

static bool is_access(uint64_t offset, unsigned int bytes)
{
	return (bytes == 4 || bytes == 8) && offset < VIOMMU_SMMUV3_BYTES && !(offset & (bytes - 1));
}

int viommu_smmuv3_read(struct viommu_smmuv3 *smmu, uint64_t offset, unsigned int bytes, uint64_t *value)
{
	const struct guest_registers registers = registers_of(smmu);

	if (!is_access(offset, bytes))
		return -PORT_EINVAL;
	port_lock(&smmu->iommu.lock);
	*value = guest_registers_load(&registers, (uint32_t)offset, bytes);
	port_unlock(&smmu->iommu.lock);
	return 0;
}

int viommu_smmuv3_write(struct viommu_smmuv3 *smmu, uint64_t offset, unsigned int bytes, uint64_t value)
{
	if (!is_access(offset, bytes))
		return -PORT_EINVAL;
	store32(smmu, (uint32_t)offset, (uint32_t)value);
	if (bytes == 8)
		store32(smmu, (uint32_t)offset + 4, (uint32_t)(value >> 32));
	do {
		guest_iommu_deliver(&smmu->iommu);
	} while (smmuv3_consume_rest(smmu));
	return 0;
}
