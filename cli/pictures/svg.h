/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SVG, as far as the pictures of this command need it: rectangles, paths and lines of text, written to memory first, since the height of a picture is known
 * only when all of it was drawn.
 *
 * What holds:
 *  - The same calls yield the same bytes on every machine. Coordinates are integers, tenths of a pixel; no floating point number is ever computed or printed.
 *  - A picture needs nothing from outside, and brings a background of its own.
 *  - All text is in a font of fixed width, so that where it ends is known here: svg_text_width().
 *  - Text from outside (names of files) is escaped, and what is not printable ASCII in it is replaced.
 *
 * Classes name a look, and stand in the style sheet in svg.c.
 */
#ifndef VIOMMU_CLI_SVG_H
#define VIOMMU_CLI_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef int32_t svg_tenths;
#define SVG_PX(pixels) ((svg_tenths)((pixels)*10))

/* Where things stand in every picture. */
#define SVG_WIDTH  SVG_PX(1200)
#define SVG_LEFT   SVG_PX(128) /* of the drawing; the names of rows stand to the left of it */
#define SVG_RIGHT  SVG_PX(1176)
#define SVG_MARGIN SVG_PX(24)

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

struct svg {
	FILE *body;
	char *text;
	size_t bytes;
};

/* 0 or -ENOMEM. */
int svg_begin(struct svg *svg);

/*
 * Frees the picture, after writing it to a file ("-": standard output) if path is not NULL. 0, or a negative errno value: then the file is not complete.
 * title and description are for those who cannot see it.
 */
int svg_finish(struct svg *svg, const char *path, svg_tenths height, const char *title, const char *description);

/* A line of text with its baseline at y; nothing where it is empty. */
void svg_text(struct svg *svg, const char *class, svg_tenths x, svg_tenths y, unsigned int pixels, enum svg_anchor anchor, const char *format, ...)
	__attribute__((format(printf, 7, 8)));
svg_tenths svg_text_width(size_t characters, unsigned int pixels);

void svg_rect(struct svg *svg, const char *class, svg_tenths x, svg_tenths y, svg_tenths width, svg_tenths height);

/* A path: begun, filled with svg_move() and its like, ended. title, which may be NULL, is what a browser shows beside the pointer. */
void svg_path_begin(struct svg *svg, const char *class);
void svg_move(struct svg *svg, svg_tenths x, svg_tenths y);
void svg_line(struct svg *svg, svg_tenths x, svg_tenths y);
void svg_across(struct svg *svg, svg_tenths width);
void svg_down(struct svg *svg, svg_tenths height);
void svg_box(struct svg *svg, svg_tenths x, svg_tenths y, svg_tenths width, svg_tenths height);
/* From one height to another, leaving and arriving upright. */
void svg_swing(struct svg *svg, svg_tenths x0, svg_tenths y0, svg_tenths x1, svg_tenths y1);
void svg_close(struct svg *svg);
void svg_path_end(struct svg *svg, const char *title);

void svg_group_begin(struct svg *svg, const char *class);
void svg_group_end(struct svg *svg);

/* width * part / whole, for part <= whole. */
svg_tenths svg_scale(uint64_t part, uint64_t whole, svg_tenths width);

#endif
