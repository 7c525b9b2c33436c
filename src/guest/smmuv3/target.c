/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Targets come and go with the streams that have them; target.h says what they are.
 *
 * What holds: a device is attached to the target that it has, and to no other; a target has as many streams as there are devices that have it, and at least one
 * when change is let go of. A device that goes from one target to another is moved to the new one, if there is room for both and its host moves devices in one
 * step, as hardware takes an entry that is changed by one store. Where not, it reaches nothing in between; accesses that fail meanwhile are told to try again
 * (fault.c).
 */
#include "target.h"

static bool wants_target(const struct smmuv3_stream *stream)
{
	return stream->kind == VIOMMU_SMMUV3_STREAM_BYPASS || stream->kind == VIOMMU_SMMUV3_STREAM_STAGE1;
}

static bool matches(const struct smmuv3_target *target, const struct viommu_smmuv3_device *device)
{
	const struct smmuv3_stream *stream = &device->stream;

	if (target->host != device->host || target->hardware != device->hardware || !wants_target(stream))
		return false;
	if (device->hardware)
		return target->ste[0] == stream->ste[0] && target->ste[1] == stream->ste[1];
	if (stream->kind == VIOMMU_SMMUV3_STREAM_BYPASS)
		return smmuv3_target_is_direct(target);
	return !smmuv3_target_is_direct(target) && target->flags == stream->flags && !__builtin_memcmp(target->cd, stream->cd, sizeof(stream->cd));
}

/* In bypass a device reaches guest memory where it is, as far as the guest's addresses and the host's IOVAs go. */
static int create_direct(struct viommu_smmuv3 *smmu, struct viommu_host *host, struct viommu_domain **domain)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	uint64_t last = (UINT64_C(1) << smmu->config.output_bits) - 1, first;

	viommu_host_caps(host, &caps);
	first = (caps.first + (VIOMMU_PAGE_SIZE - 1)) & ~(VIOMMU_PAGE_SIZE - 1);
	if (last > caps.last)
		last = ((caps.last + 1) & ~(VIOMMU_PAGE_SIZE - 1)) - 1;
	if (first < caps.first || first > last)
		return -PORT_ERANGE;
	return viommu_domain_create_direct(smmu->vm, host, 0, first, last, domain);
}

static int create_domain(const struct viommu_smmuv3_device *device, struct viommu_domain **domain)
{
	const struct smmuv3_stream *stream = &device->stream;
	const struct viommu_smmuv3 *smmu = device->smmu;
	struct viommu_smmuv3_stage1 data = { .size = sizeof(data), .flags = stream->flags, .output_bits = smmu->config.output_bits };

	data.nesting = device->hardware ? VIOMMU_NESTING_HARDWARE : VIOMMU_NESTING_SHADOW;
	__builtin_memcpy(data.cd, stream->cd, sizeof(data.cd));
	__builtin_memcpy(data.ste, stream->ste, sizeof(data.ste));
	return viommu_domain_create(smmu->vm, device->host, VIOMMU_DOMAIN_SMMUV3, &data, NULL, domain);
}

static void count_targets(struct viommu_smmuv3 *smmu, uint32_t change)
{
	port_lock(&smmu->lock);
	smmu->domains += change;
	port_unlock(&smmu->lock);
}

static int create(const struct viommu_smmuv3_device *device, struct smmuv3_target **out)
{
	const struct smmuv3_stream *stream = &device->stream;
	struct viommu_smmuv3 *smmu = device->smmu;
	struct smmuv3_target *target = port_alloc(sizeof(*target), 0);
	int ret;

	if (!target)
		return -PORT_ENOMEM;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_BYPASS && !device->hardware)
		ret = create_direct(smmu, device->host, &target->domain);
	else
		ret = create_domain(device, &target->domain);
	if (ret) {
		port_free(target, sizeof(*target), 0);
		return ret;
	}
	target->host = device->host;
	target->hardware = device->hardware;
	target->flags = stream->flags;
	__builtin_memcpy(target->ste, stream->ste, sizeof(target->ste));
	__builtin_memcpy(target->cd, stream->cd, sizeof(target->cd));
	port_lock_init(&target->gate);
	target->next = smmu->targets;
	smmu->targets = target;
	count_targets(smmu, 1);
	*out = target;
	return 0;
}

/* The target for a configuration, with one more stream. */
static int get(const struct viommu_smmuv3_device *device, struct smmuv3_target **out)
{
	struct smmuv3_target *target;
	int ret;

	for (target = device->smmu->targets; target && !matches(target, device);)
		target = target->next;
	if (!target) {
		ret = create(device, &target);
		if (ret)
			return ret;
	}
	target->streams++;
	*out = target;
	return 0;
}

/* Of one that no device has: nobody new comes to the gate, as that takes a device that has it, and the SMMU's lock. */
static void destroy(struct viommu_smmuv3 *smmu, struct smmuv3_target *target)
{
	struct smmuv3_target **link = &smmu->targets;

	while (*link != target)
		link = &(*link)->next;
	*link = target->next;
	count_targets(smmu, (uint32_t)-1);
	while (port_load_acquire(&target->visitors)) {
		port_lock(&target->gate);
		port_unlock(&target->gate);
		port_relax();
	}
	viommu_domain_destroy(target->domain);
	port_lock_destroy(&target->gate);
	port_free(target, sizeof(*target), 0);
}

