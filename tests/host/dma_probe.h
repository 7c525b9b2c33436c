/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a real device finds at an IOVA: it is told to read from there and to write there, and the memory that the suite maps shows where that led. Each page of
 * that memory holds its own number, so that a page says which one it is, and that no other one was written.
 */
#ifndef DMA_PROBE_H
#define DMA_PROBE_H

#include "host/host.h"

/* As struct conformance_subject has them. Prints what went wrong, and fails the test, where the device does what no translation explains. */
int dma_probe(struct host_space *space, struct host_device *device, uint64_t iova, unsigned char **hva, uint32_t *prot);
void dma_probe_forget(struct host_device *device);

/* Numbers the pages of the arena. */
void dma_probe_begin(void);

#endif
