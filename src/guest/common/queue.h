/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Queues in guest memory: rings of entries of one size, of which one side produces and the other
 * consumes. An index counts entries and has one more bit, the wrap bit, which tells a full ring
 * from an empty one (Arm); or it is an offset in bytes, and a full ring has one entry free (VT-d,
 * AMD).
 */
#ifndef VIOMMU_GUEST_COMMON_QUEUE_H
#define VIOMMU_GUEST_COMMON_QUEUE_H

#include "guest/common/memory.h"

struct guest_queue {
	uint64_t gpa;
	uint32_t entries;     /* a power of two */
	uint32_t entry_bytes; /* a multiple of 8 */
	uint32_t step;	      /* of an index, for one entry: 1, or entry_bytes */
	bool wrap_bit;
};

/* The bits of an index that count. */
static inline uint32_t guest_queue_mask(const struct guest_queue *queue)
{
	return (queue->entries << queue->wrap_bit) * queue->step - 1;
}

static inline uint32_t guest_queue_next(const struct guest_queue *queue, uint32_t index)
{
	return (index + queue->step) & guest_queue_mask(queue);
}

static inline bool guest_queue_is_empty(const struct guest_queue *queue, uint32_t producer, uint32_t consumer)
{
	return !((producer ^ consumer) & guest_queue_mask(queue));
}

static inline bool guest_queue_is_full(const struct guest_queue *queue, uint32_t producer, uint32_t consumer)
{
	if (queue->wrap_bit)
		return ((producer ^ consumer) & guest_queue_mask(queue)) == queue->entries * queue->step;
	return guest_queue_is_empty(queue, guest_queue_next(queue, producer), consumer);
}

/* Where the entry at an index is. */
static inline uint64_t guest_queue_entry(const struct guest_queue *queue, uint32_t index)
{
	return queue->gpa + (uint64_t)((index & (queue->entries * queue->step - 1)) / queue->step) * queue->entry_bytes;
}

#define GUEST_COMMAND_WORDS 4u /* the most that a command has */

/* How a guest IOMMU consumes commands. */
struct guest_commands {
	/* With `lock` held: where the next command is; false if none may be consumed. */
	bool (*next)(void *iommu, uint64_t *gpa);
	/* Without `lock`. 0, or an error of the architecture. */
	unsigned int (*execute)(void *iommu, const uint64_t *command);
	/* With `lock` held: the consumer's index goes on, or the error is reported. */
	void (*done)(void *iommu, unsigned int error);
	unsigned int words;
	unsigned int unreadable; /* the error of a command that is not in memory */
};

/*
 * Consumes commands until there are none, or one is refused. Each is loaded once. The caller holds
 * a lock under which the producer's index does not change, so that the work of one call is bounded.
 */
void guest_commands_consume(const struct guest_commands *commands, void *iommu, struct guest_memory *memory, struct port_lock *lock);

#endif
