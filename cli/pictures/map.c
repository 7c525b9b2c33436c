// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The picture of what devices reach: a heading, a legend, and a panel for each function, in ascending order of handle.
 */
#include "map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "legend.h"
#include "panel.h"

#define PANELS 16u /* the functions after these are only counted */

/* The last but one are tables, which a guest IOMMU has names for; what the last refresh did is not told of one that refreshes at accesses, too. */
static const struct svg_legend legend[] = {
	{ "rw", SVG_PX(16), SVG_PX(12), false, "mapped read-write" },
	{ "ro", SVG_PX(16), SVG_PX(12), false, "mapped read-only" },
	{ "none", SVG_PX(16), SVG_PX(12), false, "no memory, or outside the aperture" },
	{ "span", SVG_PX(20), SVG_PX(6), true, "range of the last refresh" },
	{ "new", SVG_PX(12), SVG_PX(8), false, "established by it" },
	{ "gone", SVG_PX(12), SVG_PX(8), false, "released by it" },
	{ "region", SVG_PX(6), SVG_PX(12), false, NULL },
	{ "segment", SVG_PX(6), SVG_PX(8), false, NULL },
	{ "page", SVG_PX(6), SVG_PX(4), false, NULL },
	{ NULL, 0, 0, false, "the higher a column, the more of it is mapped" },
};
#define LEGENDS	     (sizeof(legend) / sizeof(legend[0]))
#define FIRST_TABLES (LEGENDS - 4)
#define FIRST_CHANGE 3

struct named {
	uint32_t name;
	const struct replay_function *function;
};

static int compare_functions(const void *a, const void *b)
{
	const struct named *left = a, *right = b;

	return left->name < right->name ? -1 : left->name > right->name;
}

static svg_tenths draw_legend(struct svg *svg, const struct replay *replay, svg_tenths y)
{
	struct svg_legend entries[LEGENDS];
	unsigned int count = 0;

	for (unsigned int i = 0; i < LEGENDS; i++) {
		if (replay->iommu->accesses && i >= FIRST_CHANGE && i < FIRST_TABLES)
			continue;
		entries[count] = legend[i];
		if (i >= FIRST_TABLES && legend[i].class)
			entries[count].text = replay->iommu->legends[i - FIRST_TABLES];
		count++;
	}
	return svg_legend(svg, entries, count, y);
}

static svg_tenths draw_functions(struct svg *svg, struct replay *replay, const struct svg_change *change, struct svg_panel *panel, svg_tenths y)
{
	struct named functions[REPLAY_MAX_FUNCTIONS];
	char more[32], mores[32];

	for (unsigned int i = 0; i < replay->function_count; i++)
		functions[i] = (struct named){ replay->iommu->name(&replay->functions[i]), &replay->functions[i] };
	qsort(functions, replay->function_count, sizeof(*functions), compare_functions);
	for (unsigned int i = 0; i < replay->function_count && i < PANELS; i++) {
		svg_panel_gather(panel, replay, change, functions[i].function);
		svg_tenths bottom = svg_panel_draw(svg, panel, y);
		svg_panel_free(panel);
		/* Rules, and no boxes: how high a box must be is known only when what is in it was drawn. */
		svg_path_begin(svg, "rule");
		svg_move(svg, SVG_MARGIN, y);
		svg_across(svg, SVG_RIGHT - SVG_MARGIN);
		svg_path_end(svg, NULL);
		y = bottom;
	}
	if (replay->function_count > PANELS) {
		snprintf(more, sizeof(more), "more %s", replay->iommu->function);
		snprintf(mores, sizeof(mores), "more %ss", replay->iommu->function);
		y += SVG_PX(22);
		svg_text(svg, "soft", SVG_MARGIN + SVG_PX(14), y, 12, SVG_START, "and %s that are not drawn",
			 cli_count_of(replay->function_count - PANELS, more, mores));
		y += SVG_PX(8);
	}
	return y;
}

static svg_tenths draw_heading(struct svg *svg, const struct replay *replay, char *description, size_t size)
{
	const struct replay_counts *counts = &replay->counts;
	const struct capture_time *time = &replay->operation.record.time;
	char when[80] = "before the first operation";

	if (counts->operations)
		snprintf(when, sizeof(when), "after %s%s%s", cli_count_of(counts->operations, "operation", "operations"), time->known ? ", at " : "",
			 time->known ? svg_seconds(time->ns) : "");
	svg_tenths y = svg_heading(svg, replay->path, "What devices reach");
	snprintf(description, size, "%s: %s mapped by tables, %s pinned; the guest has %s in %s", when, cli_count_of(counts->mapped_pages, "page", "pages"),
		 cli_bytes(counts->pinned_bytes), cli_bytes(counts->guest_bytes), cli_count_of(replay->guest.count, "slot", "slots"));
	svg_text(svg, "soft", SVG_MARGIN, y, 12, SVG_START, "%s", description);
	if (!replay->function_count)
		svg_text(svg, "soft", SVG_MARGIN, y += SVG_PX(18), 12, SVG_START, "there is no %s", replay->iommu->function);
	return y + SVG_PX(12);
}

int svg_map_draw(struct replay *replay, const struct svg_change *change, const char *path)
{
	struct svg_panel *panel = calloc(1, sizeof(*panel));
	char description[256];
	struct svg svg;

	if (!panel || svg_begin(&svg)) {
		free(panel);
		return -ENOMEM;
	}
	svg_tenths y = draw_heading(&svg, replay, description, sizeof(description));
	y = draw_legend(&svg, replay, y);
	y = draw_functions(&svg, replay, change, panel, y + SVG_PX(6));
	free(panel);
	return svg_finish(&svg, path, y + SVG_PX(12), "What devices reach", description);
}
