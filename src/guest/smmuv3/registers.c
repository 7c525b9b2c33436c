/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The register pages (IHI 0070, chapter 6).
 *
 * What holds: a store has all its effects before it returns, so that CR0ACK, IRQ_CTRLACK and GBPA.Update never tell of anything unfinished. What may not change
 * while something is enabled ignores stores then, as section 6.3 has it for each register; so do reserved bits and offsets. GERRORN acknowledges only what is
 * active. A store of 64 bits to two registers of 32 is one to the lower and then one to the upper.
 */
#include "invalidate.h"
#include "target.h"

/* What a store leads to, when the register has its value. */
enum effect {
	NOTHING,
	CONFIGURE, /* every stream anew */
	CONSUME,   /* commands */
	CONFIGURE_AND_CONSUME,
};

static uint32_t read32(const struct viommu_smmuv3 *smmu, uint32_t offset)
{
	const struct smmuv3_registers *registers = &smmu->registers;

	switch (offset) {
	case SMMUV3_IDR0:
	case SMMUV3_IDR1:
	case SMMUV3_IDR2:
	case SMMUV3_IDR3:
	case SMMUV3_IDR4:
	case SMMUV3_IDR5:
		return smmu->idr[(offset - SMMUV3_IDR0) / 4];
	case SMMUV3_AIDR:
		return AIDR_V3_2;
	case SMMUV3_CR0:
	case SMMUV3_CR0ACK:
		return registers->cr0;
	case SMMUV3_CR1:
		return registers->cr1;
	case SMMUV3_CR2:
		return registers->cr2;
	case SMMUV3_GBPA:
		return registers->gbpa;
	case SMMUV3_IRQ_CTRL:
	case SMMUV3_IRQ_CTRLACK:
		return registers->irq_ctrl;
	case SMMUV3_GERROR:
		return registers->gerror;
	case SMMUV3_GERRORN:
		return registers->gerrorn;
	case SMMUV3_STRTAB_BASE:
		return (uint32_t)registers->strtab_base;
	case SMMUV3_STRTAB_BASE + 4:
		return (uint32_t)(registers->strtab_base >> 32);
	case SMMUV3_STRTAB_BASE_CFG:
		return registers->strtab_cfg;
	case SMMUV3_CMDQ_BASE:
		return (uint32_t)registers->cmdq_base;
	case SMMUV3_CMDQ_BASE + 4:
		return (uint32_t)(registers->cmdq_base >> 32);
	case SMMUV3_CMDQ_PROD:
		return registers->cmdq_prod;
	case SMMUV3_CMDQ_CONS:
		return registers->cmdq_cons;
	case SMMUV3_EVENTQ_BASE:
		return (uint32_t)registers->eventq_base;
	case SMMUV3_EVENTQ_BASE + 4:
		return (uint32_t)(registers->eventq_base >> 32);
	case SMMUV3_EVENTQ_PROD:
		return registers->eventq_prod;
	case SMMUV3_EVENTQ_CONS:
		return registers->eventq_cons;
	default:
		return 0;
	}
}

static void set_half(uint64_t *reg, bool upper, uint32_t value, uint64_t all)
{
	uint64_t half = upper ? UINT64_C(0xffffffff) << 32 : UINT64_C(0xffffffff);

	*reg = ((*reg & ~half) | ((uint64_t)value << (upper ? 32 : 0))) & all;
}

static enum effect write_cr0(struct smmuv3_registers *registers, uint32_t value)
{
	uint32_t changed = (registers->cr0 ^ value) & CR0_ALL;

	registers->cr0 ^= changed;
	if (changed & CR0_SMMUEN)
		return changed & CR0_CMDQEN ? CONFIGURE_AND_CONSUME : CONFIGURE;
	return changed & CR0_CMDQEN ? CONSUME : NOTHING;
}

static enum effect write_gbpa(struct smmuv3_registers *registers, uint32_t value)
{
	if (!(value & GBPA_UPDATE))
		return NOTHING;
	registers->gbpa = value & GBPA_ALL;
	return registers->cr0 & CR0_SMMUEN ? NOTHING : CONFIGURE;
}

static enum effect write_gerrorn(struct smmuv3_registers *registers, uint32_t value)
{
	uint32_t acknowledged = (registers->gerror ^ registers->gerrorn) & (value ^ registers->gerrorn);

	registers->gerrorn ^= acknowledged;
	if (!(acknowledged & GERROR_CMDQ_ERR))
		return NOTHING;
	registers->cmdq_cons &= ~CMDQ_CONS_ERR;
	return CONSUME;
}

