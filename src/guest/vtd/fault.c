/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Primary fault recording (D51397, section 7.2), and accesses that have no translation.
 *
 * A fault that finds its recording register in use is lost, and PFO reports that; further ones are
 * lost silently until software has cleared PFO. An interrupt is for the first thing that is pending
 * in FSTS. Where the guest has no memory, or none that may be written, and where the VM's budget or
 * the host has no room, an access ends in an error without a record: that is not the unit's matter.
 */
#include "format/vtdss.h"
#include "vtd.h"

void vtd_record(struct viommu_vtd *vtd, const struct vtd_fault *fault)
{
	uint64_t *reg = vtd->reg, *record = &reg[REG_FRCD + FRCD_ROWS * reg[REG_NEXT]], before = reg[REG_FSTS];
	bool room = !(before & VIOMMU_VTD_FSTS_PFO) && !(record[2] & FRCD3_F);

	guest_count(room ? &vtd->iommu.counts.events : &vtd->iommu.counts.events_lost);
	if (!room) {
		reg[REG_FSTS] |= VIOMMU_VTD_FSTS_PFO;
	} else {
		record[0] = fault->info;
		record[1] = FRCD2_SID(fault->source_id) | (fault->pasid != VIOMMU_NO_PASID ? FRCD2_PP : 0);
		record[2] =
			FRCD3_F | (fault->read ? FRCD3_READ : 0) | (fault->pasid != VIOMMU_NO_PASID ? FRCD3_PASID(fault->pasid & 0xfffff) : 0) | fault->reason;
		if (!(before & VIOMMU_VTD_FSTS_PPF))
			reg[REG_FSTS] = (reg[REG_FSTS] & ~(uint64_t)FSTS_FRI) | reg[REG_NEXT] << FSTS_FRI_SHIFT | VIOMMU_VTD_FSTS_PPF;
		reg[REG_NEXT] = (reg[REG_NEXT] + 1) % VIOMMU_VTD_FRCDS;
	}
	if (!(before & FSTS_PENDING))
		vtd_event(vtd, IRQ_FAULT);
}

/* Without locks. silent: the guest has disabled that. */
static int record_access(struct guest_device *device, const struct viommu_fault *access, uint32_t reason, bool silent)
{
	const struct vtd_fault fault = { .source_id = device->id.id,
					 .reason = reason,
					 .info = access->iova & ~(VIOMMU_PAGE_SIZE - 1),
					 .read = !(access->access & VIOMMU_WRITE),
					 .pasid = access->pasid };

	if (silent)
		return -PORT_EFAULT;
	port_lock(&device->iommu->lock);
	vtd_record(vtd_of(device->iommu), &fault);
	port_unlock(&device->iommu->lock);
	guest_count(&device->events);
	guest_iommu_deliver(device->iommu);
	return -PORT_EFAULT;
}

static struct vtd_context context_of(struct guest_device *device)
{
	struct vtd_context context;

	port_lock(&device->iommu->lock);
	context = vtd_device_of(device)->context;
	port_unlock(&device->iommu->lock);
	return context;
}

/* 0: the configuration has changed since the access failed. */
int vtd_blocked(struct guest_device *device, const struct viommu_fault *access)
{
	const struct vtd_context context = context_of(device);

	return context.kind == VIOMMU_VTD_CONTEXT_FAULTY ? record_access(device, access, context.reason, context.silent) : 0;
}

int vtd_with_pasid(struct guest_device *device, const struct viommu_fault *access)
{
	const struct vtd_context context = context_of(device);

	if (context.kind == VIOMMU_VTD_CONTEXT_DISABLED)
		return -PORT_EFAULT;
	return record_access(device, access, context.scalable ? VIOMMU_VTD_FR_SM_PASID_DISABLED : VIOMMU_VTD_FR_LEGACY_PASID, context.silent);
}

/* The reasons of second-stage tables, in legacy and in scalable mode. */
struct reasons {
	uint8_t beyond, access, root, reserved, write, read, interrupt;
};

static const struct reasons legacy = { VIOMMU_VTD_FR_BEYOND_WIDTH, VIOMMU_VTD_FR_TABLE_ACCESS, VIOMMU_VTD_FR_TABLE_ACCESS,     VIOMMU_VTD_FR_TABLE_RESERVED,
				       VIOMMU_VTD_FR_WRITE,	   VIOMMU_VTD_FR_READ,	       VIOMMU_VTD_FR_INTERRUPT_ADDRESS };
static const struct reasons scalable = { VIOMMU_VTD_FR_SM_BEYOND_WIDTH,	    VIOMMU_VTD_FR_SM_SECOND_ACCESS, VIOMMU_VTD_FR_SM_SECOND_ROOT,
					 VIOMMU_VTD_FR_SM_SECOND_RESERVED,  VIOMMU_VTD_FR_SM_WRITE,	    VIOMMU_VTD_FR_SM_READ,
					 VIOMMU_VTD_FR_SM_INTERRUPT_ADDRESS };

/*
 * A leaf that names no memory, or none with the rights of the access. 0: that is not the unit's
 * matter.
 */
static uint32_t judge_output(const struct viommu_vtd *vtd, uint64_t output, const struct reasons *reasons)
{
	if (output >= INTERRUPT_FIRST && output <= INTERRUPT_LAST)
		return reasons->interrupt;
	return output > vtd->last_output ? reasons->reserved : 0;
}

static uint32_t second_stage_reason(const struct viommu_vtd *vtd, const struct reasons *reasons, unsigned int levels, const struct viommu_fault *access,
				    const struct viommu_fault *walked)
{
	uint64_t output;

	switch (walked->reason) {
	case VIOMMU_FAULT_APERTURE:
		return reasons->beyond;
	case VIOMMU_FAULT_TABLE_UNBACKED:
		if (walked->entry_gpa > vtd->last_output)
			return reasons->reserved;
		return walked->level + 1 == levels ? reasons->root : reasons->access;
	case VIOMMU_FAULT_ENTRY_FORMAT:
		return reasons->reserved;
	case VIOMMU_FAULT_LEAF_UNBACKED:
		output = vtdss_leaf_address(walked->level, walked->entry) | (access->iova & vtdss_offset_bits(walked->level));
		return judge_output(vtd, output, reasons);
	default:
		return access->access & VIOMMU_WRITE ? reasons->write : reasons->read;
	}
}

int vtd_unmapped(struct guest_device *device, const struct guest_config *config, const struct viommu_fault *access, const struct viommu_fault *walked)
{
	const struct vtd_context context = context_of(device);
	uint32_t reason =
		second_stage_reason(vtd_of(device->iommu), context.scalable ? &scalable : &legacy, (unsigned int)config->key[KEY_LEVELS], access, walked);

	return record_access(device, access, reason, context.silent || !reason);
}

/* Pass-through, and nothing is there: a fault if the address is larger than any of the guest's. */
int vtd_beyond(struct guest_device *device, const struct viommu_fault *access)
{
	const struct vtd_context context = context_of(device);
	bool recorded = context.kind == VIOMMU_VTD_CONTEXT_PASS_THROUGH && access->iova > vtd_of(device->iommu)->last_output;

	return record_access(device, access, context.scalable ? VIOMMU_VTD_FR_SM_BEYOND_HARDWARE : VIOMMU_VTD_FR_BEYOND_WIDTH, context.silent || !recorded);
}
