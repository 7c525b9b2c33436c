/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lists of recorded and compared items: doublewords of guest memory that have changed, and
 * translated pages. A list of all zeros is empty. Its memory is reused after it is emptied.
 */
#ifndef VIOMMU_WATCH_LISTS_H
#define VIOMMU_WATCH_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viommu/types.h>

#include "capture/capture.h"

/* Makes room for one more element in a struct with list, count and room. New memory is zeroed. */
#define LIST_FITS(l) list_fits(&(l)->list, (l)->count, &(l)->room, sizeof(*(l)->list))
bool list_fits(void *list, size_t count, size_t *room, size_t element);

/* Doublewords that have changed. All changes together add up to the guest's structures. */
struct changes {
	struct capture_mem *list;
	size_t count;
	size_t room;
};

/* Reports that the doubleword at gpa now holds value. false if memory is short. */
bool changes_add(struct changes *changes, uint64_t gpa, uint64_t value);

/* Translated pages, of QEMU or of the library: ascending and disjoint. */
struct runs {
	struct capture_page *list;
	size_t count;
	size_t room;
	bool lost; /* memory was short: some are missing */
};

/* Pages first..last of one device, with all translations in that range. */
struct stretch {
	uint32_t device; /* StreamID; 0 where captures have none */
	uint64_t first;
	uint64_t last;
	struct runs runs;
};

void runs_clear(struct runs *runs);

/* Appends pages, to the last run if they continue it. */
void runs_add(struct runs *runs, uint64_t iova, uint64_t gpa, uint32_t prot, uint64_t count);

/* The same for the library's each_run functions. Always 0. */
int runs_add_library(void *runs, const struct viommu_run *run);

uint64_t runs_pages(const struct runs *runs);

/* Removes pages at and beyond `bytes` of guest memory. */
void runs_clip(struct runs *runs, uint64_t bytes);

bool runs_same(const struct runs *a, const struct runs *b);

/* A range over which two lists each have one run, or nothing. GPA and prot are 0 for nothing. */
struct piece {
	uint64_t first;
	uint64_t last;
	uint64_t gpa[2]; /* of the first IOVA */
	uint32_t prot[2];
};
typedef void (*piece_fn)(void *ctx, const struct piece *piece);

static inline uint64_t piece_pages(const struct piece *piece)
{
	return (piece->last - piece->first) / CAPTURE_PAGE_SIZE + 1;
}

/* Calls fn for each piece of first..last in which either list has pages, ascending. */
void runs_each(const struct runs *a, const struct runs *b, uint64_t first, uint64_t last, piece_fn fn, void *ctx);

/* The same for pieces in which they differ. Returns their number of pages. fn may be NULL. */
uint64_t runs_compare(const struct runs *a, const struct runs *b, uint64_t first, uint64_t last, piece_fn fn, void *ctx);

/* Calls fn for each page of `before` that `now` does not have with the same GPA, ascending. */
void runs_each_gone(const struct runs *before, const struct runs *now, void (*fn)(void *ctx, uint64_t iova, uint64_t gpa), void *ctx);

#endif
