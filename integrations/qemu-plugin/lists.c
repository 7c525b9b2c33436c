/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lists.h"

#include <stdlib.h>
#include <string.h>

bool list_fits(void *list, size_t count, size_t *room, size_t element)
{
	size_t wider = *room ? *room * 2 : 16;
	char *memory;

	if (count < *room)
		return true;
	/* `list` points to a pointer of another type, which must not be accessed as a void *. */
	memcpy(&memory, list, sizeof(memory));
	memory = reallocarray(memory, wider, element);
	if (!memory)
		return false;
	memset(memory + *room * element, 0, (wider - *room) * element);
	memcpy(list, &memory, sizeof(memory));
	*room = wider;
	return true;
}

bool changes_add(struct changes *changes, uint64_t gpa, uint64_t value)
{
	struct capture_mem *last = changes->count ? &changes->list[changes->count - 1] : NULL;

	if (last && last->value == value && gpa == last->gpa + last->count * 8 && last->count < CAPTURE_MAX_COUNT) {
		last->count++;
		return true;
	}
	if (!LIST_FITS(changes))
		return false;
	changes->list[changes->count++] = (struct capture_mem){ .gpa = gpa, .value = value, .count = 1 };
	return true;
}

void runs_clear(struct runs *runs)
{
	runs->count = 0;
	runs->lost = false;
}

void runs_add(struct runs *runs, uint64_t iova, uint64_t gpa, uint32_t prot, uint64_t count)
{
	struct capture_page *last = runs->count ? &runs->list[runs->count - 1] : NULL;
	uint64_t length = last ? last->count * CAPTURE_PAGE_SIZE : 0;

	if (last && last->iova + length == iova && last->gpa + length == gpa && last->prot == prot)
		last->count += count;
	else if (LIST_FITS(runs))
		runs->list[runs->count++] = (struct capture_page){ .iova = iova, .gpa = gpa, .prot = prot, .count = count };
	else
		runs->lost = true;
}

int runs_add_library(void *runs, const struct viommu_run *run)
{
	runs_add(runs, run->first, run->gpa, run->prot & CAPTURE_RW, (run->last - run->first) / CAPTURE_PAGE_SIZE + 1);
	return 0;
}

uint64_t runs_pages(const struct runs *runs)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < runs->count; i++)
		sum += runs->list[i].count;
	return sum;
}

void runs_clip(struct runs *runs, uint64_t bytes)
{
	size_t i, kept = 0;

	for (i = 0; i < runs->count; i++) {
		struct capture_page page = runs->list[i];

		if (page.gpa >= bytes)
			continue;
		if (page.count > (bytes - page.gpa) / CAPTURE_PAGE_SIZE)
			page.count = (bytes - page.gpa) / CAPTURE_PAGE_SIZE;
		runs->list[kept++] = page;
	}
	runs->count = kept;
}

bool runs_same(const struct runs *a, const struct runs *b)
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

/* Cuts a piece up to the next change of the list, and fills in its side. *i only ascends. */
static void put_side(struct piece *piece, unsigned int side, const struct runs *runs, size_t *i)
{
	const struct capture_page *run;
	uint64_t end;

	while (*i < runs->count && runs->list[*i].iova + (runs->list[*i].count * CAPTURE_PAGE_SIZE - 1) < piece->first)
		++*i;
	if (*i == runs->count)
		return;
	run = &runs->list[*i];
	end = run->iova - 1;
	if (run->iova <= piece->first) {
		end = run->iova + (run->count * CAPTURE_PAGE_SIZE - 1);
		piece->gpa[side] = run->gpa + (piece->first - run->iova);
		piece->prot[side] = run->prot;
	}
	if (end < piece->last)
		piece->last = end;
}

void runs_each(const struct runs *a, const struct runs *b, uint64_t first, uint64_t last, piece_fn fn, void *ctx)
{
	size_t at_a = 0, at_b = 0;

	for (;;) {
		struct piece piece = { .first = first, .last = last };

		put_side(&piece, 0, a, &at_a);
		put_side(&piece, 1, b, &at_b);
		if (piece.prot[0] || piece.prot[1])
			fn(ctx, &piece);
		if (piece.last == last)
			return;
		first = piece.last + 1;
	}
}

struct comparison {
	piece_fn fn;
	void *ctx;
	uint64_t pages;
};

static void compare(void *ctx, const struct piece *piece)
{
	struct comparison *comparison = ctx;

	if (piece->prot[0] == piece->prot[1] && piece->gpa[0] == piece->gpa[1])
		return;
	comparison->pages += piece_pages(piece);
	if (comparison->fn)
		comparison->fn(comparison->ctx, piece);
}

uint64_t runs_compare(const struct runs *a, const struct runs *b, uint64_t first, uint64_t last, piece_fn fn, void *ctx)
{
	struct comparison comparison = { .fn = fn, .ctx = ctx };

	runs_each(a, b, first, last, compare, &comparison);
	return comparison.pages;
}

struct leaving {
	void (*fn)(void *ctx, uint64_t iova, uint64_t gpa);
	void *ctx;
};

static void leave(void *ctx, const struct piece *piece)
{
	const struct leaving *leaving = ctx;
	uint64_t at;

	if (!piece->prot[0] || (piece->prot[1] && piece->gpa[1] == piece->gpa[0]))
		return;
	for (at = 0; at < piece_pages(piece) * CAPTURE_PAGE_SIZE; at += CAPTURE_PAGE_SIZE)
		leaving->fn(leaving->ctx, piece->first + at, piece->gpa[0] + at);
}

void runs_each_gone(const struct runs *before, const struct runs *now, void (*fn)(void *ctx, uint64_t iova, uint64_t gpa), void *ctx)
{
	struct leaving leaving = { .fn = fn, .ctx = ctx };

	runs_each(before, now, 0, UINT64_MAX, leave, &leaving);
}
