/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/miss.h"

/* Not all of a large leaf is needed at once, nor need it all be pinned for one access. */
#define AROUND UINT64_C(0x1fffff)
#define TOP    (UINT64_C(0xff) << 56)

int guest_domain_miss(struct guest_iommu *iommu, const struct guest_domain *domain, const struct viommu_fault *access, struct viommu_fault *walked)
{
	struct viommu_run run = { .prot = 0 };
	int error = viommu_domain_walk(domain->domain, access->iova, &run, walked);
	/* The access may have another top byte, if the domain ignores that. */
	uint64_t iova = (run.first & TOP) | (access->iova & ~TOP);

	if (error && walked->reason != VIOMMU_FAULT_LEAF_UNBACKED)
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
	error = viommu_domain_refresh(domain->domain, run.first, run.last, NULL);
	if (guest_is_shortage(error)) {
		guest_count(&iommu->counts.insufficient);
		/* At least the page that is accessed. */
		error = viommu_domain_refresh(domain->domain, iova, iova, NULL);
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
