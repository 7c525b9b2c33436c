/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains of a container. A refresh finds its domain without the container's lock, and holds a
 * reference meanwhile. Destroying a domain takes away its id, waits for the references, and only
 * then destroys it.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "container.h"
#include "core/direct.h"
#include "port/sized.h"
#include "reserved.h"

struct domain {
	struct shared shared;
	struct viommu_domain *viommu;
};

#define LEAST_DATA sizeof(u32)
#define MOST_DATA  4096u

void domain_outcome(struct vfio_viommu_outcome *outcome, const struct viommu_refresh_result *result)
{
	*outcome = (struct vfio_viommu_outcome){
		.established = result->established,
		.released = result->released,
		.unestablished = result->unestablished,
		.unbacked = result->unbacked,
		.entries = result->entries,
		.fault_reason = result->fault.reason,
		.fault_level = result->fault.level,
		.fault_iova = result->fault.iova,
		.fault_entry_gpa = result->fault.entry_gpa,
		.fault_entry = result->fault.entry,
	};
}

static int create_direct(struct container *container, const void *data, struct viommu_domain **out)
{
	struct vfio_viommu_direct direct;

	if (!sized_in(&direct, sizeof(direct), sizeof(direct), data) || direct.flags & ~(VFIO_VIOMMU_DIRECT_READ | VFIO_VIOMMU_DIRECT_WRITE))
		return -EINVAL;
	return direct_create(container->vm, &container->host.viommu, direct.offset, direct.first, direct.last, direct.flags, out);
}

static int create_core(struct container *container, u32 type, const void *data, struct viommu_refresh_result *result, struct viommu_domain **out)
{
	if (type == VFIO_VIOMMU_DATA_DIRECT)
		return create_direct(container, data, out);
	return viommu_domain_create(container->vm, &container->host.viommu, type, data, result, out);
}

/* The architecture's data is the core's to judge. It begins with its size. */
static int create_viommu(struct container *container, struct group *group, const struct vfio_viommu_domain_create *create, struct viommu_refresh_result *result,
			 struct viommu_domain **out)
{
	u32 *data;
	int error;

	if (create->data_len < LEAST_DATA || create->data_len > MOST_DATA)
		return -EINVAL;
	data = memdup_user(u64_to_user_ptr(create->data_uptr), create->data_len);
	if (IS_ERR(data))
		return (int)PTR_ERR(data);
	container->creating = group;
	container->host.viommu.caps.first = group->first;
	container->host.viommu.caps.last = group->last;
	error = *data > create->data_len ? -EINVAL : create_core(container, create->data_type, data, result, out);
	container->creating = NULL;
	kfree(data);
	return error;
}

long vfio_domain_create(struct container *container, struct vfio_viommu_domain_create *create)
{
	struct group *group = group_find(container, create->group);
	struct viommu_refresh_result result = {};
	struct domain *domain;
	int error;

	if (!group)
		return -EINVAL;
	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return -ENOMEM;
	shared_init(&domain->shared);
	error = create_viommu(container, group, create, &result, &domain->viommu);
	if (error)
		goto free;
	error = xa_alloc(&container->domains, &create->out_domain, domain, xa_limit_31b, GFP_KERNEL_ACCOUNT);
	if (error) {
		viommu_domain_destroy(domain->viommu);
		goto free;
	}
	container->domain_number++;
	domain_outcome(&create->out_outcome, &result);
	return 0;
free:
	kfree(domain);
	return error;
}

static void destroy(struct container *container, struct domain *domain)
{
	s390_forget(&domain->shared);
	shared_end(&domain->shared);
	viommu_domain_destroy(domain->viommu);
	kfree(domain);
	container->domain_number--;
}

long vfio_domain_destroy(struct container *container, const struct vfio_viommu_domain_destroy *arguments)
{
	struct domain *domain;

	if (arguments->reserved)
		return -EINVAL;
	domain = xa_erase(&container->domains, arguments->domain);
	if (!domain)
		return -ENOENT;
	destroy(container, domain);
	return 0;
}

void vfio_domain_destroy_all(struct container *container)
{
	struct domain *domain;
	unsigned long id;

	xa_for_each (&container->domains, id, domain) {
		xa_erase(&container->domains, id);
		destroy(container, domain);
	}
	xa_destroy(&container->domains);
}

static long attach(struct group *group, struct domain *domain)
{
	long error;

	if (!domain) {
		s390_attached(group, NULL);
		return viommu_device_detach(group->device, VIOMMU_NO_PASID);
	}
	if (reserved_established(&group->reserved, domain->viommu))
		return -ENOSPC;
	error = viommu_domain_attach(domain->viommu, group->device, VIOMMU_NO_PASID);
	s390_attached(group, error ? NULL : &domain->shared);
	return error;
}

long vfio_domain_attach(struct container *container, const struct vfio_viommu_attach *arguments)
{
	struct group *group = group_find(container, arguments->group);
	struct domain *domain = shared_get(&container->domains, arguments->domain);
	long error;

	if (arguments->domain && !domain)
		return -ENOENT;
	error = !group ? -EINVAL : group->machine ? -EBUSY : attach(group, domain);
	if (domain)
		shared_put(&domain->shared);
	return error;
}

long domain_refresh(struct shared *shared, struct vfio_viommu_refresh *refresh)
{
	struct domain *domain = container_of(shared, struct domain, shared);
	struct viommu_refresh_result result = {};
	int error = viommu_domain_refresh(domain->viommu, refresh->first, refresh->last, &result);

	domain_outcome(&refresh->out_outcome, &result);
	switch (error) {
	case 0:
		refresh->out_status = VFIO_VIOMMU_REFRESH_DONE;
		break;
	case -ERANGE:
		refresh->out_status = VFIO_VIOMMU_REFRESH_OUTSIDE;
		break;
	case -ENOSPC:
		refresh->out_status = VFIO_VIOMMU_REFRESH_INSUFFICIENT;
		break;
	case -EFAULT:
		refresh->out_status = VFIO_VIOMMU_REFRESH_MALFORMED;
		break;
	case -EIO:
		refresh->out_status = VFIO_VIOMMU_REFRESH_FAILED;
		break;
	default:
		return error;
	}
	return 0;
}

long vfio_domain_refresh(struct container *container, struct vfio_viommu_refresh *refresh)
{
	struct shared *domain = shared_get(&container->domains, refresh->domain);
	long error;

	if (!domain)
		return -ENOENT;
	error = domain_refresh(domain, refresh);
	shared_put(domain);
	return error;
}
