/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command queue (IHI 0070, chapter 4 and section 3.5).
 *
 * Commands are consumed in their order, until there are none, or until one is refused: then CONS
 * stays at it, CONS.ERR says why, and GERROR.CMDQ_ERR stops the queue until the guest has
 * acknowledged it (section 7.1). What a command asks for is done before a CMD_SYNC behind it is
 * passed, and before the store that had it consumed returns. One store consumes at most two queues
 * of commands, as the producer's index has one bit more than the queue's.
 */
#include "smmuv3.h"

/*
 * A range command says how many of a StreamID's low bits are ignored; all of them is CMD_CFGI_ALL
 * (sections 4.3.2 and 4.3.3).
 */
static void configure_range(struct viommu_smmuv3 *smmu, uint32_t sid, unsigned int range)
{
	guest_each_device(&smmu->iommu, device) if (!((uint64_t)(device->id.id ^ sid) >> (range + 1))) smmuv3_configure(smmuv3_device_of(device));
}

static void configure(struct viommu_smmuv3 *smmu, uint32_t sid)
{
	struct guest_device *device = guest_device_find(&smmu->iommu, sid);

	if (device)
		smmuv3_configure(smmuv3_device_of(device));
}

/*
 * With SIG_IRQ, the interrupt of a CMD_SYNC is an MSI if it has an address (section 4.7.3). Guests
 * often wait for one in memory.
 */
static void sync(struct viommu_smmuv3 *smmu, const uint64_t *command)
{
	uint64_t address = smmu->reg[REG_IDR0] & IDR0_MSI ? command[1] & MSI_ADDRESS & smmuv3_addresses(smmu) : 0;
	uint32_t data = VIOMMU_SMMUV3_CMD0_MSIDATA(command[0]);

	guest_iommu_sync(&smmu->iommu);
	smmuv3_count(smmu, COUNT_SYNCS);
	if (VIOMMU_SMMUV3_CMD0_CS(command[0]) != VIOMMU_SMMUV3_SYNC_CS_IRQ || (address && guest_memory_store32(&smmu->iommu.memory, address, data)))
		return;
	port_lock(&smmu->iommu.lock);
	if (address) {
		smmu->syncs.msi[smmu->syncs.number].address = address;
		smmu->syncs.msi[smmu->syncs.number++].data = data;
	} else {
		smmu->syncs.wired = true;
	}
	guest_iommu_note(&smmu->iommu, VIOMMU_SMMUV3_IRQ_CMD_SYNC);
	port_unlock(&smmu->iommu.lock);
}

/*
 * log2 of what one entry covers, by TG and TTL; for TTL 0, which does not say the level, the most.
 * Without TG, the most of all (section 4.4.1).
 */
static unsigned int entry_bits(const struct viommu_smmuv3 *smmu, unsigned int tg, unsigned int ttl)
{
	static const uint8_t bits[4][4] = {
		/* TTL: 0, 1, 2, 3 */
		{ 30 },
		{ 30, 30, 21, 12 },
		{ 25, 25, 25, 14 },
		{ 29, 42, 29, 16 },
	};

	/* Blocks of 4 TiB are for 64K granules with addresses of 52 bits alone. */
	if (smmu->config.output_bits == 52 && (!tg || (tg == 3 && !ttl)))
		return 42;
	return bits[tg][tg ? ttl : 0];
}

/*
 * CMD_TLBI_NH_VA and _VAA. An entry is invalidated with any of its addresses. A global one is
 * invalidated whatever the ASID (section 4.4.2.4).
 */
