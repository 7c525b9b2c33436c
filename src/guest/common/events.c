/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event queue. A record is in memory, whole, before the producer's index covers it. One that
 * finds the queue full, or that cannot be written, is lost, and the architecture reports that; one
 * that comes while events are discarded is lost silently. Records of hardware take the same way.
 */
#include "format/format.h"
#include "guest/common/devices.h"

#define MOST_WORDS 8u

/* With lock held. */
static bool write(struct guest_iommu *iommu, const uint64_t *record)
{
	const struct guest_iommu_ops *ops = iommu->ops;
	struct guest_ring ring;

	if (!ops->events(iommu, &ring))
		return false;
	if (guest_ring_is_full(&ring)) {
		ops->overflow(iommu);
		return false;
	}
	if (!guest_memory_store(&iommu->memory, guest_queue_entry(&ring.queue, (uint32_t)*ring.producer), record, ops->event_words)) {
		ops->abort(iommu);
		return false;
	}
	/*
	 * A guest reads the index by a load that takes this lock. A reader of its memory without
	 * one finds the record first, too.
	 */
	port_fence_release();
	ops->recorded(iommu);
	guest_ring_advance(&ring, ring.producer);
	return true;
}

void guest_iommu_record(struct guest_iommu *iommu, struct guest_device *device, const uint64_t *record)
{
	bool written = write(iommu, record);

	guest_count(written ? &iommu->counts.events : &iommu->counts.events_lost);
	if (written && device)
		guest_count(&device->events);
}

void guest_device_record(struct guest_device *device, const uint64_t *record)
{
	port_lock(&device->iommu->lock);
	guest_iommu_record(device->iommu, device, record);
	port_unlock(&device->iommu->lock);
	guest_iommu_deliver(device->iommu);
}

/* From nesting hardware: nest_sink (core/hardware.h). */
static bool take(void *ctx, const void *from)
{
	struct guest_iommu *iommu = ctx;
	struct guest_device *device;
	uint64_t record[MOST_WORDS];
	uint32_t id;
	bool known;

	__builtin_memcpy(record, from, iommu->ops->event_words * sizeof(*record));
	for (unsigned int i = 0; i < iommu->ops->event_words; i++)
		record[i] = format_swap_if_big(record[i]);
	port_lock(&iommu->lock);
	known = iommu->ops->device_id(record, &id);
	device = guest_device_find(iommu, id);
	if (device && known)
		guest_iommu_record(iommu, device, record);
	port_unlock(&iommu->lock);
	return device;
}

/* Events that hardware lost are reported as an overflow. */
static void lost(void *ctx)
{
	struct guest_iommu *iommu = ctx;
	struct guest_ring ring;

	port_lock(&iommu->lock);
	guest_count(&iommu->counts.events_lost);
	if (iommu->ops->events(iommu, &ring))
		iommu->ops->overflow(iommu);
	port_unlock(&iommu->lock);
}

static void deliver(void *ctx)
{
	guest_iommu_deliver(ctx);
}

void guest_iommu_listen(struct guest_iommu *iommu)
{
	iommu->sink = (struct nest_sink){ .type = iommu->ops->type, .ctx = iommu, .take = take, .lost = lost, .deliver = deliver };
	nest_sink_add(iommu->vm, &iommu->sink);
}
