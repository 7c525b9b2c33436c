/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Devices that do DMA on demand, driven from user space through their VFIO file descriptor: a
 * device is made to read or to write 4096 bytes at an IOVA, so that one sees where the IOVA leads.
 * QEMU's "edu" (docs/specs/edu.rst there: a transfer takes 100 ms) and any NVMe (NVM Express Base
 * Specification: needs a few pages for its queues) are known. This is no part of the library: tests
 * use it, and the command, where it checks a host by a device's own accesses.
 *
 * A device has memory of its own, in blocks of 4096 bytes: one in edu, a namespace full of them in
 * NVMe. Verbs are the device's: it *reads from* an IOVA into a block, and *writes to* an IOVA what
 * the block holds. So a pattern comes into a block by reading it from an IOVA that leads to it. An
 * NVMe's blocks are those of its first namespace: what stood on the disk is lost.
 *
 * Judge by the data. That a transfer ended well does not mean that its data arrived: QEMU's NVMe
 * reports success where the IOMMU stopped it, and edu reports nothing at all. That it failed does
 * not mean that none did. On s390 a stopped access puts the whole function into an error state, in
 * which nothing can be relied on until dma_reset().
 *
 * Threads: one at a time for each device.
 */
#ifndef DMA_DMA_H
#define DMA_DMA_H

#include <stddef.h>
#include <stdint.h>

#define DMA_BYTES 4096u /* of a transfer, and of a block */
#define DMA_PAGES 5u	/* that a driver needs */

/* A page of memory for the driver, as the device sees it and as the caller does. */
struct dma_page {
	uint64_t iova;
	void *memory;
};

struct dma_device;

enum dma_kind {
	DMA_NONE, /* an unknown device */
	DMA_EDU,
	DMA_NVME,
};

/* The kind of device, by its configuration space, or the negative errno of reading it. */
int dma_kind(int vfio_fd);

/*
 * Starts a device. pages stay the driver's until dma_close(); IOVAs and memory are multiples of
 * 4096, and the device must be able to read and write there when this is called and whenever it
 * gets a command (edu uses none of them). vfio_fd stays the caller's, and open until dma_close().
 * 0; -ENODEV (a device that is not known here, or without a namespace); -ENXIO, -ETIMEDOUT, -EIO as
 * of a transfer; another negative errno that the kernel gave. why (may be NULL) is filled in where
 * it is not 0.
 */
int dma_open(int vfio_fd, const struct dma_page pages[DMA_PAGES], struct dma_device **out, char *why, size_t why_bytes);

/* Stops the device's DMA if it still responds, and frees it. NULL is allowed. */
void dma_close(struct dma_device *device);

/*
 * One transfer of DMA_BYTES at an IOVA that is a multiple of them; when it returns, the device has
 * finished, except after -ETIMEDOUT. 0; -EINVAL (no such block, IOVA not aligned); -EIO (the device
 * reports a failure, or cannot continue); -ENXIO (its registers cannot be read: it is gone or in an
 * error state); -ETIMEDOUT. After any of the last three only dma_restart() and dma_reset() help.
 */
int dma_read_from(struct dma_device *device, uint64_t iova, uint64_t block);
int dma_write_to(struct dma_device *device, uint64_t iova, uint64_t block);

/* Starts again like dma_open(), for a device that could not reach its pages for a while. */
int dma_restart(struct dma_device *device);

/* Resets the function (on s390 that ends its error state), and starts again. */
int dma_reset(struct dma_device *device);

uint64_t dma_blocks(const struct dma_device *device);

/* "edu" or "nvme". */
const char *dma_name(const struct dma_device *device);

/* The last error as text; empty if there was none. */
const char *dma_why(const struct dma_device *device);

/*
 * An eventfd, which does not block, that VFIO signals for an interrupt of a device that has no
 * data: VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_REQ_IRQ_INDEX. It is the caller's. Or the negative errno
 * that the kernel gave. The first of the two is used by dma_open().
 */
int dma_event(int vfio_fd, uint32_t index);

#endif
