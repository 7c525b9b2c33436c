/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Refresh PCI Translations (RPCIT) of a guest that KVM hands over: the domain of the function is
 * refreshed in the vCPU's thread.
 *
 * For each function of a group that is attached to a domain there is an entry, by the function's
 * ID. RPCITs of other functions, and those that fail, go to user space: VFIO_VIOMMU_REFRESH returns
 * the reason, and the monitor changes the function's state. A function that is not enabled is
 * attached to no domain.
 */
#include "container.h"

#ifdef VIOMMU_RPCIT

#include <linux/kvm_host.h>
#include <linux/pci.h>

#include <asm/pci.h>

/* struct domain by function ID */
static DEFINE_XARRAY_FLAGS(functions, XA_FLAGS_ACCOUNT);

static int rpcit(u32 fid, u64 addr, u64 range)
{
	struct vfio_viommu_refresh refresh = { .first = addr, .last = addr + (range - 1) };
	struct shared *domain;
	long error;

	if (!range || refresh.last < addr)
		return -EOPNOTSUPP;
	domain = shared_get(&functions, fid);
	if (!domain)
		return -EOPNOTSUPP;
	error = domain_refresh(domain, &refresh);
	shared_put(domain);
	if (error)
		return -EOPNOTSUPP;
	if (refresh.out_status == VFIO_VIOMMU_REFRESH_INSUFFICIENT)
		return -ENOMEM;
	return refresh.out_status == VFIO_VIOMMU_REFRESH_DONE ? 0 : -EOPNOTSUPP;
}

static int follow_device(struct device *device, void *domain)
{
	u32 fid = to_zpci(to_pci_dev(device))->fid;

	/* Without an entry, user space refreshes. */
	if (!domain || xa_is_err(xa_store(&functions, fid, domain, GFP_KERNEL_ACCOUNT)))
		xa_erase(&functions, fid);
	return 0;
}

void s390_attached(struct group *group, struct shared *domain)
{
	iommu_group_for_each_dev(group->iommu_group, domain, follow_device);
}

void s390_forget(struct shared *domain)
{
	unsigned long fid;
	void *entry;

	xa_for_each (&functions, fid, entry)
		if (entry == domain)
			xa_erase(&functions, fid);
}

void s390_init(void)
{
	zpci_kvm_set_rpcit(rpcit);
}

void s390_exit(void)
{
	zpci_kvm_set_rpcit(NULL);
	xa_destroy(&functions);
}

#endif
