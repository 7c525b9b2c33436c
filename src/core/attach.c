/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaching, moving and detaching.
 *
 * What holds: when a detach or a move has returned, no reader of the attachment is inside a
 * translation of the domain that it left. Other attachments' readers are not waited for. A device
 * is moved in one step where its host can; else it is detached first, and reaches nothing for a
 * moment.
 */
#include "core/attachment.h"

#include "core/device.h"
#include "core/domain.h"

void attachment_init(struct attachment *attachment, struct viommu_device *device, uint32_t pasid)
{
	attachment->device = device;
	attachment->pasid = pasid;
	list_init(&attachment->in_device);
	list_init(&attachment->in_domain);
	list_init(&attachment->readers);
}

struct attachment *attachment_find(struct viommu_device *device, uint32_t pasid)
{
	if (pasid == VIOMMU_NO_PASID)
		return &device->self;
	list_each (&device->pasids, struct attachment, in_device, attachment)
		if (attachment->pasid == pasid)
			return attachment;
	return NULL;
}

int attachment_get(struct viommu_device *device, uint32_t pasid, struct attachment **out)
{
	struct attachment *attachment = attachment_find(device, pasid);

	if (!attachment) {
		if (!device->host->caps.pasid_bits)
			return -PORT_EOPNOTSUPP;
		if ((uint64_t)pasid >> device->host->caps.pasid_bits)
			return -PORT_EINVAL;
		attachment = port_alloc(sizeof(*attachment), 0);
		if (!attachment)
			return -PORT_ENOMEM;
		attachment_init(attachment, device, pasid);
		list_append(&device->pasids, &attachment->in_device);
	}
	*out = attachment;
	return 0;
}

void attachment_put(struct attachment *attachment)
{
	if (attachment->pasid == VIOMMU_NO_PASID || attachment->domain || !list_is_empty(&attachment->readers))
		return;
	list_remove(&attachment->in_device);
	port_free(attachment, sizeof(*attachment), 0);
}

int domain_attach_host(struct viommu_domain *domain, struct attachment *attachment)
{
	return domain->host->ops->attach(domain->host_space, attachment->device->host_device, attachment->pasid);
}

int domain_detach_host(struct viommu_domain *domain, struct attachment *attachment)
{
	return domain->host->ops->detach(domain->host_space, attachment->device->host_device, attachment->pasid);
}

int domain_replace_host(struct viommu_domain *from, struct viommu_domain *to, struct attachment *attachment)
{
	const struct host_ops *ops = to->host->ops;

	if (!ops->replace || !from->host_space)
		return -PORT_EOPNOTSUPP;
	return ops->replace(from->host_space, to->host_space, attachment->device->host_device, attachment->pasid);
}

/*
 * With the lock of the domain that was left still held, which waits for the readers of its own
 * attachments alone: when this returns, no reader is in anything of that domain's.
 */
static void drain(struct attachment *attachment)
{
	/* Pairs with the light side in viommu_translate(): either it sees the new state, or we see that it is inside. */
	port_grace_heavy();
	readers_wait_inside(&attachment->readers);
	readers_wait_held(&attachment->readers);
}

static void join(struct viommu_domain *domain, struct attachment *attachment)
{
	list_append(&domain->attachments, &attachment->in_domain);
	attachment->domain = domain;
	port_store_relaxed(&attachment->binding, attachment->binding + 1);
	port_store_release(&attachment->reached, domain->host_space ? domain : NULL);
}

int attachment_detach(struct attachment *attachment, bool by_force)
{
	struct viommu_domain *domain = attachment->domain;
	int error;

	if (!domain)
		return 0;
	port_lock(&domain->lock);
	error = domain->ops->detach(domain, attachment);
	if (!error || by_force) {
		attachment->domain = NULL;
		port_store_relaxed(&attachment->reached, NULL);
		list_remove(&attachment->in_domain);
		drain(attachment);
	}
	port_unlock(&domain->lock);
	return error ? -PORT_EIO : 0;
}

/* Both locks, in the order of their addresses. The VM's lock is held: without it no thread takes two. */
static void lock_both(struct viommu_domain *one, struct viommu_domain *other)
{
	port_lock((uintptr_t)one < (uintptr_t)other ? &one->lock : &other->lock);
	port_lock_nested((uintptr_t)one < (uintptr_t)other ? &other->lock : &one->lock);
}

/* In one step of the host's, so that no access finds the device detached. If there is no such step, it stays where it is. */
static int move(struct viommu_domain *domain, struct attachment *attachment)
{
	struct viommu_domain *old = attachment->domain;
	int error;

	lock_both(old, domain);
	error = domain->ops->replace(old, domain, attachment);
	if (!error) {
		list_remove(&attachment->in_domain);
		join(domain, attachment);
		drain(attachment);
	}
	port_unlock(&domain->lock);
	port_unlock(&old->lock);
	return error;
}

static int attach(struct viommu_domain *domain, struct attachment *attachment)
{
	int error;

	if (attachment->domain == domain || (attachment->domain && !move(domain, attachment)))
		return 0;
	/* Perhaps the old domain is in the way. */
	if (attachment_detach(attachment, false))
		return -PORT_EBUSY;
	port_lock(&domain->lock);
	error = domain->ops->attach(domain, attachment);
	if (!error)
		join(domain, attachment);
	port_unlock(&domain->lock);
	if (error)
		return error == -PORT_ENOSPC || error == -PORT_ENOMEM ? -PORT_ENOSPC : -PORT_EIO;
	return 0;
}

int viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device, uint32_t pasid)
{
	struct viommu_vm *vm = domain->vm;
	struct attachment *attachment;
	int error;

	if (device->vm != vm || device->host != domain->host)
		return -PORT_EXDEV;
	port_debug_may_wait();
	port_lock(&vm->lock);
	error = domain->ops->needs_id && !device->has_id ? -PORT_EINVAL : attachment_get(device, pasid, &attachment);
	if (!error) {
		error = attach(domain, attachment);
		attachment_put(attachment);
	}
	port_unlock(&vm->lock);
	return error;
}

int viommu_device_detach(struct viommu_device *device, uint32_t pasid)
{
	struct attachment *attachment;
	int error = 0;

	port_debug_may_wait();
	port_lock(&device->vm->lock);
	attachment = attachment_find(device, pasid);
	if (attachment) {
		error = attachment_detach(attachment, false);
		attachment_put(attachment);
	}
	port_unlock(&device->vm->lock);
	return error;
}
