/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The model of model.h. Only model_find() is not plain: ranges can have 2^64 bytes, so it cannot
 * walk for each page. It goes through the tables instead. test_naive.c compares it with the walk,
 * page by page, on small random cases.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	     UINT64_C(4096)
#define PROTECTION   UINT64_C(0x200)
#define SEGMENT_BITS UINT64_C(0xfffff)

static void *must(void *memory)
{
	if (!memory) {
		fprintf(stderr, "the test is out of memory\n");
		exit(1);
	}
	return memory;
}

bool model_same(const struct model_page *a, const struct model_page *b)
{
	return a->iova == b->iova && a->gpa == b->gpa && a->writable == b->writable;
}

void model_list_free(struct model_list *list)
{
	free(list->pages);
	memset(list, 0, sizeof(*list));
}

void model_list_add(struct model_list *list, struct model_page page)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->pages = must(realloc(list->pages, (size_t)list->room * sizeof(*list->pages)));
	}
	list->pages[list->count++] = page;
}

void model_list_copy(struct model_list *to, const struct model_list *from)
{
	for (uint64_t i = 0; i < from->count; i++)
		model_list_add(to, from->pages[i]);
}

void model_found_free(struct model_found *found)
{
	model_list_free(&found->list);
}

/* log2 of the bytes that one entry covers. */
static const unsigned int shift[NAIVE_LEVELS] = { 12, 20, 31, 42, 53 };

struct search {
	const struct naive_memory *memory;
	const struct naive_tables *tables;
	const struct model_limits *limits;
	uint64_t first;
	uint64_t last;
	struct model_found *found;
};

static void page_at(struct search *search, uint64_t iova, uint64_t gpa, bool writable)
{
	bool slot_writable = false;

	if (!naive_byte(search->memory, gpa, &slot_writable)) {
		search->found->unbacked++;
		return;
	}
	if (search->found->list.count == search->limits->pages) {
		search->found->too_large = true;
		return;
	}
	model_list_add(&search->found->list, (struct model_page){ .iova = iova, .gpa = gpa, .writable = writable && slot_writable });
}

/* IOVAs ascend, so the first fault is the lowest. The walk gives its reason. */
static void fault_at(struct search *search, uint64_t iova)
{
	if (search->found->faulty)
		return;
	search->found->faulty = true;
	search->found->fault_iova = iova;
	search->found->fault = naive_walk(search->memory, search->tables, iova);
}

/*
 * Goes through the entries of one table that the range touches. The table's first IOVA is base.
 * bounds is the region entry that names the table, if any.
 */
static void search_table(struct search *search, uint64_t table, unsigned int level, uint64_t base, const uint64_t *bounds, bool writable)
{
	unsigned int entries = level == 0 ? 256 : 2048;
	uint64_t span = (UINT64_C(1) << shift[level]) - 1;
	unsigned int begin = search->first > base ? (unsigned int)((search->first - base) >> shift[level]) : 0;

	for (unsigned int i = begin; i < entries && !search->found->too_large; i++) {
		uint64_t first = base + ((uint64_t)i << shift[level]);
		uint64_t last = first + span;
		uint64_t entry = 0;
		bool allowed = writable;

		if (first > search->last)
			return;
		if (first < search->first)
			first = search->first;
		if (last > search->last)
			last = search->last;
		if (++search->found->entries > search->limits->entries) {
			search->found->too_large = true;
			return;
		}
		if (bounds && !naive_within(*bounds, i)) {
			fault_at(search, first);
			continue;
		}
		if (!naive_load(search->memory, table + 8 * (uint64_t)i, &entry)) {
			fault_at(search, first);
			continue;
		}
		if (entry & PROTECTION)
			allowed = false;

		switch (naive_judge(entry, level, search->tables->qemu)) {
		case NAIVE_IS_INVALID:
			break;
		case NAIVE_IS_PAGE:
			page_at(search, first, entry & ~(PAGE - 1), allowed);
			break;
		case NAIVE_IS_SEGMENT:
			for (uint64_t iova = first; iova - first < last - first && !search->found->too_large; iova += PAGE)
				page_at(search, iova, (entry & ~SEGMENT_BITS) + (iova & SEGMENT_BITS), allowed);
			break;
		case NAIVE_IS_TABLE:
			search_table(search, naive_next_table(entry, level, search->tables->qemu), level - 1, base + ((uint64_t)i << shift[level]),
				     level > 1 ? &entry : NULL, allowed);
			break;
		default:
			fault_at(search, first);
			break;
		}
	}
}

