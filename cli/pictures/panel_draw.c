// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How the panel of one function is drawn.
 */
#include "panel.h"

#include <inttypes.h>
#include <string.h>

#include "legend.h"

#define WHOLE_HEIGHT SVG_PX(24) /* of the bands that show everything */
#define PARTS_HEIGHT SVG_PX(30) /* of those that magnify */
#define LINKS_HEIGHT SVG_PX(110)
#define LANE	     SVG_PX(7)
#define TABLE_LANE   SVG_PX(12)
#define LINE	     SVG_PX(14)
#define INSIDE	     SVG_PX(14) /* between the panel's edge and what is in it */

/* first and last make a size that may be 2^64. */
static const char *size_of(uint64_t first, uint64_t last)
{
	return last - first == UINT64_MAX ? "16 EiB" : cli_bytes(last - first + 1);
}

static void row_name(struct svg *svg, svg_tenths y, const char *name)
{
	svg_text(svg, "soft", SVG_MARGIN + INSIDE, y, 11, SVG_START, "%s", name);
}

static void draw_tables_line(struct svg *svg, const struct svg_panel *panel, svg_tenths y)
{
	const uint64_t *by_level = panel->tables.by_level;
	const char *const *names = panel->replay->iommu->tables;

	if (panel->view.direct)
		svg_text(svg, "soft", SVG_MARGIN + INSIDE, y, 11, SVG_START, "%s", panel->view.anchor);
	else
		svg_text(svg, "soft", SVG_MARGIN + INSIDE, y, 11, SVG_START, "%s; tables: %s%s %s, %s %s, %s %s", panel->view.anchor,
			 panel->tables.incomplete ? "at least " : "", cli_count(by_level[2] + by_level[3] + by_level[4]), names[0], cli_count(by_level[1]),
			 names[1], cli_count(by_level[0]), names[2]);
}

static void draw_refresh_line(struct svg *svg, const struct svg_change *change, svg_tenths y)
{
	const struct viommu_zpci_answer *answer = &change->answer;
	char what[96] = "a registration, which refreshes everything", how[32];

	if (!change->registration)
		snprintf(what, sizeof(what), "RPCIT of 0x%" PRIx64 " + %s", change->first, size_of(change->first, change->last));
	if (answer->exception)
		snprintf(how, sizeof(how), "exception 0x%04" PRIx32, answer->exception);
	else if (answer->cc == 1)
		snprintf(how, sizeof(how), "cc 1, status %u", answer->status);
	else
		snprintf(how, sizeof(how), "cc %u", answer->cc);
	svg_text(svg, "soft", SVG_MARGIN + INSIDE, y, 11, SVG_START, "last refresh: operation %s, %s: %s, %s established, %s released",
		 cli_count(change->operation), what, how, cli_count_of(answer->refresh.established, "page", "pages"), cli_count(answer->refresh.released));
}

static svg_tenths draw_numbers(struct svg *svg, const struct svg_panel *panel, svg_tenths y)
{
	const struct svg_view *view = &panel->view;
	uint64_t rw = panel->pages[SVG_RW], ro = panel->pages[SVG_RO];

	y += SVG_PX(22);
	svg_text(svg, "head", SVG_MARGIN + INSIDE, y, 13, SVG_START, "%s", view->name);
	svg_text(svg, "soft", SVG_MARGIN + INSIDE + svg_text_width(strlen(view->name) + 2, 13), y, 12, SVG_START, "%s", view->state);
	if (view->idle) {
		svg_text(svg, "", SVG_RIGHT - INSIDE, y, 12, SVG_END, "%s", view->idle);
		return y + SVG_PX(14);
	}
	if (rw + ro)
		svg_text(svg, "", SVG_RIGHT - INSIDE, y, 12, SVG_END, "%s in %s, %s: %s read-write, %s read-only", cli_count_of(rw + ro, "page", "pages"),
			 cli_count_of(panel->runs, "run", "runs"), cli_bytes((rw + ro) * VIOMMU_PAGE_SIZE), cli_count(rw), cli_count(ro));
	else
		svg_text(svg, "", SVG_RIGHT - INSIDE, y, 12, SVG_END, "nothing is mapped");
	y += SVG_PX(18);
	draw_tables_line(svg, panel, y);
	if (panel->change) {
		y += SVG_PX(16);
		draw_refresh_line(svg, panel->change, y);
	}
	return y + SVG_PX(10);
}

