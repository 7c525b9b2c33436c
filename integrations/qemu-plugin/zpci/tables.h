/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's I/O tables, looked at again and again: what has changed since the last time?
 */
#ifndef VIOMMU_WATCH_TABLES_H
#define VIOMMU_WATCH_TABLES_H

#include <stdint.h>

#include "guest_ram.h"
#include "observation.h"

struct tables;

/* NULL if memory is short. */
struct tables *tables_create(void);
void tables_destroy(struct tables *tables);

/*
 * Looks at every entry that takes part in translating the IOVAs first..last from an anchor (an IOTA), at each level, and adds those that are not as
 * they were reported before to *changes; memory that was never reported counts as zeros. A table that is newly linked is reported as a whole. Returns
 * 1 if there were any, 0 if not, or -ENOMEM: then something may be missing from *changes. An anchor that designates no table has no entries.
 */
int tables_scan(struct tables *tables, const struct guest_ram *ram, uint64_t anchor, uint64_t first, uint64_t last, struct changes *changes);

#endif