void model_find(const struct naive_memory *memory, const struct naive_tables *tables, uint64_t first, uint64_t last, const struct model_limits *limits,
		struct model_found *found)
{
	struct search search = { .memory = memory, .tables = tables, .limits = limits, .found = found };
	int top = naive_top_level(tables->iota, tables->qemu);

	memset(found, 0, sizeof(*found));
	if (top < 0)
		return;
	/* The top table covers 2^31, 2^42, 2^53 or 2^64 bytes. Higher IOVAs are aliases. */
	for (uint64_t begin = first;; begin = search.last + 1) {
		uint64_t span = top == 4 ? UINT64_MAX : (UINT64_C(1) << (shift[top] + 11)) - 1;
		uint64_t base = begin & ~span;

		search.first = begin;
		search.last = last - base > span ? base + span : last;
		search_table(&search, naive_top_table(tables->iota), (unsigned int)top, base, NULL, true);
		if (search.last == last || found->too_large)
			return;
	}
}

bool model_clip(uint64_t aperture_first, uint64_t aperture_last, uint64_t *first, uint64_t *last)
{
	if (*first > *last)
		return false;
	*first &= ~(PAGE - 1);
	*last |= PAGE - 1;
	if (*first > aperture_last || *last < aperture_first)
		return false;
	if (*first < aperture_first)
		*first = aperture_first;
	if (*last > aperture_last)
		*last = aperture_last;
	return true;
}

void model_apply(struct model_list *list, uint64_t first, uint64_t last, const struct model_list *now, uint64_t *established, uint64_t *released)
{
	struct model_list next = { 0 };
	uint64_t i = 0;
	uint64_t same = 0;
	uint64_t gone = 0;

	for (; i < list->count && list->pages[i].iova < first; i++)
		model_list_add(&next, list->pages[i]);
	for (uint64_t n = 0; n < now->count; n++) {
		const struct model_page *page = &now->pages[n];

		for (; i < list->count && list->pages[i].iova < page->iova; i++)
			gone++;
		if (i < list->count && list->pages[i].iova == page->iova) {
			if (list->pages[i].gpa == page->gpa && list->pages[i].writable == page->writable)
				same++;
			else
				gone++;
			i++;
		}
		model_list_add(&next, *page);
	}
	for (; i < list->count && list->pages[i].iova <= last; i++)
		gone++;
	for (; i < list->count; i++)
		model_list_add(&next, list->pages[i]);

	*established = now->count - same;
	*released = gone;
	model_list_free(list);
	*list = next;
}

void model_drop(struct model_list *list, uint64_t gpa, uint64_t bytes)
{
	uint64_t kept = 0;

	for (uint64_t i = 0; i < list->count; i++) {
		if (list->pages[i].gpa >= gpa && list->pages[i].gpa - gpa < bytes)
			continue;
		list->pages[kept++] = list->pages[i];
	}
	list->count = kept;
}

const struct model_page *model_at(const struct model_list *list, uint64_t iova)
{
	uint64_t low = 0;
	uint64_t high = list->count;

	iova &= ~(PAGE - 1);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (list->pages[middle].iova == iova)
			return &list->pages[middle];
		if (list->pages[middle].iova < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

uint64_t model_distinct(const struct naive_memory *memory, const struct model_list *const *lists, unsigned int count)
{
	uint64_t distinct = 0;

	for (unsigned int s = 0; s < memory->count; s++) {
		const struct naive_slot *slot = &memory->slots[s];
		unsigned char *named = must(calloc((size_t)(slot->bytes / PAGE), 1));

		for (unsigned int l = 0; l < count; l++) {
			for (uint64_t i = 0; i < lists[l]->count; i++) {
				uint64_t gpa = lists[l]->pages[i].gpa;

				if (gpa >= slot->gpa && gpa - slot->gpa < slot->bytes)
					named[(gpa - slot->gpa) / PAGE] = 1;
			}
		}
		for (uint64_t page = 0; page < slot->bytes / PAGE; page++)
			distinct += named[page];
		free(named);
	}
	return distinct;
}
