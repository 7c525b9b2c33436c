/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Memory that is spent on a guest's behalf, counted against the VM's limit
 * (viommu_vm_config.shadow_bytes).
 */
#ifndef VIOMMU_CORE_MEMORY_H
#define VIOMMU_CORE_MEMORY_H

#include "port/port.h"

struct memory {
	uint64_t limit;
	port_word used;
	port_word peak;
};

/* Zeroed, or NULL at the limit or where the machine has none. */
void *memory_alloc(struct memory *memory, size_t bytes, size_t align);
static inline uint64_t memory_used(const struct memory *memory)
{
	return port_load_relaxed(&memory->used);
}

void memory_free(struct memory *memory, void *p, size_t bytes, size_t align);

#endif
