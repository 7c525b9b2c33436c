/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Comparing QEMU's answers about streams with the library, for IOMMUs with registers.
 *
 * Each page that QEMU was asked about is accessed by the library's device like by a device model:
 * translate; on a miss ask the IOMMU, and translate again. A translation without a miss is an
 * established one: so stale translations and missing ones are both differences. A read-only page
 * must refuse the store.
 */
#ifndef VIOMMU_WATCH_ACCESSES_H
#define VIOMMU_WATCH_ACCESSES_H

#include "streams.h"

/* The device of a stream. NULL: it is not checked. */
struct checked *accesses_device(struct checker *checker, uint32_t requester);

/* Compares an observation's answers. Returns the nanoseconds that misses took. */
uint64_t accesses_compare(struct checker *checker, struct streams *streams, const struct observation *observation);

/* Pages that came and went since the devices were last looked at. */
struct difference {
	uint64_t established;
	uint64_t released;
};
struct difference accesses_look(struct checker *checker);

#endif
