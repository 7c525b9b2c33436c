/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a guest IOMMU says when a nested domain is created, in terms of tables: where they begin, in which format they are, and which IOVAs they are for. */
#ifndef VIOMMU_CORE_ANCHOR_H
#define VIOMMU_CORE_ANCHOR_H

#include "core/shadow/shadow.h"
#include "host/host.h"

struct anchor {
	const struct shadow_ops *ops;
	struct format_anchor anchor;
	uint64_t first; /* IOVAs, whole pages */
	uint64_t last;
};

/* Arm has two sets of tables for one context: one for the lower and one for the upper end of addresses. */
struct anchors {
	unsigned int number;	 /* there may be none */
	struct anchor anchor[2]; /* ascending */
	bool hardware;		 /* there are none of ours: hardware looks where this Stream Table Entry says */
	uint64_t ste[2];
	const char *why; /* it is hardware, or is not: what an operator is told, NULL for nothing */
};

/* Takes viommu_domain_create()'s data apart, for a host. 0, -EINVAL, or -EOPNOTSUPP. */
int anchor_take(const struct viommu_host *host, enum viommu_domain_type type, const void *data, struct anchors *anchors);

#endif
