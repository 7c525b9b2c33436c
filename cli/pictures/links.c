// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ribbons between two rows, in bundles.
 */
#include "links.h"

#include <inttypes.h>

#define TITLED 96u /* where there are more ribbons than this, what a browser shows beside the pointer would be half of the file */

void svg_links_init(struct svg_links *links, const struct svg_row *from, const struct svg_row *to)
{
	links->from = from;
	links->to = to;
	links->shift = 0;
	links->count = 0;
}

static bool same_bundle(const struct svg_links *links, const struct svg_link *a, const struct svg_link *b)
{
	unsigned int shift = links->shift;

	bool may_mix = shift && a->kind != SVG_LINK_NEW && b->kind != SVG_LINK_NEW;

	return (may_mix || a->kind == b->kind) && a->from == b->from && a->to == b->to && a->from_first >> shift == b->from_first >> shift &&
	       a->from_last >> shift == b->from_last >> shift && a->to_first >> shift == b->to_first >> shift && a->to_last >> shift == b->to_last >> shift;
}

static void lower(svg_tenths *number, svg_tenths to)
{
	if (to < *number)
		*number = to;
}

static void raise(svg_tenths *number, svg_tenths to)
{
	if (to > *number)
		*number = to;
}

static void add_link(struct svg_links *links, const struct svg_link *link)
{
	/* Neighbours come one after the other: the last ones are the likely ones. */
	for (unsigned int i = links->count; i-- > 0;) {
		struct svg_link *at = &links->links[i];
		if (!same_bundle(links, at, link))
			continue;
		if (at->kind != link->kind)
			at->kind = SVG_LINK_MIXED;
		at->runs += link->runs;
		lower(&at->from_x, link->from_x);
		raise(&at->from_end, link->from_end);
		lower(&at->to_x, link->to_x);
		raise(&at->to_end, link->to_end);
		return;
	}
	links->links[links->count++] = *link;
}

/* With one column more in each window, windows are all that is left to tell apart, and these are few. */
static void bundle(struct svg_links *links)
{
	unsigned int count = links->count;

	links->shift++;
	links->count = 0;
	for (unsigned int i = 0; i < count; i++) {
		/* Never overtakes: at most i links stand before place i. */
		struct svg_link link = links->links[i];
		add_link(links, &link);
	}
}

void svg_links_add(struct svg_links *links, enum svg_link_kind kind, const struct viommu_run *run)
{
	const struct svg_window *from = svg_row_find(links->from, run->first);
	const struct svg_window *to = svg_row_find(links->to, run->gpa);
	uint64_t gpa_last = run->gpa + (run->last - run->first);

	if (!from || !to)
		return;
	struct svg_link link = {
		.kind = kind,
		.from = from,
		.to = to,
		.from_first = (unsigned int)((run->first - from->first) >> from->shift),
		.from_last = (unsigned int)((run->last - from->first) >> from->shift),
		.to_first = (unsigned int)((run->gpa - to->first) >> to->shift),
		.to_last = (unsigned int)((gpa_last - to->first) >> to->shift),
		.from_x = svg_window_x(from, run->first),
		.from_end = svg_window_end_x(from, run->last),
		.to_x = svg_window_x(to, run->gpa),
		.to_end = svg_window_end_x(to, gpa_last),
		.runs = 1,
		.run = *run,
	};
	add_link(links, &link);
	while (links->count > SVG_LINKS)
		bundle(links);
}

/* Of a bundle, a part in the middle of each end is drawn: the more runs, the wider. Else bundles would cover each other. */
static void narrow(svg_tenths *x, svg_tenths *end, uint64_t runs, uint64_t most)
{
	svg_tenths middle = (*x + *end) / 2, half = SVG_PX(1) / 2 + svg_scale(runs, most, SVG_PX(3));

	if (*end - *x <= 2 * half)
		return;
	*x = middle - half;
	*end = middle + half;
}

static void draw_link(struct svg *svg, const struct svg_links *links, struct svg_link link, uint64_t most, svg_tenths from_y, svg_tenths to_y)
{
	static const char *const classes[SVG_LINK_KINDS] = { "link-mixed", "link-rw", "link-ro", "link-new" };
	char title[128];

	if (links->shift && link.runs > 1) {
		narrow(&link.from_x, &link.from_end, link.runs, most);
		narrow(&link.to_x, &link.to_end, link.runs, most);
	}
	svg_path_begin(svg, classes[link.kind]);
	svg_move(svg, link.from_x, from_y);
	svg_swing(svg, link.from_x, from_y, link.to_x, to_y);
	svg_across(svg, link.to_end - link.to_x);
	svg_swing(svg, link.to_end, to_y, link.from_end, from_y);
	svg_close(svg);
	if (link.runs == 1)
		snprintf(title, sizeof(title), "0x%" PRIx64 "..0x%" PRIx64 " -> 0x%" PRIx64 " %s", link.run.first, link.run.last, link.run.gpa,
			 link.run.prot & VIOMMU_WRITE ? "rw" : "r");
	else
		snprintf(title, sizeof(title), "%" PRIu64 " runs", link.runs);
	svg_path_end(svg, links->count <= TITLED ? title : NULL);
}

void svg_links_draw(struct svg *svg, const struct svg_links *links, svg_tenths from_y, svg_tenths to_y)
{
	uint64_t most = 0;

	for (unsigned int i = 0; i < links->count; i++)
		most = links->links[i].runs > most ? links->links[i].runs : most;
	for (unsigned int kind = 0; kind < SVG_LINK_KINDS; kind++) {
		for (unsigned int i = 0; i < links->count; i++) {
			if (links->links[i].kind == kind)
				draw_link(svg, links, links->links[i], most, from_y, to_y);
		}
	}
}
