/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command queue for the library.
 *
 * QEMU offers queues of 2^19 commands, and Linux uses all of it. The library's SMMU has 2^12 at
 * most, to bound the work of one store. So commands are copied from the guest's queue into another
 * one of QUEUE_BITS, in a page that is not the guest's memory. Stores to CMDQ_BASE, _PROD and _CONS
 * become those of a guest with that queue. No other store of a guest depends on the size.
 */
#ifndef VIOMMU_WATCH_SMMUV3_QUEUE_H
#define VIOMMU_WATCH_SMMUV3_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_ram.h"
#include "lists.h"

#define QUEUE_BITS  8u
#define QUEUE_BYTES 4096u /* each has 16 bytes */
/* The last page that an SMMU with 44 bits of output can reach. */
#define QUEUE_GPA UINT64_C(0xffffffff000)

struct queue {
	uint64_t *commands; /* QUEUE_BYTES, little-endian */
	/* with its wrap bit; the library has consumed all commands before it */
	uint32_t prod;
	uint64_t guest_base; /* CMDQ_BASE as the guest stored it */
	uint32_t guest_prod;
	uint32_t guest_cons; /* copied up to here */
};

/* false if memory is short. */
bool queue_init(struct queue *queue);

/*
 * Copies the guest's next commands, as many as fit, appends the changed doublewords of the page to
 * *changes, and calls fn for each command. Stops at the end of memory. Returns the number of copied
 * commands.
 */
unsigned int queue_take(struct queue *queue, const struct guest_ram *ram, struct changes *changes, void (*fn)(void *ctx, const uint64_t command[2]), void *ctx);

#endif
