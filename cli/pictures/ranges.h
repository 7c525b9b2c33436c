/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where in an address space something is, for choosing which parts to magnify: a set of ranges that never takes more than a fixed amount of memory. Where
 * there would be too many ranges, the ones with the smallest gaps between them become one. So everything that was added is in the set, and a gap that is
 * in it is one in truth; the largest gaps are always there.
 */
#ifndef VIOMMU_CLI_SVG_RANGES_H
#define VIOMMU_CLI_SVG_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#define SVG_RANGES 1024u

struct svg_range {
	uint64_t first, last;
};

struct svg_ranges {
	unsigned int count;
	struct svg_range ranges[2 * SVG_RANGES]; /* in order only after svg_ranges_settle() */
};

void svg_ranges_add(struct svg_ranges *ranges, uint64_t first, uint64_t last);

/* Brings them into ascending order without overlap, at most SVG_RANGES of them. */
void svg_ranges_settle(struct svg_ranges *ranges);

/*
 * Groups the ranges into at most limit windows with large gaps between them, makes each window somewhat larger than what is in it, and rounds its ends, so
 * that a single page has surroundings. Settles the ranges. Returns how many windows there are, in ascending order.
 */
unsigned int svg_ranges_windows(struct svg_ranges *ranges, struct svg_range *windows, unsigned int limit);

#endif
