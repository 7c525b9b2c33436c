/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Creating a direct domain that gives some rights only. */
#ifndef VIOMMU_CORE_DIRECT_H
#define VIOMMU_CORE_DIRECT_H

#include <viommu/domain.h>

/* As viommu_domain_create_direct(), with no more rights than prot. */
int direct_create(struct viommu_vm *vm, struct viommu_host *host, uint64_t offset, uint64_t first, uint64_t last, uint32_t prot, struct viommu_domain **out);

#endif
