/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Accesses that found no translation: devices.h. */
#include "guest/common/devices.h"

/* Not all of a large leaf is needed at once, nor need it all be pinned for one access. */
#define AROUND UINT64_C(0x1fffff)
#define TOP    (UINT64_C(0xff) << 56)

/*
 * With the lane of the domain's gate locked. 0: there is a translation now. -EFAULT: the tables do
 * not translate the access, *walked says why, and LEAF_UNBACKED means that they do, but the guest
 * has no such memory. Else an error of the refresh.
 */
static int fill(struct guest_iommu *iommu, const struct guest_domain *domain, const struct viommu_fault *access, struct viommu_fault *walked)
{
	struct viommu_run run = { .prot = 0 };
	int error = viommu_domain_walk(domain->domain, access->iova, &run, walked);
	/* The access may have another top byte, if the domain ignores that. */
	uint64_t iova = (run.first & TOP) | (access->iova & ~TOP);

	if (error && walked->reason != VIOMMU_FAULT_LEAF_UNBACKED && walked->reason != VIOMMU_FAULT_PROTECTION)
		return -PORT_EFAULT;
	/* Rights are judged by the tables first, and then by the memory behind them. */
	if (access->access & ~run.tables)
		walked->reason = VIOMMU_FAULT_PROTECTION;
	else if (access->access & ~run.prot)
		walked->reason = VIOMMU_FAULT_LEAF_UNBACKED;
	if (error || access->access & ~run.prot)
		return -PORT_EFAULT;
	if (run.first < (iova & ~AROUND))
		run.first = iova & ~AROUND;
	if (run.last > (iova | AROUND))
		run.last = iova | AROUND;
	error = guest_domain_refresh(domain, run.first, run.last);
	if (guest_is_shortage(error)) {
		guest_count(&iommu->counts.insufficient);
		/* At least the page that is accessed. */
		error = guest_domain_refresh(domain, iova, iova);
	}
	/* An entry that was made malformed meanwhile is found by the next walk. */
	if (error && error != -PORT_EFAULT)
		return error;
	guest_count(&iommu->counts.filled);
	return 0;
}

int guest_device_resettle(struct guest_device *device, const struct guest_domain *failed)
{
	struct guest_iommu *iommu = device->iommu;
	bool attached;

	port_lock(&iommu->change);
	/* It may have been replaced meanwhile. */
	if (failed && device->domain == failed)
		guest_domain_break(iommu, device->domain);
	else if (!failed && guest_device_may_settle(device))
		guest_device_settle(device);
	else if (!failed)
		guest_count(&iommu->counts.insufficient);
	guest_iommu_settle(iommu);
	attached = device->domain;
	port_unlock(&iommu->change);
	return attached ? 0 : -PORT_EFAULT;
}

static int fault_in_tables(struct guest_device *device, const struct viommu_fault *access)
{
	struct viommu_fault walked = { 0 };
	struct guest_lane *lane;
	struct guest_domain *domain = guest_device_enter(device, &lane);
	struct guest_config config;
	int error = 0;

	/* The configuration has changed since the access failed. */
	if (!domain)
		return 0;
	/* Of the tables that are walked, whatever the device has by the time of the answer. */
	config = domain->config;
	port_lock(&lane->lock);
	if (guest_domain_kind(domain) == VIOMMU_KIND_NESTED)
		error = fill(device->iommu, domain, access, &walked);
	port_unlock(&lane->lock);
	guest_gate_leave(lane);
	if (error == -PORT_EFAULT)
		return device->iommu->ops->unmapped(device, &config, access, &walked);
	if (error == -PORT_EIO)
		return guest_device_resettle(device, domain);
	return error ? -PORT_EFAULT : 0;
}

static int covers(void *ctx, const struct viommu_run *run)
{
	const struct viommu_fault *access = ctx;

	return !(access->access & ~run->prot);
}

bool guest_domain_permits(const struct guest_domain *domain, const struct viommu_fault *access)
{
	return viommu_domain_each_run(domain->domain, access->iova, access->iova, covers, (void *)(uintptr_t)access);
}

/* The device was on its way to the direct domain, or there is nothing at the address. */
static int fault_in_direct(struct guest_device *device, struct viommu_fault *access)
{
	struct guest_lane *lane;
	struct guest_domain *domain = guest_device_enter(device, &lane);
	bool reached;

	/* The configuration has changed since the access failed. */
	if (!domain)
		return 0;
	port_lock(&lane->lock);
	reached = guest_domain_kind(domain) != VIOMMU_KIND_DIRECT || guest_domain_permits(domain, access);
	port_unlock(&lane->lock);
	guest_gate_leave(lane);
	return reached ? 0 : device->iommu->ops->beyond(device, access);
}

int guest_device_fault(struct guest_device *device, const struct viommu_fault *fault)
{
	struct guest_iommu *iommu = device->iommu;
	struct viommu_fault access;
	enum guest_target target;
	bool settled;

	if (!fault || fault->reason == VIOMMU_FAULT_NONE)
		return -PORT_EINVAL;
	if (device->hardware)
		return -PORT_EOPNOTSUPP;
	access = *fault;
	guest_count(&iommu->counts.faults);
	guest_count(&device->faults);
	port_lock(&iommu->lock);
	target = device->config.target;
	settled = device->domain && (guest_domain_kind(device->domain) == VIOMMU_KIND_DIRECT) == (target == GUEST_TARGET_DIRECT);
	port_unlock(&iommu->lock);

	if (target == GUEST_TARGET_NONE)
		return iommu->ops->blocked(device, &access);
	if (!settled)
		return guest_device_resettle(device, NULL);
	return target == GUEST_TARGET_TABLES ? fault_in_tables(device, &access) : fault_in_direct(device, &access);
}
