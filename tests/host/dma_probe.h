/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Probes a real device's translation of an IOVA. The device reads and writes there, and the suite's
 * memory shows the page that the access reached. Each page of that memory holds its own number,
 * which identifies it and proves that no other page was written.
 */
#ifndef DMA_PROBE_H
#define DMA_PROBE_H

#include "host/host.h"

/*
 * For struct conformance_subject. Prints an error and fails the test if no translation explains the
 * device's accesses.
 */
int dma_probe(struct host_space *space, struct host_device *device, uint64_t iova, unsigned char **hva, uint32_t *prot);
void dma_probe_forget(struct host_device *device);

/* Numbers the pages of the arena. */
void dma_probe_begin(void);

#endif
