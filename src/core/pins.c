/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A page's count is 16 bits wide, in a chunk of them. Few pages are named more often than that
 * holds (a guest may map one scratch page everywhere); where one is, its chunk gets a second array,
 * of the counts' upper halves. Chunks are made when a page of theirs is first named, and stay until
 * their slot goes: no more than a two-thousandth of it, and no allocation in the long run.
 */
#include "core/pins.h"

/* How often each of 512 pages is named by established translations. */
#define PIN_CHUNK_PAGES 512u
struct pin_chunk {
	/* Of all below. Taken after the lock of all pins; no lock is taken under it. */
	struct port_lock lock;
	bool whole;	 /* all of the slot is wanted, and charged for */
	uint16_t named;	 /* pages whose count is not zero */
	uint16_t *upper; /* of counts, where 16 bits do not do; NULL: all are 0 */
	uint16_t count[PIN_CHUNK_PAGES];
};

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
	port_store_relaxed(&pins->budget, budget_pages(budget_bytes));
}

/* Charges for all of the pages, or for none. */
static inline bool charge(struct pins *pins, uint64_t pages)
{
	uint64_t charged = pins_load(&pins->charged), budget = pins_load(&pins->budget), peak;

	if (!pages)
		return true;
	do {
		/* The budget may have been made smaller than what is charged. */
		if (charged > budget || pages > budget - charged)
			return false;
	} while (!port_cmpxchg_relaxed(&pins->charged, &charged, charged + pages));
	charged += pages;
	peak = pins_load(&pins->peak);
	while (charged > peak && !port_cmpxchg_relaxed(&pins->peak, &peak, charged))
		;
	return true;
}

static void uncharge(struct pins *pins, uint64_t pages)
{
	if (pages)
		port_sub_relaxed(&pins->charged, pages);
}

static size_t directory_chunks(const struct slot *slot)
{
	return (size_t)((slot_pages(slot) + PIN_CHUNK_PAGES - 1) / PIN_CHUNK_PAGES);
}

static unsigned int chunk_pages(const struct slot *slot, size_t i)
{
	uint64_t left = slot_pages(slot) - (uint64_t)i * PIN_CHUNK_PAGES;

	return left < PIN_CHUNK_PAGES ? (unsigned int)left : PIN_CHUNK_PAGES;
}

/*
 * With the pins' lock held, so that no chunk is made meanwhile: charges for what is not named in
 * the chunks before `to`, and marks them; or takes that back. One after the other: each is charged
 * for as its mark says whenever its lock is free. Returns the index of the chunk that the budget
 * has no room for, or `to`.
 */
static size_t charge_chunks(struct pins *pins, struct slot *slot, size_t to)
{
	for (size_t i = 0; slot->chunks && i < to; i++) {
		struct pin_chunk *chunk = slot->chunks[i];

		if (!chunk)
			continue;
		port_lock(&chunk->lock);
		chunk->whole = charge(pins, chunk_pages(slot, i) - chunk->named);
		port_unlock(&chunk->lock);
		if (!chunk->whole)
			return i;
	}
	return to;
}

static void uncharge_chunks(struct pins *pins, struct slot *slot, size_t to)
{
	for (size_t i = 0; slot->chunks && i < to; i++) {
		struct pin_chunk *chunk = slot->chunks[i];

		if (!chunk)
			continue;
		port_lock(&chunk->lock);
		chunk->whole = false;
		uncharge(pins, chunk_pages(slot, i) - chunk->named);
		port_unlock(&chunk->lock);
	}
}

/* Pages that have no chunk, and so are not named. */
static uint64_t pages_without_chunk(const struct slot *slot)
{
	uint64_t pages = slot_pages(slot);

	for (size_t i = 0; slot->chunks && i < directory_chunks(slot); i++)
		if (slot->chunks[i])
			pages -= chunk_pages(slot, i);
	return pages;
}

