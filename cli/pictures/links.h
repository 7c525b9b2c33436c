/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What connects two rows: a ribbon for each run, from the IOVAs to the guest memory that they lead to. Where there would be too many, runs that begin and end
 * in the same columns share one, then those in the same pair of columns, and so on, until few enough are left.
 */
#ifndef VIOMMU_CLI_SVG_LINKS_H
#define VIOMMU_CLI_SVG_LINKS_H

#include <viommu/types.h>

#include "row.h"

#define SVG_LINKS 240u

/* SVG_LINK_MIXED: a bundle of runs with different rights. SVG_LINK_NEW are drawn over the others. */
enum svg_link_kind { SVG_LINK_MIXED, SVG_LINK_RW, SVG_LINK_RO, SVG_LINK_NEW, SVG_LINK_KINDS };

struct svg_link {
	enum svg_link_kind kind;
	const struct svg_window *from, *to;
	unsigned int from_first, from_last, to_first, to_last; /* columns of the windows */
	svg_tenths from_x, from_end, to_x, to_end;
	uint64_t runs;
	struct viommu_run run; /* the first one */
};

struct svg_links {
	const struct svg_row *from, *to;
	unsigned int shift; /* log2 of the columns that are taken as one */
	unsigned int count;
	struct svg_link links[SVG_LINKS + 1];
};

void svg_links_init(struct svg_links *links, const struct svg_row *from, const struct svg_row *to);
void svg_links_add(struct svg_links *links, enum svg_link_kind kind, const struct viommu_run *run);
void svg_links_draw(struct svg *svg, const struct svg_links *links, svg_tenths from_y, svg_tenths to_y);

#endif
