/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to the drivers: a device's registers, its configuration space, and time. Registers are
 * little-endian. Values here are in the CPU's order. If the kernel refuses an access, or a register
 * unexpectedly reads as all ones, the function is gone or in an error state: -ENXIO.
 */
#ifndef DMA_DRIVER_H
#define DMA_DRIVER_H

#include <stdbool.h>

#include "dma/dma.h"

struct dma_driver {
	const char *name;
	/* Prepares the device for transfers, from any state. Fills in blocks. */
	int (*start)(struct dma_device *device);
	void (*stop)(struct dma_device *device);
	int (*transfer)(struct dma_device *device, uint64_t iova, uint64_t block, bool write);
};

extern const struct dma_driver dma_edu;
extern const struct dma_driver dma_nvme;

/* One queue of an NVMe: its location and its index. */
struct nvme_queue {
	const struct dma_page *submissions;
	const struct dma_page *completions;
	uint32_t id;
	uint32_t tail;
	uint32_t head;
	uint32_t phase;
};

struct dma_device {
	const struct dma_driver *driver;
	int vfio_fd;
	uint64_t bar_offset; /* of BAR 0 in the file descriptor */
	uint64_t bar_bytes;
	int error_event;	     /* counts error events of the function; negative: no count */
	volatile unsigned char *bar; /* BAR 0 in memory; NULL: accessed through the file */
	struct dma_page pages[DMA_PAGES];
	uint64_t blocks;
	struct {
		struct nvme_queue admin, io;
		uint64_t sectors; /* of the namespace, in a block */
		uint32_t stride;  /* from one doorbell to the next */
		uint32_t ready_ms;
	} nvme;
	char why[192];
};

/* Stores the reason, and returns error. */
__attribute__((format(printf, 3, 4))) int dma_failed(struct dma_device *device, int error, const char *format, ...);

int dma_load32(struct dma_device *device, uint64_t offset, uint32_t *value);
int dma_store32(struct dma_device *device, uint64_t offset, uint32_t value);
/* In one access, for registers that cannot be accessed in halves. */
int dma_store64(struct dma_device *device, uint64_t offset, uint64_t value);

/* A monotonic clock. */
uint64_t dma_now_ms(void);

/* Yields the CPU in a polling loop. */
void dma_pause(void);

#endif
