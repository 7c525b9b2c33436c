/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data as an oracle (oracle_data.h): what a page that commands have taken from a device holds.
 */
#ifndef VIOMMU_WATCH_SMMUV3_CHECK_DATA_H
#define VIOMMU_WATCH_SMMUV3_CHECK_DATA_H

#include "check_board.h"

/* Pages that a device could reach before a write, in the stretches that it is about. All zeros: none. */
struct check_data {
	struct pages pages;
	struct checked_stream *stream; /* whose they are */
};

/* Takes over what the library has for a stretch. */
void check_data_before(struct check_data *data, struct checked_stream *stream, const struct answers *answers);

/* Behind the write: calls fn for each of these pages that is gone and carries a block of the disk. */
void check_data_after(struct check_data *data, const struct guest_ram *ram,
		      void (*fn)(void *ctx, struct checked_stream *stream, const struct page *page, uint64_t block, uint64_t expected), void *ctx);

#endif
