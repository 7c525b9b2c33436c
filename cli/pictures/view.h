/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a guest IOMMU tells the picture of what devices reach about one function of its: names, apertures, and its tables.
 */
#ifndef VIOMMU_CLI_SVG_VIEW_H
#define VIOMMU_CLI_SVG_VIEW_H

#include "replay/replay.h"
#include "ranges.h"
#include "tables.h"

#define SVG_APERTURES 2u

struct svg_view {
	char name[40];
	char state[64];
	const char *idle; /* why it has no aperture; NULL if it has one */
	bool direct;	  /* nothing is translated by tables */
	unsigned int count;
	struct svg_range apertures[SVG_APERTURES]; /* in ascending order */
	const char *aperture_names[SVG_APERTURES];
	char anchor[200]; /* where its tables begin, or what takes their place */
};

/* zpci/view.c, smmuv3/view.c: tables is filled in, and svg_tables_free() frees it. */
void zpci_view(struct replay *replay, const struct replay_function *function, struct svg_view *view, struct svg_tables *tables);
void smmuv3_view(struct replay *replay, const struct replay_function *function, struct svg_view *view, struct svg_tables *tables);

#endif
