/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The soft host's spaces: host/table.h in the format vtdss. They are what struct host_ops says. */
#ifndef VIOMMU_HOST_SOFT_H
#define VIOMMU_HOST_SOFT_H

#include "host/host.h"

int vtdss_space_create(struct viommu_host *host, struct host_vm *vm, uint64_t first, uint64_t last, const struct host_memory *memory, struct host_space **out);
void vtdss_space_destroy(struct host_space *space);
int vtdss_space_map(struct host_space *space, const struct host_mapping *mapping);
int vtdss_space_unmap(struct host_space *space, uint64_t first, uint64_t last);
int vtdss_space_flush(struct host_space *space);
void vtdss_space_trim(struct host_space *space);
int vtdss_space_lookup(struct host_space *space, uint64_t iova, struct host_mapping *mapping, uint64_t *generation);
unsigned int vtdss_space_lookup_pages(struct host_space *space, uint64_t iova, struct host_page *pages, unsigned int max);

#endif
