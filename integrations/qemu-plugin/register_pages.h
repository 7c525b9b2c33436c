/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pages, by their virtual address, that a store to registers was seen to.
 *
 * QEMU knows where a store went from its TLB (qemu_plugin_get_hwaddr()). That ends QEMU, up to 10.0
 * at least, if the store has just changed the machine's map of memory, as one to a device's
 * configuration may: the TLB's entry names a section of the old map. So that is asked only about the
 * first store to a page, and from then on the guest's tables are walked, which is slow and can be
 * asked about any page. First stores to a page do not change the map: a guest that moves registers
 * has turned them off before, on the same page.
 *
 * The walk finds out that a page has become another one, which is then forgotten. Any thread may
 * call these functions at any time.
 */
#ifndef VIOMMU_WATCH_REGISTER_PAGES_H
#define VIOMMU_WATCH_REGISTER_PAGES_H

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
