/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/ranges.h"

static bool touch(const struct guest_range *a, const struct guest_range *b)
{
	uint64_t before = b->first ? b->first - 1 : 0, after = b->last < UINT64_MAX ? b->last + 1 : UINT64_MAX;

	return a->first <= after && a->last >= before;
}

/* Whether two ranges differ in their IOVAs alone. */
static bool match(const struct guest_range *a, const struct guest_range *b)
{
	return a->all == b->all && (a->all || (a->context == b->context && a->globals == b->globals)) && a->entry_bits == b->entry_bits;
}

static bool is_everything(const struct guest_range *range)
{
	return range->all && !range->first && range->last == UINT64_MAX;
}

bool guest_ranges_add(struct guest_ranges *ranges, struct guest_range range)
{
	unsigned int i = 0;

	if (is_everything(&range))
		ranges->number = 0;
	/* The ranges that are kept do not touch each other, so that one look at each is enough. */
	while (i < ranges->number) {
		const struct guest_range *other = &ranges->range[i];

		if (is_everything(other))
			return true;
		if (!match(&range, other) || !touch(&range, other)) {
			i++;
			continue;
		}
		if (other->first < range.first)
			range.first = other->first;
		if (other->last > range.last)
			range.last = other->last;
		ranges->range[i] = ranges->range[--ranges->number];
	}
	if (ranges->number == GUEST_RANGES)
		return false;
	ranges->range[ranges->number++] = range;
	return true;
}