static void put(struct viommu_smmuv3 *smmu, struct smmuv3_target *target)
{
	if (!--target->streams)
		destroy(smmu, target);
}

/* Publishes. */
static void set(struct viommu_smmuv3_device *device, struct smmuv3_target *target)
{
	port_lock(&device->smmu->lock);
	device->target = target;
	port_unlock(&device->smmu->lock);
}

void smmuv3_target_break(struct viommu_smmuv3 *smmu, struct smmuv3_target *target)
{
	smmuv3_each(smmu, device) if (device->target == target) set(device, NULL);
	smmu->mend = true;
	smmuv3_count(&smmu->counts.rebuilt);
	destroy(smmu, target);
}

void smmuv3_detach(struct viommu_smmuv3_device *device)
{
	struct smmuv3_target *target = device->target;

	if (!target)
		return;
	if (viommu_device_detach(device->device, VIOMMU_NO_PASID)) {
		smmuv3_target_break(device->smmu, target);
		return;
	}
	set(device, NULL);
	put(device->smmu, target);
}

static bool is_short(int error)
{
	return error == -PORT_ENOSPC || error == -PORT_ENOMEM || error == -PORT_EDQUOT;
}

/* From the target that it has, if any. */
static int attach(struct viommu_smmuv3_device *device, struct smmuv3_target *target)
{
	struct smmuv3_target *old = device->target;
	int ret = viommu_domain_attach(target->domain, device->device, VIOMMU_NO_PASID);

	/* Who has nothing to be taken from was attached by somebody else. */
	if (ret == -PORT_EBUSY && old) {
		smmuv3_target_break(device->smmu, old);
		old = NULL;
		ret = viommu_domain_attach(target->domain, device->device, VIOMMU_NO_PASID);
	}
	set(device, ret ? NULL : target);
	if (ret)
		put(device->smmu, target);
	if (old)
		put(device->smmu, old);
	return ret;
}

int smmuv3_try_hardware(struct viommu_smmuv3_device *device)
{
	struct viommu_domain *domain;
	int ret = viommu_device_set_id(device->device, device->sid);

	if (ret)
		return ret;
	device->stream = (struct smmuv3_stream){ .kind = VIOMMU_SMMUV3_STREAM_ABORT, .ste = { STE0_V | STE_CONFIG_ABORT << STE0_CONFIG_SHIFT } };
	ret = create_domain(device, &domain);
	if (ret)
		return ret;
	ret = viommu_domain_attach(domain, device->device, VIOMMU_NO_PASID);
	viommu_domain_destroy(domain);
	return ret;
}

void smmuv3_retry(struct viommu_smmuv3_device *device)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	struct smmuv3_stream *stream = &device->stream;
	struct smmuv3_target *target;
	int ret = 0;

	if (device->target && matches(device->target, device))
		return;
	if (wants_target(stream)) {
		ret = get(device, &target);
		/* Perhaps the old one is in the new one's way. */
		if (ret && ret != -PORT_EINVAL && device->target) {
			smmuv3_detach(device);
			ret = get(device, &target);
		}
		if (ret)
			smmuv3_detach(device);
		else
			ret = attach(device, target);
	} else {
		smmuv3_detach(device);
	}
	if (is_short(ret))
		smmuv3_count(&smmu->counts.insufficient);
	/* Nobody sees what its accesses miss. */
	smmu->mend |= ret && device->hardware;
	/* Tables that cannot be where the context descriptor says (section 5.4.1). */
	if (ret == -PORT_EINVAL && stream->kind == VIOMMU_SMMUV3_STREAM_STAGE1 && !device->hardware) {
		port_lock(&smmu->lock);
		stream->kind = VIOMMU_SMMUV3_STREAM_FAULTY;
		stream->event = C_BAD_CD;
		port_unlock(&smmu->lock);
	}
}

void smmuv3_apply(struct viommu_smmuv3_device *device, const struct smmuv3_stream *stream)
{
	port_lock(&device->smmu->lock);
	device->stream = *stream;
	port_unlock(&device->smmu->lock);
	smmuv3_retry(device);
}

void smmuv3_configure(struct viommu_smmuv3_device *device)
{
	struct smmuv3_stream stream;

	smmuv3_stream_read(device, &stream);
	smmuv3_apply(device, &stream);
	/* The same entry may name another descriptor by now. */
	if (device->target)
		device->target->contexts = device->hardware;
}

void smmuv3_configure_all(struct viommu_smmuv3 *smmu)
{
	smmuv3_each(smmu, device) smmuv3_configure(device);
}

void smmuv3_mend(struct viommu_smmuv3 *smmu)
{
	if (!smmu->mend)
		return;
	smmu->mend = false;
	smmuv3_each(smmu, device) smmuv3_retry(device);
}

struct smmuv3_target *smmuv3_target_enter(struct viommu_smmuv3_device *device)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	struct smmuv3_target *target;

	port_lock(&smmu->lock);
	target = device->target;
	if (target)
		port_add_relaxed(&target->visitors, 1);
	port_unlock(&smmu->lock);
	if (target)
		port_lock(&target->gate);
	return target;
}

void smmuv3_target_leave(struct smmuv3_target *target)
{
	port_unlock(&target->gate);
	port_sub_release(&target->visitors, 1);
}
