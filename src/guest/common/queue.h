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

/* A queue, and the registers that have its indices, at which they may have other bits. */
struct guest_ring {
	struct guest_queue queue;
	uint64_t *producer;
	uint64_t *consumer;
};

static inline bool guest_ring_is_empty(const struct guest_ring *ring)
{
	return guest_queue_is_empty(&ring->queue, (uint32_t)*ring->producer, (uint32_t)*ring->consumer);
}

static inline bool guest_ring_is_full(const struct guest_ring *ring)
{
	return guest_queue_is_full(&ring->queue, (uint32_t)*ring->producer, (uint32_t)*ring->consumer);
}

/* One of the indices goes on by an entry. */
static inline void guest_ring_advance(const struct guest_ring *ring, uint64_t *index)
{
	*index = (*index & ~(uint64_t)guest_queue_mask(&ring->queue)) | guest_queue_next(&ring->queue, (uint32_t)*index);
}

#endif
