/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What happened over a run, in a fixed number of columns: mapped and pinned memory, refreshes by kind, shortages, errors. A column covers a span of time (or
 * of operations); where a run goes on beyond the last column, each two become one and the columns cover twice as much. So a run of any length takes the
 * same memory, and nothing is lost but where exactly in a column something was.
 *
 * Whether all operations will say when they were is known only at the end. Until then columns are kept in both ways.
 */
#ifndef VIOMMU_CLI_SVG_TIMELINE_H
#define VIOMMU_CLI_SVG_TIMELINE_H

#include "replay/replay.h"
#include "svg.h"

#define SVG_TIMES 4096u
#define SVG_DRAWN 512u /* columns of a picture, and one more for each fold */
#define SVG_FOLDS 8u

/* Kinds of refreshes, by what they did. */
enum svg_refresh {
	SVG_WHOLE, /* of all that is registered, whatever it did */
	SVG_MAP,   /* established pages, released none */
	SVG_UNMAP, /* the other way round */
	SVG_BOTH,
	SVG_SAME, /* changed nothing, or was refused */
	SVG_REFRESHES,
};

/* Marks in a column. */
enum svg_mark { SVG_STATE, SVG_SHORT, SVG_ERROR, SVG_MARKS };

struct svg_level {
	uint64_t least, most, last;
};

struct svg_time {
	bool any;			 /* something was noted; if not, what was last before it goes on */
	struct svg_level mapped, pinned; /* bytes */
	uint64_t refreshes[SVG_REFRESHES];
	uint64_t marks[SVG_MARKS];
};

struct svg_times {
	bool any;
	uint64_t origin;
	uint64_t last;	/* the furthest from the origin */
	uint64_t width; /* of a column */
	struct svg_time columns[SVG_TIMES];
};

struct svg_timeline {
	bool timed; /* all operations so far have said when they were */
	struct svg_times by_time, by_number;
	struct svg_time total; /* its levels are not used */
	struct replay_counts before;
};

/* Notes the state after an operation, or after another record where operation is NULL. */
void svg_timeline_note(struct svg_timeline *timeline, const struct replay *replay, const struct replay_operation *operation);

/* What happened in one column, and after it, goes into the other one. */
void svg_time_merge(struct svg_time *to, const struct svg_time *later);

/* timeline_fold.c: the columns as they are drawn. */
struct svg_drawn {
	struct svg_time time;
	unsigned int first, count; /* the columns of svg_times that it is made of */
	svg_tenths x, end;
};

struct svg_fold { /* columns in which nothing happened, that are left out */
	unsigned int first, count;
	svg_tenths x, end;
};

struct svg_drawing {
	unsigned int factor; /* columns of svg_times in one that is drawn */
	unsigned int count;
	struct svg_drawn columns[SVG_DRAWN + SVG_FOLDS + 1];
	unsigned int fold_count;
	struct svg_fold folds[SVG_FOLDS];
};

void svg_timeline_fold(const struct svg_times *times, struct svg_drawing *drawing);

/* timeline_draw.c: 0, or a negative errno value: then the file is not complete. */
int svg_timeline_draw(const struct svg_timeline *timeline, const struct replay *replay, const char *path);

#endif
