// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How a run is put into columns.
 */
#include "timeline.h"

#define FIRST_TIME 1000 /* nanoseconds of a column, to begin with */

static void merge_level(struct svg_level *to, const struct svg_level *later)
{
	if (later->least < to->least)
		to->least = later->least;
	if (later->most > to->most)
		to->most = later->most;
	to->last = later->last;
}

static void add_counts(struct svg_time *to, const struct svg_time *from)
{
	for (unsigned int i = 0; i < SVG_REFRESHES; i++)
		to->refreshes[i] += from->refreshes[i];
	for (unsigned int i = 0; i < SVG_MARKS; i++)
		to->marks[i] += from->marks[i];
}

void svg_time_merge(struct svg_time *to, const struct svg_time *later)
{
	if (!later->any)
		return;
	if (!to->any) {
		*to = *later;
		return;
	}
	merge_level(&to->mapped, &later->mapped);
	merge_level(&to->pinned, &later->pinned);
	add_counts(to, later);
}

static void widen(struct svg_times *times)
{
	for (unsigned int i = 0; i < SVG_TIMES / 2; i++) {
		struct svg_time column = times->columns[2 * i];
		svg_time_merge(&column, &times->columns[2 * i + 1]);
		times->columns[i] = column;
	}
	for (unsigned int i = SVG_TIMES / 2; i < SVG_TIMES; i++)
		times->columns[i] = (struct svg_time){ 0 };
	times->width *= 2;
}

/* Virtual CPUs are recorded out of order by a little: what is earlier than the latest is put where that is. */
static void put(struct svg_times *times, uint64_t at, uint64_t first_width, const struct svg_time *what)
{
	if (!times->any) {
		times->any = true;
		times->origin = at;
		times->width = first_width;
	}
	if (at > times->origin && at - times->origin > times->last)
		times->last = at - times->origin;
	while (times->last / times->width >= SVG_TIMES)
		widen(times);
	svg_time_merge(&times->columns[times->last / times->width], what);
}

static enum svg_refresh refresh_of(const struct svg_timeline *timeline, const struct replay *replay, const struct replay_operation *operation)
{
	if (replay->counts.global_refreshes != timeline->before.global_refreshes)
		return SVG_WHOLE;
	if (!operation->established && !operation->released)
		return SVG_SAME;
	if (!operation->released)
		return SVG_MAP;
	return operation->established ? SVG_BOTH : SVG_UNMAP;
}

static struct svg_level level(uint64_t bytes)
{
	return (struct svg_level){ bytes, bytes, bytes };
}

void svg_timeline_note(struct svg_timeline *timeline, const struct replay *replay, const struct replay_operation *operation)
{
	const struct replay_counts *counts = &replay->counts, *before = &timeline->before;
	struct svg_time what = { .any = true, .mapped = level(counts->mapped_pages * VIOMMU_PAGE_SIZE), .pinned = level(counts->pinned_bytes) };

	what.marks[SVG_SHORT] = counts->insufficient_resources - before->insufficient_resources;
	what.marks[SVG_ERROR] = counts->events + counts->exceptions + counts->command_errors - before->events - before->exceptions - before->command_errors;
	if (operation) {
		what.marks[SVG_STATE] = replay->iommu->instructions[operation->instruction].changes_state;
		if (counts->refreshes != before->refreshes)
			what.refreshes[refresh_of(timeline, replay, operation)] += counts->refreshes - before->refreshes;
		if (counts->operations == 1)
			timeline->timed = true;
		timeline->timed = timeline->timed && operation->record.time.known;
		if (timeline->timed)
			put(&timeline->by_time, operation->record.time.ns, FIRST_TIME, &what);
		put(&timeline->by_number, counts->operations, 1, &what);
	} else if (counts->operations) {
		/* What is no operation has no time, and belongs where the operation before it was. */
		if (timeline->timed)
			put(&timeline->by_time, timeline->by_time.origin, FIRST_TIME, &what);
		put(&timeline->by_number, counts->operations, 1, &what);
	}
	add_counts(&timeline->total, &what);
	timeline->before = *counts;
}