static unsigned int invalidate_va(struct viommu_smmuv3 *smmu, const uint64_t *command)
{
	unsigned int tg = VIOMMU_SMMUV3_CMD1_TG(command[1]), ttl = VIOMMU_SMMUV3_CMD1_TTL(command[1]), num = VIOMMU_SMMUV3_CMD0_NUM(command[0]),
		     scale = VIOMMU_SMMUV3_CMD0_SCALE(command[0]);
	struct guest_range range = { .all = VIOMMU_SMMUV3_CMD0_OPCODE(command[0]) == VIOMMU_SMMUV3_CMD_TLBI_NH_VAA,
				     .context = VIOMMU_SMMUV3_CMD0_ASID(command[0]) };
	uint64_t bytes = VIOMMU_PAGE_SIZE, rest, sent[VIOMMU_SMMUV3_CMD_WORDS] = { command[0], command[1] };

	/* Without TG, or without range invalidation, NUM, SCALE and TTL are ignored. */
	if (!(smmu->reg[REG_IDR3] & IDR3_RIL))
		tg = 0;
	/* With 16K there are no leaves at level 1 (IDR5.DS = 0). */
	if (!tg || (tg == VIOMMU_SMMUV3_CMD1_TG_16K && ttl == 1))
		ttl = 0;
	/* Hardware is not given what is reserved. */
	if (!ttl)
		sent[1] &= ~VIOMMU_SMMUV3_CMD1_TTL_ALL;
	if (!tg)
		sent[1] &= ~VIOMMU_SMMUV3_CMD1_TG_ALL;
	if (tg) {
		/* One page of an unknown level is reserved (section 4.4.1.1). */
		if (!num && !scale && !ttl)
			return VIOMMU_SMMUV3_CERROR_ILL;
		bytes = (uint64_t)(num + 1) << scale << (10 + 2 * tg);
	}
	range.globals = !range.all;
	range.first = command[1] & VIOMMU_SMMUV3_CMD1_ADDRESS;
	range.last = range.first + (bytes - 1);
	if (range.last < range.first)
		range.last = UINT64_MAX;
	if (ttl) {
		rest = (UINT64_C(1) << entry_bits(smmu, tg, ttl)) - 1;
		range.first &= ~rest;
		range.last |= rest;
	} else {
		range.entry_bits = entry_bits(smmu, tg, 0);
	}
	guest_iommu_invalidate(&smmu->iommu, range);
	guest_iommu_forward(&smmu->iommu, NULL, sent);
	return VIOMMU_SMMUV3_CERROR_NONE;
}

static unsigned int invalidate(struct viommu_smmuv3 *smmu, const uint64_t *command)
{
	struct guest_range range = { .last = UINT64_MAX };

	smmuv3_count(smmu, COUNT_INVALIDATIONS);
	switch (VIOMMU_SMMUV3_CMD0_OPCODE(command[0])) {
	case VIOMMU_SMMUV3_CMD_TLBI_NH_VA:
	case VIOMMU_SMMUV3_CMD_TLBI_NH_VAA:
		return invalidate_va(smmu, command);
	case VIOMMU_SMMUV3_CMD_TLBI_NH_ASID:
		range.context = VIOMMU_SMMUV3_CMD0_ASID(command[0]);
		break;
	default:
		range.all = true;
		break;
	}
	guest_iommu_invalidate(&smmu->iommu, range);
	guest_iommu_forward(&smmu->iommu, NULL, command);
	return VIOMMU_SMMUV3_CERROR_NONE;
}

