/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Setting the notifier of a device, or of one of its PASIDs. */
#include "core/device.h"
#include "core/domain.h"

/* With the locks of the VM and, if it has one, of the attachment's domain held. */
static void set(struct attachment *attachment, void (*fn)(void *ctx, uint64_t first, uint64_t last), void *ctx)
{
	struct viommu_domain *domain = attachment->domain;

	if (domain && attachment->notify)
		domain_count_notified(domain, -1u);
	attachment->notify = fn;
	attachment->notify_ctx = ctx;
	if (domain && fn)
		domain_count_notified(domain, 1);
}

int viommu_device_set_notifier(struct viommu_device *device, uint32_t pasid, void (*fn)(void *ctx, uint64_t first, uint64_t last), void *ctx)
{
	struct viommu_vm *vm = device->vm;
	struct attachment *attachment;
	int error;

	port_debug_may_wait();
	port_lock(&vm->lock);
	error = device_get_attachment(device, pasid, &attachment);
	if (!error) {
		if (attachment->domain)
			port_lock(&attachment->domain->lock);
		set(attachment, fn, ctx);
		if (attachment->domain)
			port_unlock(&attachment->domain->lock);
		attachment_put(attachment);
	}
	port_unlock(&vm->lock);
	return error;
}
