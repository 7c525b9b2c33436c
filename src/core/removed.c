/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/removed.h"

/* Ranges come in ascending order from a refresh. When there is no room, the last one is widened. */
void removed_add(struct removed *removed, uint64_t first, uint64_t last)
{
	struct removed_range *latest = &removed->range[removed->number ? removed->number - 1 : 0];

	if (removed->number && first <= latest->last + 1 && latest->last != UINT64_MAX && first >= latest->first) {
		if (last > latest->last)
			latest->last = last;
	} else if (removed->number < REMOVED_RANGES) {
		removed->range[removed->number++] = (struct removed_range){ first, last };
	} else {
		if (first < latest->first)
			latest->first = first;
		if (last > latest->last)
			latest->last = last;
	}
}