static uint64_t tables_in(const struct svg_window *window)
{
	return window->parts[SVG_REGION] + window->parts[SVG_SEGMENT] + window->parts[SVG_PAGE];
}

/* Three lines for each window: where, what, and how large a column is. A page of memory that many IOVAs lead to has as many mappings. */
static void draw_labels(struct svg *svg, const struct svg_row *row, svg_tenths y, bool memory)
{
	for (unsigned int i = 0; i < row->count; i++) {
		const struct svg_window *window = &row->windows[i];
		uint64_t pages = window->pages[SVG_RW] + window->pages[SVG_RO];
		svg_tenths x = window->x + SVG_PX(6);
		svg_text(svg, "", x, y, 11, SVG_START, "0x%" PRIx64 " + %s", window->first, size_of(window->first, window->last));
		if (memory)
			svg_text(svg, "soft", x, y + LINE, 10, SVG_START, "%s, %s", cli_count_of(pages, "mapping", "mappings"),
				 cli_count_of(tables_in(window), "table", "tables"));
		else
			svg_text(svg, "soft", x, y + LINE, 10, SVG_START, "%s in %s", cli_count_of(pages, "page", "pages"),
				 cli_count_of(window->parts[SVG_RW] + window->parts[SVG_RO], "run", "runs"));
		svg_text(svg, "soft", x, y + 2 * LINE, 10, SVG_START, "one column is %s", cli_bytes(UINT64_C(1) << window->shift));
	}
}

static svg_tenths draw_aperture(struct svg *svg, const struct svg_panel *panel, svg_tenths y)
{
	y += SVG_PX(12);
	for (unsigned int i = 0; i < panel->aperture.count; i++) {
		const struct svg_window *window = &panel->aperture.windows[i];
		svg_text(svg, "", window->x, y, 11, SVG_START, "0x%" PRIx64, window->first);
		svg_text(svg, "soft", window->x + window->width / 2, y, 11, SVG_MIDDLE, "%s, %s", panel->view.aperture_names[i],
			 size_of(window->first, window->last));
		svg_text(svg, "", window->x + window->width, y, 11, SVG_END, "0x%" PRIx64, window->last);
	}
	y += SVG_PX(5);
	if (panel->change)
		svg_row_draw_span(svg, &panel->aperture, panel->change->first, panel->change->last, y, LANE - SVG_PX(1));
	y += LANE;
	row_name(svg, y + WHOLE_HEIGHT / 2 + SVG_PX(4), "aperture");
	svg_row_draw(svg, &panel->aperture, y, WHOLE_HEIGHT);
	return y + WHOLE_HEIGHT;
}

static svg_tenths draw_mapped(struct svg *svg, const struct svg_panel *panel, svg_tenths y)
{
	svg_tenths neck = y + SVG_PX(32);
	svg_tenths top = neck + 3 * LINE + 3 * LANE + SVG_PX(6);

	if (!panel->mapped.count) {
		svg_text(svg, "soft", (SVG_LEFT + SVG_RIGHT) / 2, y + SVG_PX(26), 12, SVG_MIDDLE, "nothing is mapped");
		return y + SVG_PX(40);
	}
	svg_row_draw_zoom(svg, &panel->aperture, y, &panel->mapped, neck, top);
	draw_labels(svg, &panel->mapped, neck + SVG_PX(14), false);
	if (panel->change) {
		svg_row_draw_span(svg, &panel->mapped, panel->change->first, panel->change->last, top - 3 * LANE, LANE - SVG_PX(1));
		svg_row_draw_marks(svg, &panel->mapped, SVG_GONE, top - 2 * LANE, LANE);
		svg_row_draw_marks(svg, &panel->mapped, SVG_NEW, top - LANE, LANE);
	}
	row_name(svg, top + PARTS_HEIGHT / 2 - SVG_PX(2), "IOVAs,");
	row_name(svg, top + PARTS_HEIGHT / 2 + SVG_PX(11), "magnified");
	svg_row_draw(svg, &panel->mapped, top, PARTS_HEIGHT);
	return top + PARTS_HEIGHT;
}

