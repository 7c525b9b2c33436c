/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What pictures have in common beside the drawing itself: headings, legends, and numbers in words.
 */
#ifndef VIOMMU_CLI_SVG_LEGEND_H
#define VIOMMU_CLI_SVG_LEGEND_H

#include "svg.h"

struct svg_legend {
	const char *class;	  /* of the sample; NULL: a remark without one */
	svg_tenths width, height; /* of the sample */
	bool line;		  /* the sample is a line across, and no box */
	const char *text;
};

/* The name of the picture, cut where it is too long, and lines under it that begin at y. Returns the y of the line that would follow. */
svg_tenths svg_heading(struct svg *svg, const char *path, const char *what);

/* Samples with their meaning, in as many rows as it takes. Returns the y below them. */
svg_tenths svg_legend(struct svg *svg, const struct svg_legend *entries, unsigned int count, svg_tenths y);

/* "17.01 s", "350.0 ms": without floating point, so that it is the same everywhere. The text is good until four more were asked for. */
const char *svg_seconds(uint64_t ns);

#endif
