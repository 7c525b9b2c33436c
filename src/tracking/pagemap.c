/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pagemap tracker: finds watched pages that have lost their write protection.
 *
 * The kernel scans ranges, and an ioctl costs as much as scanning some five hundred pages. So a
 * slot is divided into chunks of that size, and one call covers all adjacent chunks with watched
 * pages, from the first to the last of these. Pages between them were never protected, and the
 * kernel reports them as written, in few pieces; a bitmap says which pages are watched.
 *
 * The scan does not protect. Only written pages are protected again, one run after the other,
 * before they are reported: the caller's load sees a write in between. So without writes no page
 * table changes, and KVM, which must drop its own translation of a page that is being protected, is
 * not disturbed.
 */
#include <viommu/tracking.h>

#include <errno.h>
#include <stdlib.h>

#include "port/sized.h"
#include "tracking/pagemap_kernel.h"

#define PAGE_SHIFT  12u
#define CHUNK_SHIFT 9u /* log2 of the pages in a chunk */
#define CHUNK	    (1u << CHUNK_SHIFT)
#define WORD	    64u /* bits */
#define REGIONS	    64u /* that one call returns */

/* The first and last watched pages of a chunk, if there are any. */
struct chunk {
	uint16_t watched;
	uint16_t first;
	uint16_t last;
};

struct slot {
	struct slot *next;
	uint64_t first; /* GPA */
	uint64_t last;
	uintptr_t hva;
	size_t pages;
	size_t chunks;
	uint64_t *watched; /* a bit a page */
	uint64_t *active;  /* a bit a chunk: it has watched pages */
	struct chunk *chunk;
};

struct pagemap {
	struct pagemap_kernel kernel;
	struct slot *slots;
};

static size_t words(size_t bits)
{
	return (bits + WORD - 1) / WORD;
}

/* The first bit from `from` on that is `value`, or `end`. */
static size_t find_bit(const uint64_t *bitmap, size_t from, size_t end, bool value)
{
	while (from < end) {
		uint64_t word = (value ? bitmap[from / WORD] : ~bitmap[from / WORD]) >> from % WORD;

		if (word) {
			from += (size_t)__builtin_ctzll(word);
			return from < end ? from : end;
		}
		from = (from / WORD + 1) * WORD;
	}
	return end;
}

static uintptr_t address_of(const struct slot *slot, size_t page)
{
	return slot->hva + (page << PAGE_SHIFT);
}

static void free_slot(struct slot *slot)
{
	free(slot->watched);
	free(slot->active);
	free(slot->chunk);
	free(slot);
}

static struct slot *find_slot(const struct pagemap *pagemap, uint64_t gpa)
{
	struct slot *slot = pagemap->slots;

	while (slot && (gpa < slot->first || gpa > slot->last))
		slot = slot->next;
	return slot;
}

static int slot_added(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	struct pagemap *pagemap = ctx;
	struct slot *slot;
	int error = -ENOMEM;

	/* Memory in two slots would lose its protection for both when one of them is scanned. */
	for (slot = pagemap->slots; slot; slot = slot->next)
		if ((uintptr_t)hva <= address_of(slot, slot->pages) - 1 && slot->hva <= (uintptr_t)hva + (uintptr_t)(last - first))
			return -EOPNOTSUPP;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->first = first;
	slot->last = last;
	slot->hva = (uintptr_t)hva;
	slot->pages = (size_t)((last - first) >> PAGE_SHIFT) + 1;
	slot->chunks = (slot->pages + CHUNK - 1) / CHUNK;
	slot->watched = calloc(words(slot->pages), sizeof(uint64_t));
	slot->active = calloc(words(slot->chunks), sizeof(uint64_t));
	slot->chunk = calloc(slot->chunks, sizeof(struct chunk));
	if (slot->watched && slot->active && slot->chunk)
		error = pagemap_kernel_register(&pagemap->kernel, slot->hva, address_of(slot, slot->pages) - 1);
	if (error) {
		free_slot(slot);
		return error;
	}
	slot->next = pagemap->slots;
	pagemap->slots = slot;
	return 0;
}

static void slot_removed(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	struct pagemap *pagemap = ctx;
	struct slot **at = &pagemap->slots, *slot;

	(void)last;
	(void)hva;
	while (*at && (*at)->first != first)
		at = &(*at)->next;
	slot = *at;
	/* Missing: adding it failed. */
	if (!slot)
		return;
	*at = slot->next;
	pagemap_kernel_unregister(&pagemap->kernel, slot->hva, address_of(slot, slot->pages) - 1);
	free_slot(slot);
}

