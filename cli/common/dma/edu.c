/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QEMU's educational device (docs/specs/edu.rst): a buffer of 4096 bytes, and one DMA transfer at a
 * time between it and memory, which takes 100 ms. It does not report the result of a transfer.
 * Addresses are truncated to the bits of its dma_mask property, 28 by default.
 */
#include "dma/driver.h"

#include <errno.h>

#define EDU_IDENTIFICATION 0x00u
#define EDU_DMA_SOURCE	   0x80u
#define EDU_DMA_TARGET	   0x88u
#define EDU_DMA_COUNT	   0x90u
#define EDU_DMA_COMMAND	   0x98u

#define EDU_COMMAND_RUN	  0x1u
#define EDU_COMMAND_WRITE 0x2u /* from the buffer to memory */

#define EDU_BUFFER 0x40000u /* address of the buffer, as a source or a target */

#define EDU_MS 30000u

/* Waits for the end of a transfer: registers do not change before that. */
static int edu_wait(struct dma_device *device)
{
	uint64_t until = dma_now_ms() + EDU_MS;
	uint32_t command;
	int error;

	do {
		error = dma_load32(device, EDU_DMA_COMMAND, &command);
		if (error)
			return error;
		if (command == UINT32_MAX)
			return dma_failed(device, -ENXIO, "its registers read as ones: it is gone, or in an error state");
		if (!(command & EDU_COMMAND_RUN))
			return 0;
		dma_pause();
	} while (dma_now_ms() < until);
	return dma_failed(device, -ETIMEDOUT, "a transfer did not end in %u ms", EDU_MS);
}

static int edu_start(struct dma_device *device)
{
	uint32_t identification;
	int error = dma_load32(device, EDU_IDENTIFICATION, &identification);

	if (error)
		return error;
	if ((identification & 0xff) != 0xed)
		return dma_failed(device, -ENXIO, "its identification register is 0x%08x", identification);
	device->blocks = 1;
	return edu_wait(device);
}

static void edu_stop(struct dma_device *device)
{
	edu_wait(device);
}

static int edu_transfer(struct dma_device *device, uint64_t iova, uint64_t block, bool write)
{
	int error = edu_wait(device);

	(void)block; /* the only block */
	if (!error)
		error = dma_store64(device, EDU_DMA_SOURCE, write ? EDU_BUFFER : iova);
	if (!error)
		error = dma_store64(device, EDU_DMA_TARGET, write ? iova : EDU_BUFFER);
	if (!error)
		error = dma_store64(device, EDU_DMA_COUNT, DMA_BYTES);
	if (!error)
		error = dma_store64(device, EDU_DMA_COMMAND, EDU_COMMAND_RUN | (write ? EDU_COMMAND_WRITE : 0));
	return error ? error : edu_wait(device);
}

const struct dma_driver dma_edu = { .name = "edu", .start = edu_start, .stop = edu_stop, .transfer = edu_transfer };
