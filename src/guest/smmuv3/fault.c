/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Accesses that have no translation.
 *
 * If the tables translate the access, the translation is established, and the device model tries
 * again. If they do not, that is an event of section 7.3, recorded unless the context descriptor
 * suppresses that (CD.R), and the access ends as CD.A says. Where the guest has no memory, or none
 * that may be written, and where the VM's budget or the host has no room, the access is aborted
 * without an event: that is not the SMMU's matter.
 */
#include "guest/common/miss.h"
#include "smmuv3.h"

static int record(struct viommu_smmuv3_device *device, const struct viommu_fault *access, uint32_t event, uint64_t class, uint64_t fetch)
{
	uint64_t words[EVENT_WORDS] = { event, class, access->iova, fetch & EVENT3_FETCH };

	if (!(access->access & VIOMMU_WRITE))
		words[1] |= EVENT1_READ;
	smmuv3_record(device, words);
	return -PORT_EFAULT;
}

/*
 * An illegal configuration: its event reports the configuration, and nothing of the access
 * (sections 7.3.2 to 7.3.11).
 */
static int record_configuration(struct viommu_smmuv3_device *device, const struct smmuv3_stream *stream, bool invalid_sids)
{
	uint64_t words[EVENT_WORDS] = { stream->event, 0, 0, stream->fetch & EVENT3_FETCH };

	if (stream->event != VIOMMU_SMMUV3_C_BAD_STREAMID || invalid_sids)
		smmuv3_record(device, words);
	return -PORT_EFAULT;
}

/*
 * The events of stage 1 itself are for CD.R and CD.A to decide (section 5.5): of the descriptor
 * whose tables were walked, whatever the device has by now.
 */
static int record_stage1(struct viommu_smmuv3_device *device, uint64_t cd0, const struct viommu_fault *access, uint32_t event)
{
	if (cd0 & CD0_R)
		record(device, access, event, EVENT1_CLASS_INPUT, 0);
	return cd0 & CD0_A ? -PORT_EFAULT : VIOMMU_SMMUV3_RAZ_WI;
}

static int report(struct viommu_smmuv3_device *device, uint64_t cd0, const struct viommu_fault *access, const struct viommu_fault *walked)
{
	switch (walked->reason) {
	case VIOMMU_FAULT_ACCESS_FLAG:
		return record_stage1(device, cd0, access, VIOMMU_SMMUV3_F_ACCESS);
	case VIOMMU_FAULT_ADDRESS_SIZE:
		return record_stage1(device, cd0, access, VIOMMU_SMMUV3_F_ADDR_SIZE);
	case VIOMMU_FAULT_PROTECTION:
		return record_stage1(device, cd0, access, VIOMMU_SMMUV3_F_PERMISSION);
	case VIOMMU_FAULT_TABLE_UNBACKED:
		return record(device, access, VIOMMU_SMMUV3_F_WALK_EABT, EVENT1_CLASS_TABLE, walked->entry_gpa);
	case VIOMMU_FAULT_LEAF_UNBACKED:
		return -PORT_EFAULT;
	default:
		return record_stage1(device, cd0, access, VIOMMU_SMMUV3_F_TRANSLATION);
	}
}

static int fault_in_stage1(struct viommu_smmuv3_device *device, const struct viommu_fault *access)
{
	struct viommu_fault walked = { 0 };
	struct guest_lane *lane;
	struct guest_domain *domain = guest_device_enter(&device->guest, &lane);
	uint64_t cd0;
	int error = 0;

	/* The configuration has changed since the access failed. */
	if (!domain)
		return 0;
	cd0 = ((const struct smmuv3_domain *)domain)->cd[0];
	port_lock(&lane->lock);
	if (guest_domain_kind(domain) == VIOMMU_KIND_NESTED)
		error = guest_domain_miss(device->guest.iommu, domain, access, &walked);
	port_unlock(&lane->lock);
	guest_gate_leave(lane);
	if (error == -PORT_EFAULT)
		return report(device, cd0, access, &walked);
	if (error == -PORT_EIO)
		return guest_device_resettle(&device->guest, domain);
	return error ? -PORT_EFAULT : 0;
}

static int covers(void *ctx, const struct viommu_run *run)
{
	const struct viommu_fault *access = ctx;

	return !(access->access & ~run->prot);
}

/*
 * There are no tables: the device was on its way to the direct domain, or there is nothing at the
 * address.
 */
static int fault_in_bypass(struct viommu_smmuv3_device *device, struct viommu_fault *access, bool enabled)
{
	struct guest_lane *lane;
	struct guest_domain *domain = guest_device_enter(&device->guest, &lane);
	bool reached;

	/* The configuration has changed since the access failed. */
	if (!domain)
		return 0;
	port_lock(&lane->lock);
	reached = guest_domain_kind(domain) != VIOMMU_KIND_DIRECT || viommu_domain_each_run(domain->domain, access->iova, access->iova, covers, access);
	port_unlock(&lane->lock);
	guest_gate_leave(lane);
	if (reached)
		return 0;
	/*
	 * Section 3.4: an address that is larger than any of the guest's. A disabled SMMU records
	 * nothing.
	 */
	if (enabled && access->iova >> smmuv3_of(device->guest.iommu)->config.output_bits)
		return record(device, access, VIOMMU_SMMUV3_F_ADDR_SIZE, EVENT1_CLASS_INPUT, 0);
	return -PORT_EFAULT;
}

int viommu_smmuv3_device_fault(struct viommu_smmuv3_device *device, const struct viommu_fault *fault)
{
	struct viommu_smmuv3 *smmu = smmuv3_of(device->guest.iommu);
	struct smmuv3_stream stream;
	bool settled, enabled, invalid_sids;
	struct viommu_fault access;

	if (!fault || fault->reason == VIOMMU_FAULT_NONE)
		return -PORT_EINVAL;
	if (device->hardware)
		return -PORT_EOPNOTSUPP;
	access = *fault;
	guest_count(&smmu->iommu.counts.faults);
	guest_count(&device->guest.faults);
	port_lock(&smmu->iommu.lock);
	stream = device->stream;
	settled = device->guest.domain && (guest_domain_kind(device->guest.domain) == VIOMMU_KIND_DIRECT) == (stream.kind == VIOMMU_SMMUV3_STREAM_BYPASS);
	enabled = smmu->reg[REG_CR0] & CR0_SMMUEN;
	invalid_sids = smmu->reg[REG_CR2] & CR2_RECINVSID;
	port_unlock(&smmu->iommu.lock);

	if (stream.kind == VIOMMU_SMMUV3_STREAM_FAULTY)
		return record_configuration(device, &stream, invalid_sids);
	if (stream.kind == VIOMMU_SMMUV3_STREAM_ABORT)
		return -PORT_EFAULT;
	if (!settled)
		return guest_device_resettle(&device->guest, NULL);
	return stream.kind == VIOMMU_SMMUV3_STREAM_STAGE1 ? fault_in_stage1(device, &access) : fault_in_bypass(device, &access, enabled);
}
