/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "smmuv3/queue.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "smmuv3/spec.h"

#define QUEUE_ENTRIES	(1u << QUEUE_BITS)
#define GUEST_BITS_MOST 19u /* the architecture's limit */

bool queue_init(struct queue *queue)
{
	queue->commands = aligned_alloc(QUEUE_BYTES, QUEUE_BYTES);
	if (queue->commands)
		memset(queue->commands, 0, QUEUE_BYTES);
	return queue->commands;
}

unsigned int queue_take(struct queue *queue, const struct guest_ram *ram, struct changes *changes, void (*fn)(void *ctx, const uint64_t command[2]), void *ctx)
{
	unsigned int bits = REG_QUEUE_SIZE(queue->guest_base), count = 0;
	uint64_t base = REG_QUEUE_ADDRESS(queue->guest_base);
	uint32_t wrap, i;
	bool changed;

	if (bits > GUEST_BITS_MOST)
		bits = GUEST_BITS_MOST;
	wrap = (2u << bits) - 1;
	while (((queue->guest_prod ^ queue->guest_cons) & wrap) && count < QUEUE_ENTRIES) {
		uint64_t from = base + (queue->guest_cons & wrap >> 1) * (uint64_t)COMMAND_BYTES, command[2];
		unsigned int at = (queue->prod & (QUEUE_ENTRIES - 1)) * 2;

		if (!guest_ram_load(ram, from, &command[0]) || !guest_ram_load(ram, from + 8, &command[1]))
			break;
		for (i = 0; i < 2; i++) {
			changed = queue->commands[at + i] != command[i];
			queue->commands[at + i] = command[i];
			command[i] = le64toh(command[i]);
			if (changed && !changes_add(changes, QUEUE_GPA + (at + i) * UINT64_C(8), command[i]))
				return count;
		}
		fn(ctx, command);
		queue->prod = (queue->prod + 1) & (2 * QUEUE_ENTRIES - 1);
		queue->guest_cons = (queue->guest_cons + 1) & wrap;
		count++;
	}
	return count;
}
