/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An access that found no translation, where the guest need not announce what becomes valid:
 * hardware whose caches have nothing walks the tables, and so does this.
 */
#ifndef VIOMMU_GUEST_COMMON_MISS_H
#define VIOMMU_GUEST_COMMON_MISS_H

#include "guest/common/iommu.h"

/*
 * With the lane of the domain's gate locked. 0: what the tables translate is established now, at
 * most 2 MiB around the IOVA. -EFAULT: the tables do not translate the access, *walked says why,
 * and LEAF_UNBACKED means that they do, but the guest has no such memory. Else an error of the
 * refresh.
 */
int guest_domain_miss(struct guest_iommu *iommu, const struct guest_domain *domain, const struct viommu_fault *access, struct viommu_fault *walked);

/*
 * Without locks: settles a device that is attached to another domain than that of its
 * configuration, or one whose host failed under the domain `failed` (else NULL). 0: try the access
 * again; -EFAULT: the device is attached to nothing, as the host failed or something is too small.
 */
int guest_device_resettle(struct guest_device *device, const struct guest_domain *failed);

#endif
