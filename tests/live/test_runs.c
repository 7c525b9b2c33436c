/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Compares the checker's comparison of two lists of translations with one page by page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lists.h"

#define PAGES 96u
#define PAGE  VIOMMU_PAGE_SIZE

/* A page's translation: prot 0 is none. */
struct page {
	uint64_t gpa;
	uint32_t prot;
};

static uint64_t random_state;

static unsigned int random_below(unsigned int bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(random_state >> 33) % bound;
}

/* Runs of pages, mostly contiguous. */
static void make_pages(struct page *pages)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if (i && random_below(4)) {
			pages[i] = pages[i - 1];
			pages[i].gpa += pages[i].prot ? PAGE : 0;
		} else if (random_below(3)) {
			pages[i] = (struct page){ random_below(64) * PAGE, random_below(2) ? VIOMMU_RW : VIOMMU_READ };
		} else {
			pages[i] = (struct page){ 0, 0 };
		}
	}
}

static void change(struct page *pages)
{
	unsigned int changes = random_below(4);

	while (changes--) {
		struct page *page = &pages[random_below(PAGES)];

		switch (random_below(3)) {
		case 0:
			*page = (struct page){ 0, 0 };
			break;
		case 1:
			*page = (struct page){ random_below(64) * PAGE, VIOMMU_RW };
			break;
		default:
			page->prot = page->prot == VIOMMU_RW ? VIOMMU_READ : page->prot;
		}
	}
}

static uint64_t iova_of(uint64_t base, unsigned int i)
{
	return base + i * PAGE;
}

/* The same list, cut at random places that change nothing. */
static void list(const struct page *pages, uint64_t base, struct runs *runs)
{
	unsigned int i, next;

	runs_clear(runs);
	for (i = 0; i < PAGES; i = next) {
		next = i + 1;
		if (!pages[i].prot)
			continue;
		while (next < PAGES && pages[next].prot == pages[i].prot && pages[next].gpa == pages[i].gpa + (next - i) * PAGE && random_below(8))
			next++;
		assert_true(LIST_FITS(runs));
		runs->list[runs->count++] = (struct capture_page){ .iova = iova_of(base, i), .gpa = pages[i].gpa, .prot = pages[i].prot, .count = next - i };
	}
}

struct seen {
	const struct page *qemu;
	const struct page *library;
	uint64_t base;
	bool differs[PAGES];
};

static void see(void *ctx, const struct piece *piece)
{
	struct seen *seen = ctx;
	uint64_t first = (piece->first - seen->base) / PAGE, last = (piece->last - seen->base) / PAGE, i;

	assert_true(first <= last && last < PAGES);
	assert_int_equal(piece->prot[0], seen->qemu[first].prot);
	assert_int_equal(piece->prot[1], seen->library[first].prot);
	assert_true(piece->gpa[0] == seen->qemu[first].gpa && piece->gpa[1] == seen->library[first].gpa);
	for (i = first; i <= last; i++) {
		assert_false(seen->differs[i]);
		seen->differs[i] = true;
	}
}

/* bases: the first IOVAs, the lowest and the highest possible ones among them. */
static const uint64_t bases[] = { 0, UINT64_C(0x100000000), UINT64_MAX - PAGES *PAGE + 1 };

static void test_compare(void **state)
{
	struct page qemu[PAGES], library[PAGES];
	struct runs answers = { 0 }, runs = { 0 };
	unsigned int round, i;

	(void)state;
	random_state = 4711;
	for (round = 0; round < 3000; round++) {
		struct seen seen = { .qemu = qemu, .library = library, .base = bases[round % 3] };
		unsigned int first = random_below(PAGES), last = first + random_below(PAGES - first);
		uint64_t expected = 0;

		make_pages(qemu);
		memcpy(library, qemu, sizeof(library));
		change(library);
		list(qemu, seen.base, &answers);
		list(library, seen.base, &runs);
		for (i = first; i <= last; i++)
			expected += qemu[i].prot != library[i].prot || qemu[i].gpa != library[i].gpa;
		assert_int_equal(runs_compare(&answers, &runs, iova_of(seen.base, first), iova_of(seen.base, last) + PAGE - 1, see, &seen), expected);
		for (i = 0; i < PAGES; i++)
			assert_int_equal(seen.differs[i], i >= first && i <= last && (qemu[i].prot != library[i].prot || qemu[i].gpa != library[i].gpa));
	}
	free(answers.list);
	free(runs.list);
}

struct gone {
	const struct page *before;
	const struct page *now;
	uint64_t base;
	unsigned int next;
};

static bool is_gone(const struct gone *gone, unsigned int i)
{
	return gone->before[i].prot && !(gone->now[i].prot && gone->now[i].gpa == gone->before[i].gpa);
}

static void see_gone(void *ctx, uint64_t iova, uint64_t gpa)
{
	struct gone *gone = ctx;

	while (gone->next < PAGES && !is_gone(gone, gone->next))
		gone->next++;
	assert_in_range(gone->next, 0, PAGES - 1);
	assert_true(iova == iova_of(gone->base, gone->next) && gpa == gone->before[gone->next].gpa);
	gone->next++;
}

static void test_gone(void **state)
{
	struct page before[PAGES], now[PAGES];
	struct runs old = { 0 }, runs = { 0 };
	unsigned int round;

	(void)state;
	random_state = 815;
	for (round = 0; round < 3000; round++) {
		struct gone gone = { .before = before, .now = now, .base = bases[round % 3] };

		make_pages(before);
		memcpy(now, before, sizeof(now));
		change(now);
		list(before, gone.base, &old);
		list(now, gone.base, &runs);
		runs_each_gone(&old, &runs, see_gone, &gone);
		while (gone.next < PAGES)
			assert_false(is_gone(&gone, gone.next++));
	}
	free(old.list);
	free(runs.list);
}

/* A page beyond guest memory is no translation. */
static void test_clip(void **state)
{
	struct capture_page pages[] = {
		{ .iova = 0, .gpa = 2 * PAGE, .prot = CAPTURE_RW, .count = 2 },
		{ .iova = 4 * PAGE, .gpa = 3 * PAGE, .prot = CAPTURE_RW, .count = 5 },
		{ .iova = 9 * PAGE, .gpa = 4 * PAGE, .prot = CAPTURE_R, .count = 1 },
		{ .iova = 10 * PAGE, .gpa = 0, .prot = CAPTURE_R, .count = 4 },
		{ .iova = 20 * PAGE, .gpa = UINT64_MAX - PAGE + 1, .prot = CAPTURE_R, .count = 1 },
	};
	struct runs runs = { .list = pages, .count = 5, .room = 5 };

	(void)state;
	runs_clip(&runs, 4 * PAGE);
	assert_int_equal(runs.count, 3);
	assert_int_equal(pages[0].count, 2);
	assert_int_equal(pages[1].iova, 4 * PAGE);
	assert_int_equal(pages[1].count, 1);
	assert_int_equal(pages[2].iova, 10 * PAGE);
	assert_int_equal(pages[2].count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_clip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
