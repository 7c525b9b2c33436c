// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The picture of a run: memory, refreshes and marks one below the other, over the same axis.
 */
#include "timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "legend.h"

#define PLOT_WIDTH  (SVG_RIGHT - SVG_LEFT)
#define PLOT_HEIGHT SVG_PX(120)
#define PLOT_GAP    SVG_PX(30)
#define MARK_LANE   SVG_PX(18)
#define MOST_TICKS  11u

/* A lane of marks like those of enum svg_mark: there are few refreshes of the whole aperture, and they do most. */
#define WHOLE_MARK SVG_MARKS

struct plot {
	struct svg *svg;
	const struct svg_times *times;
	bool timed;
	struct svg_drawing drawing;
	svg_tenths y; /* of the upper edge of what is drawn now */
};

/* The frame of a plot with its scale: nothing at the bottom, most at the top. */
static void draw_frame(const struct plot *plot, const char *name, const char *most, const char *half)
{
	struct svg *svg = plot->svg;

	svg_text(svg, "", SVG_LEFT, plot->y - SVG_PX(7), 12, SVG_START, "%s", name);
	svg_path_begin(svg, "rule");
	for (int i = 0; i <= 4; i++) {
		svg_move(svg, SVG_LEFT, plot->y + PLOT_HEIGHT * i / 4);
		svg_across(svg, PLOT_WIDTH);
	}
	svg_path_end(svg, NULL);
	svg_text(svg, "soft", SVG_LEFT - SVG_PX(8), plot->y + SVG_PX(8), 11, SVG_END, "%s", most);
	svg_text(svg, "soft", SVG_LEFT - SVG_PX(8), plot->y + PLOT_HEIGHT / 2 + SVG_PX(4), 11, SVG_END, "%s", half);
	svg_text(svg, "soft", SVG_LEFT - SVG_PX(8), plot->y + PLOT_HEIGHT, 11, SVG_END, "0");
}

/* Stripes where time is left out. */
static void draw_folds(const struct plot *plot, svg_tenths height)
{
	for (unsigned int i = 0; i < plot->drawing.fold_count; i++) {
		const struct svg_fold *fold = &plot->drawing.folds[i];
		svg_rect(plot->svg, "fold", fold->x, plot->y, fold->end - fold->x, height);
	}
}

/* An area from the bottom up; what a column has no value for goes on as it was. */
static void draw_area(const struct plot *plot, const char *class, bool pinned, bool most, uint64_t top)
{
	svg_tenths bottom = plot->y + PLOT_HEIGHT, y = bottom;
	uint64_t last = 0;

	svg_path_begin(plot->svg, class);
	svg_move(plot->svg, SVG_LEFT, bottom);
	for (unsigned int i = 0; i < plot->drawing.count; i++) {
		const struct svg_time *column = &plot->drawing.columns[i].time;
		const struct svg_level *level = pinned ? &column->pinned : &column->mapped;
		uint64_t value = !column->any ? last : most ? level->most : level->least;
		svg_tenths to = bottom - svg_scale(value, top, PLOT_HEIGHT);
		/* The least of a column with a change from before counts what was before it, too. */
		if (to != y) {
			svg_line(plot->svg, plot->drawing.columns[i].x, y);
			svg_down(plot->svg, to - y);
			y = to;
		}
		if (column->any)
			last = level->last;
	}
	svg_line(plot->svg, SVG_RIGHT, y);
	svg_line(plot->svg, SVG_RIGHT, bottom);
	svg_close(plot->svg);
	svg_path_end(plot->svg, NULL);
}

static void draw_memory(struct plot *plot, const char *what, bool pinned)
{
	uint64_t top = 0;
	char name[96];

	for (unsigned int i = 0; i < plot->drawing.count; i++) {
		const struct svg_time *column = &plot->drawing.columns[i].time;
		uint64_t most = pinned ? column->pinned.most : column->mapped.most;
		if (column->any && most > top)
			top = most;
	}
	snprintf(name, sizeof(name), "%s, at most %s", what, cli_bytes(top));
	draw_frame(plot, name, top ? cli_bytes(top) : "", top ? cli_bytes(top / 2) : "");
	if (top) {
		draw_area(plot, pinned ? "high2" : "high", pinned, true, top);
		draw_area(plot, pinned ? "low2" : "low", pinned, false, top);
	}
	draw_folds(plot, PLOT_HEIGHT);
	plot->y += PLOT_HEIGHT + PLOT_GAP;
}

