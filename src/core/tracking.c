/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The VM's side of tracking: its tracker, and the pages of guest memory that tables with a record lie on. Each such page is watched, exactly as long as there is
 * one.
 */
#include "core/shadow/shadow.h"
#include "core/vm.h"
#include "port/sized.h"

static struct tracking_page *find_page(const struct tracking *tracking, uint64_t gpa)
{
	struct hash_link *link = hash_find(&tracking->page_of_gpa, gpa);

	return link ? list_member(link, struct tracking_page, by_gpa) : NULL;
}

static void fail(struct viommu_vm *vm, const char *what, int error)
{
	vm_log(vm, VIOMMU_LOG_ERROR, what, (uint64_t) - (int64_t)error, 0);
	vm->tracking.works = false;
}

/* Pages that are new, next to each other in the guest and here. */
static void watch(struct viommu_vm *vm, uint64_t first, uint64_t last, void *hva)
{
	const struct viommu_tracker *tracker = &vm->tracking.tracker;
	int error;

	if (!vm->tracking.works || first > last)
		return;
	error = tracker->watch(tracker->ctx, first, last, hva);
	if (error) {
		fail(vm, "the tracker can't watch a guest's tables: refreshes compare everything from now on", error);
		return;
	}
	for (uint64_t pages = (last - first) / VIOMMU_PAGE_SIZE + 1; pages; pages--, first += VIOMMU_PAGE_SIZE)
		find_page(&vm->tracking, first)->watched = true;
}

static void free_page(struct viommu_vm *vm, struct tracking_page *page)
{
	const struct viommu_tracker *tracker = &vm->tracking.tracker;
	uint64_t gpa = page->by_gpa.key;

	if (page->watched)
		tracker->unwatch(tracker->ctx, gpa, gpa + (VIOMMU_PAGE_SIZE - 1), page->hva);
	hash_remove(&vm->tracking.page_of_gpa, &page->by_gpa);
	list_remove(&page->in_vm);
	memory_free(&vm->memory, page, sizeof(*page), 0);
}

static struct tracking_page *make_page(struct viommu_vm *vm, const struct slots *slots, uint64_t gpa)
{
	const struct slot *slot = slots_find(slots, gpa);
	struct tracking_page *page = memory_alloc(&vm->memory, sizeof(*page), 0);

	if (!page)
		return NULL;
	if (!hash_insert(&vm->tracking.page_of_gpa, &page->by_gpa, gpa)) {
		memory_free(&vm->memory, page, sizeof(*page), 0);
		return NULL;
	}
	page->hva = slot->hva + (gpa - slot->first);
	list_init(&page->pieces);
	list_append(&vm->tracking.pages, &page->in_vm);
	return page;
}

bool tracking_put_pieces(struct viommu_vm *vm, const struct slots *slots, struct tracking_piece *piece, unsigned int pieces, uint64_t gpa)
{
	struct viommu_iova_range fresh = { 1, 0 };
	unsigned char *hva = NULL;
	unsigned int i;

	for (i = 0; i < pieces; i++, gpa += VIOMMU_PAGE_SIZE) {
		struct tracking_page *page = find_page(&vm->tracking, gpa);

		if (!page) {
			page = make_page(vm, slots, gpa);
			if (!page)
				break;
			if (fresh.last + 1 != gpa || hva + (gpa - fresh.first) != page->hva || slots_find(slots, gpa)->first == gpa) {
				watch(vm, fresh.first, fresh.last, hva);
				fresh.first = gpa;
				hva = page->hva;
			}
			fresh.last = gpa + (VIOMMU_PAGE_SIZE - 1);
		}
		piece[i].page = page;
		list_append(&page->pieces, &piece[i].in_page);
	}
	watch(vm, fresh.first, fresh.last, hva);
	if (i == pieces)
		return true;
	tracking_take_pieces(vm, piece, i);
	return false;
}

void tracking_take_pieces(struct viommu_vm *vm, struct tracking_piece *piece, unsigned int pieces)
{
	for (unsigned int i = 0; i < pieces; i++) {
		list_remove(&piece[i].in_page);
		if (list_is_empty(&piece[i].page->pieces))
			free_page(vm, piece[i].page);
		piece[i].page = NULL;
	}
}

