// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * VT-d (D51397) in legacy mode: second-stage tables, and a queue in which the guest invalidates the
 * pages of a buffer at once (IOTLB, page-selective), with a wait behind that writes its status.
 */
#include <viommu/vtd.h>
#include <viommu/vtd_spec.h>

#include "iommus.h"

#define READ_WRITE UINT64_C(3)
#define PRESENT	   UINT64_C(1)
#define AW_39	   UINT64_C(1) /* of a context entry: three levels */
#define SOURCE_ID  UINT64_C(8)
#define DOMAIN_ID  UINT64_C(5)

static int carry_out(struct bench_iommu *iommu)
{
	return viommu_vtd_write(iommu->made, VIOMMU_VTD_IQT, 4, bench_iommu_tail(iommu));
}

static int begin(struct bench_iommu *iommu)
{
	const struct viommu_vtd_tables tables = { .size = sizeof(tables), .levels = 3, .root = IOMMU_ROOT };
	struct viommu_vtd_config config = VIOMMU_VTD_CONFIG_INIT;
	uint64_t entry = IOMMU_CONTEXT + 16 * SOURCE_ID;
	struct viommu_vtd *made;
	int error;

	config.address_bits = 39;
	error = viommu_vtd_create(iommu->guest.vm, &config, &made);
	if (error)
		return error;
	iommu->made = made;
	bench_iommu_put(iommu, IOMMU_DEVICES, IOMMU_CONTEXT | PRESENT);
	bench_iommu_put(iommu, entry + 8, DOMAIN_ID << 8 | AW_39);
	bench_iommu_put(iommu, entry, IOMMU_ROOT | PRESENT);
	viommu_vtd_write(made, VIOMMU_VTD_RTADDR, 8, IOMMU_DEVICES);
	viommu_vtd_write(made, VIOMMU_VTD_GCMD, 4, VIOMMU_VTD_GCMD_SRTP);
	viommu_vtd_write(made, VIOMMU_VTD_IQA, 8, IOMMU_QUEUE);
	viommu_vtd_write(made, VIOMMU_VTD_GCMD, 4, VIOMMU_VTD_GCMD_QIE);
	viommu_vtd_write(made, VIOMMU_VTD_GCMD, 4, VIOMMU_VTD_GCMD_QIE | VIOMMU_VTD_GCMD_TE);
	return viommu_domain_create(iommu->guest.vm, iommu->soft, VIOMMU_DOMAIN_VTD, &tables, NULL, &iommu->alone);
}

static void end(struct bench_iommu *iommu)
{
	viommu_vtd_destroy(iommu->made);
}

static int add(struct bench_iommu *iommu, struct viommu_device **out)
{
	struct viommu_vtd_device_config config = VIOMMU_VTD_DEVICE_CONFIG_INIT;
	struct viommu_vtd_device *device;
	int error;

	config.source_id = SOURCE_ID;
	config.host = iommu->soft;
	error = viommu_vtd_device_add(iommu->made, &config, &device);
	if (!error)
		*out = viommu_vtd_device_device(device);
	return error;
}

/* Buffers are aligned to their size, so that one descriptor suffices. */
static void announce(struct bench_iommu *iommu, uint64_t iova, bool valid)
{
	(void)valid;
	bench_iommu_queue(iommu, VIOMMU_VTD_INV_IOTLB | VIOMMU_VTD_G_SELECTIVE << 4 | 3 << 6 | DOMAIN_ID << 16,
			  iova | (unsigned int)__builtin_ctzll(iommu->pages));
	bench_iommu_queue(iommu, VIOMMU_VTD_INV_WAIT | VIOMMU_VTD_INV0_SW | (uint64_t)IOMMU_WAIT << 32, IOMMU_DONE);
}

const struct bench_iommu_kind bench_iommu_vtd = {
	.name = "vtd",
	.does = "the store to IQT of VT-d, of an invalidation of pages and a wait",
	.baseline = "the refresh alone",
	.top = READ_WRITE,
	.middle = READ_WRITE,
	.page = READ_WRITE,
	.waits = true,
	.begin = begin,
	.end = end,
	.add = add,
	.announce = announce,
	.carry_out = carry_out,
};