static const char *const refresh_classes[SVG_REFRESHES] = { "whole", "map", "unmap", "both", "same" };

static uint64_t refreshes_in(const struct svg_time *column)
{
	uint64_t refreshes = 0;

	for (unsigned int kind = 0; kind < SVG_REFRESHES; kind++)
		refreshes += column->refreshes[kind];
	return refreshes;
}

/* How large a column is, in words. */
static const char *column_size(const struct plot *plot)
{
	uint64_t width = plot->times->width * plot->drawing.factor;

	return plot->timed ? svg_seconds(width) : cli_count_of(width, "operation", "operations");
}

static void draw_refreshes(struct plot *plot)
{
	uint64_t top = 0;
	char name[96];

	for (unsigned int i = 0; i < plot->drawing.count; i++) {
		uint64_t refreshes = refreshes_in(&plot->drawing.columns[i].time);
		top = refreshes > top ? refreshes : top;
	}
	snprintf(name, sizeof(name), "refreshes in a column of %s, at most %s", column_size(plot), cli_count(top));
	draw_frame(plot, name, top ? cli_count(top) : "", top && !(top & 1) ? cli_count(top / 2) : "");
	for (unsigned int kind = 0; top && kind < SVG_REFRESHES; kind++) {
		bool begun = false;
		for (unsigned int i = 0; i < plot->drawing.count; i++) {
			const struct svg_time *column = &plot->drawing.columns[i].time;
			uint64_t below = 0;
			if (!column->refreshes[kind])
				continue;
			for (unsigned int k = 0; k < kind; k++)
				below += column->refreshes[k];
			svg_tenths from = svg_scale(below, top, PLOT_HEIGHT), to = svg_scale(below + column->refreshes[kind], top, PLOT_HEIGHT);
			if (!begun)
				svg_path_begin(plot->svg, refresh_classes[kind]);
			begun = true;
			svg_box(plot->svg, plot->drawing.columns[i].x, plot->y + PLOT_HEIGHT - to, plot->drawing.columns[i].end - plot->drawing.columns[i].x,
				to - from);
		}
		if (begun)
			svg_path_end(plot->svg, NULL);
	}
	draw_folds(plot, PLOT_HEIGHT);
	plot->y += PLOT_HEIGHT + SVG_PX(14);
}

static void draw_mark(struct svg *svg, unsigned int mark, svg_tenths x, svg_tenths y)
{
	svg_tenths size = SVG_PX(4);

	switch (mark) {
	case WHOLE_MARK: /* a square */
		svg_box(svg, x - size, y - size, 2 * size, 2 * size);
		break;
	case SVG_STATE: /* a triangle */
		svg_move(svg, x - size, y + size);
		svg_line(svg, x, y - size);
		svg_line(svg, x + size, y + size);
		svg_close(svg);
		break;
	case SVG_SHORT: /* a diamond */
		svg_move(svg, x - size - 10, y);
		svg_line(svg, x, y - size - 10);
		svg_line(svg, x + size + 10, y);
		svg_line(svg, x, y + size + 10);
		svg_close(svg);
		break;
	default: /* a cross */
		svg_move(svg, x - size, y - size);
		svg_line(svg, x + size, y + size);
		svg_move(svg, x - size, y + size);
		svg_line(svg, x + size, y - size);
	}
}

static void draw_marks(struct plot *plot, unsigned int mark, const char *class, const char *name)
{
	bool begun = false;

	svg_text(plot->svg, "soft", SVG_LEFT - SVG_PX(8), plot->y + SVG_PX(13), 11, SVG_END, "%s", name);
	svg_path_begin(plot->svg, "rule");
	svg_move(plot->svg, SVG_LEFT, plot->y + MARK_LANE / 2);
	svg_across(plot->svg, PLOT_WIDTH);
	svg_path_end(plot->svg, NULL);
	for (unsigned int i = 0; i < plot->drawing.count; i++) {
		const struct svg_time *column = &plot->drawing.columns[i].time;
		if (!(mark == WHOLE_MARK ? column->refreshes[SVG_WHOLE] : column->marks[mark]))
			continue;
		if (!begun)
			svg_path_begin(plot->svg, class);
		begun = true;
		draw_mark(plot->svg, mark, (plot->drawing.columns[i].x + plot->drawing.columns[i].end) / 2, plot->y + MARK_LANE / 2);
	}
	if (begun)
		svg_path_end(plot->svg, NULL);
	plot->y += MARK_LANE;
}

