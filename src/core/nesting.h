/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Nested domains whose tables hardware walks, inside: no compositions, and a space that is the guest's own tables. */
#ifndef VIOMMU_CORE_NESTING_H
#define VIOMMU_CORE_NESTING_H

#include <viommu/domain.h>

#include "core/space.h"

/*
 * Who is to walk the tables of data->ste on this host. *why: what an operator is told of it, NULL for nothing. 0, -EINVAL, or -EOPNOTSUPP: it is to be the
 * hardware, and cannot be.
 */
int nesting_pick(const struct viommu_host *host, const struct viommu_smmuv3_stage1 *stage1, bool *hardware, const char **why);

/* With the VM's lock held: the space of such a domain, in which nothing is cached yet. 0, -EINVAL, -EDQUOT, -ENOMEM, -ENOSPC or -EIO. */
int nesting_create(struct space *space, struct viommu_vm *vm, struct viommu_host *host, const uint64_t ste[2], const struct space_ops *ops);

/* Whether a device was given an ID. */
bool nesting_has_id(struct viommu_device *device);

/* A refresh, and that of contexts: 0 or -EIO. With the space's lock held. */
int nesting_refresh(struct space *space, uint64_t first, uint64_t last);
int nesting_refresh_context(struct space *space);

#endif
