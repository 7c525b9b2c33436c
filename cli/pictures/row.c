// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rows: their windows, what is added up in them, and how they are drawn.
 */
#include "row.h"

#include <string.h>

#include <viommu/types.h>

#define PAGE_SHIFT   12
#define GAP	     SVG_PX(18)	 /* between windows */
#define LEAST_WIDTH  SVG_PX(220) /* of a window: what its labels take */
#define LEAST_COLUMN SVG_PX(2)
#define LEAST_MARK   SVG_PX(3)
#define GRID_FROM    SVG_PX(6) /* width of a page from which on pages are kept apart by lines */

static unsigned int log2_of(uint64_t number)
{
	return number ? 63 - (unsigned int)__builtin_clzll(number) : 0;
}

static uint64_t column_last(const struct svg_window *window, unsigned int column)
{
	uint64_t offset = ((uint64_t)column << window->shift) + ((UINT64_C(1) << window->shift) - 1);

	return offset > window->last - window->first ? window->last : window->first + offset;
}

void svg_row_init(struct svg_row *row, const struct svg_range *windows, unsigned int count)
{
	svg_tenths spare = SVG_RIGHT - SVG_LEFT - (svg_tenths)count * LEAST_WIDTH - ((svg_tenths)count - 1) * GAP;
	unsigned int shares = 0, used = 0, column = 0;
	svg_tenths x = SVG_LEFT;

	memset(row, 0, sizeof(*row));
	row->count = count;
	for (unsigned int i = 0; i < count; i++)
		shares += log2_of(windows[i].last - windows[i].first);
	for (unsigned int i = 0; i < count; i++) {
		struct svg_window *window = &row->windows[i];
		window->first = windows[i].first;
		window->last = windows[i].last;
		/* In this way the shares add up to all that is spare. */
		unsigned int share = log2_of(window->last - window->first);
		window->x = x;
		window->width = LEAST_WIDTH + (svg_tenths)((unsigned int)spare * (used + share) / shares) - (svg_tenths)((unsigned int)spare * used / shares);
		used += share;
		x += window->width + GAP;
		window->shift = PAGE_SHIFT;
		while ((window->last - window->first) >> window->shift >= (uint64_t)(window->width / LEAST_COLUMN))
			window->shift++;
		window->column = column;
		window->columns = (unsigned int)((window->last - window->first) >> window->shift) + 1;
		column += window->columns;
	}
}

static void add_to_window(struct svg_row *row, struct svg_window *window, enum svg_layer layer, uint64_t first, uint64_t last)
{
	unsigned int from = (unsigned int)((first - window->first) >> window->shift);
	unsigned int to = (unsigned int)((last - window->first) >> window->shift);

	for (unsigned int i = from; i <= to; i++) {
		uint64_t end = i == to ? last : column_last(window, i);
		uint64_t pages = ((end - first) >> PAGE_SHIFT) + 1;
		row->columns[layer][window->column + i] += pages;
		window->pages[layer] += pages;
		first = end + 1;
	}
	window->parts[layer]++;
}

void svg_row_add(struct svg_row *row, enum svg_layer layer, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < row->count; i++) {
		struct svg_window *window = &row->windows[i];
		if (first <= window->last && last >= window->first)
			add_to_window(row, window, layer, first > window->first ? first : window->first, last < window->last ? last : window->last);
	}
}

const struct svg_window *svg_row_find(const struct svg_row *row, uint64_t address)
{
	for (unsigned int i = 0; i < row->count; i++) {
		if (address >= row->windows[i].first && address <= row->windows[i].last)
			return &row->windows[i];
	}
	return NULL;
}

/* Where the byte after the offset begins is where the offset ends: offsets are counted in pages, so that 2^64 bytes are no special case. */
svg_tenths svg_window_x(const struct svg_window *window, uint64_t address)
{
	if (address <= window->first)
		return window->x;
	if (address > window->last)
		return window->x + window->width;
	uint64_t pages = ((window->last - window->first) >> PAGE_SHIFT) + 1;
	return window->x + svg_scale((address - window->first) >> PAGE_SHIFT, pages, window->width);
}

