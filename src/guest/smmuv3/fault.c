/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Accesses that have no translation yet, or none at all.
 *
 * What holds: an SMMU that has nothing in its caches looks into the tables; so does this, and what the tables translate is refreshed, leaf by leaf and two MiB
 * at the most, and is reached when the device model tries again. What they do not translate is an event of the kind that section 7.3 has for it, recorded
 * unless the context descriptor says not to (CD.R), and the access ends as that says (CD.A). No event is made of what the SMMU has no part in: an access
 * to where the guest has no memory, or none that may be written, and one for which the VM's budget or the host has no room. These are aborted.
 */
#include "event.h"
#include "target.h"

/* What a record says of the context, and what the context says of records: of the target that was looked into, whatever the device has by now. */
struct context {
	uint32_t flags;
	uint64_t cd0;
};

static int record(struct viommu_smmuv3_device *device, const struct context *context, const struct viommu_fault *fault, uint32_t event, uint64_t kind,
		  uint64_t fetch)
{
	uint64_t words[EVENT_WORDS] = { event, kind, fault->iova, fetch & EVENT3_FETCH };

	if (!(fault->access & VIOMMU_WRITE))
		words[1] |= EVENT1_READ;
	if (context->flags & VIOMMU_SMMUV3_PRIVILEGED)
		words[1] |= EVENT1_PRIVILEGED;
	smmuv3_record(device, words);
	return -PORT_EFAULT;
}

/* The stream's configuration cannot be: its event says what is wrong with it, and nothing of the access (sections 7.3.2 to 7.3.11). */
static int record_configuration(struct viommu_smmuv3_device *device, const struct smmuv3_stream *stream)
{
	uint64_t words[EVENT_WORDS] = { stream->event, 0, 0, stream->fetch & EVENT3_FETCH };
	bool wanted;

	port_lock(&device->smmu->lock);
	wanted = stream->event != C_BAD_STREAMID || device->smmu->registers.cr2 & CR2_RECINVSID;
	port_unlock(&device->smmu->lock);
	if (wanted)
		smmuv3_record(device, words);
	return -PORT_EFAULT;
}

/* The events that belong to stage 1 itself are for CD.R and CD.A to decide (section 5.5). */
static int record_stage1(struct viommu_smmuv3_device *device, const struct context *context, const struct viommu_fault *fault, uint32_t event)
{
	if (context->cd0 & CD0_R)
		record(device, context, fault, event, EVENT1_CLASS_INPUT, 0);
	return context->cd0 & CD0_A ? -PORT_EFAULT : VIOMMU_SMMUV3_RAZ_WI;
}

/* access is the device's; walked is what the guest's tables came to. */
static int report(struct viommu_smmuv3_device *device, const struct context *context, const struct viommu_fault *access, const struct viommu_fault *walked)
{
	switch (walked->reason) {
	case VIOMMU_FAULT_ACCESS_FLAG:
		return record_stage1(device, context, access, F_ACCESS);
	case VIOMMU_FAULT_ADDRESS_SIZE:
		return record_stage1(device, context, access, F_ADDR_SIZE);
	case VIOMMU_FAULT_PROTECTION:
		return record_stage1(device, context, access, F_PERMISSION);
	case VIOMMU_FAULT_TABLE_UNBACKED:
		return record(device, context, access, F_WALK_EABT, EVENT1_CLASS_TABLE, walked->entry_gpa);
	case VIOMMU_FAULT_LEAF_UNBACKED:
		return -PORT_EFAULT;
	default:
		return record_stage1(device, context, access, F_TRANSLATION);
	}
}

/* The device is on its way to where it should be, or is attached to nothing: then once more. */
static int settle(struct viommu_smmuv3_device *device)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	bool attached;

	port_lock(&smmu->change);
	smmuv3_retry(device);
	smmuv3_mend(smmu);
	attached = device->target;
	port_unlock(&smmu->change);
	return attached ? 0 : -PORT_EFAULT;
}

/* The host failed under a domain, which may have gone meanwhile: if the device still has one, it gets another. */
static int replace_target(struct viommu_smmuv3_device *device, const struct smmuv3_target *failed)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	bool attached;

	port_lock(&smmu->change);
	if (device->target && device->target == failed)
		smmuv3_target_break(smmu, device->target);
	smmuv3_mend(smmu);
	attached = device->target;
	port_unlock(&smmu->change);
	return attached ? 0 : -PORT_EFAULT;
}

/* Of a large leaf not everything is needed at once: nor need it all be pinned for one access. */
#define AROUND UINT64_C(0x1fffff)

