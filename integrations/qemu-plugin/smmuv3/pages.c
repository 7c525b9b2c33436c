/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "pages.h"

#include <stdlib.h>

bool pages_add(struct pages *pages, uint64_t iova, uint64_t gpa, uint32_t prot)
{
	if (pages->count == pages->room) {
		size_t room = pages->room ? pages->room * 2 : 64;
		struct page *list = room <= PAGES_MAX ? reallocarray(pages->list, room, sizeof(*list)) : NULL;

		if (!list)
			return false;
		pages->list = list;
		pages->room = room;
	}
	pages->list[pages->count++] = (struct page){ .iova = iova, .gpa = gpa, .prot = prot };
	return true;
}

const struct page *pages_find(const struct pages *pages, uint64_t iova)
{
	size_t low = 0, high = pages->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pages->list[middle].iova < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pages->count && pages->list[low].iova == iova ? &pages->list[low] : NULL;
}

bool page_same(const struct page *a, const struct page *b)
{
	return a->iova == b->iova && a->gpa == b->gpa && a->prot == b->prot;
}

void pages_each(const struct pages *a, const struct pages *b, void (*fn)(void *ctx, uint64_t iova, const struct page *in_a, const struct page *in_b), void *ctx)
{
	size_t i = 0, n = 0;

	while (i < a->count || n < b->count) {
		const struct page *in_a = i < a->count ? &a->list[i] : NULL, *in_b = n < b->count ? &b->list[n] : NULL;

		if (in_a && in_b && in_a->iova != in_b->iova) {
			if (in_a->iova < in_b->iova)
				in_b = NULL;
			else
				in_a = NULL;
		}
		i += in_a != NULL;
		n += in_b != NULL;
		fn(ctx, in_a ? in_a->iova : in_b->iova, in_a, in_b);
	}
}
