/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands (IHI 0070, chapter 4). What a command asks for is done before a CMD_SYNC behind it is
 * passed, and before the store that had it consumed returns.
 */
#include "smmuv3.h"

/*
 * With SIG_IRQ, the interrupt of a CMD_SYNC is an MSI if it has an address (section 4.7.3). Guests
 * often wait for one in memory.
 */
static void sync(struct viommu_smmuv3 *smmu, const uint64_t *command)
{
	const struct guest_message message = { smmu->reg[REG_IDR0] & IDR0_MSI ? command[1] & MSI_ADDRESS : 0, VIOMMU_SMMUV3_CMD0_MSIDATA(command[0]) };

	guest_iommu_sync(&smmu->iommu);
	guest_count(&smmu->iommu.counts.syncs);
	if (VIOMMU_SMMUV3_CMD0_CS(command[0]) == VIOMMU_SMMUV3_SYNC_CS_IRQ)
		guest_iommu_signal(&smmu->iommu, VIOMMU_SMMUV3_IRQ_CMD_SYNC, message);
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

	guest_count(&smmu->iommu.counts.invalidations);
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

unsigned int smmuv3_execute(struct guest_iommu *iommu, const uint64_t *command)
{
	struct viommu_smmuv3 *smmu = smmuv3_of(iommu);
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
		guest_count(&iommu->counts.configs);
		guest_iommu_configure(iommu, sid, 0);
		return VIOMMU_SMMUV3_CERROR_NONE;
	case VIOMMU_SMMUV3_CMD_CFGI_STE_RANGE:
		/*
		 * It says how many of a StreamID's low bits are ignored, less 1; all of them is
		 * CMD_CFGI_ALL (sections 4.3.2 and 4.3.3).
		 */
		guest_count(&iommu->counts.configs);
		guest_iommu_configure(iommu, sid, VIOMMU_SMMUV3_CMD1_RANGE(command[1]) + 1);
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
