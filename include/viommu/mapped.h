/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mapped domains: filled by requests of a paravirtual guest, which names IOVAs and GPAs. Rules are
 * those of virtio-iommu's MAP and UNMAP (virtio 1.4, 5.13.6.5 and 5.13.6.6).
 *
 * A mapped domain has a handle of its own for its requests, so that map and unmap are never reached
 * from the handle of a nested domain. For all else it is a domain (viommu_mapped_domain()).
 *
 * Pages that a request names are pinned and charged while it is there, each page once however many
 * IOVAs name it. What a request names where the guest has no memory is not translated; when a slot
 * is added there, it is, and when the slot is removed, it is not any more. The request stays.
 *
 * Threads: as for other domains. A request waits for slots and domains of its VM that are being
 * added, created or removed.
 */
#ifndef VIOMMU_MAPPED_H
#define VIOMMU_MAPPED_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_mapped;

/*
 * Creates a mapped domain over the IOVAs first..last. 0; -EINVAL (not aligned to 4096); -ERANGE
 * (outside the host's aperture); -ENOMEM; -ENOSPC; -EIO.
 */
VIOMMU_API int viommu_mapped_create(struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, struct viommu_mapped **out);

/*
 * Its domain, to attach devices to, and for statistics, runs and walks. Borrowed: it is the mapped
 * domain's, and viommu_domain_destroy() destroys both.
 */
VIOMMU_API struct viommu_domain *viommu_mapped_domain(struct viommu_mapped *mapped);

/*
 * Maps the IOVAs first..last to gpa on. prot is VIOMMU_READ or VIOMMU_RW; the slots' rights limit
 * it. All or nothing. 0; -EINVAL (not aligned to 4096, gpa wraps, other rights); -ERANGE (outside
 * the domain); -EEXIST (overlaps a mapping); -ENOSPC (budget, limits, memory or the host's
 * entries); -EIO (the host failed, or a slot there could not be removed).
 */
VIOMMU_API int viommu_mapped_map(struct viommu_mapped *mapped, uint64_t first, uint64_t last, uint64_t gpa, uint32_t prot);

/*
 * Removes all mappings within first..last. When it returns 0, nothing of them is reached, and no
 * reader is inside. IOVAs in the range that are not mapped are no error. 0; -EINVAL (first > last);
 * -ERANGE (the range would split a mapping: nothing was done); -EIO (the host failed to remove
 * something: all of them stay, and may still be reached; call again).
 */
VIOMMU_API int viommu_mapped_unmap(struct viommu_mapped *mapped, uint64_t first, uint64_t last);

#ifdef __cplusplus
}
#endif
#endif
