/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Virtual pages behind which devices' registers were found.
 *
 * QEMU tells where a store went by its TLB (qemu_plugin_get_hwaddr()). That ends QEMU, up to 10.0 at least, where the store has just changed what is where in the
 * machine, as one to a device's configuration may: the TLB's entry names a section of the map that is gone. So it is asked about the first store to a page alone,
 * and from then on the guest's tables are walked, which says the same of any page, and is slow. First stores to a page do not do such things: a guest that
 * moves registers about has turned them off before, on the same page.
 *
 * A page that has become another one is found out by the walk, and forgotten. Any thread may call these functions at any time.
 */
#ifndef VIOMMU_WATCH_SMMUV3_REGISTER_PAGES_H
#define VIOMMU_WATCH_SMMUV3_REGISTER_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTER_PAGE_SHIFT 12
#define REGISTER_PAGE_SETS  1024u
#define REGISTER_PAGE_WAYS  4u

/* All zeros: none. */
struct register_pages {
	uint64_t pages[REGISTER_PAGE_SETS][REGISTER_PAGE_WAYS]; /* number of the page, plus one */
};

bool register_pages_have(const struct register_pages *pages, uint64_t address);
void register_pages_add(struct register_pages *pages, uint64_t address);
void register_pages_forget(struct register_pages *pages, uint64_t address);

#endif