/* With lock held, and change where has_effects(). */
static enum effect write32(struct smmuv3_registers *registers, uint32_t offset, uint32_t value)
{
	bool enabled = registers->cr0 & CR0_SMMUEN, commands = registers->cr0 & CR0_CMDQEN, events = registers->cr0 & CR0_EVENTQEN;
	uint32_t open = (enabled ? 0 : CR1_TABLE) | (commands || events ? 0 : CR1_QUEUE);

	switch (offset) {
	case SMMUV3_CR0:
		return write_cr0(registers, value);
	case SMMUV3_CR1:
		registers->cr1 = (registers->cr1 & ~open) | (value & open);
		break;
	case SMMUV3_CR2:
		if (!enabled)
			registers->cr2 = value & CR2_RECINVSID;
		break;
	case SMMUV3_GBPA:
		return write_gbpa(registers, value);
	case SMMUV3_IRQ_CTRL:
		registers->irq_ctrl = value & (IRQ_CTRL_GERROR | IRQ_CTRL_EVENTQ);
		break;
	case SMMUV3_GERRORN:
		return write_gerrorn(registers, value);
	case SMMUV3_STRTAB_BASE:
	case SMMUV3_STRTAB_BASE + 4:
		if (!enabled)
			set_half(&registers->strtab_base, offset & 4, value, STRTAB_BASE_ALL);
		break;
	case SMMUV3_STRTAB_BASE_CFG:
		if (!enabled)
			registers->strtab_cfg = value & STRTAB_CFG_ALL;
		break;
	case SMMUV3_CMDQ_BASE:
	case SMMUV3_CMDQ_BASE + 4:
		if (!commands)
			set_half(&registers->cmdq_base, offset & 4, value, QUEUE_BASE_ALL);
		break;
	case SMMUV3_CMDQ_PROD:
		registers->cmdq_prod = value & QUEUE_INDEX;
		return CONSUME;
	case SMMUV3_CMDQ_CONS:
		if (!commands)
			registers->cmdq_cons = value & (QUEUE_INDEX | CMDQ_CONS_ERR);
		break;
	case SMMUV3_EVENTQ_BASE:
	case SMMUV3_EVENTQ_BASE + 4:
		if (!events)
			set_half(&registers->eventq_base, offset & 4, value, QUEUE_BASE_ALL);
		break;
	case SMMUV3_EVENTQ_PROD:
		if (!events)
			registers->eventq_prod = value & (QUEUE_INDEX | EVENTQ_OVERFLOW);
		break;
	case SMMUV3_EVENTQ_CONS:
		registers->eventq_cons = value & (QUEUE_INDEX | EVENTQ_OVERFLOW);
		break;
	default:
		break;
	}
	return NOTHING;
}

/* Two registers that a guest writes while others work need not wait for these. */
static bool has_effects(uint32_t offset)
{
	return offset != SMMUV3_EVENTQ_CONS && offset != SMMUV3_IRQ_CTRL;
}

static void store(struct viommu_smmuv3 *smmu, uint32_t offset, uint32_t value)
{
	enum effect effect;

	if (has_effects(offset))
		port_lock(&smmu->change);
	port_lock(&smmu->lock);
	effect = write32(&smmu->registers, offset, value);
	port_unlock(&smmu->lock);
	if (effect == CONFIGURE || effect == CONFIGURE_AND_CONSUME) {
		smmuv3_configure_all(smmu);
		smmuv3_mend(smmu);
	}
	if (effect == CONSUME || effect == CONFIGURE_AND_CONSUME)
		smmuv3_consume(smmu);
	if (has_effects(offset))
		port_unlock(&smmu->change);
}

static bool is_possible(uint64_t offset, unsigned int bytes)
{
	return (bytes == 4 || bytes == 8) && offset < VIOMMU_SMMUV3_BYTES && !(offset & (bytes - 1));
}

int viommu_smmuv3_read(struct viommu_smmuv3 *smmu, uint64_t offset, unsigned int bytes, uint64_t *value)
{
	if (!is_possible(offset, bytes))
		return -PORT_EINVAL;
	port_lock(&smmu->lock);
	*value = read32(smmu, (uint32_t)offset);
	if (bytes == 8)
		*value |= (uint64_t)read32(smmu, (uint32_t)offset + 4) << 32;
	port_unlock(&smmu->lock);
	return 0;
}

int viommu_smmuv3_write(struct viommu_smmuv3 *smmu, uint64_t offset, unsigned int bytes, uint64_t value)
{
	if (!is_possible(offset, bytes))
		return -PORT_EINVAL;
	store(smmu, (uint32_t)offset, (uint32_t)value);
	if (bytes == 8)
		store(smmu, (uint32_t)offset + 4, (uint32_t)(value >> 32));
	smmuv3_deliver(smmu);
	return 0;
}