static unsigned int execute(void *iommu, const uint64_t *command)
{
	struct viommu_smmuv3 *smmu = iommu;
	uint32_t sid = VIOMMU_SMMUV3_CMD0_SID(command[0]);

	/* There is no secure state (section 4.1.1). */
	if (command[0] & VIOMMU_SMMUV3_CMD0_SSEC && VIOMMU_SMMUV3_CMD0_OPCODE(command[0]) <= VIOMMU_SMMUV3_CMD_CFGI_CD_ALL)
		return VIOMMU_SMMUV3_CERROR_ILL;
	switch (VIOMMU_SMMUV3_CMD0_OPCODE(command[0])) {
	case VIOMMU_SMMUV3_CMD_PREFETCH_CONFIG:
	case VIOMMU_SMMUV3_CMD_PREFETCH_ADDR:
		return VIOMMU_SMMUV3_CERROR_NONE;
	case VIOMMU_SMMUV3_CMD_CFGI_STE:
	case VIOMMU_SMMUV3_CMD_CFGI_CD:
	case VIOMMU_SMMUV3_CMD_CFGI_CD_ALL:
		smmuv3_count(smmu, COUNT_CONFIGS);
		configure(smmu, sid);
		return VIOMMU_SMMUV3_CERROR_NONE;
	case VIOMMU_SMMUV3_CMD_CFGI_STE_RANGE:
		smmuv3_count(smmu, COUNT_CONFIGS);
		configure_range(smmu, sid, VIOMMU_SMMUV3_CMD1_RANGE(command[1]));
		return VIOMMU_SMMUV3_CERROR_NONE;
	case VIOMMU_SMMUV3_CMD_TLBI_NH_ALL:
	case VIOMMU_SMMUV3_CMD_TLBI_NH_ASID:
	case VIOMMU_SMMUV3_CMD_TLBI_NH_VA:
	case VIOMMU_SMMUV3_CMD_TLBI_NH_VAA:
	case VIOMMU_SMMUV3_CMD_TLBI_NSNH_ALL:
		return invalidate(smmu, command);
	case VIOMMU_SMMUV3_CMD_SYNC:
		if (VIOMMU_SMMUV3_CMD0_CS(command[0]) == VIOMMU_SMMUV3_SYNC_CS_RESERVED)
			return VIOMMU_SMMUV3_CERROR_ILL;
		sync(smmu, command);
		return VIOMMU_SMMUV3_CERROR_NONE;
	default:
		return VIOMMU_SMMUV3_CERROR_ILL;
	}
}

static bool next(void *iommu, uint64_t *gpa)
{
	struct viommu_smmuv3 *smmu = iommu;
	const struct guest_queue queue = smmuv3_command_queue(smmu);
	const uint64_t *reg = smmu->reg;

	if (!(reg[REG_CR0] & CR0_CMDQEN) || (reg[REG_GERROR] ^ reg[REG_GERRORN]) & GERROR_CMDQ_ERR)
		return false;
	*gpa = guest_queue_entry(&queue, (uint32_t)reg[REG_CMDQ_CONS]);
	if (guest_queue_is_empty(&queue, (uint32_t)reg[REG_CMDQ_PROD], (uint32_t)reg[REG_CMDQ_CONS]))
		return false;
	smmu->syncs.waits = smmu->syncs.number == SMMUV3_SYNCS;
	return !smmu->syncs.waits;
}

static void done(void *iommu, unsigned int error)
{
	struct viommu_smmuv3 *smmu = iommu;
	const struct guest_queue queue = smmuv3_command_queue(smmu);
	uint32_t cons = (uint32_t)smmu->reg[REG_CMDQ_CONS];

	if (error)
		smmuv3_raise_gerror(smmu, GERROR_CMDQ_ERR);
	smmu->reg[REG_CMDQ_CONS] = error ? (cons & ~CMDQ_CONS_ERR) | error << CMDQ_CONS_ERR_SHIFT : (cons & CMDQ_CONS_ERR) | guest_queue_next(&queue, cons);
	smmuv3_count(smmu, error ? COUNT_ERRORS : COUNT_COMMANDS);
}

void smmuv3_consume(struct viommu_smmuv3 *smmu)
{
	static const struct guest_commands commands = { next, execute, done, VIOMMU_SMMUV3_CMD_WORDS, VIOMMU_SMMUV3_CERROR_ABT };

	guest_commands_consume(&commands, smmu, &smmu->iommu.memory, &smmu->iommu.lock);
	guest_iommu_sync(&smmu->iommu);
}

bool smmuv3_consume_rest(struct viommu_smmuv3 *smmu)
{
	bool waits;

	port_lock(&smmu->iommu.lock);
	waits = smmu->syncs.waits;
	smmu->syncs.waits = false;
	port_unlock(&smmu->iommu.lock);
	if (!waits)
		return false;
	port_lock(&smmu->iommu.change);
	smmuv3_consume(smmu);
	port_unlock(&smmu->iommu.change);
	return true;
}
