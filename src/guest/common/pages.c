/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The register pages: loads, stores, and what a store requests.
 *
 * Commands are consumed in their order, until there are none, or until one is refused: then the
 * consumer's index stays at it. They wait while as many messages are pending as are kept. Each is
 * loaded once. The producer's index does not change meanwhile, so that the work of one store is
 * bounded: at most two queues of commands, as an index may have a bit more than the queue's.
 */
#include "guest/common/devices.h"

#define MOST_WORDS 4u

static bool next(struct guest_iommu *iommu, const struct guest_ring *ring, uint64_t *gpa)
{
	if (guest_ring_is_empty(ring))
		return false;
	*gpa = guest_queue_entry(&ring->queue, (uint32_t)*ring->consumer);
	iommu->signals.waits = iommu->signals.number == GUEST_SIGNALS;
	return !iommu->signals.waits;
}

static void finish(struct guest_iommu *iommu, const struct guest_ring *ring, unsigned int error)
{
	guest_count(error ? &iommu->counts.errors : &iommu->counts.commands);
	if (error)
		iommu->ops->stop(iommu, error);
	else
		guest_ring_advance(ring, ring->consumer);
}

static void consume(struct guest_iommu *iommu)
{
	const struct guest_iommu_ops *ops = iommu->ops;
	uint64_t command[MOST_WORDS];
	struct guest_ring ring;
	unsigned int error = 0;
	uint64_t gpa;
	bool more;

	port_lock(&iommu->lock);
	more = ops->commands(iommu, &ring) && next(iommu, &ring, &gpa);
	port_unlock(&iommu->lock);
	while (more) {
		error = guest_memory_load(&iommu->memory, gpa, command, ops->command_words) ? ops->execute(iommu, command) : ops->unreadable;
		port_lock(&iommu->lock);
		finish(iommu, &ring, error);
		more = !error && next(iommu, &ring, &gpa);
		port_unlock(&iommu->lock);
	}
	guest_iommu_sync(iommu);
}

/* With change held, unless the register is light. */
static void store(struct guest_iommu *iommu, unsigned int row, uint32_t offset, uint32_t value)
{
	struct guest_store stored;
	unsigned int work;

	port_lock(&iommu->lock);
	guest_registers_store(&iommu->registers, row, offset, value, iommu->ops->conditions(iommu), &stored);
	work = iommu->ops->stored(iommu, &stored);
	port_unlock(&iommu->lock);
	if (work & GUEST_CONFIGURE)
		guest_iommu_configure(iommu, 0, GUEST_ALL_IDS);
	if (work & (GUEST_CONFIGURE | GUEST_SYNC))
		guest_iommu_sync(iommu);
	if (work & GUEST_CONSUME)
		consume(iommu);
}

/* A guest writes light registers while commands are consumed, and need not wait for that. */
static void store32(struct guest_iommu *iommu, uint32_t offset, uint32_t value)
{
	unsigned int row = guest_registers_find(&iommu->registers, offset);

	if (row == iommu->registers.number)
		return;
	if (iommu->registers.table[row].light) {
		store(iommu, row, offset, value);
		return;
	}
	port_lock(&iommu->change);
	store(iommu, row, offset, value);
	port_unlock(&iommu->change);
}

static bool is_access(const struct guest_iommu *iommu, uint64_t offset, unsigned int bytes)
{
	return (bytes == 4 || bytes == 8) && offset < iommu->ops->page_bytes && !(offset & (bytes - 1));
}

int guest_iommu_read(struct guest_iommu *iommu, uint64_t offset, unsigned int bytes, uint64_t *value)
{
	if (!is_access(iommu, offset, bytes))
		return -PORT_EINVAL;
	port_lock(&iommu->lock);
	*value = guest_registers_load(&iommu->registers, (uint32_t)offset, bytes);
	port_unlock(&iommu->lock);
	return 0;
}

int guest_iommu_write(struct guest_iommu *iommu, uint64_t offset, unsigned int bytes, uint64_t value)
{
	if (!is_access(iommu, offset, bytes))
		return -PORT_EINVAL;
	store32(iommu, (uint32_t)offset, (uint32_t)value);
	if (bytes == 8)
		store32(iommu, (uint32_t)offset + 4, (uint32_t)(value >> 32));
	while (guest_iommu_deliver_for_commands(iommu)) {
		port_lock(&iommu->change);
		consume(iommu);
		port_unlock(&iommu->change);
	}
	return 0;
}
