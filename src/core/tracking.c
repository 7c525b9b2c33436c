/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/tracking.h"

#include <viommu/hosts.h>

static struct tracking_page *find_page(const struct tracking *tracking, uint64_t gpa)
{
	struct hash_link *link = hash_find(&tracking->page_of_gpa, gpa);

	return link ? list_member(link, struct tracking_page, by_gpa) : NULL;
}

static void fail(struct tracking *tracking, const char *what, int error)
{
	log_write(tracking->log, VIOMMU_LOG_ERROR, what, (uint64_t) - (int64_t)error, 0);
	tracking->works = false;
}

/* Pages that are new, next to each other in the guest and here. */
static void watch(struct tracking *tracking, uint64_t first, uint64_t last, uintptr_t hva)
{
	const struct viommu_tracker *tracker = &tracking->tracker;
	int error;

	if (!tracking->works || first > last)
		return;
	error = tracker->watch(tracker->ctx, first, last, (void *)hva);
	if (error) {
		fail(tracking, "the tracker can't watch a guest's tables: refreshes compare everything from now on", error);
		return;
	}
	for (uint64_t pages = (last - first) / VIOMMU_PAGE_SIZE + 1; pages; pages--, first += VIOMMU_PAGE_SIZE)
		find_page(tracking, first)->watched = true;
}

static void free_page(struct tracking *tracking, struct tracking_page *page)
{
	const struct viommu_tracker *tracker = &tracking->tracker;
	uint64_t gpa = page->by_gpa.key;

	if (page->watched)
		tracker->unwatch(tracker->ctx, gpa, gpa + (VIOMMU_PAGE_SIZE - 1), (void *)page->hva);
	hash_remove(&tracking->page_of_gpa, &page->by_gpa);
	list_remove(&page->in_vm);
	memory_free(tracking->memory, page, sizeof(*page), 0);
}

static struct tracking_page *make_page(struct tracking *tracking, const struct slots *slots, uint64_t gpa)
{
	const struct slot *slot = slots_find(slots, gpa);
	struct tracking_page *page = memory_alloc(tracking->memory, sizeof(*page), 0);

	if (!page)
		return NULL;
	if (!hash_insert(&tracking->page_of_gpa, &page->by_gpa, gpa)) {
		memory_free(tracking->memory, page, sizeof(*page), 0);
		return NULL;
	}
	page->hva = (uintptr_t)slot_hva(slot, gpa);
	list_init(&page->pieces);
	list_append(&tracking->pages, &page->in_vm);
	return page;
}

bool tracking_put_pieces(struct tracking *tracking, const struct slots *slots, struct tracking_piece *piece, unsigned int pieces, uint64_t gpa)
{
	struct viommu_iova_range fresh = { 1, 0 };
	uintptr_t hva = 0;
	unsigned int i;

	for (i = 0; i < pieces; i++, gpa += VIOMMU_PAGE_SIZE) {
		struct tracking_page *page = find_page(tracking, gpa);

		if (!page) {
			page = make_page(tracking, slots, gpa);
			if (!page)
				break;
			if (fresh.last + 1 != gpa || hva + (gpa - fresh.first) != page->hva || slots_find(slots, gpa)->first == gpa) {
				watch(tracking, fresh.first, fresh.last, hva);
				fresh.first = gpa;
				hva = page->hva;
			}
			fresh.last = gpa + (VIOMMU_PAGE_SIZE - 1);
		}
		piece[i].page = page;
		list_append(&page->pieces, &piece[i].in_page);
	}
	watch(tracking, fresh.first, fresh.last, hva);
	if (i == pieces)
		return true;
	tracking_take_pieces(tracking, piece, i);
	return false;
}

void tracking_take_pieces(struct tracking *tracking, struct tracking_piece *piece, unsigned int pieces)
{
	for (unsigned int i = 0; i < pieces; i++) {
		list_remove(&piece[i].in_page);
		if (list_is_empty(&piece[i].page->pieces))
			free_page(tracking, piece[i].page);
		piece[i].page = NULL;
	}
}

static void open_page(const struct tracking *tracking, const struct tracking_page *page)
{
	list_each (&page->pieces, struct tracking_piece, in_page, piece)
		tracking->ops->open(piece->table);
}

/* A tracker's report is not trusted: it may name more than there is. */
static void written(void *arg, uint64_t first, uint64_t last)
{
	struct tracking *tracking = arg;

	if (first > last)
		return;
	first &= ~(VIOMMU_PAGE_SIZE - 1);
	if ((last - first) / VIOMMU_PAGE_SIZE >= tracking->page_of_gpa.number) {
		list_each (&tracking->pages, struct tracking_page, in_vm, page)
			if (page->by_gpa.key >= first && page->by_gpa.key <= last)
				open_page(tracking, page);
		return;
	}
	for (uint64_t pages = (last - first) / VIOMMU_PAGE_SIZE + 1; pages; pages--, first += VIOMMU_PAGE_SIZE) {
		struct tracking_page *page = find_page(tracking, first);

		if (page)
			open_page(tracking, page);
	}
}

bool tracking_collect(struct tracking *tracking)
{
	int error;

	if (!tracking->works)
		return false;
	error = tracking->tracker.collect(tracking->tracker.ctx, written, tracking);
	if (error)
		fail(tracking, "the tracker can't say what was written: refreshes compare everything from now on", error);
	return !error;
}

void tracking_init(struct tracking *tracking, const struct tracking_ops *ops, struct memory *memory, const struct log *log)
{
	port_lock_init(&tracking->lock);
	list_init(&tracking->pages);
	tracking->ops = ops;
	tracking->memory = memory;
	tracking->log = log;
}

void tracking_destroy(struct tracking *tracking)
{
	port_lock_destroy(&tracking->lock);
}

void tracking_slot_added(struct tracking *tracking, const struct slot *slot)
{
	int error;

	if (!tracking->tracker.slot_added)
		return;
	port_lock(&tracking->lock);
	error = tracking->tracker.slot_added(tracking->tracker.ctx, slot->first, slot->last, slot_hva(slot, slot->first));
	if (error && tracking->works)
		fail(tracking, "the tracker can't take a slot: refreshes compare everything from now on", error);
	port_unlock(&tracking->lock);
}

void tracking_slots_changed(struct tracking *tracking)
{
	port_lock(&tracking->lock);
	tracking->changes++;
	port_unlock(&tracking->lock);
}

void tracking_slot_removed(struct tracking *tracking, const struct slot *slot)
{
	struct list elsewhere;

	if (!tracking->tracker.collect)
		return;
	port_lock(&tracking->lock);
	/*
	 * Dropping a table may free any of the pages, so that each is taken from the list's head.
	 */
	list_init(&elsewhere);
	while (!list_is_empty(&tracking->pages)) {
		struct tracking_page *page = list_member(tracking->pages.next, struct tracking_page, in_vm);

		if (page->by_gpa.key >= slot->first && page->by_gpa.key <= slot->last) {
			tracking->ops->drop(list_member(page->pieces.next, struct tracking_piece, in_page)->table);
		} else {
			list_remove(&page->in_vm);
			list_append(&elsewhere, &page->in_vm);
		}
	}
	list_append_all(&tracking->pages, &elsewhere);
	if (tracking->tracker.slot_removed)
		tracking->tracker.slot_removed(tracking->tracker.ctx, slot->first, slot->last, slot_hva(slot, slot->first));
	port_unlock(&tracking->lock);
}
