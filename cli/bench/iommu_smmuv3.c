// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An SMMUv3. Structures are as a guest writes them (IHI 0070, chapters 3 to 5): one stream in a
 * linear stream table, pages of 4 KiB; the invalidation is a range (RIL) with TTL, as Linux sends
 * it to an SMMU with these features.
 */
#include <viommu/smmuv3.h>

#include <errno.h>

#include "iommus.h"

/*
 * Descriptors (Arm ARM, D8): a table; a page, with the access flag, for unprivileged accesses.
 * EPD1, V, IPS of 44 bits, AA64, R, A; T0SZ 25.
 */
#define TABLE UINT64_C(0x3)
#define PAGE  UINT64_C(0x443)
#define ASID  UINT64_C(1)
#define CD0   (25 | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(4) << 32 | UINT64_C(1) << 41 | UINT64_C(3) << 45 | ASID << 48)

/* Registers and commands (IHI 0070, chapters 6 and 4). */
#define STRTAB_BASE 0x80u
#define CMDQ_BASE   0x90u
#define CMDQ_PROD   0x98u
#define CR0	    0x20u
#define CFGI_STE    UINT64_C(0x03)
#define TLBI_NH_VA  (UINT64_C(0x12) | ASID << 48)
#define TTL_TG_4K   UINT64_C(0x700)
#define SYNC	    UINT64_C(0x46)

static int carry_out(struct bench_iommu *iommu)
{
	return viommu_smmuv3_write(iommu->made, CMDQ_PROD, 4, iommu->queued % (2 * IOMMU_COMMANDS));
}

static int begin(struct bench_iommu *iommu)
{
	const struct viommu_smmuv3_config config = { .size = sizeof(config), .flags = VIOMMU_SMMUV3_RESET_ABORT };
	const struct viommu_smmuv3_stage1 stage1 = { .size = sizeof(stage1), .output_bits = 44, .cd = { CD0, IOMMU_ROOT } };
	struct viommu_smmuv3 *made;
	int error = viommu_smmuv3_create(iommu->guest.vm, &config, &made);

	if (error)
		return error;
	iommu->made = made;
	bench_iommu_put(iommu, IOMMU_CONTEXT, CD0);
	bench_iommu_put(iommu, IOMMU_CONTEXT + 8, IOMMU_ROOT);
	bench_iommu_put(iommu, IOMMU_DEVICES, IOMMU_CONTEXT | 0xb);
	if (viommu_smmuv3_write(made, STRTAB_BASE, 8, IOMMU_DEVICES) || viommu_smmuv3_write(made, CMDQ_BASE, 8, IOMMU_QUEUE | IOMMU_QUEUE_BITS) ||
	    viommu_smmuv3_write(made, CR0, 4, 0x9))
		return -EILSEQ;
	return viommu_domain_create(iommu->guest.vm, iommu->soft, VIOMMU_DOMAIN_SMMUV3, &stage1, NULL, &iommu->alone);
}

static void end(struct bench_iommu *iommu)
{
	viommu_smmuv3_destroy(iommu->made);
}

static int add(struct bench_iommu *iommu, struct viommu_device **out)
{
	const struct viommu_smmuv3_device_config config = { .size = sizeof(config), .host = iommu->soft };
	struct viommu_smmuv3_device *device;
	int error = viommu_smmuv3_device_add(iommu->made, &config, &device);

	if (error)
		return error;
	iommu->device = device;
	*out = viommu_smmuv3_device_device(device);
	bench_iommu_queue(iommu, CFGI_STE, 1);
	bench_iommu_queue(iommu, SYNC, 0);
	return carry_out(iommu);
}

static void announce(struct bench_iommu *iommu, uint64_t iova, bool valid)
{
	(void)valid;
	bench_iommu_queue(iommu, TLBI_NH_VA | (iommu->pages - 1) % 32 << 12 | (iommu->pages > 32 ? UINT64_C(3) << 20 : 0), iova | TTL_TG_4K);
	bench_iommu_queue(iommu, SYNC, 0);
}

static int fault(struct bench_iommu *iommu, const struct viommu_fault *fault)
{
	return viommu_smmuv3_device_fault(iommu->device, fault);
}

const struct bench_iommu_kind bench_iommu_smmuv3 = {
	.name = "smmuv3",
	.does = "the store to CMDQ_PROD of an SMMUv3, of an invalidation and a CMD_SYNC",
	.baseline = "the refresh alone",
	.top = TABLE,
	.middle = TABLE,
	.page = PAGE,
	.begin = begin,
	.end = end,
	.add = add,
	.announce = announce,
	.carry_out = carry_out,
	.fault = fault,
};
