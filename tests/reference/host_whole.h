/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host as VFIO's type1 and iommufd are: it removes only whole mappings, and holds only so many. It keeps a plain list of them, and watches over what the core
 * promises to hosts (host/host.h).
 */
#ifndef TESTS_REFERENCE_HOST_WHOLE_H
#define TESTS_REFERENCE_HOST_WHOLE_H

#include <stdint.h>

#include <viommu/types.h>

struct viommu_host *host_whole_create(uint64_t entry_limit);

/* How removals fail from now on: not at all; with nothing removed; although it was removed; or with the flush. */
enum host_whole_failure { HOST_WHOLE_WORKS, HOST_WHOLE_KEEPS, HOST_WHOLE_LIES, HOST_WHOLE_DOES_NOT_FLUSH };
void host_whole_fail(struct viommu_host *host, enum host_whole_failure failure);

/* The first promise that was broken, NULL if none was. */
const char *host_whole_broken(const struct viommu_host *host);

#endif
