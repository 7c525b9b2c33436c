/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The checker of guests whose devices are streams: the library's guest IOMMU with the same input as
 * QEMU's.
 */
#ifndef VIOMMU_WATCH_STREAM_CHECK_H
#define VIOMMU_WATCH_STREAM_CHECK_H

#include "invalids.h"
#include "observer.h"
#include "streams.h"

/* The checks of a guest IOMMU. One guest IOMMU is checked at a time. */
const struct check_ops *stream_check_ops(enum capture_guest guest);

/* Without a checker, the functions below do nothing. */

/* The guest IOMMU appears, by its record. */
void stream_check_begin(struct checker *checker, const struct capture_record *iommu);
void stream_check_found(struct checker *checker, const struct stream *stream);

/* An operation, with data of these IOMMUs. */
struct stream_observation {
	const struct observation *observation;
	struct streams *streams;
	/* the commands that it has submitted; NULL: none */
	const struct invalids *invalids;
	/* The library's part of a store, which must not write events for the guest; NULL: all. */
	const struct capture_write *library;
	bool qemu_refuses; /* QEMU has found an illegal command */
	bool asked;	   /* QEMU was queried */
	bool gave_up;	   /* its answers were given up */
};
void stream_check(struct checker *checker, const struct stream_observation *operation);

#endif
