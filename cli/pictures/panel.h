/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The panel of one function in the picture of what devices reach: what is gathered for it, and how it is drawn. From top to bottom: numbers; the whole aperture;
 * the parts of it where something is mapped, magnified; ribbons; the parts of guest memory that are mapped or hold tables, magnified; all of guest memory.
 */
#ifndef VIOMMU_CLI_SVG_PANEL_H
#define VIOMMU_CLI_SVG_PANEL_H

#include "replay/replay.h"
#include "change.h"
#include "links.h"
#include "row.h"
#include "tables.h"
#include "view.h"

struct svg_panel {
	struct replay *replay;
	const struct svg_change *change; /* NULL if the last refresh was another function's */
	struct svg_view view;
	struct svg_tables tables;
	uint64_t pages[2]; /* SVG_RW, SVG_RO */
	uint64_t runs;
	struct svg_ranges iovas, gpas; /* what to magnify */
	struct svg_row aperture, mapped, named, memory;
	struct svg_links links;
};

/* Gathers what is to be drawn. svg_panel_free() frees it. */
void svg_panel_gather(struct svg_panel *panel, struct replay *replay, const struct svg_change *change, const struct replay_function *function);
void svg_panel_free(struct svg_panel *panel);

/* panel_draw.c: returns the y below it. */
svg_tenths svg_panel_draw(struct svg *svg, const struct svg_panel *panel, svg_tenths y);

#endif