static void draw_tables(struct svg *svg, const struct svg_row *row, svg_tenths y)
{
	svg_row_draw_marks(svg, row, SVG_REGION, y, TABLE_LANE);
	svg_row_draw_marks(svg, row, SVG_SEGMENT, y + TABLE_LANE / 3, TABLE_LANE - TABLE_LANE / 3);
	svg_row_draw_marks(svg, row, SVG_PAGE, y + TABLE_LANE * 2 / 3, TABLE_LANE - TABLE_LANE * 2 / 3);
}

/* Guest memory: the magnified parts, then all of it. */
static svg_tenths draw_memory(struct svg *svg, const struct svg_panel *panel, svg_tenths y)
{
	svg_tenths bottom = y + PARTS_HEIGHT;
	svg_tenths lane = bottom + 2 * LANE + SVG_PX(3);
	svg_tenths labels = lane + TABLE_LANE + SVG_PX(13);
	svg_tenths neck = labels + 2 * LINE + SVG_PX(8);
	svg_tenths whole = neck + SVG_PX(32) + TABLE_LANE + SVG_PX(4);

	if (panel->named.count) {
		row_name(svg, y + PARTS_HEIGHT / 2 - SVG_PX(2), "memory,");
		row_name(svg, y + PARTS_HEIGHT / 2 + SVG_PX(11), "magnified");
		svg_row_draw_zoom(svg, &panel->memory, whole - TABLE_LANE - SVG_PX(2), &panel->named, neck, bottom);
		svg_row_draw(svg, &panel->named, y, PARTS_HEIGHT);
		if (panel->change) {
			svg_row_draw_marks(svg, &panel->named, SVG_NEW, bottom, LANE);
			svg_row_draw_marks(svg, &panel->named, SVG_GONE, bottom + LANE, LANE);
		}
		draw_tables(svg, &panel->named, lane);
		draw_labels(svg, &panel->named, labels, true);
	} else {
		whole = y + SVG_PX(30);
	}
	if (panel->tables.count) {
		row_name(svg, lane + SVG_PX(10), "tables");
		row_name(svg, whole - SVG_PX(4), "tables");
	}
	draw_tables(svg, &panel->memory, whole - TABLE_LANE - SVG_PX(2));
	row_name(svg, whole + WHOLE_HEIGHT / 2 + SVG_PX(4), "guest memory");
	svg_row_draw(svg, &panel->memory, whole, WHOLE_HEIGHT);
	y = whole + WHOLE_HEIGHT + LINE;
	for (unsigned int i = 0; i < panel->memory.count; i++) {
		const struct svg_window *window = &panel->memory.windows[i];
		svg_text(svg, "", window->x, y, 11, SVG_START, "0x%" PRIx64 " + %s", window->first, size_of(window->first, window->last));
	}
	return y;
}

svg_tenths svg_panel_draw(struct svg *svg, const struct svg_panel *panel, svg_tenths y)
{
	y = draw_numbers(svg, panel, y);
	if (panel->view.idle)
		return y;
	y = draw_aperture(svg, panel, y);
	y = draw_mapped(svg, panel, y);
	if (panel->links.count) {
		svg_links_draw(svg, &panel->links, y, y + LINKS_HEIGHT);
		y += LINKS_HEIGHT;
	}
	y = draw_memory(svg, panel, y);
	return y + SVG_PX(14);
}