/* 1, 2 or 5 and zeros: the smallest that makes few enough ticks. */
static uint64_t tick_step(uint64_t span)
{
	uint64_t step = 1;

	for (unsigned int i = 0; span / step >= MOST_TICKS; i++)
		step = i % 3 == 1 ? step / 2 * 5 : step * 2;
	return step;
}

/* All ticks in the unit that fits the last one, with as many decimals as the step has. */
static void tick_text(const struct plot *plot, uint64_t value, uint64_t step, char *text, size_t size)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = { { 1000000000, "s" }, { 1000000, "ms" }, { 1000, "us" }, { 1, "ns" } };
	unsigned int unit = 0;
	int decimals = 0;

	if (!plot->timed) {
		snprintf(text, size, "%s", cli_count(value));
		return;
	}
	while (plot->times->origin + plot->times->last < units[unit].ns && units[unit].ns > 1)
		unit++;
	uint64_t least = units[unit].ns;
	for (; step % least; least /= 10)
		decimals++;
	snprintf(text, size, "%s", cli_count(value / units[unit].ns));
	size_t used = strlen(text);
	if (decimals)
		used += (size_t)snprintf(text + used, size - used, ".%0*" PRIu64, decimals, value % units[unit].ns / least);
	snprintf(text + used, size - used, " %s", units[unit].name);
}

/* Where something is that lies so far from the origin; negative if that is folded. */
static svg_tenths offset_x(const struct plot *plot, uint64_t offset)
{
	const struct svg_drawing *drawing = &plot->drawing;
	uint64_t at = offset / plot->times->width;

	for (unsigned int i = 0; i < drawing->count; i++) {
		const struct svg_drawn *column = &drawing->columns[i];
		if (at >= column->first && at < column->first + column->count)
			return column->x + svg_scale(offset - column->first * plot->times->width, column->count * plot->times->width, column->end - column->x);
	}
	return -1;
}

static void draw_ticks(struct plot *plot)
{
	uint64_t origin = plot->times->origin, shown = 0;
	svg_tenths free_from = 0;

	for (unsigned int i = 0; i < plot->drawing.count; i++)
		shown += plot->drawing.columns[i].count;
	/* The width of all columns together may be 2^64 and more. */
	uint64_t step = tick_step(shown > UINT64_MAX / plot->times->width ? UINT64_MAX : shown * plot->times->width);
	/* A tick is a multiple of the step. Where the next one would be 2^64 or more, there is none. */
	uint64_t at = origin / step * step;
	for (bool more = true; more; more = !__builtin_add_overflow(at, step, &at) && at - origin <= plot->times->last) {
		char text[40];
		svg_tenths x = at < origin ? -1 : offset_x(plot, at - origin);
		if (x < 0)
			continue;
		tick_text(plot, at, step, text, sizeof(text));
		svg_path_begin(plot->svg, "frame");
		svg_move(plot->svg, x, plot->y);
		svg_down(plot->svg, SVG_PX(5));
		svg_path_end(plot->svg, NULL);
		svg_tenths width = svg_text_width(strlen(text), 11), begin = x - width / 2;
		if (begin + width > SVG_WIDTH - SVG_PX(8))
			begin = SVG_WIDTH - SVG_PX(8) - width;
		if (begin < free_from)
			continue;
		svg_text(plot->svg, "soft", begin, plot->y + SVG_PX(18), 11, SVG_START, "%s", text);
		free_from = begin + width + SVG_PX(8);
	}
}

/* How long the folds are, beneath the ticks. */
static void draw_fold_lengths(const struct plot *plot)
{
	svg_tenths free_from = 0;

	for (unsigned int i = 0; i < plot->drawing.fold_count; i++) {
		const struct svg_fold *fold = &plot->drawing.folds[i];
		const char *length = svg_seconds(fold->count * plot->times->width);
		svg_tenths width = svg_text_width(strlen(length), 11), begin = (fold->x + fold->end - width) / 2;
		if (begin < free_from)
			continue;
		svg_text(plot->svg, "", begin, plot->y + SVG_PX(34), 11, SVG_START, "%s", length);
		free_from = begin + width + SVG_PX(8);
	}
}

