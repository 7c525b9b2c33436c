/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Domains whose tables hardware walks. */
#ifndef VIOMMU_CORE_HARDWARE_H
#define VIOMMU_CORE_HARDWARE_H

#include "core/domain.h"

/* 0, -EINVAL, -EDQUOT, -ENOMEM, -ENOSPC or -EIO. Nothing is cached yet in the new domain. */
int hardware_create(struct viommu_vm *vm, struct viommu_host *host, const uint64_t ste[2], struct viommu_domain **out);

#endif
