/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The final check of a replay by devices: the device reads and writes each page of the final map,
 * and tries IOVAs without a translation.
 *
 *   dma_check.c   for each function: the pages to check, the device, and all of memory afterwards
 *   dma_target.c  one page, or one IOVA without one
 */
#ifndef VIOMMU_CLI_DMA_CHECK_H
#define VIOMMU_CLI_DMA_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "dma/dma.h"
#include "replay.h"

/* A page that an IOVA maps. */
struct dma_target {
	uint64_t iova;
	uint64_t gpa;
	uint32_t prot;
	unsigned char *memory;
	bool done;
};

struct dma_check {
	struct replay *replay;
	const struct replay_function *function;
	int vfio_fd;	     /* the device's */
	int kind;	     /* of the device: enum dma_kind */
	const char *address; /* of the device */
	/* expected translations; the library's own if the capture's are incomplete */
	struct recorded map;
	struct dma_target *targets;
	size_t target_count;
	struct dma_device *device;
	struct dma_page pages[DMA_PAGES]; /* its driver's, for now */
	uint64_t gpas[DMA_PAGES];
	bool forbidden; /* it made an illegal access: its later state proves nothing */
	bool dead;	/* it does not recover */
};

/* Whether the page at an IOVA is lent to the driver. */
bool dma_check_is_lent(const struct dma_check *check, uint64_t gpa);

/* dma_target.c. Each leaves memory unchanged if the device works correctly. */
void dma_target_writable(struct dma_check *check, const struct dma_target *target);
void dma_target_readable(struct dma_check *check, const struct dma_target *target, const struct dma_target *through);
void dma_target_protected(struct dma_check *check, const struct dma_target *target);
/* memory: the former translation of the IOVA. */
void dma_target_unreadable(struct dma_check *check, const struct dma_target *gone, const struct dma_target *through);
void dma_target_nothing(struct dma_check *check, uint64_t iova, const struct dma_target *source);

#endif
