/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Creating a nested domain from a guest IOMMU's tables. */
#ifndef VIOMMU_CORE_NESTED_H
#define VIOMMU_CORE_NESTED_H

#include "core/composition.h"

/*
 * The tables are for ascending ranges of IOVAs that do not overlap; there may be none, and then
 * nothing is translated. Everything that they hold is synchronised. result may be NULL. Errors are
 * those of viommu_domain_create(), but for hardware.
 *
 * data is the registration as the user gave it, for a host that composes tables itself
 * (host_ops.compose). On such a host the tables here serve viommu_domain_walk() alone, and without
 * data there is no domain: -EOPNOTSUPP.
 */
int nested_create(struct viommu_vm *vm, struct viommu_host *host, const struct guest_tables *tables, unsigned int number, const struct host_nest_data *data,
		  struct viommu_refresh_result *result, struct viommu_domain **out);

/*
 * Of a nested domain, for a guest IOMMU that is to invalidate less than everything.
 *
 * Whether there may be a leaf in first..last that is established and in whose entry, as in memory,
 * all bits of the mask are 0. Of leaves above level 0 the bits are not known: they count as 0; so
 * do those of leaves that the host has composed.
 */
bool nested_has_leaf_without(struct viommu_domain *domain, uint64_t first, uint64_t last, uint64_t mask);

/*
 * log2 of the most that one leaf has covered since the domain was created; 63 where only the host
 * knows.
 */
unsigned int nested_leaf_bits(struct viommu_domain *domain);

#endif