svg_tenths svg_window_end_x(const struct svg_window *window, uint64_t address)
{
	return address >= window->last ? window->x + window->width : svg_window_x(window, address + 1);
}

/* How high a column stands: by how much of it is there, but never so low that it is overlooked. */
static svg_tenths column_height(const struct svg_window *window, unsigned int column, uint64_t pages, svg_tenths height)
{
	uint64_t first = window->first + ((uint64_t)column << window->shift);
	uint64_t all = ((column_last(window, column) - first) >> PAGE_SHIFT) + 1;
	svg_tenths least = height * 2 / 5;

	if (!pages)
		return 0;
	/* In steps of a pixel, so that neighbours become one box. */
	return pages >= all ? height : (least + svg_scale(pages, all, height - least)) / 10 * 10;
}

static svg_tenths column_x(const struct svg_window *window, unsigned int column)
{
	return svg_window_x(window, window->first + ((uint64_t)column << window->shift));
}

/*
 * The columns of one window and two layers, the second one upon the first, drawn as boxes: neighbours that look the same are one box. Only one of the
 * layers is drawn, since each has a path of its own.
 */
static void draw_columns(struct svg *svg, const struct svg_row *row, const struct svg_window *window, bool upper, svg_tenths y, svg_tenths height)
{
	svg_tenths box_bottom = 0, box_height = 0, box_x = 0;

	for (unsigned int i = 0; i <= window->columns; i++) {
		svg_tenths bottom = 0, top = 0;
		if (i < window->columns) {
			uint64_t rw = row->columns[SVG_RW][window->column + i];
			uint64_t ro = row->columns[SVG_RO][window->column + i];
			svg_tenths all = column_height(window, i, rw + ro, height);
			svg_tenths low = rw ? ro ? svg_scale(rw, rw + ro, all) / 10 * 10 : all : 0;
			bottom = upper ? low : 0;
			top = upper ? all - low : low;
		}
		if (top == box_height && bottom == box_bottom)
			continue;
		svg_tenths x = i < window->columns ? column_x(window, i) : window->x + window->width;
		if (box_height)
			svg_box(svg, box_x, y + height - box_bottom - box_height, x - box_x, box_height);
		box_x = x;
		box_bottom = bottom;
		box_height = top;
	}
}

/* Where something exists, columns apart from which nothing does. */
static void draw_ground(struct svg *svg, const struct svg_row *row, const struct svg_window *window, svg_tenths y, svg_tenths height)
{
	svg_tenths begin = -1;

	svg_path_begin(svg, "ground");
	for (unsigned int i = 0; i <= window->columns; i++) {
		bool there = i < window->columns && row->columns[SVG_GROUND][window->column + i];
		svg_tenths x = i < window->columns ? column_x(window, i) : window->x + window->width;
		if (there && begin < 0)
			begin = x;
		if (!there && begin >= 0) {
			svg_box(svg, begin, y, x - begin, height);
			begin = -1;
		}
	}
	svg_path_end(svg, NULL);
}

static void draw_grid(struct svg *svg, const struct svg_window *window, svg_tenths y, svg_tenths height)
{
	if (window->shift != PAGE_SHIFT || window->width / (svg_tenths)window->columns < GRID_FROM)
		return;
	svg_path_begin(svg, "grid");
	for (unsigned int i = 1; i < window->columns; i++) {
		svg_move(svg, column_x(window, i), y);
		svg_down(svg, height);
	}
	svg_path_end(svg, NULL);
}

