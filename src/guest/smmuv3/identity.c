/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The identification registers (IHI 0070, sections 6.3.1 to 6.3.6).
 *
 * Where hardware walks a guest's tables, it does what it can, and nothing stands between the two.
 * So an SMMU that is made for hardware offers the part that both have. Stream tables, which only
 * the library reads, are the library's to offer.
 *
 * BBML 1: a guest may change the size of a block without a moment in which it is invalid, as long
 * as it sets nT. nT is ignored, so that it makes no fault. A refresh removes the old translation
 * before it establishes the new one; an access that comes in between misses, and finds the new one.
 */
#include "format/arm64_sizes.h"
#include "smmuv3.h"

/* Of IDR0: the features that hardware must have, and those that it may have. */
#define IDR0_NEEDED (IDR0_S1P | IDR0_TTF_AARCH64)
#define IDR0_FLAGS  (IDR0_COHACC | IDR0_ASID16)
#define IDR3_FLAGS  (IDR3_HAD | IDR3_RIL)

#define DEFAULT_OUTPUT_BITS 44u

const char *smmuv3_misfit(const struct viommu_smmuv3 *smmu, struct viommu_host *host)
{
	struct viommu_smmuv3_hw_info info = { .size = sizeof(info) };
	const uint64_t *ours = &smmu->reg[REG_IDR0];
	const uint32_t *theirs = info.idr;
	uint32_t endian;

	if (viommu_host_nest_info(host, VIOMMU_DOMAIN_SMMUV3, &info))
		return "hardware nesting off: this host has no hardware that walks a guest's tables";
	endian = IDR0_TTENDIAN(theirs[0]);
	if (IDR0_STALL_MODEL(theirs[0]) == STALL_MODEL_FORCED)
		return "hardware nesting off: IDR0.STALL_MODEL is forced";
	if (~theirs[0] & IDR0_NEEDED || (endian != TTENDIAN_MIXED && endian != TTENDIAN_LITTLE))
		return "hardware nesting off: no stage 1 with little-endian AArch64 tables";
	if (~theirs[0] & ours[0] & IDR0_FLAGS || theirs[0] & ~ours[0] & IDR0_TERM_MODEL || ~theirs[3] & ours[3] & IDR3_FLAGS ||
	    IDR3_BBML(theirs[3]) < IDR3_BBML(ours[3]) || ~theirs[5] & ours[5] & IDR5_GRANULES || IDR5_OAS(theirs[5]) < IDR5_OAS(ours[5]))
		return "hardware nesting off: the hardware has less than the guest's SMMU offers";
	return NULL;
}

static void reduce(struct viommu_smmuv3 *smmu, const uint32_t theirs[6])
{
	uint64_t *ours = &smmu->reg[REG_IDR0];
	uint32_t size = IDR5_OAS(theirs[5]);

	ours[0] = (ours[0] & (theirs[0] | ~IDR0_FLAGS)) | (theirs[0] & IDR0_TERM_MODEL);
	ours[3] &= theirs[3] | ~IDR3_FLAGS;
	/* SMMUv3.2 requires BBML 1, and RIL requires SMMUv3.2 (section 3.21.1.1). */
	if (!IDR3_BBML(theirs[3])) {
		ours[3] &= ~(uint64_t)(IDR3_BBML_1 | IDR3_FWB | IDR3_RIL);
		smmu->reg[REG_AIDR] = AIDR_V3_1;
	}
	ours[5] &= theirs[5] | ~IDR5_GRANULES;
	if (!smmu->config.output_bits && size < arm64_size(DEFAULT_OUTPUT_BITS))
		smmu->config.output_bits = arm64_size_bits(size);
}

bool smmuv3_identify(struct viommu_smmuv3 *smmu)
{
	struct viommu_smmuv3_config *config = &smmu->config;
	struct viommu_smmuv3_hw_info info = { .size = sizeof(info) };
	uint64_t *idr = &smmu->reg[REG_IDR0];
	const char *why;

	idr[0] = IDR0_S1P | IDR0_TTF_AARCH64 | IDR0_COHACC | IDR0_ASID16 | IDR0_TTENDIAN_ONLY_LITTLE | IDR0_STALL_MODEL_NONE | IDR0_ST_LEVEL_TWO;
	if (config->msi)
		idr[0] |= IDR0_MSI;
	idr[1] = config->sid_bits | SMMUV3_EVENTQS << IDR1_EVENTQS_SHIFT | SMMUV3_CMDQS << IDR1_CMDQS_SHIFT;
	idr[3] = IDR3_HAD | IDR3_FWB | IDR3_RIL | IDR3_BBML_1;
	idr[5] = IDR5_GRANULES;
	smmu->reg[REG_AIDR] = AIDR_V3_2;
	if (config->hardware) {
		(void)viommu_host_nest_info(config->hardware, VIOMMU_DOMAIN_SMMUV3, &info);
		reduce(smmu, info.idr);
	}
	if (!config->output_bits)
		config->output_bits = DEFAULT_OUTPUT_BITS;
	idr[5] |= arm64_size(config->output_bits);
	why = config->hardware ? smmuv3_misfit(smmu, config->hardware) : NULL;
	if (why)
		vm_log(smmu->iommu.vm, VIOMMU_LOG_ERROR, why, info.idr[0], info.idr[5]);
	return !why;
}
