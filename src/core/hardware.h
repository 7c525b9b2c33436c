/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Domains whose tables hardware walks. */
#ifndef VIOMMU_CORE_HARDWARE_H
#define VIOMMU_CORE_HARDWARE_H

#include <viommu/nesting.h>

#include "core/domain.h"

/*
 * data says to the host where the guest's tables are. What hardware kept of them before is still in
 * its caches: the caller invalidates. 0, -EINVAL, -EDQUOT, -ENOMEM, -ENOSPC or -EIO.
 */
int hardware_create(struct viommu_vm *vm, struct viommu_host *host, const struct host_nest_data *data, struct viommu_domain **out);

#endif
