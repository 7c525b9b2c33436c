/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The end of a replay, checked by devices: each page of the final map is read and written by the
 * device itself, and IOVAs without a translation are tried.
 *
 *   dma_check.c   a function at a time: the pages to be checked, its device, and all of memory afterwards
 *   dma_target.c  one page, or one IOVA without one
 */
#ifndef VIOMMU_CLI_DMA_CHECK_H
#define VIOMMU_CLI_DMA_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "dma/dma.h"
#include "replay.h"

/* A page that an IOVA leads to. */
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
	struct recorded map; /* the expected translations; the library's own where the recorded machine's answers are not known */
	struct dma_target *targets;
	size_t target_count;
	struct dma_device *device;
	struct dma_page pages[DMA_PAGES]; /* its driver's, for now */
	uint64_t gpas[DMA_PAGES];
	bool forbidden; /* it was made to do an illegal access: its later state has no meaning for the map */
	bool dead;	/* it does not come back */
};

/* The page at an IOVA is part of the driver's. */
bool dma_check_is_lent(const struct dma_check *check, uint64_t gpa);

/* dma_target.c. Each leaves memory as it was, where the device did as it should. */
void dma_target_writable(struct dma_check *check, const struct dma_target *target);
void dma_target_readable(struct dma_check *check, const struct dma_target *target, const struct dma_target *through);
void dma_target_protected(struct dma_check *check, const struct dma_target *target);
/* memory: where the IOVA led once. */
void dma_target_unreadable(struct dma_check *check, const struct dma_target *gone, const struct dma_target *through);
void dma_target_nothing(struct dma_check *check, uint64_t iova, const struct dma_target *source);

#endif
