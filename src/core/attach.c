/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaching, moving and detaching.
 *
 * Invariant: when a detach or a move has returned, no reader of the attachment is inside a
 * translation of the domain that it left. Other attachments' readers are not waited for. A device
 * is moved in one step where its host can; else it is detached first, and reaches nothing for a
 * moment.
 */
#include "core/device.h"
#include "core/domain.h"

/*
 * Both locks, in the order of their addresses. The VM's lock is held: without it no thread takes
 * two.
 */
static void lock_both(struct viommu_domain *one, struct viommu_domain *other)
{
	port_lock((uintptr_t)one < (uintptr_t)other ? &one->lock : &other->lock);
	port_lock_nested((uintptr_t)one < (uintptr_t)other ? &other->lock : &one->lock);
}

/*
 * In one step of the host's, so that no access finds the device detached. If there is no such step,
 * it stays where it is.
 */
static int move(struct viommu_domain *domain, struct attachment *attachment)
{
	struct viommu_domain *old = attachment->domain;
	int error;

	lock_both(old, domain);
	error = domain->ops->replace(old, domain, attachment);
	if (!error) {
		list_remove(&attachment->in_domain);
		domain_join(domain, attachment);
		attachment_drain(attachment);
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
	if (domain_detach(attachment, false))
		return -PORT_EBUSY;
	port_lock(&domain->lock);
	error = domain->ops->attach(domain, attachment);
	if (!error)
		domain_join(domain, attachment);
	port_unlock(&domain->lock);
	if (error == -PORT_EOPNOTSUPP && attachment->pasid != VIOMMU_NO_PASID) {
		vm_log(domain->vm, VIOMMU_LOG_ERROR, "the host cannot attach a PASID of this device to this domain", attachment->pasid, 0);
		return error;
	}
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
	error = domain->ops->needs_id && !device->has_id ? -PORT_EINVAL : device_get_attachment(device, pasid, &attachment);
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
	attachment = device_find_attachment(device, pasid);
	if (attachment) {
		error = domain_detach(attachment, false);
		attachment_put(attachment);
	}
	port_unlock(&device->vm->lock);
	return error;
}
