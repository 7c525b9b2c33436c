/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a guest IOMMU says when a nested domain is created, in terms of tables: where they begin, in which format they are, and which IOVAs they are for. */
#ifndef VIOMMU_CORE_ANCHOR_H
#define VIOMMU_CORE_ANCHOR_H

#include "core/shadow/shadow.h"

/* Arm has two sets of tables for one context: one for the lower and one for the upper end of addresses. */
#define ANCHORS 2u

struct anchor {
	const struct shadow_ops *ops;
	struct format_anchor anchor;
	uint64_t first; /* IOVAs, whole pages */
	uint64_t last;
};

/* Takes viommu_domain_create()'s data apart. *number anchors, ascending; there may be none. 0 or -EINVAL. */
int anchor_take(enum viommu_domain_type type, const void *data, struct anchor anchors[ANCHORS], unsigned int *number);

#endif
