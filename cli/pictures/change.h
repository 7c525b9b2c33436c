/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the last refresh changed. Before each operation that refreshes (RPCIT, and a registration, which synchronises with everything that the tables hold) the
 * runs within its range are noted; when the picture is drawn, they are compared with those that are there. A range is as large as the guest makes it, so
 * this costs time in proportion to what is mapped in it, and is done only where a picture is asked for.
 */
#ifndef VIOMMU_CLI_SVG_CHANGE_H
#define VIOMMU_CLI_SVG_CHANGE_H

#include "replay/zpci/zpci.h"

struct svg_change {
	bool known;
	bool registration; /* it was one, and no RPCIT */
	struct viommu_zpci_function *function;
	uint64_t operation; /* its number */
	uint64_t first, last;
	struct viommu_zpci_answer answer;
	struct viommu_run *before; /* within first..last */
	size_t count;
	size_t capacity;
};

void svg_change_before(struct svg_change *change, struct replay *replay, const struct capture_record *record);
void svg_change_after(struct svg_change *change, const struct replay *replay);

/* Something else has changed translations: what was noted is no longer the state before what is there. */
void svg_change_forget(struct svg_change *change);

/* Calls fn for each part that was established, or released, in no order between the two; each of them in ascending order of IOVA. */
void svg_change_each(const struct svg_change *change, void (*fn)(void *ctx, bool established, const struct viommu_run *run), void *ctx);

void svg_change_free(struct svg_change *change);

#endif
