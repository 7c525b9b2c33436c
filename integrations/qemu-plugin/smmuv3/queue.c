/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "queue.h"

#include <endian.h>
#include <stdlib.h>

#include "guest/smmuv3/spec.h"

#define QUEUE_ENTRIES	(1u << QUEUE_BITS)
#define GUEST_BITS_MOST 19u /* the architecture's */

bool queue_init(struct queue *queue)
{
	queue->commands = aligned_alloc(QUEUE_BYTES, QUEUE_BYTES);
	return queue->commands;
}

unsigned int queue_take(struct queue *queue, const struct guest_ram *ram, void (*fn)(void *ctx, uint64_t gpa, const uint64_t command[2]), void *ctx)
{
	unsigned int bits = queue->guest_base & QUEUE_BASE_LOG2SIZE, count = 0;
	uint64_t base = queue->guest_base & QUEUE_BASE_ADDRESS;
	uint32_t wrap;

	if (bits > GUEST_BITS_MOST)
		bits = GUEST_BITS_MOST;
	wrap = (2u << bits) - 1;
	while (((queue->guest_prod ^ queue->guest_cons) & wrap) && count < QUEUE_ENTRIES) {
		uint64_t from = base + (queue->guest_cons & wrap >> 1) * (uint64_t)VIOMMU_SMMUV3_CMD_BYTES, command[2];
		unsigned int at = (queue->prod & (QUEUE_ENTRIES - 1)) * 2;

		if (!guest_ram_load(ram, from, &command[0]) || !guest_ram_load(ram, from + 8, &command[1]))
			break;
		queue->commands[at] = command[0];
		queue->commands[at + 1] = command[1];
		command[0] = le64toh(command[0]);
		command[1] = le64toh(command[1]);
		fn(ctx, QUEUE_GPA + at * UINT64_C(8), command);
		queue->prod = (queue->prod + 1) & (2 * QUEUE_ENTRIES - 1);
		queue->guest_cons = (queue->guest_cons + 1) & wrap;
		count++;
	}
	return count;
}
