/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/pins.h"

static uint64_t budget_pages(uint64_t bytes)
{
	return bytes == VIOMMU_NO_LIMIT ? UINT64_MAX : bytes / VIOMMU_PAGE_SIZE;
}

void pins_init(struct pins *pins, uint64_t budget_bytes)
{
	port_lock_init(&pins->lock);
	pins->budget = budget_pages(budget_bytes);
	pins->charged = 0;
	pins->peak = 0;
}

void pins_destroy(struct pins *pins)
{
	port_lock_destroy(&pins->lock);
}

void pins_set_budget(struct pins *pins, uint64_t budget_bytes)
{
	pins_lock(pins);
	pins->budget = budget_pages(budget_bytes);
	pins_unlock(pins);
}

static bool charge(struct pins *pins, uint64_t pages)
{
	/* The budget may have been made smaller than what is charged. */
	if (pages && (pins->charged > pins->budget || pages > pins->budget - pins->charged))
		return false;
	pins->charged += pages;
	if (pins->charged > pins->peak)
		pins->peak = pins->charged;
	return true;
}

int pins_get_slot(struct pins *pins, struct slot *slot)
{
	bool charged = true;

	pins_lock(pins);
	if (!slot->whole)
		charged = charge(pins, slot_pages(slot) - slot->pinned_pages);
	if (charged)
		slot->whole++;
	pins_unlock(pins);
	return charged ? 0 : -PORT_EDQUOT;
}

void pins_put_slot(struct pins *pins, struct slot *slot)
{
	pins_lock(pins);
	if (!--slot->whole)
		pins->charged -= slot_pages(slot) - slot->pinned_pages;
	pins_unlock(pins);
}

static size_t directory_bytes(const struct slot *slot)
{
	return (size_t)((slot_pages(slot) + PIN_CHUNK_PAGES - 1) / PIN_CHUNK_PAGES) * sizeof(*slot->chunks);
}

void pins_free_slot(struct slot *slot)
{
	if (!slot->chunks)
		return;
	for (size_t i = 0; i < directory_bytes(slot) / sizeof(*slot->chunks); i++)
		if (slot->chunks[i])
			port_free(slot->chunks[i], sizeof(struct pin_chunk), 0);
	port_free(slot->chunks, directory_bytes(slot), 0);
	slot->chunks = NULL;
}

/* The count of a page, made if there is none yet. Chunks stay until their slot goes: no more than a thousandth of it, and no allocation in the long run. */
static uint32_t *make_count(struct slot *slot, uint64_t page)
{
	struct pin_chunk **chunk;

	if (!slot->chunks) {
		slot->chunks = port_alloc(directory_bytes(slot), 0);
		if (!slot->chunks)
			return NULL;
	}
	chunk = &slot->chunks[page / PIN_CHUNK_PAGES];
	if (!*chunk) {
		*chunk = port_alloc(sizeof(**chunk), 0);
		if (!*chunk)
			return NULL;
	}
	return &(*chunk)->count[page % PIN_CHUNK_PAGES];
}

bool pins_get(struct pins *pins, struct slot *slot, uint64_t gpa)
{
	uint64_t page = (gpa - slot->first) / VIOMMU_PAGE_SIZE;
	uint32_t *count = make_count(slot, page);

	if (!count || *count == UINT32_MAX)
		return false;
	if (!*count) {
		if (!slot->whole && !charge(pins, 1))
			return false;
		slot->pinned_pages++;
	}
	++*count;
	return true;
}

void pins_put(struct pins *pins, struct slot *slot, uint64_t gpa)
{
	uint64_t page = (gpa - slot->first) / VIOMMU_PAGE_SIZE;
	uint32_t *count = &slot->chunks[page / PIN_CHUNK_PAGES]->count[page % PIN_CHUNK_PAGES];

	if (--*count)
		return;
	slot->pinned_pages--;
	if (!slot->whole)
		pins->charged--;
}
