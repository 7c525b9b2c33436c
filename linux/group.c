/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "container.h"
#include "reserved.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts, "Take groups whose interrupts are not isolated, too: a guest may then send any interrupt to the host (off)");

struct trial {
	struct iommu_domain *domain;
	bool coherent;
};

/* Any device of the group stands for all, since they are behind one IOMMU. */
static int try_device(struct device *device, void *data)
{
	struct trial *trial = data;

	trial->domain = iommu_paging_domain_alloc(device);
	trial->coherent = device_iommu_capable(device, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
	return 1;
}

static bool is_software_msi(const struct group *group, phys_addr_t *base)
{
	const struct iommu_resv_region *region;
	bool found = false;

	list_for_each_entry (region, &group->reserved, list) {
		/* An IOMMU that has a window of its own needs none of ours. */
		if (region->type == IOMMU_RESV_MSI)
			return false;
		if (region->type == IOMMU_RESV_SW_MSI) {
			*base = region->start;
			found = true;
		}
	}
	return found;
}

static struct iommu_domain *alloc_domain(struct group *group, bool *coherent)
{
	struct trial trial = { .domain = ERR_PTR(-ENODEV) };
	phys_addr_t msi;
	int error = 0;

	iommu_group_for_each_dev(group->iommu_group, &trial, try_device);
	if (IS_ERR_OR_NULL(trial.domain))
		return trial.domain ? trial.domain : ERR_PTR(-ENODEV);
	/*
	 * Before anything is mapped, since IOMMUs say so in each entry. KVM takes it for granted of
	 * each group whose IOMMU can do it: its guests then have no need of flushes of their own.
	 */
	*coherent = trial.coherent;
	if (trial.coherent && !(trial.domain->ops->enforce_cache_coherency && trial.domain->ops->enforce_cache_coherency(trial.domain)))
		error = -EINVAL;
	else if (is_software_msi(group, &msi))
		error = iommu_get_msi_cookie(trial.domain, msi);
	if (error && error != -ENODEV) {
		iommu_domain_free(trial.domain);
		return ERR_PTR(error);
	}
	return trial.domain;
}

static void free_group(struct group *group)
{
	reserved_free(&group->reserved);
	kfree(group);
}

/*
 * The driver of s390 tells what lies above a device's aperture of attached devices alone
 * (s390_iommu_get_resv_regions() in drivers/iommu/s390-iommu.c).
 */
static int reserve_attached(struct group *group, struct iommu_domain *domain)
{
	int error = iommu_attach_group(domain, group->iommu_group);

	if (error)
		return error;
	reserved_free(&group->reserved);
	INIT_LIST_HEAD(&group->reserved);
	error = iommu_get_group_resv_regions(group->iommu_group, &group->reserved);
	iommu_detach_group(domain, group->iommu_group);
	return error;
}

static int try_group(struct group *group)
{
	struct iommu_domain *domain;
	int error = iommu_get_group_resv_regions(group->iommu_group, &group->reserved);

	if (error)
		return error;
	domain = alloc_domain(group, &group->coherent);
	if (IS_ERR(domain))
		return (int)PTR_ERR(domain);
	error = IS_ENABLED(CONFIG_S390) ? reserve_attached(group, domain) : 0;
	if (error) {
		iommu_domain_free(domain);
		return error;
	}
	group->first = domain->geometry.aperture_start;
	group->last = domain->geometry.aperture_end;
	iommu_domain_free(domain);
	group->host = group->container->host;
	group->host.group = group;
	group->host.viommu.caps.first = group->first;
	group->host.viommu.caps.last = group->last;
	return 0;
}

static struct group *find(struct container *container, const struct iommu_group *iommu_group)
{
	struct group *group;

	list_for_each_entry (group, &container->groups, in_container)
		if (group->iommu_group == iommu_group)
			return group;
	return NULL;
}

int group_join(struct container *container, struct iommu_group *iommu_group)
{
	struct group *group;
	int error;

	if (find(container, iommu_group))
		return -EINVAL;
	if (!allow_unsafe_interrupts && !iommu_group_has_isolated_msi(iommu_group)) {
		pr_warn("viommu: the interrupts of group %d are not isolated: see the parameter allow_unsafe_interrupts\n", iommu_group_id(iommu_group));
		return -EPERM;
	}
	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return -ENOMEM;
	group->container = container;
	group->iommu_group = iommu_group;
	INIT_LIST_HEAD(&group->reserved);
	error = try_group(group);
	if (!error)
		error = viommu_device_create(container->vm, &container->host.viommu, group, &group->device);
	if (error) {
		free_group(group);
		return error;
	}
	down_write(&container->reserved);
	list_add_tail(&group->in_container, &container->groups);
	up_write(&container->reserved);
	events_watch(group);
	return 0;
}

void group_leave(struct container *container, struct iommu_group *iommu_group)
{
	struct group *group = find(container, iommu_group);

	if (!group)
		return;
	machine_leave(group);
	s390_attached(group, NULL);
	viommu_device_destroy(group->device);
	down_write(&container->reserved);
	list_del(&group->in_container);
	up_write(&container->reserved);
	free_group(group);
}

struct group *group_find(struct container *container, u32 number)
{
	struct group *group;

	list_for_each_entry (group, &container->groups, in_container)
		if ((u32)iommu_group_id(group->iommu_group) == number)
			return group;
	return NULL;
}

bool group_all_coherent(struct container *container)
{
	struct group *group;

	list_for_each_entry (group, &container->groups, in_container)
		if (!group->coherent)
			return false;
	return true;
}

static bool any_reserves(struct viommu_host *host, u64 first, u64 last)
{
	struct container *container = container_of_host(host);
	struct group *group;
	bool found = false;

	down_read(&container->reserved);
	list_for_each_entry (group, &container->groups, in_container)
		found |= reserved_any(&group->reserved, first, last);
	up_read(&container->reserved);
	return found;
}

static long put_range(const struct vfio_viommu_info *info, u32 number, u64 first, u64 last)
{
	const struct vfio_viommu_range range = { .first = first, .last = last };
	struct vfio_viommu_range __user *ranges = u64_to_user_ptr(info->ranges_uptr);

	return number < info->ranges && copy_to_user(ranges + number, &range, sizeof(range)) ? -EFAULT : 0;
}

/* Regions are ascending by their first IOVA, and may overlap. */
long group_info(struct container *container, struct vfio_viommu_info *info)
{
	struct group *group = group_find(container, info->group);
	const struct iommu_resv_region *region;
	u64 at, first, last;
	bool full = false;
	long error;
	u32 number = 0;

	if (!group)
		return -EINVAL;
	at = group->first;
	list_for_each_entry (region, &group->reserved, list) {
		if (!reserved_takes(region, &first, &last) || last < at || full)
			continue;
		if (first > group->last)
			break;
		if (first > at) {
			error = put_range(info, number++, at, first - 1);
			if (error)
				return error;
		}
		full = last >= group->last;
		at = last + 1;
	}
	if (!full) {
		error = put_range(info, number++, at, group->last);
		if (error)
			return error;
	}
	info->out_ranges = number;
	return 0;
}

static struct group *group_of(struct host_device *device)
{
	return container_of(device, struct group_device, host_device)->group;
}

/* A space is a domain of the group that it is created for. */
static struct iommu_domain *alloc_space_domain(struct viommu_host *host, bool *coherent)
{
	return alloc_domain(group_of_host(host), coherent);
}

static int group_device_create(struct viommu_host *host, struct host_vm *guest, const void *data, struct host_device **out)
{
	struct group *group = (struct group *)data;
	struct group_device *device = host == &group->host.viommu ? &group->behind : &group->own;

	device->group = group;
	device->host_device.host = host;
	*out = &device->host_device;
	return 0;
}

static void group_device_destroy(struct host_device *device)
{
}

static int attach(struct host_space *space, struct host_device *device, u32 pasid)
{
	int error;

	if (group_of(device)->coherent != space_is_coherent(space))
		return -EINVAL;
	error = iommu_attach_group(space_domain(space), group_of(device)->iommu_group);
	/*
	 * A hypervisor below may learn of translations by RPCIT alone: QEMU reads no tables when
	 * they are registered. Linux executes none for mappings from before.
	 */
	if (!error && IS_ENABLED(CONFIG_S390))
		iommu_flush_iotlb_all(space_domain(space));
	return error;
}

/* VFIO has claimed the group: detached, it is in a domain that blocks all. */
static int detach(struct host_space *space, struct host_device *device, u32 pasid)
{
	iommu_detach_group(space_domain(space), group_of(device)->iommu_group);
	return 0;
}

/* A host is a part of its container. */
static void host_destroy(struct viommu_host *host)
{
}

#define GROUP_SPACE_OPS                                                                                                                                     \
	.host = { SPACE_HOST_OPS,	  .device_create = group_device_create, .device_destroy = group_device_destroy, .attach = attach, .detach = detach, \
		  .destroy = host_destroy },                                                                                                                \
	.host.unseen = events_unseen, .alloc_domain = alloc_space_domain, .free_domain = iommu_domain_free, .reserves = any_reserves

const struct space_ops group_pinned_ops = { GROUP_SPACE_OPS, .get = memory_find };

const struct space_ops group_paged_ops = { GROUP_SPACE_OPS, .get = memory_get, .name = memory_name, .put = memory_put };