/* The first user of the whole slot. */
static int charge_slot(struct pins *pins, struct slot *slot)
{
	size_t chunks = directory_chunks(slot), done;

	if (!charge(pins, pages_without_chunk(slot)))
		return -PORT_EDQUOT;
	done = charge_chunks(pins, slot, chunks);
	if (done == chunks)
		return 0;
	uncharge_chunks(pins, slot, done);
	uncharge(pins, pages_without_chunk(slot));
	return -PORT_EDQUOT;
}

int pins_get_slot(struct pins *pins, struct slot *slot)
{
	int error;

	port_lock(&pins->lock);
	error = slot->whole ? 0 : charge_slot(pins, slot);
	if (!error)
		slot->whole++;
	port_unlock(&pins->lock);
	return error;
}

void pins_put_slot(struct pins *pins, struct slot *slot)
{
	port_lock(&pins->lock);
	if (!--slot->whole) {
		uncharge_chunks(pins, slot, directory_chunks(slot));
		uncharge(pins, pages_without_chunk(slot));
	}
	port_unlock(&pins->lock);
}

void pins_free_slot(struct slot *slot)
{
	if (!slot->chunks)
		return;
	for (size_t i = 0; i < directory_chunks(slot); i++) {
		struct pin_chunk *chunk = slot->chunks[i];

		if (!chunk)
			continue;
		if (chunk->upper)
			port_free(chunk->upper, sizeof(chunk->count), 0);
		port_lock_destroy(&chunk->lock);
		port_free(chunk, sizeof(*chunk), 0);
	}
	port_free(slot->chunks, directory_chunks(slot) * sizeof(*slot->chunks), 0);
	slot->chunks = NULL;
}

/* The chunk of a page, NULL if there is none yet. */
static struct pin_chunk *find_chunk(const struct slot *slot, uint64_t page)
{
	struct pin_chunk **chunks = port_load_acquire(&slot->chunks);

	return chunks ? port_load_acquire(&chunks[page / PIN_CHUNK_PAGES]) : NULL;
}

static struct pin_chunk *make_chunk_locked(struct slot *slot, uint64_t page)
{
	struct pin_chunk *chunk = find_chunk(slot, page);

	if (chunk)
		return chunk;
	if (!slot->chunks) {
		struct pin_chunk **chunks = port_alloc(directory_chunks(slot) * sizeof(*chunks), 0);

		if (!chunks)
			return NULL;
		port_store_release(&slot->chunks, chunks);
	}
	chunk = port_alloc(sizeof(*chunk), 0);
	if (!chunk)
		return NULL;
	port_lock_init(&chunk->lock);
	chunk->whole = slot->whole;
	port_store_release(&slot->chunks[page / PIN_CHUNK_PAGES], chunk);
	return chunk;
}

static port_noinline struct pin_chunk *make_chunk(struct pins *pins, struct slot *slot, uint64_t page)
{
	struct pin_chunk *chunk;

	port_lock(&pins->lock);
	chunk = make_chunk_locked(slot, page);
	port_unlock(&pins->lock);
	return chunk;
}

static bool is_named(const struct pin_chunk *chunk, unsigned int i)
{
	return chunk->count[i] || (chunk->upper && chunk->upper[i]);
}

/* The count's lower half is full. */
static port_noinline bool carry(struct pin_chunk *chunk, unsigned int i)
{
	if (!chunk->upper)
		chunk->upper = port_alloc(sizeof(chunk->count), 0);
	if (!chunk->upper || chunk->upper[i] == UINT16_MAX)
		return false;
	chunk->upper[i]++;
	chunk->count[i] = 0;
	return true;
}

/* Counts one page. False if the count or the budget is exhausted. */
static inline bool get_one(struct pins *pins, struct pin_chunk *chunk, unsigned int i)
{
	if (chunk->count[i] == UINT16_MAX)
		return carry(chunk, i);
	if (!is_named(chunk, i)) {
		if (!chunk->whole && !charge(pins, 1))
			return false;
		chunk->named++;
	}
	chunk->count[i]++;
	return true;
}

