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

static bool next(struct guest_iommu *iommu, uint64_t *gpa)
{
	struct guest_ring ring;

	if (!iommu->ops->commands(iommu, &ring) || guest_ring_is_empty(&ring))
		return false;
	*gpa = guest_queue_entry(&ring.queue, (uint32_t)*ring.consumer);
	iommu->signals.waits = iommu->signals.number == GUEST_SIGNALS;
	return !iommu->signals.waits;
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

static void consume(struct guest_iommu *iommu)
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

/*
 * Without locks, after pending interrupts were delivered: goes on with commands that waited for
 * that. False if there were none.
 */
static bool consume_rest(struct guest_iommu *iommu)
{
	bool waits;

	port_lock(&iommu->lock);
	waits = iommu->signals.waits;
	iommu->signals.waits = false;
	port_unlock(&iommu->lock);
	if (!waits)
		return false;
	port_lock(&iommu->change);
	consume(iommu);
	port_unlock(&iommu->change);
	return true;
}

/* With change held, unless the register is light. */
static void store(struct guest_iommu *iommu, uint32_t offset, uint32_t value)
{
	struct guest_store stored;
	unsigned int work = 0;

	port_lock(&iommu->lock);
	if (guest_registers_store(&iommu->registers, offset, value, iommu->ops->conditions(iommu), &stored))
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
	bool light = guest_registers_is_light(&iommu->registers, offset);

	if (!light)
		port_lock(&iommu->change);
	store(iommu, offset, value);
	if (!light)
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
	do {
		guest_iommu_deliver(iommu);
	} while (consume_rest(iommu));
	return 0;
}
