// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From the columns in which a run was kept to those that are drawn. Most of many a recording is a guest that boots: stretches in which nothing happened are
 * folded, so that the rest has room. What is left is brought down to a number of columns that can be told apart.
 */
#include "timeline.h"

#define FOLD_PART  8 /* a stretch of more than one part of this many is folded */
#define FOLD_WIDTH SVG_PX(52)
#define FOLD_FROM  48 /* columns with something in them: a few operations need no more room */
#define PLOT_WIDTH (SVG_RIGHT - SVG_LEFT)

/* How many empty columns there are from one on. */
static unsigned int empty_from(const struct svg_times *times, unsigned int from, unsigned int count)
{
	unsigned int empty = 0;

	while (from + empty < count && !times->columns[from + empty].any)
		empty++;
	return empty;
}

static unsigned int filled(const struct svg_times *times, unsigned int count)
{
	unsigned int columns = 0;

	for (unsigned int i = 0; i < count; i++)
		columns += times->columns[i].any;
	return columns;
}

/* Where each column and each fold begins and ends, with widths that share what the folds leave. */
static void spread(struct svg_drawing *drawing)
{
	svg_tenths width = PLOT_WIDTH - (svg_tenths)drawing->fold_count * FOLD_WIDTH;
	unsigned int fold = 0;

	for (unsigned int i = 0; i < drawing->count; i++) {
		struct svg_drawn *column = &drawing->columns[i];
		while (fold < drawing->fold_count && drawing->folds[fold].first < column->first) {
			drawing->folds[fold].x = SVG_LEFT + (svg_tenths)fold * FOLD_WIDTH + svg_scale(i, drawing->count, width);
			drawing->folds[fold].end = drawing->folds[fold].x + FOLD_WIDTH;
			fold++;
		}
		svg_tenths left = SVG_LEFT + (svg_tenths)fold * FOLD_WIDTH;
		column->x = left + svg_scale(i, drawing->count, width);
		column->end = left + svg_scale(i + 1, drawing->count, width);
	}
}

void svg_timeline_fold(const struct svg_times *times, struct svg_drawing *drawing)
{
	unsigned int count = (unsigned int)(times->last / times->width) + 1, folded = 0, factor = 1;

	*drawing = (struct svg_drawing){ 0 };
	unsigned int limit = filled(times, count) < FOLD_FROM ? 0 : SVG_FOLDS;
	for (unsigned int i = 0; i < count && drawing->fold_count < limit; i++) {
		unsigned int empty = empty_from(times, i, count);
		if (empty > count / FOLD_PART && empty > 1) {
			drawing->folds[drawing->fold_count++] = (struct svg_fold){ .first = i, .count = empty };
			folded += empty;
		}
		i += empty;
	}
	while ((count - folded + factor - 1) / factor > SVG_DRAWN)
		factor *= 2;
	drawing->factor = factor;
	unsigned int fold = 0;
	for (unsigned int i = 0; i < count;) {
		if (fold < drawing->fold_count && drawing->folds[fold].first == i) {
			i += drawing->folds[fold++].count;
			continue;
		}
		unsigned int end = fold < drawing->fold_count ? drawing->folds[fold].first : count;
		struct svg_drawn *column = &drawing->columns[drawing->count++];
		column->first = i;
		for (unsigned int n = 0; n < factor && i < end; n++)
			svg_time_merge(&column->time, &times->columns[i++]);
		column->count = i - column->first;
	}
	spread(drawing);
}
