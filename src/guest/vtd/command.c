/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Queued invalidation (D51397, section 6.5.2). What a descriptor asks for is done before a wait
 * behind it is passed, and before the store that had it consumed returns. A descriptor that is
 * illegal stops the queue, with its head at that descriptor, until software has cleared FSTS.IQE.
 *
 * Context caches and PASID caches are not modelled entry by entry: hardware may invalidate more
 * than is asked for. A device-selective invalidation reads the configurations of that device's
 * functions, every other one those of all devices.
 */
#include "format/format.h"
#include "vtd.h"

/* One entry of tables covers 1 GiB at the most where it is a leaf. */
#define LEAF_BITS 30u

static struct guest_queue find_queue(const struct viommu_vtd *vtd)
{
	uint64_t iqa = vtd->reg[REG_IQA];
	uint32_t bytes = iqa & IQA_DW ? VIOMMU_VTD_INV_WIDE_BYTES : VIOMMU_VTD_INV_BYTES;

	return (struct guest_queue){ .gpa = iqa & ENTRY_ADDRESS, .entries = (4096u << (iqa & IQA_QS)) / bytes, .entry_bytes = bytes, .step = bytes };
}

bool vtd_commands(struct guest_iommu *iommu, struct guest_ring *ring)
{
	struct viommu_vtd *vtd = vtd_of(iommu);
	uint64_t tail = vtd->reg[REG_IQT];

	*ring = (struct guest_ring){ find_queue(vtd), &vtd->reg[REG_IQT], &vtd->reg[REG_IQH] };
	if (!(vtd->reg[REG_GSTS] & VIOMMU_VTD_GCMD_QIE) || vtd->reg[REG_FSTS] & VIOMMU_VTD_FSTS_IQE)
		return false;
	if (tail & (ring->queue.step - 1))
		vtd_stop(iommu, VIOMMU_VTD_IQEI_UNALIGNED);
	else if (tail > guest_queue_mask(&ring->queue))
		vtd_stop(iommu, VIOMMU_VTD_IQEI_TAIL);
	return !(vtd->reg[REG_FSTS] & VIOMMU_VTD_FSTS_IQE);
}

void vtd_stop(struct guest_iommu *iommu, unsigned int error)
{
	struct viommu_vtd *vtd = vtd_of(iommu);
	uint64_t before = vtd->reg[REG_FSTS];

	vtd->reg[REG_FSTS] |= VIOMMU_VTD_FSTS_IQE;
	vtd->reg[REG_IQERCD] = error;
	if (!(before & FSTS_PENDING))
		vtd_event(vtd, IRQ_FAULT);
}

bool vtd_invalidate(struct viommu_vtd *vtd, unsigned int granularity, uint16_t domain_id, uint64_t pages)
{
	struct guest_range range = { .context = domain_id, .last = UINT64_MAX };
	uint64_t rest;

	switch (granularity) {
	case VIOMMU_VTD_G_GLOBAL:
		range.all = true;
		break;
	case VIOMMU_VTD_G_DOMAIN:
		break;
	case VIOMMU_VTD_G_SELECTIVE:
		if (VIOMMU_VTD_INV1_AM(pages) > MAMV)
			return false;
		rest = (VIOMMU_PAGE_SIZE << VIOMMU_VTD_INV1_AM(pages)) - 1;
		range.first = pages & ~rest;
		range.last = range.first | rest;
		range.entry_bits = LEAF_BITS;
		break;
	default:
		return false;
	}
	guest_count(&vtd->iommu.counts.invalidations);
	guest_iommu_invalidate(&vtd->iommu, range);
	return true;
}

/* A function mask covers functions of one device. */
static void invalidate_contexts(struct viommu_vtd *vtd, const uint64_t *command)
{
	bool device = VIOMMU_VTD_INV0_TYPE(command[0]) == VIOMMU_VTD_INV_CONTEXT && VIOMMU_VTD_INV0_G(command[0]) == VIOMMU_VTD_G_SELECTIVE;

	guest_count(&vtd->iommu.counts.configs);
	if (device)
		guest_iommu_configure(&vtd->iommu, VIOMMU_VTD_INV0_SID(command[0]), VIOMMU_VTD_INV0_FM(command[0]) ? 3 : 0);
	else
		guest_iommu_configure(&vtd->iommu, 0, GUEST_ALL_IDS);
}

