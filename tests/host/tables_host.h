/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host on top of a host that nests. Mapping writes a guest's stage-1 tables, and flushing
 * invalidates the hardware's caches of them. So the conformance suite (host_conformance.h) covers
 * hardware that walks a guest's tables, though nothing is ever mapped in the spaces below.
 *
 * Tables have 4 KiB granules and IOVAs of 48 bits (Arm DDI 0487, D8; IHI 0070, 5.4). They are in a
 * slot of their own below the arena. All leaves are pages, so that any part of a mapping can be
 * removed.
 */
#ifndef TABLES_HOST_H
#define TABLES_HOST_H

#include "host/host.h"

/* Takes over the host beneath it, and destroys that with itself. 0 or -ENOMEM. */
int tables_host_create(struct viommu_host *beneath, struct viommu_host **out);

#endif
