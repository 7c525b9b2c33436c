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
#include "format/x86_64.h"
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

/* The reasons of tables: the second stage's in legacy and in scalable mode, and the first stage's. */
struct reasons {
	uint8_t beyond, access, root, reserved, absent[2], permission[2], interrupt; /* of loads, of stores */
};
#define FR(name) VIOMMU_VTD_FR_##name
static const struct reasons legacy = { FR(BEYOND_WIDTH),	FR(TABLE_ACCESS),	 FR(TABLE_ACCESS),     FR(TABLE_RESERVED),
				       { FR(READ), FR(WRITE) }, { FR(READ), FR(WRITE) }, FR(INTERRUPT_ADDRESS) };
static const struct reasons scalable = { FR(SM_BEYOND_WIDTH),		FR(SM_SECOND_ACCESS),	       FR(SM_SECOND_ROOT),	FR(SM_SECOND_RESERVED),
					 { FR(SM_READ), FR(SM_WRITE) }, { FR(SM_READ), FR(SM_WRITE) }, FR(SM_INTERRUPT_ADDRESS) };
static const struct reasons first_stage = {
	FR(SM_NOT_CANONICAL),	       FR(SM_FIRST_ACCESS),	FR(SM_FIRST_ROOT), FR(SM_FIRST_RESERVED), { FR(SM_FIRST_ABSENT), FR(SM_FIRST_ABSENT) },
	{ FR(SM_READ), FR(SM_WRITE) }, FR(SM_INTERRUPT_ADDRESS)
};

static uint32_t reason_of(const struct viommu_vtd *vtd, const uint64_t *key, bool is_scalable, const struct viommu_fault *access,
			  const struct viommu_fault *walked)
{
	bool first = key[KEY_FLAGS] & VIOMMU_VTD_TABLES_FIRST_STAGE, store = access->access & VIOMMU_WRITE;
	const struct reasons *reasons = first ? &first_stage : is_scalable ? &scalable : &legacy;
	uint64_t output;

	switch (walked->reason) {
	case VIOMMU_FAULT_APERTURE:
		return reasons->beyond;
	case VIOMMU_FAULT_TABLE_UNBACKED:
		if (walked->entry_gpa > vtd->last_output)
			return reasons->reserved;
		return walked->level + 1 == key[KEY_LEVELS] ? reasons->root : reasons->access;
	case VIOMMU_FAULT_ENTRY_FORMAT:
		return reasons->reserved;
	case VIOMMU_FAULT_ACCESS_FLAG:
		return VIOMMU_VTD_FR_SM_FIRST_FLAGS;
	case VIOMMU_FAULT_NOT_PRESENT:
		return reasons->absent[store];
	case VIOMMU_FAULT_LEAF_UNBACKED:
		/* The guest has no memory there: that is not the unit's matter, in general. */
		output = (first ? x86_64_leaf_address : vtdss_leaf_address)(walked->level, walked->entry) | (access->iova & vtdss_offset_bits(walked->level));
		if (output >= INTERRUPT_FIRST && output <= INTERRUPT_LAST)
			return reasons->interrupt;
		return output > vtd->last_output ? reasons->reserved : 0;
	default:
		/* At the first stage, an entry that gives no rights is a supervisor's. */
		return first && walked->entry ? VIOMMU_VTD_FR_SM_PRIVILEGE : reasons->permission[store];
	}
}

int vtd_unmapped(struct guest_device *device, const struct guest_config *config, const struct viommu_fault *access, const struct viommu_fault *walked)
{
	const struct vtd_context context = context_of(device);
	uint32_t reason = reason_of(vtd_of(device->iommu), config->key, context.scalable, access, walked);

	return record_access(device, access, reason, context.silent || !reason);
}

/* Pass-through, and nothing is there: a fault if the address is larger than any of the guest's. */
int vtd_beyond(struct guest_device *device, const struct viommu_fault *access)
{
	const struct vtd_context context = context_of(device);
	bool recorded = context.kind == VIOMMU_VTD_CONTEXT_PASS_THROUGH && access->iova > vtd_of(device->iommu)->last_output;

	return record_access(device, access, context.scalable ? VIOMMU_VTD_FR_SM_BEYOND_HARDWARE : VIOMMU_VTD_FR_BEYOND_WIDTH, context.silent || !recorded);
}