static void draw_axis(struct plot *plot)
{
	draw_ticks(plot);
	draw_fold_lengths(plot);
	svg_path_begin(plot->svg, "frame");
	svg_move(plot->svg, SVG_LEFT, plot->y);
	svg_across(plot->svg, PLOT_WIDTH);
	svg_path_end(plot->svg, NULL);
	plot->y += SVG_PX(plot->drawing.fold_count ? 54 : 36);
	svg_text(plot->svg, "soft", (SVG_LEFT + SVG_RIGHT) / 2, plot->y, 12, SVG_MIDDLE, "%s%s",
		 plot->timed ? "time since the recording began" : "number of the operation",
		 plot->drawing.fold_count ? "; striped: so much time in which nothing was done" : "");
}

static svg_tenths draw_legend(struct svg *svg, const struct svg_timeline *timeline, svg_tenths y)
{
	static const char *const names[SVG_REFRESHES] = { "whole-aperture refreshes", "mapping", "unmapping", "both", "changing nothing" };
	char texts[SVG_REFRESHES][64];
	struct svg_legend legend[SVG_REFRESHES + 2];

	for (unsigned int i = 0; i < SVG_REFRESHES; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s: %s", names[i], cli_count(timeline->total.refreshes[i]));
		legend[i] = (struct svg_legend){ refresh_classes[i], SVG_PX(12), SVG_PX(12), false, texts[i] };
	}
	legend[SVG_REFRESHES] = (struct svg_legend){ "low", SVG_PX(12), SVG_PX(12), false, "dark: least in a column" };
	legend[SVG_REFRESHES + 1] = (struct svg_legend){ "high", SVG_PX(12), SVG_PX(12), false, "light: most in it" };
	return svg_legend(svg, legend, SVG_REFRESHES + 2, y);
}

static void describe(const struct replay *replay, char *text, size_t size)
{
	const struct replay_counts *counts = &replay->counts;

	snprintf(text, size, "%s, %s, %s mapped at most, %s pinned at most; %s, %s", cli_count_of(counts->operations, "operation", "operations"),
		 cli_count_of(counts->refreshes, "refresh", "refreshes"), cli_count_of(counts->mapped_pages_peak, "page", "pages"),
		 cli_bytes(counts->pinned_bytes_peak),
		 cli_count_of(counts->insufficient_resources, "answer of insufficient resources", "answers of insufficient resources"),
		 cli_count_of(counts->events + counts->exceptions + counts->command_errors, "error", "errors"));
}

int svg_timeline_draw(const struct svg_timeline *timeline, const struct replay *replay, const char *path)
{
	static const struct svg_times nothing = { .width = 1 };
	const struct svg_times *times = timeline->timed ? &timeline->by_time : &timeline->by_number;
	char description[256];
	struct svg svg;

	if (svg_begin(&svg))
		return -ENOMEM;
	if (!times->any)
		times = &nothing;
	describe(replay, description, sizeof(description));
	svg_tenths y = svg_heading(&svg, replay->path, "What the guest did to its I/O translation, over time");
	svg_text(&svg, "soft", SVG_MARGIN, y, 12, SVG_START, "%s", description);
	y = draw_legend(&svg, timeline, y + SVG_PX(12));

	struct plot plot = { .svg = &svg, .times = times, .timed = timeline->timed, .y = y + SVG_PX(26) };
	svg_timeline_fold(times, &plot.drawing);
	draw_memory(&plot, "mapped", false);
	draw_memory(&plot, "pinned", true);
	draw_refreshes(&plot);
	draw_folds(&plot, 4 * MARK_LANE);
	draw_marks(&plot, WHOLE_MARK, "whole", "whole");
	draw_marks(&plot, SVG_STATE, "state", "state changes");
	draw_marks(&plot, SVG_SHORT, "full", "no room");
	draw_marks(&plot, SVG_ERROR, "error", "errors");
	draw_axis(&plot);
	return svg_finish(&svg, path, plot.y + SVG_PX(18), "What the guest did to its I/O translation, over time", description);
}