/* A status that is not for memory is lost. IWC is set once, until software has cleared it. */
static void wait(struct viommu_vtd *vtd, const uint64_t *command)
{
	struct guest_iommu *iommu = &vtd->iommu;

	guest_iommu_sync(iommu);
	guest_count(&iommu->counts.syncs);
	if (command[0] & VIOMMU_VTD_INV0_SW)
		(void)guest_memory_store32(&iommu->memory, command[1], VIOMMU_VTD_INV0_STATUS(command[0]));
	if (!(command[0] & VIOMMU_VTD_INV0_IF))
		return;
	port_lock(&iommu->lock);
	if (!(vtd->reg[REG_ICS] & ICS_IWC)) {
		vtd->reg[REG_ICS] |= ICS_IWC;
		vtd_event(vtd, IRQ_INVALIDATION);
	}
	port_unlock(&iommu->lock);
}

/*
 * Types: a feature of ECAP that they need, the reserved fields of their doublewords, and reserved
 * granularities (bit n: G is n).
 */
static const struct {
	uint64_t needs, reserved[2];
	unsigned int granularities;
} types[] = {
	[VIOMMU_VTD_INV_CONTEXT] = { ECAP_QI, { INV_CONTEXT0_RESERVED, UINT64_MAX }, 1 },
	[VIOMMU_VTD_INV_IOTLB] = { ECAP_QI, { INV_IOTLB0_RESERVED, INV_IOTLB1_RESERVED }, 0 },
	[VIOMMU_VTD_INV_DEVICE_TLB] = { ECAP_QI, { 0, 0 }, 0 },
	[VIOMMU_VTD_INV_INTERRUPT] = { ECAP_IR, { INV_INTERRUPT0_RESERVED, UINT64_MAX }, 0 },
	[VIOMMU_VTD_INV_WAIT] = { ECAP_QI, { INV_WAIT0_RESERVED, INV_WAIT1_RESERVED }, 0 },
	[VIOMMU_VTD_INV_PASID_IOTLB] = { ECAP_SMTS, { INV_PASID0_RESERVED, INV_IOTLB1_RESERVED }, 3 },
	[VIOMMU_VTD_INV_PASID] = { ECAP_SMTS, { INV_PASID0_RESERVED, UINT64_MAX }, 4 },
	[VIOMMU_VTD_INV_PASID_DEVICE_TLB] = { ECAP_SMTS, { 0, 0 }, 0 },
};

/* The upper half of a wide descriptor, at the head. */
static unsigned int judge_upper_half(struct viommu_vtd *vtd)
{
	const struct guest_queue queue = find_queue(vtd);
	uint64_t words[2];

	if (queue.entry_bytes == VIOMMU_VTD_INV_BYTES)
		return VIOMMU_VTD_IQEI_NONE;
	if (!guest_memory_load(&vtd->iommu.memory, guest_queue_entry(&queue, (uint32_t)vtd->reg[REG_IQH]) + VIOMMU_VTD_INV_BYTES, words, 2))
		return VIOMMU_VTD_IQEI_FETCH;
	return words[0] | words[1] ? VIOMMU_VTD_IQEI_RESERVED : VIOMMU_VTD_IQEI_NONE;
}

unsigned int vtd_execute(struct guest_iommu *iommu, const uint64_t *command)
{
	struct viommu_vtd *vtd = vtd_of(iommu);
	unsigned int type = VIOMMU_VTD_INV0_TYPE(command[0]), granularity = VIOMMU_VTD_INV0_G(command[0]), error;

	if (type >= sizeof(types) / sizeof(types[0]) || !(vtd->reg[REG_ECAP] & types[type].needs))
		return VIOMMU_VTD_IQEI_TYPE;
	error = judge_upper_half(vtd);
	if (error)
		return error;
	if (command[0] & types[type].reserved[0] || command[1] & types[type].reserved[1] || types[type].granularities >> granularity & 1)
		return VIOMMU_VTD_IQEI_RESERVED;
	switch (type) {
	case VIOMMU_VTD_INV_CONTEXT:
	case VIOMMU_VTD_INV_PASID:
		/* Each device has the PASID of requests without PASID alone. */
		invalidate_contexts(vtd, command);
		return VIOMMU_VTD_IQEI_NONE;
	case VIOMMU_VTD_INV_IOTLB:
	case VIOMMU_VTD_INV_PASID_IOTLB:
		/* By PASID, 2 and 3 are all of its pages or some: those of its domain ID. */
		return vtd_invalidate(vtd, granularity, VIOMMU_VTD_INV0_DID(command[0]), command[1]) ? VIOMMU_VTD_IQEI_NONE : VIOMMU_VTD_IQEI_RESERVED;
	case VIOMMU_VTD_INV_INTERRUPT:
		guest_count(&vtd->interrupts);
		return VIOMMU_VTD_IQEI_NONE;
	case VIOMMU_VTD_INV_WAIT:
		wait(vtd, command);
		return VIOMMU_VTD_IQEI_NONE;
	default:
		/* There are no device-TLBs (ECAP.DT is 0), and nothing to be invalidated. */
		return VIOMMU_VTD_IQEI_NONE;
	}
}
