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

void vtd_record(struct viommu_vtd *vtd, const uint64_t record[FRCD_ROWS])
{
	uint64_t *reg = vtd->reg, *frcd = &reg[REG_FRCD + FRCD_ROWS * reg[REG_NEXT]], before = reg[REG_FSTS];
	bool room = !(before & VIOMMU_VTD_FSTS_PFO) && !(frcd[2] & FRCD3_F);

	guest_count(room ? &vtd->iommu.counts.events : &vtd->iommu.counts.events_lost);
	if (!room) {
		reg[REG_FSTS] |= VIOMMU_VTD_FSTS_PFO;
	} else {
		__builtin_memcpy(frcd, record, FRCD_ROWS * sizeof(*frcd));
		frcd[2] |= FRCD3_F;
		if (!(before & VIOMMU_VTD_FSTS_PPF))
			reg[REG_FSTS] |= reg[REG_NEXT] << FSTS_FRI_SHIFT | VIOMMU_VTD_FSTS_PPF;
		reg[REG_NEXT] = (reg[REG_NEXT] + 1) % VIOMMU_VTD_FRCDS;
	}
	if (!(before & FSTS_PENDING))
		vtd_event(vtd, IRQ_FAULT);
}

/*
 * Without locks. silent: the guest has disabled that. viommu_read() and viommu_write() come here
 * with interrupts, too: these are no faults.
 */
static int record_access(struct guest_device *device, const struct viommu_fault *access, uint32_t reason, bool silent)
{
	bool pasid = access->pasid != VIOMMU_NO_PASID;
	const uint64_t record[FRCD_ROWS] = { access->iova & ~(VIOMMU_PAGE_SIZE - 1), FRCD2_SID(guest_device_id(device)) | (pasid ? FRCD2_PP : 0),
					     reason | (pasid ? FRCD3_PASID(access->pasid) : 0) | (access->access & VIOMMU_WRITE ? 0 : FRCD3_READ) };

	if (silent || vtd_is_interrupt(access))
		return -PORT_EFAULT;
	port_lock(&device->iommu->lock);
	vtd_record(vtd_of(device->iommu), record);
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

/* A device without PASIDs, or one that is blocked. 0: the configuration has changed meanwhile. */
int vtd_blocked(struct guest_device *device, const struct viommu_fault *access)
{
	const struct vtd_context context = context_of(device);

	if (access->pasid != VIOMMU_NO_PASID)
		return record_access(device, access, context.scalable ? VIOMMU_VTD_FR_SM_PASID_DISABLED : VIOMMU_VTD_FR_LEGACY_PASID,
				     context.silent || context.kind == VIOMMU_VTD_CONTEXT_DISABLED);
	return context.kind == VIOMMU_VTD_CONTEXT_FAULTY ? record_access(device, access, context.reason, context.silent) : 0;
}

/*
 * The reasons of tables: the second stage's in legacy and in scalable mode, and the first stage's.
 * absent: 0 if that is a lack of permission.
 */
#define FR(name) VIOMMU_VTD_FR_##name
static const struct reasons {
	uint8_t beyond, access, root, reserved, absent, load, store, interrupt;
} modes[] = {
	{ FR(BEYOND_WIDTH), FR(TABLE_ACCESS), FR(TABLE_ACCESS), FR(TABLE_RESERVED), 0, FR(READ), FR(WRITE), FR(INTERRUPT_ADDRESS) },
	{ FR(SM_BEYOND_WIDTH), FR(SM_SECOND_ACCESS), FR(SM_SECOND_ROOT), FR(SM_SECOND_RESERVED), 0, FR(SM_READ), FR(SM_WRITE), FR(SM_INTERRUPT_ADDRESS) },
	{ FR(SM_NOT_CANONICAL), FR(SM_FIRST_ACCESS), FR(SM_FIRST_ROOT), FR(SM_FIRST_RESERVED), FR(SM_FIRST_ABSENT), FR(SM_READ), FR(SM_WRITE),
	  FR(SM_INTERRUPT_ADDRESS) },
};

static uint32_t reason_of(const struct viommu_vtd *vtd, const uint64_t *key, bool scalable, const struct viommu_fault *access,
			  const struct viommu_fault *walked)
{
	bool first = key[KEY_FLAGS] & VIOMMU_VTD_TABLES_FIRST_STAGE;
	const struct reasons *reasons = &modes[first ? 2 : scalable];
	uint32_t permission = access->access & VIOMMU_WRITE ? reasons->store : reasons->load;
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
		return reasons->absent ? reasons->absent : permission;
	case VIOMMU_FAULT_LEAF_UNBACKED:
		/* The guest has no memory there: that is not the unit's matter, in general. */
		output = (first ? x86_64_leaf_address : vtdss_leaf_address)(walked->level, walked->entry) | (access->iova & vtdss_offset_bits(walked->level));
		if (output >= INTERRUPT_FIRST && output <= INTERRUPT_LAST)
			return reasons->interrupt;
		return output > vtd->last_output ? reasons->reserved : 0;
	default:
		/* At the first stage, an entry that gives no rights is a supervisor's. */
		return first && walked->entry ? VIOMMU_VTD_FR_SM_PRIVILEGE : permission;
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
