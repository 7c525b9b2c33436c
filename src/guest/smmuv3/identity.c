/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a guest is told that its SMMU can do (IHI 0070, section 6.3.1 to 6.3.6).
 *
 * Hardware that walks a guest's tables does what it can, and nobody stands between the two: so what a guest is offered must be had by hardware, too. What holds: an
 * SMMU that is made for hardware offers the part that both have. What only the library looks at, commands and stream tables, is the library's to offer.
 */
#include "context.h"
#include "core/vm.h"
#include "smmuv3.h"

/* Of IDR0: what there has to be, and what there may be. */
#define IDR0_NEEDED (IDR0_S1P | IDR0_TTF_AARCH64)
#define IDR0_FLAGS  (IDR0_COHACC | IDR0_ASID16)

/* Why hardware with these is not for a guest that is offered ours: NULL if it is. */
static const char *misfit(const uint32_t ours[6], const uint32_t theirs[6])
{
	uint32_t endian = IDR0_TTENDIAN(theirs[0]);

	if (IDR0_STALL_MODEL(theirs[0]) == STALL_MODEL_FORCED)
		return "a guest's tables are not for hardware that stalls on faults";
	if (~theirs[0] & IDR0_NEEDED || (endian != TTENDIAN_MIXED && endian != TTENDIAN_LITTLE))
		return "a guest's tables are not for hardware without stage 1 of little-endian AArch64 tables";
	if (~theirs[0] & ours[0] & IDR0_FLAGS || theirs[0] & ~ours[0] & IDR0_TERM_MODEL || ours[1] & IDR1_ATTR_PERMS_OVR || ~theirs[3] & ours[3] & IDR3_HAD ||
	    ~theirs[5] & ours[5] & IDR5_GRANULES || IDR5_OAS(theirs[5]) < IDR5_OAS(ours[5]))
		return "a guest's tables are not for hardware that has less than its SMMU offers";
	return NULL;
}

const char *smmuv3_misfit(const struct viommu_smmuv3 *smmu, struct viommu_host *host)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };

	viommu_host_caps(host, &caps);
	return caps.nests & VIOMMU_NESTS_SMMUV3 ? misfit(smmu->idr, caps.smmuv3_idr)
						: "a guest's tables are not for this host: it has no hardware that walks them";
}

/* Accesses whose privilege the guest's entry would change are nothing that a kernel lets hardware do for a guest. */
static void reduce(struct viommu_smmuv3 *smmu, const uint32_t theirs[6])
{
	uint32_t *ours = smmu->idr, size = IDR5_OAS(theirs[5]);

	ours[0] = (ours[0] & (theirs[0] | ~IDR0_FLAGS)) | (theirs[0] & IDR0_TERM_MODEL);
	ours[1] &= ~IDR1_ATTR_PERMS_OVR;
	ours[3] &= theirs[3] | ~IDR3_HAD;
	ours[5] &= theirs[5] | ~IDR5_GRANULES;
	if (!smmu->config.output_bits && size < smmuv3_size(DEFAULT_OUTPUT_BITS))
		smmu->config.output_bits = smmuv3_size_bits(size);
}

bool smmuv3_identify(struct viommu_smmuv3 *smmu)
{
	struct viommu_smmuv3_config *config = &smmu->config;
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	uint32_t *idr = smmu->idr;
	const char *why;

	idr[0] = IDR0_S1P | IDR0_TTF_AARCH64 | IDR0_COHACC | IDR0_ASID16 | IDR0_TTENDIAN_ONLY_LITTLE | IDR0_STALL_MODEL_NONE | IDR0_ST_LEVEL_TWO;
	idr[1] = config->sid_bits | SMMUV3_EVENTQS << IDR1_EVENTQS_SHIFT | SMMUV3_CMDQS << IDR1_CMDQS_SHIFT | IDR1_ATTR_PERMS_OVR;
	idr[3] = IDR3_HAD | IDR3_RIL;
	idr[5] = IDR5_GRANULES;
	if (config->hardware) {
		viommu_host_caps(config->hardware, &caps);
		reduce(smmu, caps.smmuv3_idr);
	}
	if (!config->output_bits)
		config->output_bits = DEFAULT_OUTPUT_BITS;
	idr[5] |= smmuv3_size(config->output_bits);
	why = config->hardware ? smmuv3_misfit(smmu, config->hardware) : NULL;
	if (why)
		vm_log(smmu->vm, VIOMMU_LOG_ERROR, why, caps.smmuv3_idr[0], caps.smmuv3_idr[5]);
	return !why;
}

bool smmuv3_has_output_bits(uint32_t bits)
{
	return smmuv3_size(bits) < SMMUV3_SIZES;
}
