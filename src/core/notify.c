/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/notify.h"

#include "core/device.h"
#include "core/domain.h"

/* Ranges come in ascending order from a refresh. When there is no room, the last one is widened. */
void removed_add(struct removed *removed, uint64_t first, uint64_t last)
{
	struct removed_range *latest = &removed->range[removed->number ? removed->number - 1 : 0];

	if (removed->number && first <= latest->last + 1 && latest->last != UINT64_MAX && first >= latest->first) {
		if (last > latest->last)
			latest->last = last;
	} else if (removed->number < REMOVED_RANGES) {
		removed->range[removed->number++] = (struct removed_range){ first, last };
	} else {
		if (first < latest->first)
			latest->first = first;
		if (last > latest->last)
			latest->last = last;
	}
}

static void notify(const struct attachment *attachment, uint64_t first, uint64_t last)
{
	if (attachment->notify)
		attachment->notify(attachment->notify_ctx, first, last);
}

void removed_report(struct viommu_domain *domain)
{
	struct removed *removed = &domain->removed;

	for (unsigned int i = 0; i < removed->number; i++) {
		struct removed_range range = removed->range[i];

		/* The same translations are reached with any top byte. */
		if (domain->top_ignored)
			range = (struct removed_range){ 0, UINT64_MAX };
		list_each (&domain->attachments, struct attachment, in_domain, attachment)
			notify(attachment, range.first, range.last);
	}
	removed->number = 0;
}

/* With the domain's lock held: notes from here on, or not any more. */
static void count(struct viommu_domain *domain, unsigned int change)
{
	domain->removed.notified += change;
	if (!domain->removed.notified)
		domain->removed.number = 0;
	if (domain->host_space)
		domain->host_space->removed = domain->removed.notified ? &domain->removed : NULL;
}

void notify_joined(struct viommu_domain *domain, const struct attachment *attachment)
{
	if (attachment->notify)
		count(domain, 1);
}

void notify_left(struct viommu_domain *domain, const struct attachment *attachment)
{
	if (!attachment->notify)
		return;
	count(domain, -1u);
	notify(attachment, 0, UINT64_MAX);
}

/* With the locks of the VM and, if it has one, of the attachment's domain held. */
static void set(struct attachment *attachment, void (*fn)(void *ctx, uint64_t first, uint64_t last), void *ctx)
{
	struct viommu_domain *domain = attachment->domain;

	if (domain && attachment->notify)
		count(domain, -1u);
	attachment->notify = fn;
	attachment->notify_ctx = ctx;
	if (domain)
		notify_joined(domain, attachment);
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
