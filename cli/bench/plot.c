// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The picture: what a refresh of the whole aperture costs in which nothing has changed, against the aperture's size, both on logarithmic scales; and the baselines
 * beside it. A point is the median, the bar through it goes from the least to the largest run.
 */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "pictures/svg.h"

/* A line of the picture: one lane of all cases whose names begin alike. */
struct curve {
	const char *cases, *lane, *label;
	const char *line, *mark; /* classes */
};

static const struct curve curves[] = {
	{ "same/dense/", "no-op host", "dense: library", "curve-a", "mark-a" },
	{ "same/dense/", "memcmp", "dense: memcmp", "curve-a dashed", "mark-a" },
	{ "same/dense/", "page by page", "dense: page by page", "curve-a dotted", "mark-a" },
	{ "same/sparse/", "no-op host", "a page in 16 MiB: library", "curve-b", "mark-b" },
	{ "same/sparse/", "memcmp", "a page in 16 MiB: memcmp", "curve-b dashed", "mark-b" },
	{ "same/sparse/", "page by page", "a page in 16 MiB: page by page", "curve-b dotted", "mark-b" },
	{ "same/two/", "no-op host", "two page tables: library", "curve-c", "mark-c" },
	{ "same/two/", "memcmp", "two page tables: memcmp", "curve-c dashed", "mark-c" },
	{ "same/two/", "page by page", "two page tables: page by page", "curve-c dotted", "mark-c" },
};

#define CURVES (sizeof(curves) / sizeof(curves[0]))

/* A scale, from one power of its base to another. */
struct scale {
	double base;
	int first, last;
	svg_tenths from, to;
};

static svg_tenths at(const struct scale *scale, double value)
{
	double part = (log(value) / log(scale->base) - scale->first) / (scale->last - scale->first);

	return scale->from + (svg_tenths)lround(part * (scale->to - scale->from));
}

static bool belongs(const struct bench_case *one, const struct curve *curve)
{
	return one->size > 0 && !strncmp(one->name, curve->cases, strlen(curve->cases));
}

/* The figure of a curve in a case, NULL if it has none there. */
static const struct bench_figure *point_of(const struct bench_case *one, const struct curve *curve)
{
	for (unsigned int i = 0; belongs(one, curve) && i < one->figures; i++)
		if (!strcmp(one->figure[i].lane.name, curve->lane) && one->figure[i].runs && bench_spread(&one->figure[i]).least > 0)
			return &one->figure[i];
	return NULL;
}

static void widen(struct scale *scale, double value)
{
	double exponent = log(value) / log(scale->base);
	int low = (int)floor(exponent), high = (int)ceil(exponent);

	scale->first = low < scale->first ? low : scale->first;
	scale->last = high > scale->last ? high : scale->last;
}

/* Makes both scales as wide as they must be. False if there is nothing to draw. */
static bool measure(const struct bench *bench, struct scale *x, struct scale *y)
{
	x->first = y->first = 1000;
	x->last = y->last = -1000;
	for (const struct bench_case *one = bench->cases; one; one = one->next) {
		for (unsigned int i = 0; i < CURVES; i++) {
			const struct bench_figure *figure = point_of(one, &curves[i]);
			if (!figure)
				continue;
			widen(x, one->size);
			widen(y, bench_spread(figure).least);
			widen(y, bench_spread(figure).most);
		}
	}
	if (x->first > x->last)
		return false;
	x->last += x->last == x->first;
	y->last += y->last == y->first;
	return true;
}

static void draw_grid(struct svg *svg, const struct scale *x, const struct scale *y)
{
	static const char *const times[] = { "ns", "us", "ms", "s" };

	for (int power = x->first; power <= x->last; power++) {
		svg_tenths where = at(x, pow(x->base, power));
		svg_path_begin(svg, "rule");
		svg_move(svg, where, y->from);
		svg_line(svg, where, y->to);
		svg_path_end(svg, NULL);
		if ((power - x->first) % 2 == 0 && power >= 0)
			svg_text(svg, "soft", where, y->from + SVG_PX(18), 12, SVG_MIDDLE, "%s", cli_bytes((uint64_t)pow(x->base, power)));
	}
	for (int power = y->first; power <= y->last; power++) {
		svg_tenths where = at(y, pow(y->base, power));
		unsigned int unit = power >= 9 ? 3 : power >= 0 ? (unsigned int)power / 3 : 0;
		svg_path_begin(svg, "rule");
		svg_move(svg, x->from, where);
		svg_line(svg, x->to, where);
		svg_path_end(svg, NULL);
		svg_text(svg, "soft", x->from - SVG_PX(8), where + SVG_PX(4), 12, SVG_END, "%g %s", pow(10, power - 3 * (int)unit), times[unit]);
	}
}

