/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Creating a nested domain from a guest IOMMU's tables. */
#ifndef VIOMMU_CORE_NESTED_H
#define VIOMMU_CORE_NESTED_H

#include "core/composition.h"

/*
 * The tables are for ascending ranges of IOVAs that do not overlap; there may be none, and then
 * nothing is translated. Everything that they hold is synchronised. result may be NULL. Errors are
 * those of viommu_domain_create(), but for hardware.
 */
int nested_create(struct viommu_vm *vm, struct viommu_host *host, const struct guest_tables *tables, unsigned int number, struct viommu_refresh_result *result,
		  struct viommu_domain **out);

#endif
