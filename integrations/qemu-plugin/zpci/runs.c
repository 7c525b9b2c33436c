/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "runs.h"

#include <stdlib.h>
#include <string.h>

void runs_clear(struct runs *runs)
{
	runs->count = 0;
	runs->short_of_memory = false;
}

int runs_add(void *ctx, const struct viommu_run *run)
{
	struct runs *runs = ctx;

	if (runs->count == runs->room) {
		size_t room = runs->room ? runs->room * 2 : 64;
		struct viommu_run *list = reallocarray(runs->list, room, sizeof(*list));

		if (!list) {
			runs->short_of_memory = true;
			return 0;
		}
		runs->list = list;
		runs->room = room;
	}
	runs->list[runs->count++] = *run;
	return 0;
}

static uint64_t pages(uint64_t first, uint64_t last)
{
	return (last - first) / VIOMMU_PAGE_SIZE + 1;
}

uint64_t runs_pages(const struct runs *runs)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < runs->count; i++)
		sum += pages(runs->list[i].first, runs->list[i].last);
	return sum;
}

void answers_clip(struct answers *answers, uint64_t bytes)
{
	size_t i, kept = 0;

	for (i = 0; i < answers->count; i++) {
		struct capture_page page = answers->list[i];

		if (page.gpa >= bytes)
			continue;
		if (page.count > (bytes - page.gpa) / VIOMMU_PAGE_SIZE)
			page.count = (bytes - page.gpa) / VIOMMU_PAGE_SIZE;
		answers->list[kept++] = page;
	}
	answers->count = kept;
}

void answers_copy(struct answers *to, const struct answers *from)
{
	to->count = 0;
	if (to->room < from->count) {
		struct capture_page *list = reallocarray(to->list, from->count, sizeof(*list));

		if (!list)
			return;
		to->list = list;
		to->room = from->count;
	}
	if (from->count)
		memcpy(to->list, from->list, from->count * sizeof(*from->list));
	to->count = from->count;
}

bool answers_same(const struct answers *a, const struct answers *b)
{
	size_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++) {
		const struct capture_page *p = &a->list[i], *q = &b->list[i];

		if (p->iova != q->iova || p->gpa != q->gpa || p->prot != q->prot || p->count != q->count)
			return false;
	}
	return true;
}

/* QEMU's answer in the library's form. */
static struct viommu_run as_run(const struct capture_page *page)
{
	return (struct viommu_run){
		.first = page->iova,
		.last = page->iova + (page->count * VIOMMU_PAGE_SIZE - 1),
		.gpa = page->gpa,
		.prot = page->prot == CAPTURE_RW ? VIOMMU_RW : VIOMMU_READ,
	};
}

/* Shortens at..*last to where nothing begins or ends: within the run, or before it. true if it is within. */
static bool within(const struct viommu_run *run, uint64_t at, uint64_t *last)
{
	bool inside = run->first <= at;
	uint64_t end = inside ? run->last : run->first - 1;

	if (end < *last)
		*last = end;
	return inside;
}

uint64_t runs_compare(const struct answers *answers, const struct runs *runs, uint64_t first, uint64_t last,
		      void (*fn)(void *ctx, const struct difference *difference), void *ctx)
{
	uint64_t at = first, sum = 0;
	size_t a = 0, r = 0;

	for (;;) {
		struct difference difference = { .first = at, .last = last };
		struct viommu_run answer = { 0 };
		const struct viommu_run *run;

		while (a < answers->count && as_run(&answers->list[a]).last < at)
			a++;
		while (r < runs->count && runs->list[r].last < at)
			r++;
		if (a < answers->count) {
			answer = as_run(&answers->list[a]);
			if (within(&answer, at, &difference.last)) {
				difference.qemu_gpa = answer.gpa + (at - answer.first);
				difference.qemu_prot = answer.prot;
			}
		}
		run = r < runs->count ? &runs->list[r] : NULL;
		if (run && within(run, at, &difference.last)) {
			difference.library_gpa = run->gpa + (at - run->first);
			difference.library_prot = run->prot;
		}
		if (difference.qemu_prot != difference.library_prot || difference.qemu_gpa != difference.library_gpa) {
			sum += pages(difference.first, difference.last);
			if (fn)
				fn(ctx, &difference);
		}
		if (difference.last == last)
			return sum;
		at = difference.last + 1;
	}
}

void runs_each_gone(const struct runs *before, const struct runs *now, void (*fn)(void *ctx, uint64_t iova, uint64_t gpa), void *ctx)
{
	size_t i, n = 0;

	for (i = 0; i < before->count; i++) {
		const struct viommu_run *old = &before->list[i];
		uint64_t count = pages(old->first, old->last), page;

		for (page = 0; page < count; page++) {
			uint64_t iova = old->first + page * VIOMMU_PAGE_SIZE, gpa = old->gpa + page * VIOMMU_PAGE_SIZE;

			while (n < now->count && now->list[n].last < iova)
				n++;
			if (n < now->count && now->list[n].first <= iova && now->list[n].gpa + (iova - now->list[n].first) == gpa)
				continue;
			fn(ctx, iova, gpa);
		}
	}
}