void svg_row_draw(struct svg *svg, const struct svg_row *row, svg_tenths y, svg_tenths height)
{
	for (unsigned int i = 0; i < row->count; i++) {
		const struct svg_window *window = &row->windows[i];
		svg_rect(svg, "none", window->x, y, window->width, height);
		draw_ground(svg, row, window, y, height);
		for (unsigned int layer = SVG_RW; layer <= SVG_RO; layer++) {
			if (!window->pages[layer])
				continue;
			svg_path_begin(svg, layer == SVG_RW ? "rw" : "ro");
			draw_columns(svg, row, window, layer == SVG_RO, y, height);
			svg_path_end(svg, NULL);
		}
		draw_grid(svg, window, y, height);
		svg_rect(svg, "frame", window->x, y, window->width, height);
	}
}

/* Makes a mark wide enough to be seen, inside the window. */
static void at_least(const struct svg_window *window, svg_tenths *x, svg_tenths *end)
{
	if (*end - *x >= LEAST_MARK)
		return;
	*end = *x + LEAST_MARK;
	if (*end > window->x + window->width) {
		*end = window->x + window->width;
		*x = *end - LEAST_MARK;
	}
}

void svg_row_draw_marks(struct svg *svg, const struct svg_row *row, enum svg_layer layer, svg_tenths y, svg_tenths height)
{
	static const char *const classes[SVG_LAYERS] = { "rw", "ro", "new", "gone", "ground", "region", "segment", "page" };
	bool begun = false;

	for (unsigned int n = 0; n < row->count; n++) {
		const struct svg_window *window = &row->windows[n];
		svg_tenths begin = -1;
		for (unsigned int i = 0; i <= window->columns; i++) {
			bool there = i < window->columns && row->columns[layer][window->column + i];
			svg_tenths x = i < window->columns ? column_x(window, i) : window->x + window->width;
			if (there && begin < 0)
				begin = x;
			if (there || begin < 0)
				continue;
			if (!begun)
				svg_path_begin(svg, classes[layer]);
			begun = true;
			at_least(window, &begin, &x);
			svg_box(svg, begin, y, x - begin, height);
			begin = -1;
		}
	}
	if (begun)
		svg_path_end(svg, NULL);
}

void svg_row_draw_span(struct svg *svg, const struct svg_row *row, uint64_t first, uint64_t last, svg_tenths y, svg_tenths height)
{
	bool begun = false;

	for (unsigned int i = 0; i < row->count; i++) {
		const struct svg_window *window = &row->windows[i];
		if (last < window->first || first > window->last)
			continue;
		svg_tenths x0 = svg_window_x(window, first), x1 = svg_window_end_x(window, last);
		at_least(window, &x0, &x1);
		if (!begun)
			svg_path_begin(svg, "span");
		begun = true;
		/* The ends point down where the range ends, and do not where only the window does. */
		svg_move(svg, x0, first >= window->first ? y + height : y);
		svg_line(svg, x0, y);
		svg_across(svg, x1 - x0);
		if (last <= window->last)
			svg_down(svg, height);
	}
	if (begun)
		svg_path_end(svg, NULL);
}

void svg_row_draw_zoom(struct svg *svg, const struct svg_row *whole, svg_tenths whole_y, const struct svg_row *parts, svg_tenths neck_y, svg_tenths parts_y)
{
	for (unsigned int i = 0; i < parts->count; i++) {
		const struct svg_window *part = &parts->windows[i];
		for (unsigned int j = 0; j < whole->count; j++) {
			const struct svg_window *window = &whole->windows[j];
			if (part->last < window->first || part->first > window->last)
				continue;
			svg_tenths x0 = svg_window_x(window, part->first), x1 = svg_window_end_x(window, part->last);
			at_least(window, &x0, &x1);
			svg_path_begin(svg, "zoom");
			svg_move(svg, x0, whole_y);
			svg_swing(svg, x0, whole_y, part->x, neck_y);
			svg_down(svg, parts_y - neck_y);
			svg_across(svg, part->width);
			svg_down(svg, neck_y - parts_y);
			svg_swing(svg, part->x + part->width, neck_y, x1, whole_y);
			svg_close(svg);
			svg_path_end(svg, NULL);
			break;
		}
	}
}
