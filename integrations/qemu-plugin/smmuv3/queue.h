/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's command queue, for an SMMU that has a smaller one than QEMU's.
 *
 * QEMU offers queues of 2^19 commands, and Linux takes what it gets. The library's SMMU has 2^12 at the most, to bound the work of one store. So what the
 * guest puts into its queue is put into another one, of QUEUE_BITS, in a page of memory that the guest has not got; stores to CMDQ_BASE, _PROD and _CONS become
 * such as a guest with that queue would have done. Nothing else of what a guest stores depends on the size.
 */
#ifndef VIOMMU_WATCH_SMMUV3_QUEUE_H
#define VIOMMU_WATCH_SMMUV3_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_ram.h"

#define QUEUE_BITS  8u
#define QUEUE_BYTES 4096u /* of 16 a command */
/* The last page that an SMMU with 44 bits of output can reach. */
#define QUEUE_GPA UINT64_C(0xffffffff000)

struct queue {
	uint64_t *commands;  /* QUEUE_BYTES, little-endian */
	uint32_t prod;	     /* with its wrap bit; the library has consumed all before it */
	uint64_t guest_base; /* CMDQ_BASE as the guest stored it */
	uint32_t guest_prod;
	uint32_t guest_cons; /* what was taken over so far */
};

/* false if memory is short. */
bool queue_init(struct queue *queue);

/* Takes over the guest's next commands, as many as there are and as there is room for. How many; those beyond the end of memory are none. */
unsigned int queue_take(struct queue *queue, const struct guest_ram *ram, void (*fn)(void *ctx, uint64_t gpa, const uint64_t command[2]), void *ctx);

#endif
