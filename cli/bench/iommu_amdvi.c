// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * AMD's IOMMU (48882): host page tables, and a command buffer in which the guest invalidates the
 * pages of a buffer at once (INVALIDATE_IOMMU_PAGES), with a COMPLETION_WAIT behind that stores.
 */
#include <viommu/amdvi.h>
#include <viommu/amdvi_spec.h>

#include "iommus.h"

#define PRESENT	  UINT64_C(1)
#define RIGHTS	  (UINT64_C(3) << 61) /* IR and IW */
#define LEVEL(n)  (UINT64_C(n) << 9)
#define VALID	  UINT64_C(3) /* V and TV of a device table entry */
#define DEVICE_ID UINT64_C(8)
#define DOMAIN_ID UINT64_C(5)

#define COMMAND(opcode) ((uint64_t)(opcode) << 60)

static int carry_out(struct bench_iommu *iommu)
{
	return viommu_amdvi_write(iommu->made, VIOMMU_AMDVI_CMD_TAIL, 4, bench_iommu_tail(iommu));
}

static int begin(struct bench_iommu *iommu)
{
	const struct viommu_amdvi_tables tables = { .size = sizeof(tables), .mode = 3, .root = IOMMU_ROOT, .prot = VIOMMU_RW };
	const struct viommu_amdvi_config config = VIOMMU_AMDVI_CONFIG_INIT;
	uint64_t entry = IOMMU_DEVICES + 32 * DEVICE_ID;
	struct viommu_amdvi *made;
	int error = viommu_amdvi_create(iommu->guest.vm, &config, &made);

	if (error)
		return error;
	iommu->made = made;
	bench_iommu_put(iommu, entry + 8, DOMAIN_ID);
	bench_iommu_put(iommu, entry, IOMMU_ROOT | RIGHTS | LEVEL(3) | VALID);
	viommu_amdvi_write(made, VIOMMU_AMDVI_DEV_TAB_BASE, 8, IOMMU_DEVICES);
	viommu_amdvi_write(made, VIOMMU_AMDVI_CMD_BASE, 8, IOMMU_QUEUE | (uint64_t)IOMMU_QUEUE_BITS << 56);
	viommu_amdvi_write(made, VIOMMU_AMDVI_CONTROL, 8, VIOMMU_AMDVI_CONTROL_IOMMU_EN | VIOMMU_AMDVI_CONTROL_CMD_BUF_EN);
	return viommu_domain_create(iommu->guest.vm, iommu->soft, VIOMMU_DOMAIN_AMDVI, &tables, NULL, &iommu->alone);
}

static void end(struct bench_iommu *iommu)
{
	viommu_amdvi_destroy(iommu->made);
}

static int add(struct bench_iommu *iommu, struct viommu_device **out)
{
	struct viommu_amdvi_device_config config = VIOMMU_AMDVI_DEVICE_CONFIG_INIT;
	struct viommu_amdvi_device *device;
	int error;

	config.device_id = DEVICE_ID;
	config.host = iommu->soft;
	error = viommu_amdvi_device_add(iommu->made, &config, &device);
	if (!error)
		*out = viommu_amdvi_device_device(device);
	return error;
}

/* Buffers are aligned to their size. The lowest zero bit of an address with S gives the size. */
static void announce(struct bench_iommu *iommu, uint64_t iova, bool valid)
{
	uint64_t pages = iommu->pages > 1 ? (iommu->pages / 2 - 1) * BENCH_PAGE | VIOMMU_AMDVI_CMD1_PAGES_SIZE : 0;

	(void)valid;
	bench_iommu_queue(iommu, COMMAND(VIOMMU_AMDVI_INVALIDATE_IOMMU_PAGES) | DOMAIN_ID << 32, iova | pages);
	bench_iommu_queue(iommu, COMMAND(VIOMMU_AMDVI_COMPLETION_WAIT) | IOMMU_DONE | VIOMMU_AMDVI_CMD0_WAIT_STORE, IOMMU_WAIT);
}

const struct bench_iommu_kind bench_iommu_amdvi = {
	.name = "amdvi",
	.does = "the store to an AMD IOMMU's command tail, of an invalidation and a wait",
	.baseline = "the refresh alone",
	.top = RIGHTS | LEVEL(2) | PRESENT,
	.middle = RIGHTS | LEVEL(1) | PRESENT,
	.page = RIGHTS | PRESENT,
	.waits = true,
	.begin = begin,
	.end = end,
	.add = add,
	.announce = announce,
	.carry_out = carry_out,
};