static int watch(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	struct pagemap *pagemap = ctx;
	struct slot *slot = find_slot(pagemap, first);
	size_t page;
	int error;

	if (!slot)
		return -EINVAL;
	error = pagemap_kernel_protect(&pagemap->kernel, (uintptr_t)hva, (uintptr_t)hva + (uintptr_t)(last - first));
	if (error)
		return error;
	page = (size_t)((first - slot->first) >> PAGE_SHIFT);
	for (uint64_t gpa = first; gpa - first <= last - first && gpa >= first; gpa += UINT64_C(1) << PAGE_SHIFT, page++) {
		struct chunk *chunk = &slot->chunk[page >> CHUNK_SHIFT];
		uint16_t within = (uint16_t)(page % CHUNK);

		slot->watched[page / WORD] |= UINT64_C(1) << page % WORD;
		if (!chunk->watched++) {
			slot->active[(page >> CHUNK_SHIFT) / WORD] |= UINT64_C(1) << (page >> CHUNK_SHIFT) % WORD;
			chunk->first = chunk->last = within;
		}
		if (within < chunk->first)
			chunk->first = within;
		if (within > chunk->last)
			chunk->last = within;
	}
	return 0;
}

static void unwatch(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	struct pagemap *pagemap = ctx;
	struct slot *slot = find_slot(pagemap, first);
	size_t page = (size_t)((first - slot->first) >> PAGE_SHIFT), end = (size_t)((last - slot->first) >> PAGE_SHIFT);

	for (; page <= end; page++) {
		struct chunk *chunk = &slot->chunk[page >> CHUNK_SHIFT];

		slot->watched[page / WORD] &= ~(UINT64_C(1) << page % WORD);
		if (!--chunk->watched)
			slot->active[(page >> CHUNK_SHIFT) / WORD] &= ~(UINT64_C(1) << (page >> CHUNK_SHIFT) % WORD);
	}
	pagemap_kernel_unprotect(&pagemap->kernel, (uintptr_t)hva, (uintptr_t)hva + (uintptr_t)(last - first));
}

struct report {
	void (*written)(void *arg, uint64_t first, uint64_t last);
	void *arg;
};

/* Of the unprotected pages from..end - 1: protects watched ones again, and reports them. */
static int report_written(struct pagemap *pagemap, const struct slot *slot, size_t from, size_t end, const struct report *report)
{
	for (;;) {
		size_t past;
		int error;

		from = find_bit(slot->watched, from, end, true);
		if (from == end)
			return 0;
		past = find_bit(slot->watched, from, end, false);
		error = pagemap_kernel_protect(&pagemap->kernel, address_of(slot, from), address_of(slot, past) - 1);
		if (error)
			return error;
		report->written(report->arg, slot->first + ((uint64_t)from << PAGE_SHIFT), slot->first + (((uint64_t)past << PAGE_SHIFT) - 1));
		from = past;
	}
}

static int collect_range(struct pagemap *pagemap, const struct slot *slot, uintptr_t first, uintptr_t last, const struct report *report)
{
	while (first - 1 != last) {
		struct pagemap_region region[REGIONS];
		size_t number;
		int error = pagemap_kernel_find(&pagemap->kernel, first, last, region, REGIONS, &number, &first);

		for (size_t i = 0; !error && i < number; i++)
			error = report_written(pagemap, slot, (size_t)(region[i].start - slot->hva) >> PAGE_SHIFT,
					       (size_t)(region[i].end - slot->hva) >> PAGE_SHIFT, report);
		if (error)
			return error;
	}
	return 0;
}

static int collect(void *ctx, void (*written)(void *arg, uint64_t first, uint64_t last), void *arg)
{
	struct pagemap *pagemap = ctx;
	const struct report report = { written, arg };

	for (const struct slot *slot = pagemap->slots; slot; slot = slot->next) {
		size_t chunk = 0, past;

		while ((chunk = find_bit(slot->active, chunk, slot->chunks, true)) < slot->chunks) {
			int error;

			past = find_bit(slot->active, chunk, slot->chunks, false);
			error = collect_range(pagemap, slot, address_of(slot, (chunk << CHUNK_SHIFT) + slot->chunk[chunk].first),
					      address_of(slot, ((past - 1) << CHUNK_SHIFT) + slot->chunk[past - 1].last + 1) - 1, &report);
			if (error)
				return error;
			chunk = past;
		}
	}
	return 0;
}

int viommu_tracker_pagemap_create(struct viommu_tracker *tracker)
{
	struct viommu_tracker ours = { .slot_added = slot_added, .slot_removed = slot_removed, .watch = watch, .unwatch = unwatch, .collect = collect };
	struct pagemap *pagemap;
	int error;

	if (!sized_fits(tracker, VIOMMU_TRACKER_SIZE_V0))
		return -EINVAL;
	pagemap = calloc(1, sizeof(*pagemap));
	if (!pagemap)
		return -ENOMEM;
	error = pagemap_kernel_open(&pagemap->kernel);
	if (error) {
		free(pagemap);
		return error;
	}
	ours.ctx = pagemap;
	sized_out(tracker, &ours, sizeof(ours));
	return 0;
}

void viommu_tracker_pagemap_destroy(struct viommu_tracker *tracker)
{
	struct pagemap *pagemap = tracker ? tracker->ctx : NULL;

	if (!pagemap)
		return;
	while (pagemap->slots)
		slot_removed(pagemap, pagemap->slots->first, 0, NULL);
	pagemap_kernel_close(&pagemap->kernel);
	free(pagemap);
	tracker->ctx = NULL;
}
