/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A list of the pages of 4096 bytes that a stream translates, ascending by IOVA.
 */
#ifndef VIOMMU_WATCH_SMMUV3_PAGES_H
#define VIOMMU_WATCH_SMMUV3_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More are not kept: 4 GiB. A stream that has more is looked at no further. */
#define PAGES_MAX (UINT64_C(1) << 20)

struct page {
	uint64_t iova;
	uint64_t gpa;
	uint32_t prot; /* VIOMMU_READ or VIOMMU_RW */
};

struct pages {
	struct page *list;
	size_t count;
	size_t room;
};

/* Adds one behind the others. false if memory is short, or there are too many. */
bool pages_add(struct pages *pages, uint64_t iova, uint64_t gpa, uint32_t prot);

/* The page with this IOVA, NULL if there is none. */
const struct page *pages_find(const struct pages *pages, uint64_t iova);

bool page_same(const struct page *a, const struct page *b);

/* Calls fn for each IOVA that is in either, ascending, with the page that each has of it, or NULL. */
void pages_each(const struct pages *a, const struct pages *b, void (*fn)(void *ctx, uint64_t iova, const struct page *in_a, const struct page *in_b),
		void *ctx);

#endif
