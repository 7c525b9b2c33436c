/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stores to devices' registers, for IOMMUs with registers. Any instruction may make such a store,
 * so each one has a callback after its stores. Nearly all of these callbacks return at once for a
 * store to memory. The callback comes after the device has acted.
 */
#ifndef VIOMMU_WATCH_STORES_H
#define VIOMMU_WATCH_STORES_H

#include "observer.h"

/*
 * Pages, by their virtual address, with stores to registers. The walk detects that a page has been
 * remapped, and it is then forgotten. For any thread at any time. Of two pages with one slot, the
 * older is forgotten.
 */
#define REGISTER_PAGES 16384u
struct register_pages {
	uint64_t pages[REGISTER_PAGES]; /* number of the page, plus one; 0: none */
};

static inline uint64_t *register_pages_slot(struct register_pages *pages, uint64_t address)
{
	return &pages->pages[tables_mix(address / CAPTURE_PAGE_SIZE) % REGISTER_PAGES];
}

static inline bool register_pages_have(struct register_pages *pages, uint64_t address)
{
	return __atomic_load_n(register_pages_slot(pages, address), __ATOMIC_RELAXED) == address / CAPTURE_PAGE_SIZE + 1;
}

static inline void register_pages_add(struct register_pages *pages, uint64_t address)
{
	__atomic_store_n(register_pages_slot(pages, address), address / CAPTURE_PAGE_SIZE + 1, __ATOMIC_RELAXED);
}

static inline void register_pages_forget(struct register_pages *pages, uint64_t address)
{
	__atomic_store_n(register_pages_slot(pages, address), 0, __ATOMIC_RELAXED);
}

/* Called with both locks held for each store to registers of the IOMMU or of a PCI device. */
struct store_ops {
	void (*iommu_store)(struct observer *observer, const struct qemu_target *target, uint64_t address, unsigned int bytes, uint64_t value);
	void (*device_store)(struct observer *observer, struct qemu_object *device);
};

void stores_watch(struct observer *observer, const struct store_ops *ops, qemu_plugin_id_t id);

/* Nanoseconds by which stores were delayed since the last call. */
uint64_t stores_watch_ns(void);

#endif