static void draw_mark(struct svg *svg, const struct curve *curve, const struct bench_case *one, const struct bench_figure *figure, const struct scale *x,
		      const struct scale *y)
{
	struct bench_spread spread = bench_spread(figure);
	svg_tenths column = at(x, one->size), row = at(y, spread.median);
	char title[160];

	snprintf(title, sizeof(title), "%s, %s: %.0f ns (%.0f to %.0f)", curve->label, cli_bytes((uint64_t)one->size), spread.median, spread.least,
		 spread.most);
	svg_path_begin(svg, curve->mark);
	svg_box(svg, column - SVG_PX(3), row - SVG_PX(3), SVG_PX(6), SVG_PX(6));
	svg_move(svg, column, at(y, spread.least));
	svg_line(svg, column, at(y, spread.most));
	svg_path_end(svg, title);
}

/* Returns how many points it has. Cases come in the order of their apertures. */
static unsigned int draw_curve(struct svg *svg, const struct bench *bench, const struct curve *curve, const struct scale *x, const struct scale *y)
{
	unsigned int points = 0;

	for (const struct bench_case *one = bench->cases; one; one = one->next) {
		const struct bench_figure *figure = point_of(one, curve);
		if (!figure)
			continue;
		if (!points)
			svg_path_begin(svg, curve->line);
		(points++ ? svg_line : svg_move)(svg, at(x, one->size), at(y, bench_spread(figure).median));
	}
	if (points)
		svg_path_end(svg, curve->label);
	for (const struct bench_case *one = bench->cases; one; one = one->next) {
		const struct bench_figure *figure = point_of(one, curve);
		if (figure)
			draw_mark(svg, curve, one, figure, x, y);
	}
	return points;
}

static void draw_legend(struct svg *svg, const struct curve *curve, svg_tenths x, svg_tenths y)
{
	svg_path_begin(svg, curve->line);
	svg_move(svg, x, y - SVG_PX(4));
	svg_line(svg, x + SVG_PX(40), y - SVG_PX(4));
	svg_path_end(svg, NULL);
	svg_text(svg, "", x + SVG_PX(48), y, 12, SVG_START, "%s", curve->label);
}

int bench_plot(const struct bench *bench, const char *path)
{
	struct scale x = { .base = 2, .from = SVG_LEFT, .to = SVG_RIGHT };
	struct scale y = { .base = 10, .from = SVG_PX(640), .to = SVG_PX(96) };
	svg_tenths bottom = SVG_PX(700);
	unsigned int drawn = 0;
	struct svg svg;

	int err = svg_begin(&svg);
	if (err)
		return err;
	svg_text(&svg, "title", SVG_MARGIN, SVG_PX(40), 18, SVG_START, "Refresh of the whole aperture, nothing has changed");
	svg_text(&svg, "soft", SVG_MARGIN, SVG_PX(62), 12, SVG_START, "time against aperture; median of %u runs; %s", bench->options.runs, bench->machine.cpu);
	if (measure(bench, &x, &y)) {
		draw_grid(&svg, &x, &y);
		for (unsigned int i = 0; i < CURVES; i++) {
			if (!draw_curve(&svg, bench, &curves[i], &x, &y))
				continue;
			draw_legend(&svg, &curves[i], SVG_LEFT + (svg_tenths)(drawn % 3) * SVG_PX(348), bottom + (svg_tenths)(drawn / 3) * SVG_PX(20));
			drawn++;
		}
	} else {
		svg_text(&svg, "bad", SVG_LEFT, SVG_PX(120), 14, SVG_START, "no case of the group same/ was measured");
	}
	bottom += SVG_PX(20) * (svg_tenths)((drawn + 2) / 3);
	return svg_finish(&svg, path, bottom + SVG_PX(8), "viommu bench",
			  "Time of a refresh of the whole aperture that changes nothing, against the size of the aperture, on logarithmic scales");
}
