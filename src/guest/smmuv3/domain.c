/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stage 1 of a stream as a domain: nested, by the context descriptor, or of the kind hardware, by
 * the Stream Table Entry.
 */
#include <viommu/nesting.h>
#include <viommu/smmuv3.h>

#include "context.h"
#include "core/hardware.h"
#include "core/nested.h"
#include "format/arm64_sizes.h"
#include "format/format.h"
#include "guest/common/devices.h"
#include "guest/common/types.h"
#include "port/sized.h"
#include "spec.h"

/* A domain may have IOVAs of 52 bits, where its granule has. */
static const struct smmuv3_context_limits limits = { .least_tsz = 12 };

static int create_nested(struct viommu_vm *vm, struct viommu_host *host, const struct viommu_smmuv3_stage1 *stage1, struct viommu_refresh_result *result,
			 struct viommu_domain **out)
{
	unsigned int size = arm64_size(stage1->output_bits), number;
	/* For software: without the entry, and with nothing to choose from. */
	struct viommu_smmuv3_stage1 context = *stage1;
	const struct host_nest_data data = { .type = VIOMMU_DOMAIN_SMMUV3, .bytes = sizeof(context), .data = &context };
	struct guest_tables tables[2];
	int error;

	if (size == ARM64_SIZES || !smmuv3_cd_is_legal(stage1->cd[0], &limits))
		return -PORT_EINVAL;
	/*
	 * Pages that unprivileged accesses reach are not for privileged ones: a combination that
	 * the format does not have.
	 */
	if (stage1->cd[0] & CD0_PAN && stage1->flags & VIOMMU_SMMUV3_PRIVILEGED)
		return -PORT_EINVAL;
	/* On a host whose hardware sees the top byte, it cannot be ignored. */
	if (stage1->cd[0] & CD0_TBI && !host->caps.lookup)
		return -PORT_EINVAL;
	number = smmuv3_cd_tables(stage1->cd, stage1->flags, size, tables);
	context.size = sizeof(context);
	context.nesting = VIOMMU_NESTING_AUTO;
	context.ste[0] = context.ste[1] = 0;
	error = nested_create(vm, host, tables, number, &data, result, out);
	if (!error)
		(*out)->top_ignored = CD0_TBI_HALVES(stage1->cd[0]);
	return error;
}

/*
 * The hardware's features. False for hardware that always stalls on a fault: the guest's SMMU has
 * no stalls, and so no command that ends one.
 */
static bool nests(struct viommu_host *host, struct viommu_smmuv3_hw_info *info)
{
	info->size = sizeof(*info);
	return !viommu_host_nest_info(host, VIOMMU_DOMAIN_SMMUV3, info) && IDR0_STALL_MODEL(info->idr[0]) != STALL_MODEL_FORCED;
}

/* The reason why hardware cannot walk these tables, NULL if it can. */
static const char *unfit(bool nests, const struct viommu_smmuv3_stage1 *stage1)
{
	if (!nests)
		return "hardware nesting off: this host has no hardware that walks a guest's tables";
	if (!(stage1->ste[0] & STE0_V))
		return "hardware nesting off: there is no Stream Table Entry for it";
	if (stage1->flags & VIOMMU_SMMUV3_PRIVILEGED)
		return "hardware nesting off: hardware takes no stream whose accesses are made privileged";
	return NULL;
}

/*
 * A domain begins with nothing in the hardware's caches: invalidations that the guest sent while
 * there was no such domain reached no hardware.
 */
static int create_hardware(struct viommu_vm *vm, struct viommu_host *host, const struct viommu_smmuv3_hw_info *info, const struct viommu_smmuv3_stage1 *stage1,
			   struct viommu_domain **out)
{
	const uint64_t everything[VIOMMU_SMMUV3_CMD_WORDS] = { format_swap_if_big(VIOMMU_SMMUV3_CMD_TLBI_NH_ALL) };
	uint64_t ste[2] = { stage1->ste[0], stage1->ste[1] & ~STE1_S1STALLD };
	const struct host_nest_data data = { .type = VIOMMU_DOMAIN_SMMUV3, .bytes = sizeof(ste), .data = ste };
	int error;

	/*
	 * No stalls, where the guest's descriptors could ask for them. Where there are none, the
	 * field is reserved (section 5.2).
	 */
	if (STE0_CONFIG(ste[0]) == STE_CONFIG_S1 && IDR0_STALL_MODEL(info->idr[0]) == STALL_MODEL_POSSIBLE)
		ste[1] |= STE1_S1STALLD;
	ste[0] = format_swap_if_big(ste[0]);
	ste[1] = format_swap_if_big(ste[1]);
	error = hardware_create(vm, host, &data, out);
	if (error)
		return error;
	error = viommu_nest_invalidate(vm, host, VIOMMU_DOMAIN_SMMUV3, everything, sizeof(everything), 1, NULL);
	if (error)
		viommu_domain_destroy(*out);
	return error;
}

static int create(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_refresh_result *result, struct viommu_domain **out)
{
	struct viommu_smmuv3_hw_info info;
	struct viommu_smmuv3_stage1 stage1;
	bool hardware, has_entry, nested = nests(host, &info);
	int error;

	if (!sized_in(&stage1, sizeof(stage1), VIOMMU_SMMUV3_STAGE1_SIZE_V0, data) || stage1.flags & ~VIOMMU_SMMUV3_PRIVILEGED)
		return -PORT_EINVAL;
	has_entry = stage1.ste[0] & STE0_V;
	if (nested && !has_entry && stage1.nesting == VIOMMU_NESTING_HARDWARE)
		return -PORT_EINVAL;
	/* Nothing to choose from, and nothing to say. */
	if (!nested && !has_entry && stage1.nesting == VIOMMU_NESTING_AUTO)
		stage1.nesting = VIOMMU_NESTING_SHADOW;
	error = guest_nesting_pick(vm, stage1.nesting, unfit(nested, &stage1), 0, &hardware);
	if (error)
		return error;
	return hardware ? create_hardware(vm, host, &info, &stage1, out) : create_nested(vm, host, &stage1, result, out);
}

const struct guest_type smmuv3_guest_type = {
	.type = VIOMMU_DOMAIN_SMMUV3,
	.name = "SMMUv3",
	.formats = UINT64_C(1) << VIOMMU_FORMAT_ARM64_4K | UINT64_C(1) << VIOMMU_FORMAT_ARM64_16K | UINT64_C(1) << VIOMMU_FORMAT_ARM64_64K,
	.create = create,
};
