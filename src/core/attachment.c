/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Attachments by themselves, and waiting for their readers: attachment.h. */
#include "core/attachment.h"

void attachment_init(struct attachment *attachment, struct viommu_device *device, struct host_device *host_device, uint32_t pasid)
{
	attachment->device = device;
	attachment->host_device = host_device;
	attachment->pasid = pasid;
	list_init(&attachment->in_device);
	list_init(&attachment->in_domain);
	list_init(&attachment->readers);
}

void attachment_put(struct attachment *attachment)
{
	if (attachment->pasid == VIOMMU_NO_PASID || attachment->domain || attachment->notify || !list_is_empty(&attachment->readers))
		return;
	list_remove(&attachment->in_device);
	port_free(attachment, sizeof(*attachment), 0);
}

static void wait_for(const uint32_t *section)
{
	uint32_t seen = port_load_acquire(section);

	if (seen % 2)
		while (port_load_acquire(section) == seen)
			port_relax();
}

void readers_wait_held(struct list *readers)
{
	list_each (readers, struct viommu_reader, in_attachment, reader)
		wait_for(&reader->held);
}

void readers_wait_inside(struct list *readers)
{
	list_each (readers, struct viommu_reader, in_attachment, reader)
		wait_for(&reader->inside);
}

void attachment_drain(struct attachment *attachment)
{
	/*
	 * Pairs with the light side in viommu_translate(): either it sees the new state, or we see
	 * that it is inside.
	 */
	port_grace_heavy();
	readers_wait_inside(&attachment->readers);
	readers_wait_held(&attachment->readers);
}
