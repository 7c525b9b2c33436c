/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Accesses that have no translation.
 *
 * If the tables do not translate an access, that is an event of section 7.3, recorded unless the
 * context descriptor suppresses that (CD.R), and the access ends as CD.A says. Where the guest has
 * no memory, or none that may be written, and where the VM's budget or the host has no room, the
 * access is aborted without an event: that is not the SMMU's matter.
 */
#include "smmuv3.h"

static void record(struct guest_device *device, uint32_t event, uint64_t class, uint64_t iova, uint64_t fetch)
{
	const uint64_t words[EVENT_WORDS] = { event | (uint64_t)guest_device_id(device) << EVENT0_SID_SHIFT, class, iova, fetch & EVENT3_FETCH };

	guest_device_record(device, words);
}

static int record_access(struct guest_device *device, const struct viommu_fault *access, uint32_t event, uint64_t class, uint64_t fetch)
{
	record(device, event, class | (access->access & VIOMMU_WRITE ? 0 : EVENT1_READ), access->iova, fetch);
	return -PORT_EFAULT;
}

/*
 * The event of an illegal configuration reports the configuration, and nothing of the access
 * (sections 7.3.2 to 7.3.11). 0: the configuration has changed since the access failed.
 */
int smmuv3_blocked(struct guest_device *device, const struct viommu_fault *access)
{
	const uint64_t *reg = smmuv3_of(device->iommu)->reg;
	struct smmuv3_stream stream;
	bool invalid_sids;

	(void)access;
	port_lock(&device->iommu->lock);
	stream = smmuv3_device_of(device)->stream;
	invalid_sids = reg[REG_CR2] & CR2_RECINVSID;
	port_unlock(&device->iommu->lock);
	if (stream.kind == VIOMMU_SMMUV3_STREAM_FAULTY && (stream.event != VIOMMU_SMMUV3_C_BAD_STREAMID || invalid_sids))
		record(device, stream.event, 0, 0, stream.fetch);
	return stream.kind == VIOMMU_SMMUV3_STREAM_FAULTY || stream.kind == VIOMMU_SMMUV3_STREAM_ABORT ? -PORT_EFAULT : 0;
}

/* The events of stage 1 itself are for CD.R and CD.A to decide (section 5.5). */
static int record_stage1(struct guest_device *device, uint64_t cd0, const struct viommu_fault *access, uint32_t event)
{
	if (cd0 & CD0_R)
		record_access(device, access, event, EVENT1_CLASS_INPUT, 0);
	return cd0 & CD0_A ? -PORT_EFAULT : VIOMMU_SMMUV3_RAZ_WI;
}

int smmuv3_unmapped(struct guest_device *device, const struct guest_config *config, const struct viommu_fault *access, const struct viommu_fault *walked)
{
	uint64_t cd0 = config->key[0];

	switch (walked->reason) {
	case VIOMMU_FAULT_ACCESS_FLAG:
		return record_stage1(device, cd0, access, VIOMMU_SMMUV3_F_ACCESS);
	case VIOMMU_FAULT_ADDRESS_SIZE:
		return record_stage1(device, cd0, access, VIOMMU_SMMUV3_F_ADDR_SIZE);
	case VIOMMU_FAULT_PROTECTION:
		return record_stage1(device, cd0, access, VIOMMU_SMMUV3_F_PERMISSION);
	case VIOMMU_FAULT_TABLE_UNBACKED:
		return record_access(device, access, VIOMMU_SMMUV3_F_WALK_EABT, EVENT1_CLASS_TABLE, walked->entry_gpa);
	case VIOMMU_FAULT_LEAF_UNBACKED:
		return -PORT_EFAULT;
	default:
		return record_stage1(device, cd0, access, VIOMMU_SMMUV3_F_TRANSLATION);
	}
}

/*
 * Section 3.4: in bypass, an address that is larger than any of the guest's is an event. A disabled
 * SMMU records nothing.
 */
int smmuv3_beyond(struct guest_device *device, const struct viommu_fault *access)
{
	bool enabled;

	port_lock(&device->iommu->lock);
	enabled = smmuv3_of(device->iommu)->reg[REG_CR0] & CR0_SMMUEN;
	port_unlock(&device->iommu->lock);
	if (enabled && access->iova > device->iommu->last_address)
		return record_access(device, access, VIOMMU_SMMUV3_F_ADDR_SIZE, EVENT1_CLASS_INPUT, 0);
	return -PORT_EFAULT;
}
