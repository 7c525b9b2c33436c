/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copies of guest memory as it was reported, a page each, found by where it is. What was never reported counts as zeros.
 */
#ifndef VIOMMU_WATCH_COPIES_H
#define VIOMMU_WATCH_COPIES_H

#include <stddef.h>
#include <stdint.h>

#define COPY_SHIFT   12
#define COPY_ENTRIES 512u /* doublewords in a page */

struct copy {
	uint64_t page; /* GPA >> COPY_SHIFT */
	uint64_t raw[COPY_ENTRIES];
};

/* All zeros: empty. */
struct copies {
	struct copy **slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

/* The copy of a page. NULL if there is none. */
struct copy *copies_find(const struct copies *copies, uint64_t page);

/* The same, a new one full of zeros if there was none. NULL if memory is short. */
struct copy *copies_get(struct copies *copies, uint64_t page);

void copies_free(struct copies *copies);

/* Spreads a key over a word: multiplied by an odd number (2^64 divided by the golden ratio), the upper half depends on all of it. */
static inline size_t copies_mix(uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

#endif