/* Counts pages of one chunk, with its lock held. */
static unsigned int get_some(struct pins *pins, struct pin_chunk *chunk, unsigned int first, unsigned int pages)
{
	uint16_t *count = &chunk->count[first];
	unsigned int fresh = 0, got = 0;
	bool full = false;

	/*
	 * All at once, where no count is at either end of what 16 bits hold, and the budget has
	 * room for all.
	 */
	for (unsigned int i = 0; i < pages; i++) {
		fresh += !count[i];
		full |= count[i] == UINT16_MAX;
	}
	if (!full && !chunk->upper && (chunk->whole || charge(pins, fresh))) {
		for (unsigned int i = 0; i < pages; i++)
			count[i]++;
		chunk->named = (uint16_t)(chunk->named + fresh);
		return pages;
	}
	while (got < pages && get_one(pins, chunk, first + got))
		got++;
	return got;
}

unsigned int pins_get(struct pins *pins, struct slot *slot, uint64_t gpa, unsigned int pages)
{
	uint64_t page = (gpa - slot->first) / VIOMMU_PAGE_SIZE;
	unsigned int got = 0;

	while (got < pages) {
		unsigned int first = (unsigned int)((page + got) % PIN_CHUNK_PAGES), some = pages - got;
		struct pin_chunk *chunk = find_chunk(slot, page + got);
		unsigned int now;

		if (!chunk)
			chunk = make_chunk(pins, slot, page + got);
		if (!chunk)
			return got;
		if (some > PIN_CHUNK_PAGES - first)
			some = PIN_CHUNK_PAGES - first;
		port_lock(&chunk->lock);
		now = get_some(pins, chunk, first, some);
		port_unlock(&chunk->lock);
		got += now;
		if (now < some)
			return got;
	}
	return got;
}

bool pins_get_page(struct pins *pins, struct slot *slot, uint64_t gpa)
{
	uint64_t page = (gpa - slot->first) / VIOMMU_PAGE_SIZE;
	struct pin_chunk *chunk = find_chunk(slot, page);
	bool got;

	if (!chunk)
		chunk = make_chunk(pins, slot, page);
	if (!chunk)
		return false;
	port_lock(&chunk->lock);
	got = get_one(pins, chunk, (unsigned int)(page % PIN_CHUNK_PAGES));
	port_unlock(&chunk->lock);
	return got;
}

/* Of pages of one chunk, with its lock held: how many are named no more. */
static unsigned int put_some(struct pin_chunk *chunk, unsigned int first, unsigned int pages)
{
	unsigned int gone = 0;

	for (unsigned int i = first; i < first + pages; i++) {
		if (!chunk->count[i])
			chunk->upper[i]--;
		chunk->count[i]--;
		gone += !is_named(chunk, i);
	}
	chunk->named = (uint16_t)(chunk->named - gone);
	return gone;
}

void pins_put(struct pins *pins, struct slot *slot, uint64_t gpa, unsigned int pages)
{
	uint64_t page = (gpa - slot->first) / VIOMMU_PAGE_SIZE;

	while (pages) {
		unsigned int first = (unsigned int)(page % PIN_CHUNK_PAGES), some = pages;
		struct pin_chunk *chunk = find_chunk(slot, page);
		unsigned int gone;

		if (some > PIN_CHUNK_PAGES - first)
			some = PIN_CHUNK_PAGES - first;
		port_lock(&chunk->lock);
		gone = put_some(chunk, first, some);
		if (!chunk->whole)
			uncharge(pins, gone);
		port_unlock(&chunk->lock);
		page += some;
		pages -= some;
	}
}

void pins_put_page(struct pins *pins, struct slot *slot, uint64_t gpa)
{
	uint64_t page = (gpa - slot->first) / VIOMMU_PAGE_SIZE;
	struct pin_chunk *chunk = find_chunk(slot, page);
	unsigned int gone;

	port_lock(&chunk->lock);
	gone = put_some(chunk, (unsigned int)(page % PIN_CHUNK_PAGES), 1);
	if (!chunk->whole)
		uncharge(pins, gone);
	port_unlock(&chunk->lock);
}
