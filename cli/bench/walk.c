// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A page-by-page walk into a hash table.
 *
 * An unmapped page keeps its place, so unmapping it is one store, and mapping it again another:
 * guests reuse IOVAs. Places are freed when the table is rebuilt after too many are taken.
 */
#include "walk.h"

#include <endian.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"

#define FREE	   UINT64_MAX
#define NOTHING	   UINT64_MAX
#define LEAST_BITS 7u
#define GROUP_BITS 8u

static struct bench_walk_entry *new_entries(unsigned int bits)
{
	if (bits >= sizeof(size_t) * 8 - 5)
		return NULL;
	size_t bytes = sizeof(struct bench_walk_entry) << bits;
	void *entries = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (entries == MAP_FAILED)
		return NULL;
	(void)madvise(entries, bytes, MADV_HUGEPAGE);
	return memset(entries, 0xff, bytes);
}

bool bench_walk_begin(struct bench_walk *walk, const struct bench_walk_memory *memory, uint64_t root, uint64_t pages)
{
	unsigned int bits = LEAST_BITS;

	/* At most half full. */
	while (UINT64_C(1) << bits < 2 * pages)
		bits++;
	*walk = (struct bench_walk){ .memory = *memory, .root = root, .bits = bits, .entries = new_entries(bits) };
	return walk->entries;
}

void bench_walk_end(struct bench_walk *walk)
{
	if (walk->entries)
		munmap(walk->entries, sizeof(*walk->entries) << walk->bits);
	walk->entries = NULL;
}

uint64_t bench_walk_bytes(const struct bench_walk *walk)
{
	return (uint64_t)sizeof(*walk->entries) << walk->bits;
}

/*
 * The pages of one page table are adjacent, at a place that does not depend on other page tables.
 * After a collision the search continues in another such group, shifted by one, so that full groups
 * do not cause long searches and every place is tried.
 */
static struct bench_walk_entry *find(const struct bench_walk *walk, uint64_t page)
{
	unsigned int group_bits = walk->bits - 3 < GROUP_BITS ? walk->bits - 3 : GROUP_BITS;
	uint64_t mask = (UINT64_C(1) << walk->bits) - 1, group_mask = (UINT64_C(1) << group_bits) - 1;
	uint64_t spread = (page >> group_bits) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t i = (spread >> (64 - walk->bits) & ~group_mask) | ((page + (spread >> 24)) & group_mask);

	while (walk->entries[i].page != page && walk->entries[i].page != FREE)
		i = (i + group_mask + 2) & mask;
	return &walk->entries[i];
}

/* Rebuilds the table with the mapped pages alone, larger if there are many. */
static bool renew(struct bench_walk *walk)
{
	struct bench_walk new = *walk;

	if (walk->used > UINT64_C(1) << (walk->bits - 2))
		new.bits++;
	new.entries = new_entries(new.bits);
	if (!new.entries)
		return false;
	new.taken = walk->used;
	for (uint64_t i = 0; i < UINT64_C(1) << walk->bits; i++)
		if (walk->entries[i].page != FREE && walk->entries[i].to != NOTHING)
			*find(&new, walk->entries[i].page) = walk->entries[i];
	bench_walk_end(walk);
	*walk = new;
	return true;
}

static bool put(struct bench_walk *walk, uint64_t page, uint64_t to)
{
	struct bench_walk_entry *entry = find(walk, page);

	if (entry->to == to)
		return true;
	if (entry->page == FREE) {
		if (walk->taken == UINT64_C(1) << (walk->bits - 1)) {
			if (!renew(walk))
				return false;
			entry = find(walk, page);
		}
		entry->page = page;
		walk->taken++;
	}
	walk->used += entry->to == NOTHING;
	entry->to = to;
	return true;
}

static void drop(struct bench_walk *walk, uint64_t page)
{
	struct bench_walk_entry *entry = find(walk, page);

	if (entry->to != NOTHING) {
		entry->to = NOTHING;
		walk->used--;
	}
}

/*
 * Nothing is mapped in these pages: removes them one by one, or by a scan of the hash table,
 * whichever is shorter.
 */
static void drop_range(struct bench_walk *walk, uint64_t first, uint64_t last)
{
	if (!walk->used)
		return;
	if ((last - first) >> walk->bits == 0) {
		for (uint64_t page = first; page <= last; page++)
			drop(walk, page);
		return;
	}
	for (uint64_t i = 0; i < UINT64_C(1) << walk->bits; i++) {
		struct bench_walk_entry *entry = &walk->entries[i];
		if (entry->page >= first && entry->page <= last && entry->to != NOTHING) {
			entry->to = NOTHING;
			walk->used--;
		}
	}
}

static bool load(const struct bench_walk *walk, uint64_t gpa, uint64_t *entry)
{
	if (gpa - walk->memory.gpa >= walk->memory.bytes)
		return false;
	*entry = be64toh(__atomic_load_n((const uint64_t *)(const void *)(walk->memory.memory + (gpa - walk->memory.gpa)), __ATOMIC_RELAXED));
	return true;
}

/*
 * Walks for one page. 0, with the result in *to; otherwise the number of bytes from there on that
 * are certainly not mapped.
 */
static uint64_t walk_page(const struct bench_walk *walk, uint64_t iova, uint64_t *to)
{
	uint64_t protection, entry;

	if (!load(walk, walk->root + iova / BENCH_REGION % 2048 * 8, &entry) || entry & BENCH_TABLE_I)
		return BENCH_REGION - iova % BENCH_REGION;
	protection = entry;
	if (!load(walk, (entry & BENCH_TABLE_ORIGIN) + iova / BENCH_SEGMENT % 2048 * 8, &entry) || entry & BENCH_TABLE_I)
		return BENCH_SEGMENT - iova % BENCH_SEGMENT;
	protection |= entry;
	if (!load(walk, (entry & BENCH_PAGES_ORIGIN) + iova / BENCH_PAGE % 256 * 8, &entry) || entry & BENCH_PAGE_I)
		return BENCH_PAGE;
	protection |= entry;
	*to = (entry & ~(BENCH_PAGE - 1)) | !(protection & BENCH_PAGE_P);
	return 0;
}

bool bench_walk_refresh(struct bench_walk *walk, uint64_t first, uint64_t last)
{
	for (uint64_t at = first; at >= first && at <= last;) {
		uint64_t to;
		uint64_t absent = walk_page(walk, at, &to);
		if (absent > last - at)
			absent = last - at + 1;
		if (!absent) {
			if (!put(walk, at / BENCH_PAGE, to))
				return false;
			at += BENCH_PAGE;
		} else {
			drop_range(walk, at / BENCH_PAGE, (at + (absent - 1)) / BENCH_PAGE);
			at += absent;
		}
	}
	return true;
}
