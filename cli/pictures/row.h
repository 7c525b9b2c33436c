/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A row of a picture: an address space, or the parts of it that are magnified, as windows side by side. Each window is cut into columns that are at least
 * two pixels wide and cover a power of two of pages; what lies in a column is added up there, so that a row takes the same memory, and much the same room in
 * the file, for one page and for a hundred thousand.
 */
#ifndef VIOMMU_CLI_SVG_ROW_H
#define VIOMMU_CLI_SVG_ROW_H

#include "svg.h"
#include "ranges.h"

#define SVG_WINDOWS 4u	 /* in a row */
#define SVG_COLUMNS 600u /* in all windows of a row */

/* What a column counts. */
enum svg_layer {
	SVG_RW,	    /* pages mapped for reading and writing */
	SVG_RO,	    /* for reading only */
	SVG_NEW,    /* pages that the last refresh established */
	SVG_GONE,   /* that it released */
	SVG_GROUND, /* pages that exist: the aperture, guest memory */
	SVG_REGION, /* tables */
	SVG_SEGMENT,
	SVG_PAGE,
	SVG_LAYERS,
};

struct svg_window {
	uint64_t first, last;
	svg_tenths x, width;
	unsigned int shift;  /* log2 of the bytes of a column */
	unsigned int column; /* the first one, in the row's */
	unsigned int columns;
	uint64_t pages[SVG_LAYERS];
	uint64_t parts[SVG_LAYERS]; /* how many ranges were added */
};

struct svg_row {
	unsigned int count;
	struct svg_window windows[SVG_WINDOWS];
	uint64_t columns[SVG_LAYERS][SVG_COLUMNS];
};

/* Lays the windows out side by side; larger ones are somewhat wider. */
void svg_row_init(struct svg_row *row, const struct svg_range *windows, unsigned int count);

/* Adds a range to a layer. What no window shows is left out. */
void svg_row_add(struct svg_row *row, enum svg_layer layer, uint64_t first, uint64_t last);

/* The window that an address is in, NULL if it is in none. */
const struct svg_window *svg_row_find(const struct svg_row *row, uint64_t address);

/* Where an address begins, and where it ends. It is taken into the window if it lies outside. */
svg_tenths svg_window_x(const struct svg_window *window, uint64_t address);
svg_tenths svg_window_end_x(const struct svg_window *window, uint64_t address);

/* The bands themselves: what exists, what is mapped (the higher, the more of a column is), frames and lines between pages. */
void svg_row_draw(struct svg *svg, const struct svg_row *row, svg_tenths y, svg_tenths height);

/* Marks for all columns of a layer that hold something. */
void svg_row_draw_marks(struct svg *svg, const struct svg_row *row, enum svg_layer layer, svg_tenths y, svg_tenths height);

/* A bracket over first..last, in each window that it concerns. */
void svg_row_draw_span(struct svg *svg, const struct svg_row *row, uint64_t first, uint64_t last, svg_tenths y, svg_tenths height);

/* What shows that the windows of one row are parts of another one. Between neck_y and parts_y it is as wide as the part, for labels. */
void svg_row_draw_zoom(struct svg *svg, const struct svg_row *whole, svg_tenths whole_y, const struct svg_row *parts, svg_tenths neck_y, svg_tenths parts_y);

#endif
