// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Headings and legends.
 */
#include "legend.h"

#include <inttypes.h>
#include <string.h>

#define NAME_CHARACTERS 60

svg_tenths svg_heading(struct svg *svg, const char *path, const char *what)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	bool cut = strlen(name) > NAME_CHARACTERS;

	svg_text(svg, "title", SVG_MARGIN, SVG_PX(36), 20, SVG_START, "%.*s%s", NAME_CHARACTERS, name, cut ? "..." : "");
	svg_text(svg, "", SVG_MARGIN, SVG_PX(58), 13, SVG_START, "%s", what);
	return SVG_PX(78);
}

svg_tenths svg_legend(struct svg *svg, const struct svg_legend *entries, unsigned int count, svg_tenths y)
{
	svg_tenths x = SVG_MARGIN;

	for (unsigned int i = 0; i < count; i++) {
		const struct svg_legend *entry = &entries[i];
		svg_tenths before = entry->class ? entry->width + SVG_PX(7) : 0;
		svg_tenths width = before + svg_text_width(strlen(entry->text), 11);
		if (x + width > SVG_RIGHT) {
			x = SVG_MARGIN;
			y += SVG_PX(19);
		}
		if (entry->class && entry->line) {
			svg_path_begin(svg, entry->class);
			svg_move(svg, x, y + SVG_PX(10));
			svg_line(svg, x, y + SVG_PX(4));
			svg_across(svg, entry->width);
			svg_down(svg, SVG_PX(6));
			svg_path_end(svg, NULL);
		} else if (entry->class) {
			svg_rect(svg, entry->class, x, y + SVG_PX(12) - entry->height, entry->width, entry->height);
		}
		svg_text(svg, "", x + before, y + SVG_PX(11), 11, SVG_START, "%s", entry->text);
		x += width + SVG_PX(20);
	}
	return y + SVG_PX(24);
}

const char *svg_seconds(uint64_t ns)
{
	static char texts[4][32];
	static unsigned int next;
	char *text = texts[next++ % 4];

	if (ns < 1000000)
		snprintf(text, sizeof(texts[0]), "%" PRIu64 " us", ns / 1000);
	else if (ns < 1000000000)
		snprintf(text, sizeof(texts[0]), "%" PRIu64 ".%" PRIu64 " ms", ns / 1000000, ns / 100000 % 10);
	else
		snprintf(text, sizeof(texts[0]), "%" PRIu64 ".%02" PRIu64 " s", ns / 1000000000, ns / 10000000 % 100);
	return text;
}
