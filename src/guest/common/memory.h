/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Structures in guest memory.
 *
 * Guest memory is reached through the VM's slots alone, never through a pointer that is kept. A
 * slot that is being removed counts as absent, and is not accessed any more when its removal has
 * returned. Each word is loaded or stored once, as a whole; the guest may write at any time, so
 * callers judge the copy. An access waits for nothing but other accesses: it does not take the VM's
 * lock, which is held for as long as domains are made and destroyed.
 */
#ifndef VIOMMU_GUEST_COMMON_MEMORY_H
#define VIOMMU_GUEST_COMMON_MEMORY_H

#include "core/vm.h"

/* One guest IOMMU's access to its VM's memory. */
struct guest_memory {
	struct viommu_vm *vm;
	struct slots_user user;
};

void guest_memory_init(struct guest_memory *memory, struct viommu_vm *vm);
void guest_memory_destroy(struct guest_memory *memory);

/*
 * Loads or stores `words` doublewords at gpa, little-endian in memory. gpa is aligned to 8 bytes,
 * and the structure lies in one page, as everything does that is aligned to its size. False where
 * the guest has no memory, or none that may be written: nothing was stored, unless the memory went
 * meanwhile.
 */
bool guest_memory_load(struct guest_memory *memory, uint64_t gpa, uint64_t *to, unsigned int words);
bool guest_memory_store(struct guest_memory *memory, uint64_t gpa, const uint64_t *from, unsigned int words);

/* Stores 32 bits, little-endian in memory, at a gpa that is aligned to 4 bytes. */
bool guest_memory_store32(struct guest_memory *memory, uint64_t gpa, uint32_t value);

#endif
