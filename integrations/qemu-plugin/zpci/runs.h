/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lists of translations, of the library's (runs) and of QEMU's (answers), and how they differ.
 */
#ifndef VIOMMU_WATCH_RUNS_H
#define VIOMMU_WATCH_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viommu/types.h>

#include "observation.h"

/* Ascending, and disjoint. */
struct runs {
	struct viommu_run *list;
	size_t count;
	size_t room;
	bool short_of_memory; /* some are missing */
};

void runs_clear(struct runs *runs);

/* Adds one; for viommu_domain_each_run() and its like. Always 0. */
int runs_add(void *runs, const struct viommu_run *run);

/* The pages in them. */
uint64_t runs_pages(const struct runs *runs);

/* Takes out of the answers what lies at or beyond `bytes` of guest memory. */
void answers_clip(struct answers *answers, uint64_t bytes);

/* Makes *to the same as *from; empty if memory is short. */
void answers_copy(struct answers *to, const struct answers *from);

bool answers_same(const struct answers *a, const struct answers *b);

/*
 * Calls fn for each range of IOVAs in first..last over which QEMU's answers and the library's runs differ in one way; gpa and prot of its first IOVA,
 * prot 0 where there is no translation. fn may be NULL. Returns how many pages differ.
 */
struct difference {
	uint64_t first;
	uint64_t last;
	uint64_t qemu_gpa;
	uint32_t qemu_prot;
	uint64_t library_gpa;
	uint32_t library_prot;
};
uint64_t runs_compare(const struct answers *answers, const struct runs *runs, uint64_t first, uint64_t last,
		      void (*fn)(void *ctx, const struct difference *difference), void *ctx);

/* Calls fn for each page of `before` that is not in `now` with the same GPA, ascending. */
void runs_each_gone(const struct runs *before, const struct runs *now, void (*fn)(void *ctx, uint64_t iova, uint64_t gpa), void *ctx);

#endif
