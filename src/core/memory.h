/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory that is spent on a guest's behalf, counted against the VM's limit (viommu_vm_config.shadow_bytes). */
#ifndef VIOMMU_CORE_MEMORY_H
#define VIOMMU_CORE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct memory {
	uint64_t limit;
	uint64_t used;
	uint64_t peak;
};

/* Zeroed, or NULL at the limit or where the machine has none. */
void *memory_alloc(struct memory *memory, size_t bytes, size_t align);
void memory_free(struct memory *memory, void *p, size_t bytes, size_t align);

#endif
