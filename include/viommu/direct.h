/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A direct domain: devices reach all of guest memory, at IOVA = GPA + offset. The plain counterpart of a nested domain, for a guest IOMMU that was told not
 * to translate (zPCI: an IOTA whose T bit is zero). It is a type of its own, and cannot become the other.
 *
 * All of the VM's slots are pinned while it exists, and are charged to the budget once. Slots that are added or removed later follow.
 *
 * Threads: as for nested domains.
 */
#ifndef VIOMMU_DIRECT_H
#define VIOMMU_DIRECT_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Creates a direct domain over the IOVAs first..last; GPAs that fall outside are not reached. 0; -EINVAL (not aligned to 4096); -ERANGE (outside the host's
 * aperture; or on a soft host, memory that does not lie within 2 PiB of the first slot's); -EDQUOT (the budget is too small for the guest's memory); -ENOMEM; -ENOSPC; -EIO.
 */
VIOMMU_API int viommu_direct_create(struct viommu_vm *vm, struct viommu_host *host, uint64_t offset, uint64_t first, uint64_t last, struct viommu_direct **out);

/* Detaches its devices and destroys it. Never fails. NULL is allowed. */
VIOMMU_API void viommu_direct_destroy(struct viommu_direct *direct);

/* As viommu_domain_attach(). */
VIOMMU_API int viommu_direct_attach(struct viommu_direct *direct, struct viommu_device *device);

/* As viommu_domain_each_run(). */
VIOMMU_API int viommu_direct_each_run(struct viommu_direct *direct, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
				      void *ctx);

#ifdef __cplusplus
}
#endif
#endif
