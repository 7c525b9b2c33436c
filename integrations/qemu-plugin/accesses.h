/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Compares QEMU's answers about streams with the library, for IOMMUs with registers.
 *
 * For each page that QEMU was queried about, the library's device makes an access like a device
 * model: translate; on a miss ask the IOMMU, and translate again. A translation without a miss is
 * an established one, so both stale and missing translations are differences. A store to a
 * read-only page must be refused. Where a guest announces what becomes valid, the IOMMU is not
 * asked: a miss is a difference.
 */
#ifndef VIOMMU_WATCH_ACCESSES_H
#define VIOMMU_WATCH_ACCESSES_H

#include "streams.h"

/* The device of a stream. NULL: not checked. */
struct checked *accesses_device(struct checker *checker, uint32_t requester);

/* Compares an observation's answers. Returns the nanoseconds spent in misses. */
uint64_t accesses_compare(struct checker *checker, struct streams *streams, const struct observation *observation);

/* Counts pages that came and went since the last call. */
struct difference {
	uint64_t established;
	uint64_t released;
};
struct difference accesses_look(struct checker *checker);

#endif
