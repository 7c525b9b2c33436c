/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Guest memory, for structures and queues. */
#ifndef VIOMMU_GUEST_SMMUV3_MEMORY_H
#define VIOMMU_GUEST_SMMUV3_MEMORY_H

#include <port_types.h>

#include <viommu/types.h>

/*
 * Loads or stores `words` doublewords from gpa on, each once and as a whole; in memory they are little-endian. They lie in one page, as everything does that is
 * aligned to its size. False where the guest has no memory, or none that may be written: nothing was loaded or stored.
 */
bool smmuv3_load(struct viommu_vm *vm, uint64_t gpa, uint64_t *to, unsigned int words);
bool smmuv3_store(struct viommu_vm *vm, uint64_t gpa, const uint64_t *from, unsigned int words);

#endif
