/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nested domains that the host composes itself (host_ops.compose): the common part of what
 * nested.c and direct.c do on such a host. Only the host knows what is established there.
 */
#ifndef VIOMMU_CORE_DELEGATED_H
#define VIOMMU_CORE_DELEGATED_H

#include "core/domain.h"

static inline bool is_delegated(const struct viommu_domain *domain)
{
	return domain->host->ops->compose;
}

/*
 * With the VM's lock held: the host makes the space from data, and establishes what there is.
 * Errors are those of viommu_domain_create(). *result is complete on any return.
 */
int delegated_create(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last,
		     const struct host_nest_data *data, struct viommu_refresh_result *result, const struct domain_ops *ops);

/* Of whole pages inside the domain: the errors of viommu_domain_refresh(). result may be NULL. */
int delegated_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result);

/* domain_ops.slot_uncharge: the host has taken the slot's translations away. */
void delegated_slot_gone(struct viommu_domain *domain, struct slot *slot);

#endif
