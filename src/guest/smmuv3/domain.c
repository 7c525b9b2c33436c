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
#include "guest/common/types.h"
#include "port/sized.h"

/* A domain may have IOVAs of 52 bits, where its granule has. */
static const struct smmuv3_context_limits limits = { .least_tsz = 12 };

static int create_nested(struct viommu_vm *vm, struct viommu_host *host, const struct viommu_smmuv3_stage1 *stage1, struct viommu_refresh_result *result,
			 struct viommu_domain **out)
{
	unsigned int size = smmuv3_size(stage1->output_bits), number;
	struct guest_tables tables[2];

	if (size == SMMUV3_SIZES || !smmuv3_cd_is_legal(stage1->cd[0], &limits))
		return -PORT_EINVAL;
	number = smmuv3_cd_tables(stage1->cd, stage1->flags, size, tables);
	return nested_create(vm, host, tables, number, result, out);
}

/* A fault of hardware that can do nothing but stall would never be answered: the guest's SMMU is offered without stalls, and so without the command that ends one. */
static bool nests(const struct viommu_host *host)
{
	return host->caps.nests & VIOMMU_NESTS_SMMUV3 && IDR0_STALL_MODEL(host->caps.smmuv3_idr[0]) != STALL_MODEL_FORCED;
}

/* Whether hardware walks the tables, or the library. 0, -EINVAL, or -EOPNOTSUPP: it is to be hardware, and there is none for it. */
static int pick(struct viommu_vm *vm, const struct viommu_host *host, const struct viommu_smmuv3_stage1 *stage1, bool *hardware)
{
	bool possible = nests(host) && stage1->ste[0] & STE0_V && !(stage1->flags & VIOMMU_SMMUV3_PRIVILEGED);
	const char *why = NULL;

	*hardware = possible && stage1->nesting != VIOMMU_NESTING_SHADOW;
	switch (stage1->nesting) {
	case VIOMMU_NESTING_AUTO:
		if (possible)
			why = "a guest's tables are walked by the hardware";
		else if (nests(host) && stage1->ste[0] & STE0_V)
			why = "a guest's tables are shadowed: hardware takes no stream whose accesses are made privileged";
		else if (nests(host))
			why = "a guest's tables are shadowed: hardware would need their Stream Table Entry";
		else if (stage1->ste[0] & STE0_V)
			why = "a guest's tables are shadowed: this host has no hardware that walks them";
		if (why)
			vm_log(vm, VIOMMU_LOG_INFO, why, 0, 0);
		return 0;
	case VIOMMU_NESTING_SHADOW:
		return 0;
	case VIOMMU_NESTING_HARDWARE:
		if (possible)
			return 0;
		return nests(host) && !(stage1->ste[0] & STE0_V) ? -PORT_EINVAL : -PORT_EOPNOTSUPP;
	default:
		return -PORT_EINVAL;
	}
}

static int create_hardware(struct viommu_vm *vm, struct viommu_host *host, const struct viommu_smmuv3_stage1 *stage1, struct viommu_domain **out)
{
	uint64_t ste[2] = { stage1->ste[0], stage1->ste[1] & ~STE1_S1STALLD };

	/* No stalls, where the guest's descriptors could ask for them. Where there are none, the field is reserved (section 5.2). */
	if (STE0_CONFIG(ste[0]) == STE_CONFIG_S1 && IDR0_STALL_MODEL(host->caps.smmuv3_idr[0]) == STALL_MODEL_POSSIBLE)
		ste[1] |= STE1_S1STALLD;
	return hardware_create(vm, host, ste, out);
}

static int create(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_refresh_result *result, struct viommu_domain **out)
{
	struct viommu_smmuv3_stage1 stage1;
	bool hardware;
	int error;

	if (!sized_in(&stage1, sizeof(stage1), offsetof(struct viommu_smmuv3_stage1, ste), data) || stage1.flags & ~VIOMMU_SMMUV3_PRIVILEGED)
		return -PORT_EINVAL;
	error = pick(vm, host, &stage1, &hardware);
	if (error)
		return error;
	return hardware ? create_hardware(vm, host, &stage1, out) : create_nested(vm, host, &stage1, result, out);
}

const struct guest_type smmuv3_guest_type = { .type = VIOMMU_DOMAIN_SMMUV3, .create = create };