/* With the gate held. 0: it is translated now; -EFAULT: the tables do not, and walked says why; or a refresh's other errors. */
static int look(struct viommu_smmuv3 *smmu, const struct smmuv3_target *target, const struct viommu_fault *access, struct viommu_fault *walked)
{
	struct viommu_run run = { .prot = 0 };
	int ret = viommu_domain_walk(target->domain, access->iova, &run, walked);

	if (ret && walked->reason != VIOMMU_FAULT_LEAF_UNBACKED)
		return -PORT_EFAULT;
	/* The SMMU judges by the tables. What memory there is to be had, and with which rights, is found out behind it. */
	if (access->access & ~run.tables)
		walked->reason = VIOMMU_FAULT_PROTECTION;
	else if (access->access & ~run.prot)
		walked->reason = VIOMMU_FAULT_LEAF_UNBACKED;
	if (ret || access->access & ~run.prot)
		return -PORT_EFAULT;
	if (run.first < (access->iova & ~AROUND))
		run.first = access->iova & ~AROUND;
	if (run.last > (access->iova | AROUND))
		run.last = access->iova | AROUND;
	ret = viommu_domain_refresh(target->domain, run.first, run.last, NULL);
	if (ret == -PORT_ENOSPC || ret == -PORT_ENOMEM) {
		smmuv3_count(&smmu->counts.insufficient);
		/* At least the page that it is about. */
		ret = viommu_domain_refresh(target->domain, access->iova, access->iova, NULL);
	}
	if (ret && ret != -PORT_EFAULT)
		return ret;
	/* A leaf that has become something malformed by now is found by the next walk. */
	smmuv3_count(&smmu->counts.filled);
	return 0;
}

static int fault_in_stage1(struct viommu_smmuv3_device *device, const struct viommu_fault *access)
{
	struct viommu_fault walked = { .size = sizeof(walked) };
	struct smmuv3_target *target = smmuv3_target_enter(device);
	struct context context;
	int ret = 0;

	/* It is not what it was a moment ago. */
	if (!target)
		return 0;
	context = (struct context){ .flags = target->flags, .cd0 = target->cd[0] };
	if (!smmuv3_target_is_direct(target))
		ret = look(device->smmu, target, access, &walked);
	smmuv3_target_leave(target);
	switch (ret) {
	case 0:
		return 0;
	case -PORT_EFAULT:
		return report(device, &context, access, &walked);
	case -PORT_EIO:
		return replace_target(device, target);
	default:
		return -PORT_EFAULT;
	}
}

static int covers(void *ctx, const struct viommu_run *run)
{
	const struct viommu_fault *access = ctx;

	return !(access->access & ~run->prot);
}

/* There are no tables: either the access came while the device was on its way to where it is now, and is good there, or it is to where nothing is. */
static int fault_in_bypass(struct viommu_smmuv3_device *device, struct viommu_fault *access)
{
	const struct context none = { .flags = 0 };
	struct viommu_smmuv3 *smmu = device->smmu;
	struct smmuv3_target *target = smmuv3_target_enter(device);
	bool reached, enabled;

	/* It is not what it was a moment ago. */
	if (!target)
		return 0;
	reached = !smmuv3_target_is_direct(target) || viommu_domain_each_run(target->domain, access->iova, access->iova, covers, access);
	smmuv3_target_leave(target);
	if (reached)
		return 0;
	port_lock(&smmu->lock);
	enabled = smmu->registers.cr0 & CR0_SMMUEN;
	port_unlock(&smmu->lock);
	/* Section 3.4: an address that is larger than any of the guest's. A disabled SMMU records nothing. */
	if (enabled && access->iova >> smmu->config.output_bits)
		return record(device, &none, access, F_ADDR_SIZE, EVENT1_CLASS_INPUT, 0);
	return -PORT_EFAULT;
}

int viommu_smmuv3_device_fault(struct viommu_smmuv3_device *device, const struct viommu_fault *fault)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	struct smmuv3_stream stream;
	struct viommu_fault access;
	bool settled;

	if (!sized_in(&access, sizeof(access), offsetof(struct viommu_fault, level), fault) || access.reason == VIOMMU_FAULT_NONE)
		return -PORT_EINVAL;
	if (device->hardware)
		return -PORT_EOPNOTSUPP;
	smmuv3_count(&smmu->counts.faults);
	smmuv3_count(&device->faults);
	port_lock(&smmu->lock);
	stream = device->stream;
	settled = device->target && !smmuv3_target_is_direct(device->target) == (stream.kind == VIOMMU_SMMUV3_STREAM_STAGE1);
	port_unlock(&smmu->lock);

	switch (stream.kind) {
	case VIOMMU_SMMUV3_STREAM_FAULTY:
		return record_configuration(device, &stream);
	case VIOMMU_SMMUV3_STREAM_BYPASS:
	case VIOMMU_SMMUV3_STREAM_STAGE1:
		break;
	default:
		return -PORT_EFAULT;
	}
	if (!settled)
		return settle(device);
	if (stream.kind == VIOMMU_SMMUV3_STREAM_STAGE1)
		return fault_in_stage1(device, &access);
	return fault_in_bypass(device, &access);
}
