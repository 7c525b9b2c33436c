/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host over one that nests: mapping writes a guest's stage-1 tables, and flushing invalidates the
 * hardware's caches of them. So the conformance suite (host_conformance.h) runs on a host whose
 * hardware walks a guest's tables, though nothing is ever mapped in its spaces.
 *
 * Tables are of 4 KiB granules with IOVAs of 48 bits (Arm DDI 0487, D8; IHI 0070, 5.4), in a slot
 * of their own below the arena. Pages alone are mapped, so that any part of a mapping can be
 * removed.
 */
#ifndef TABLES_HOST_H
#define TABLES_HOST_H

#include "host/host.h"

/* It destroys the host beneath it, which it takes. 0 or -ENOMEM. */
int tables_host_create(struct viommu_host *beneath, struct viommu_host **out);

#endif