static void open_page(struct tracking_page *page)
{
	list_each (&page->pieces, struct tracking_piece, in_page, piece)
		tracking_open(piece->table);
}

/* What a tracker reports is its own claim, and may be more than there is. */
static void written(void *arg, uint64_t first, uint64_t last)
{
	struct tracking *tracking = arg;

	if (first > last)
		return;
	first &= ~(VIOMMU_PAGE_SIZE - 1);
	if ((last - first) / VIOMMU_PAGE_SIZE >= tracking->page_of_gpa.number) {
		list_each (&tracking->pages, struct tracking_page, in_vm, page)
			if (page->by_gpa.key >= first && page->by_gpa.key <= last)
				open_page(page);
		return;
	}
	for (uint64_t pages = (last - first) / VIOMMU_PAGE_SIZE + 1; pages; pages--, first += VIOMMU_PAGE_SIZE) {
		struct tracking_page *page = find_page(tracking, first);

		if (page)
			open_page(page);
	}
}

bool tracking_collect(struct viommu_vm *vm)
{
	struct tracking *tracking = &vm->tracking;
	int error;

	if (!tracking->works)
		return false;
	error = tracking->tracker.collect(tracking->tracker.ctx, written, tracking);
	if (error)
		fail(vm, "the tracker can't say what was written: refreshes compare everything from now on", error);
	return !error;
}

int viommu_vm_set_tracker(struct viommu_vm *vm, const struct viommu_tracker *tracker)
{
	struct viommu_tracker ours;
	int error = 0;

	if (!sized_in(&ours, sizeof(ours), sizeof(ours), tracker) || ours.reserved || !ours.watch || !ours.unwatch || !ours.collect)
		return -PORT_EINVAL;
	port_lock(&vm->lock);
	if (vm->tracking.tracker.collect || vm->slots->number || !list_is_empty(&vm->domains)) {
		error = -PORT_EBUSY;
	} else {
		vm->tracking.tracker = ours;
		vm->tracking.works = true;
	}
	port_unlock(&vm->lock);
	return error;
}

void tracking_init(struct viommu_vm *vm)
{
	port_lock_init(&vm->tracking.lock);
	list_init(&vm->tracking.pages);
}

/* The domains are gone, and with them every record and every page. */
void tracking_destroy(struct viommu_vm *vm)
{
	for (unsigned int i = 0; i < vm->slots->number; i++)
		tracking_slot_removed(vm, vm->slots->slot[i]);
	port_lock_destroy(&vm->tracking.lock);
}

void tracking_slot_added(struct viommu_vm *vm, const struct slot *slot)
{
	struct tracking *tracking = &vm->tracking;
	int error;

	if (!tracking->tracker.slot_added)
		return;
	port_lock(&tracking->lock);
	error = tracking->tracker.slot_added(tracking->tracker.ctx, slot->first, slot->last, slot->hva);
	if (error && tracking->works)
		fail(vm, "the tracker can't take a slot: refreshes compare everything from now on", error);
	port_unlock(&tracking->lock);
}

void tracking_slots_changed(struct viommu_vm *vm)
{
	port_lock(&vm->tracking.lock);
	vm->tracking.changes++;
	port_unlock(&vm->tracking.lock);
}

void tracking_slot_removed(struct viommu_vm *vm, const struct slot *slot)
{
	struct tracking *tracking = &vm->tracking;
	struct list elsewhere;

	if (!tracking->tracker.collect)
		return;
	port_lock(&tracking->lock);
	/* Dropping a table may free any of the pages, so that each is taken from the list's head. */
	list_init(&elsewhere);
	while (!list_is_empty(&tracking->pages)) {
		struct tracking_page *page = list_member(tracking->pages.next, struct tracking_page, in_vm);

		if (page->by_gpa.key >= slot->first && page->by_gpa.key <= slot->last) {
			tracking_drop(list_member(page->pieces.next, struct tracking_piece, in_page)->table);
		} else {
			list_remove(&page->in_vm);
			list_append(&elsewhere, &page->in_vm);
		}
	}
	list_move(&tracking->pages, &elsewhere);
	if (tracking->tracker.slot_removed)
		tracking->tracker.slot_removed(tracking->tracker.ctx, slot->first, slot->last, slot->hva);
	port_unlock(&tracking->lock);
}
