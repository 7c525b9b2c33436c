/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "fake_tracker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE UINT64_C(4096)

__attribute__((noreturn)) static void breach(const char *what, uint64_t gpa)
{
	fprintf(stderr, "tracker: %s, page %#" PRIx64 "\n", what, gpa);
	abort();
}

/* The index of a page, or the index where it would be inserted. */
static size_t place(const struct fake_tracker *fake, uint64_t gpa)
{
	size_t low = 0, high = fake->pages;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (fake->page[middle].gpa < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_watched(const struct fake_tracker *fake, uint64_t gpa)
{
	size_t at = place(fake, gpa);

	return at < fake->pages && fake->page[at].gpa == gpa;
}

static void check_memory(const struct fake_tracker *fake, uint64_t first, uint64_t last, const void *hva)
{
	for (unsigned int i = 0; i < fake->slots; i++)
		if (first >= fake->slot[i].first && last <= fake->slot[i].last && fake->slot[i].hva + (first - fake->slot[i].first) == hva)
			return;
	breach("memory that is not in one slot", first);
}

static int slot_added(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	struct fake_tracker *fake = ctx;

	pthread_mutex_lock(&fake->lock);
	if (fake->slots == FAKE_SLOTS)
		breach("too many slots", first);
	fake->slot[fake->slots++] = (struct fake_slot){ first, last, hva };
	pthread_mutex_unlock(&fake->lock);
	return 0;
}

static void slot_removed(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	struct fake_tracker *fake = ctx;
	unsigned int i = 0;

	pthread_mutex_lock(&fake->lock);
	while (i < fake->slots && (fake->slot[i].first != first || fake->slot[i].last != last || fake->slot[i].hva != hva))
		i++;
	if (i == fake->slots)
		breach("a slot that was never added", first);
	if (place(fake, first) != place(fake, last) || is_watched(fake, last))
		breach("a watched slot is removed", first);
	fake->slot[i] = fake->slot[--fake->slots];
	pthread_mutex_unlock(&fake->lock);
}

static int watch(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	struct fake_tracker *fake = ctx;

	pthread_mutex_lock(&fake->lock);
	fake->watches++;
	if (first % PAGE || last % PAGE != PAGE - 1 || first > last)
		breach("not whole pages", first);
	check_memory(fake, first, last, hva);
	if (fake->fail_watch && fake->watches >= fake->fail_watch) {
		pthread_mutex_unlock(&fake->lock);
		return -ENOMEM;
	}
	for (uint64_t gpa = first; gpa - first < last - first; gpa += PAGE) {
		size_t at = place(fake, gpa);

		if (is_watched(fake, gpa))
			breach("watched twice", gpa);
		if (fake->pages == fake->room) {
			fake->room = fake->room ? 2 * fake->room : 64;
			fake->page = realloc(fake->page, fake->room * sizeof(*fake->page));
			if (!fake->page)
				breach("no memory", gpa);
		}
		memmove(&fake->page[at + 1], &fake->page[at], (fake->pages - at) * sizeof(*fake->page));
		fake->page[at] = (struct fake_page){ .gpa = gpa };
		fake->pages++;
	}
	pthread_mutex_unlock(&fake->lock);
	return 0;
}

static void unwatch(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	struct fake_tracker *fake = ctx;

	pthread_mutex_lock(&fake->lock);
	check_memory(fake, first, last, hva);
	for (uint64_t gpa = first; gpa - first < last - first; gpa += PAGE) {
		size_t at = place(fake, gpa);

		if (!is_watched(fake, gpa))
			breach("not watched", gpa);
		fake->pages--;
		memmove(&fake->page[at], &fake->page[at + 1], (fake->pages - at) * sizeof(*fake->page));
	}
	pthread_mutex_unlock(&fake->lock);
}

static int collect(void *ctx, void (*written)(void *arg, uint64_t first, uint64_t last), void *arg)
{
	struct fake_tracker *fake = ctx;

	if (fake->in_collect)
		fake->in_collect(fake->ctx, false);
	pthread_mutex_lock(&fake->lock);
	fake->collects++;
	/* The written pages are lost in that case. */
	if (fake->fail_collect && fake->collects >= fake->fail_collect) {
		pthread_mutex_unlock(&fake->lock);
		return -EIO;
	}
	for (size_t i = 0; i < fake->pages; i++) {
		struct fake_page *page = &fake->page[i];

		if (!page->written && !(fake->too_much && (i + fake->collects) % fake->too_much == 0))
			continue;
		page->written = false;
		written(arg, page->gpa, page->gpa + (PAGE - 1));
	}
	if (fake->too_much && fake->collects % fake->too_much == 0)
		written(arg, UINT64_MAX - 3 * PAGE, UINT64_MAX);
	if (fake->too_much && fake->collects % (11 * fake->too_much) == 0)
		written(arg, 0, UINT64_MAX);
	pthread_mutex_unlock(&fake->lock);
	if (fake->in_collect)
		fake->in_collect(fake->ctx, true);
	return 0;
}

void fake_tracker_init(struct fake_tracker *fake)
{
	memset(fake, 0, sizeof(*fake));
	pthread_mutex_init(&fake->lock, NULL);
	fake->tracker = (struct viommu_tracker){ .size = sizeof(fake->tracker),
						 .ctx = fake,
						 .slot_added = slot_added,
						 .slot_removed = slot_removed,
						 .watch = watch,
						 .unwatch = unwatch,
						 .collect = collect };
}

void fake_tracker_end(struct fake_tracker *fake)
{
	if (fake->slots)
		breach("a slot is left", fake->slot[0].first);
	pthread_mutex_destroy(&fake->lock);
	free(fake->page);
}

void fake_tracker_stored(struct fake_tracker *fake, uint64_t gpa, uint64_t bytes)
{
	if (!fake)
		return;
	pthread_mutex_lock(&fake->lock);
	for (size_t at = place(fake, gpa & ~(PAGE - 1)); at < fake->pages && fake->page[at].gpa <= gpa + (bytes - 1); at++)
		fake->page[at].written = true;
	pthread_mutex_unlock(&fake->lock);
}

bool fake_tracker_watches(struct fake_tracker *fake, uint64_t gpa)
{
	bool watches;

	pthread_mutex_lock(&fake->lock);
	watches = is_watched(fake, gpa & ~(PAGE - 1));
	pthread_mutex_unlock(&fake->lock);
	return watches;
}
