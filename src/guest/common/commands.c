/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands are consumed in their order, until there are none, or until one is refused: then the
 * consumer's index stays at it. Each is loaded once. The producer's index does not change
 * meanwhile, so that the work of one store is bounded: at most two queues of commands, as an index
 * may have a bit more than the queue's.
 */
#include "guest/common/devices.h"

#define MOST_WORDS 4u

static bool next(struct guest_iommu *iommu, uint64_t *gpa)
{
	struct guest_ring ring;

	if (!iommu->ops->commands(iommu, &ring) || guest_ring_is_empty(&ring))
		return false;
	*gpa = guest_queue_entry(&ring.queue, (uint32_t)*ring.consumer);
	return true;
}

static void finish(struct guest_iommu *iommu, unsigned int error)
{
	struct guest_ring ring;

	guest_count(error ? &iommu->counts.errors : &iommu->counts.commands);
	if (error) {
		iommu->ops->stop(iommu, error);
		return;
	}
	(void)iommu->ops->commands(iommu, &ring);
	guest_ring_advance(&ring, ring.consumer);
}

void guest_iommu_consume(struct guest_iommu *iommu)
{
	const struct guest_iommu_ops *ops = iommu->ops;
	uint64_t command[MOST_WORDS];
	unsigned int error = 0;
	uint64_t gpa;
	bool more;

	port_lock(&iommu->lock);
	more = next(iommu, &gpa);
	port_unlock(&iommu->lock);
	while (more) {
		error = guest_memory_load(&iommu->memory, gpa, command, ops->command_words) ? ops->execute(iommu, command) : ops->unreadable;
		port_lock(&iommu->lock);
		finish(iommu, error);
		more = !error && next(iommu, &gpa);
		port_unlock(&iommu->lock);
	}
	guest_iommu_sync(iommu);
}
