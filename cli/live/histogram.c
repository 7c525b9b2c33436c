/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Histograms. A value below 2^(LIVE_CLASS_BITS + 1) has a class of its own. Above that, a value is
 * classed by its highest bit and the LIVE_CLASS_BITS bits behind it: 32 classes to each doubling.
 * So a class is never wider than a 32nd of the least value in it.
 */
#include "board.h"

#define PER_DOUBLING (1u << LIVE_CLASS_BITS)

static unsigned int class_of(uint64_t value)
{
	unsigned int shift;

	if (value >> LIVE_VALUE_BITS)
		return LIVE_CLASSES - 1;
	if (value < PER_DOUBLING)
		return (unsigned int)value;
	shift = 63u - (unsigned int)__builtin_clzll(value) - LIVE_CLASS_BITS;
	return shift * PER_DOUBLING + (unsigned int)(value >> shift);
}

uint64_t live_class_first(unsigned int class)
{
	unsigned int shift = class / PER_DOUBLING;

	if (!shift)
		return class;
	shift--;
	return (uint64_t)(class - shift * PER_DOUBLING) << shift;
}

uint64_t live_class_last(unsigned int class)
{
	return class == LIVE_CLASSES - 1 ? UINT64_MAX : live_class_first(class + 1) - 1;
}

void live_histogram_add(struct live_histogram *histogram, uint64_t value)
{
	live_add(&histogram->classes[class_of(value)], 1);
	live_add(&histogram->total, value);
	if (value > live_get(&histogram->most))
		live_set(&histogram->most, value);
	live_add(&histogram->count, 1);
}

void live_histogram_merge(struct live_histogram *histogram, const struct live_histogram *other)
{
	unsigned int i;

	for (i = 0; i < LIVE_CLASSES; i++)
		histogram->classes[i] += other->classes[i];
	histogram->total += other->total;
	histogram->count += other->count;
	if (other->most > histogram->most)
		histogram->most = other->most;
}

uint64_t live_histogram_percentile(const struct live_histogram *histogram, unsigned int percent)
{
	uint64_t all = 0, wanted, below = 0;
	unsigned int i;

	/* Not `count`: a snapshot may have been taken between it and the classes. */
	for (i = 0; i < LIVE_CLASSES; i++)
		all += histogram->classes[i];
	if (!all)
		return 0;
	/*
	 * The smallest rank of at least percent of all values, in two parts to avoid an overflow.
	 */
	wanted = all / 100 * percent + (all % 100 * percent + 99) / 100;
	if (!wanted)
		wanted = 1;
	for (i = 0; i < LIVE_CLASSES - 1; i++) {
		below += histogram->classes[i];
		if (below >= wanted)
			return live_class_first(i) + (live_class_last(i) - live_class_first(i)) / 2;
	}
	return histogram->most;
}

uint64_t live_histogram_median(const struct live_histogram *histogram)
{
	return live_histogram_percentile(histogram, 50);
}
