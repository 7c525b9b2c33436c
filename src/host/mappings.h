/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mappings of a space, in the order of IOVAs, for a host that maps them in the kernel once
 * more. They do not overlap. They are kept in a treap: a search tree by IOVA that is a heap by
 * random priorities, which keeps it flat. Removed nodes are kept for reuse until mappings_trim().
 */
#ifndef VIOMMU_HOST_MAPPINGS_H
#define VIOMMU_HOST_MAPPINGS_H

#include "host/host.h"

struct mapping {
	uint64_t first, last;
	uint64_t gpa;
	unsigned char *hva;
	uint32_t prot;
	uint32_t priority;
	struct mapping *less, *more;
};

struct mappings {
	const struct host_memory *memory;
	struct mapping *root;
	struct mapping *spare; /* linked by `less` */
	uint64_t dice;
};

void mappings_init(struct mappings *mappings, const struct host_memory *memory);
void mappings_free(struct mappings *mappings);

/* 0, -EEXIST where something is mapped in the range, or -ENOMEM. */
int mappings_add(struct mappings *mappings, const struct host_mapping *mapping);
/* Removes what lies in the range, and says whether anything did. Needs no memory. */
bool mappings_remove(struct mappings *mappings, uint64_t first, uint64_t last);
void mappings_trim(struct mappings *mappings);

/* The first that ends at or after an IOVA; NULL if there is none. */
const struct mapping *mappings_from(const struct mappings *mappings, uint64_t iova);
/* The one behind it. */
const struct mapping *mappings_next(const struct mappings *mappings, const struct mapping *mapping);
/* The one that has an IOVA in it, or NULL. */
const struct mapping *mappings_at(const struct mappings *mappings, uint64_t iova);

#endif
