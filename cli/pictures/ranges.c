// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bounded sets of ranges, and windows on them.
 */
#include "ranges.h"

#include <stdlib.h>

#include <viommu/types.h>

#define LEAST_WINDOW (16 * VIOMMU_PAGE_SIZE)
#define WINDOW_STEPS 16 /* the ends of a window are multiples of a part of it, this many in a window */

/* A gap is worth leaving out if it is one part of this many of what it splits. */
#define WORTHWHILE 5

static int compare_ranges(const void *a, const void *b)
{
	const struct svg_range *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static uint64_t gap_before(const struct svg_range *range)
{
	return range->first - range[-1].last - 1;
}

/* Joins neighbours with a gap of less than threshold, and the first few with a gap of exactly that. */
static void join(struct svg_ranges *ranges, uint64_t threshold, unsigned int few)
{
	unsigned int to = 0;

	for (unsigned int i = 1; i < ranges->count; i++) {
		struct svg_range *before = &ranges->ranges[to];
		struct svg_range range = ranges->ranges[i];
		bool touches = before->last == UINT64_MAX || range.first <= before->last + 1;
		uint64_t gap = touches ? 0 : range.first - before->last - 1;
		bool equal = gap && gap == threshold && few;
		few -= equal;
		if (touches || gap < threshold || equal) {
			if (range.last > before->last)
				before->last = range.last;
		} else {
			ranges->ranges[++to] = range;
		}
	}
	if (ranges->count)
		ranges->count = to + 1;
}

/* The joins that are needed take the smallest gaps. */
static void join_nearest(struct svg_ranges *ranges)
{
	uint64_t gaps[2 * SVG_RANGES];
	unsigned int count = ranges->count - 1, needed = ranges->count - SVG_RANGES, below = 0;

	for (unsigned int i = 0; i < count; i++)
		gaps[i] = gap_before(&ranges->ranges[i + 1]);
	qsort(gaps, count, sizeof(*gaps), compare_numbers);
	uint64_t threshold = gaps[needed - 1];
	while (below < needed && gaps[below] < threshold)
		below++;
	join(ranges, threshold, needed - below);
}

void svg_ranges_settle(struct svg_ranges *ranges)
{
	qsort(ranges->ranges, ranges->count, sizeof(*ranges->ranges), compare_ranges);
	join(ranges, 0, 0);
	if (ranges->count > SVG_RANGES)
		join_nearest(ranges);
}

void svg_ranges_add(struct svg_ranges *ranges, uint64_t first, uint64_t last)
{
	if (ranges->count) {
		struct svg_range *recent = &ranges->ranges[ranges->count - 1];
		if (first > recent->first && first - 1 <= recent->last) {
			if (last > recent->last)
				recent->last = last;
			return;
		}
	}
	if (ranges->count == 2 * SVG_RANGES)
		svg_ranges_settle(ranges);
	ranges->ranges[ranges->count++] = (struct svg_range){ first, last };
}

/* The range before which a group is best split in two: the one after its largest gap. 0 if that is not worth it. */
static unsigned int best_split(const struct svg_ranges *ranges, unsigned int from, unsigned int to, uint64_t *gap)
{
	unsigned int best = 0;

	*gap = 0;
	for (unsigned int i = from + 1; i <= to; i++) {
		if (gap_before(&ranges->ranges[i]) > *gap) {
			*gap = gap_before(&ranges->ranges[i]);
			best = i;
		}
	}
	uint64_t span = ranges->ranges[to].last - ranges->ranges[from].first;
	return *gap > span / WORTHWHILE && *gap > LEAST_WINDOW ? best : 0;
}

static void make_room_around(struct svg_range *window)
{
	uint64_t step = VIOMMU_PAGE_SIZE;

	while (step < UINT64_C(1) << 59 && (window->last - window->first) / step >= WINDOW_STEPS)
		step <<= 1;
	window->first &= ~(step - 1);
	window->last |= step - 1;
	if (window->last - window->first < LEAST_WINDOW - 1) {
		/* Both ends lie in one aligned window or in two adjacent ones; in the latter case both are taken. */
		window->first &= ~(LEAST_WINDOW - 1);
		window->last |= LEAST_WINDOW - 1;
	}
}

unsigned int svg_ranges_windows(struct svg_ranges *ranges, struct svg_range *windows, unsigned int limit)
{
	unsigned int splits[16] = { 0 }; /* the first range of each window */
	unsigned int count = 1, made = 0;

	svg_ranges_settle(ranges);
	if (!ranges->count)
		return 0;
	while (count < limit && count < 16) {
		unsigned int best = 0, at = 0;
		uint64_t largest = 0;
		for (unsigned int i = 0; i < count; i++) {
			uint64_t gap;
			unsigned int split = best_split(ranges, splits[i], i + 1 < count ? splits[i + 1] - 1 : ranges->count - 1, &gap);
			if (split && gap > largest) {
				largest = gap;
				best = split;
				at = i + 1;
			}
		}
		if (!best)
			break;
		for (unsigned int i = count; i > at; i--)
			splits[i] = splits[i - 1];
		splits[at] = best;
		count++;
	}
	for (unsigned int i = 0; i < count; i++) {
		unsigned int to = i + 1 < count ? splits[i + 1] - 1 : ranges->count - 1;
		struct svg_range window = { ranges->ranges[splits[i]].first, ranges->ranges[to].last };
		make_room_around(&window);
		if (made && windows[made - 1].last >= window.first)
			windows[made - 1].last = window.last;
		else
			windows[made++] = window;
	}
	return made;
}
