/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct at {
	struct viommu_run run;
	bool found;
};

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct at *at = ctx;

	at->run = *run;
	at->found = true;
	return 1;
}

bool check_at(const struct subject *subject, uint64_t iova, uint64_t *gpa, uint32_t *prot)
{
	struct at at = { .found = false };

	viommu_domain_each_run(subject->domain, iova, iova, take_run, &at);
	if (at.found) {
		*gpa = at.run.gpa + (iova - at.run.first);
		*prot = at.run.prot;
	}
	return at.found;
}

static int count_run(void *ctx, const struct viommu_run *run)
{
	uint64_t *pages = ctx;

	*pages += (run->last - run->first + 1) / PAGE;
	return 0;
}

uint64_t check_pages(const struct subject *subject, uint64_t first, uint64_t last)
{
	uint64_t pages = 0;

	viommu_domain_each_run(subject->domain, first, last, count_run, &pages);
	return pages;
}

/*
 * Compares one page in three ways. run: the domain's report, NULL if it has none. `owed`: a page
 * that the tables name may be absent.
 */
static void check_page(struct mock_host *mock, const struct subject *subject, const struct naive_tables *naive, const struct viommu_run *run, uint64_t iova,
		       bool owed)
{
	const struct guest *guest = subject->tables->guest;
	struct naive_answer answer = naive_walk(&guest->memory, naive, iova);
	unsigned char *hva = NULL;
	uint64_t gpa = run ? run->gpa + (iova - run->first) : 0;
	uint32_t prot = run ? run->prot : 0, host_prot = 0;
	bool named = answer.outcome == NAIVE_PAGE;
	bool reported = run;
	bool reached = subject->space ? mock_reach(mock, subject->space, iova, &hva, &host_prot) : reported;

	if (reported != reached || (reported && !named) || (named && !reported && !owed))
		fail_msg("IOVA %#" PRIx64 ": the tables say %s, the domain %d, the host %d", iova, naive_outcome_name(answer.outcome), reported, reached);
	if (!reported)
		return;
	if (gpa != answer.gpa || prot != (answer.writable ? VIOMMU_RW : VIOMMU_READ))
		fail_msg("IOVA %#" PRIx64 ": the tables say %#" PRIx64 " %d, the domain %#" PRIx64 " %u", iova, answer.gpa, answer.writable, gpa, prot);
	if (subject->space && (hva != guest_hva(guest, gpa) || host_prot != prot))
		fail_msg("IOVA %#" PRIx64 ": the host has it elsewhere, or with rights %u instead of %u", iova, host_prot, prot);
	if (subject->space && mock_reach_stale(mock, subject->space, iova))
		fail_msg("IOVA %#" PRIx64 ": not flushed", iova);
}

/* A range on its way: pages before `next` were checked. */
struct range {
	struct mock_host *mock;
	const struct subject *subject;
	struct naive_tables naive;
	uint64_t next;
	uint64_t last;
	bool owed;
	bool done; /* next went beyond the last page */
};

static void check_up_to(struct range *range, const struct viommu_run *run, uint64_t last)
{
	while (!range->done && range->next <= last) {
		check_page(range->mock, range->subject, &range->naive, run, range->next, range->owed);
		range->done = range->last - range->next < PAGE;
		range->next += PAGE;
	}
}

static int check_run(void *ctx, const struct viommu_run *run)
{
	struct range *range = ctx;

	assert_true(run->prot && run->first <= run->last && run->first >= range->next && !range->done);
	if (run->first)
		check_up_to(range, NULL, run->first - 1);
	check_up_to(range, run, run->last);
	return 0;
}

static void check_range(struct mock_host *mock, const struct subject *subject, uint64_t first, uint64_t last, bool owed)
{
	struct range range = { .mock = mock, .subject = subject, .naive = tables_naive(subject->tables), .next = first, .last = last, .owed = owed };

	viommu_domain_each_run(subject->domain, first, last, check_run, &range);
	check_up_to(&range, NULL, last);
}

void check_true(struct mock_host *mock, const struct subject *subject, uint64_t first, uint64_t last)
{
	check_range(mock, subject, first, last, false);
}

void check_not_stale(struct mock_host *mock, const struct subject *subject, uint64_t first, uint64_t last)
{
	check_range(mock, subject, first, last, true);
}

/* A bit for each page of guest memory that some domain reports. */
struct census {
	const struct guest *guest;
	struct mock_host *mock;
	struct mock_space *space;
	unsigned char *bits[GUEST_AREAS];
	uint64_t distinct;
	uint64_t pages; /* of this domain */
	bool lossy;
};

static void take_page(struct census *census, uint64_t gpa)
{
	for (unsigned int i = 0; i < census->guest->areas; i++) {
		const struct area *area = &census->guest->area[i];
		uint64_t page = (gpa - area->gpa) / PAGE;

		if (gpa < area->gpa || gpa - area->gpa >= area->bytes)
			continue;
		assert_true(area->shown);
		if (!(census->bits[i][page / 8] >> page % 8 & 1))
			census->distinct++;
		census->bits[i][page / 8] |= (unsigned char)(1u << page % 8);
		return;
	}
	fail_msg("GPA %#" PRIx64 " is reported, and is no memory", gpa);
}

static int census_run(void *ctx, const struct viommu_run *run)
{
	struct census *census = ctx;

	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE) {
		unsigned char *hva = NULL;
		uint32_t prot = 0;

		take_page(census, run->gpa + at);
		census->pages++;
		if (!census->space)
			continue;
		if (!mock_reach(census->mock, census->space, run->first + at, &hva, &prot)) {
			if (!census->lossy)
				fail_msg("IOVA %#" PRIx64 " is reported, and the host does not have it", run->first + at);
			census->pages--;
		} else if (hva != guest_hva(census->guest, run->gpa + at) || prot != run->prot) {
			fail_msg("IOVA %#" PRIx64 ": the host has it elsewhere, or with rights %u instead of %u", run->first + at, prot, run->prot);
		}
	}
	return 0;
}

/*
 * Pages that a device may reach: mapped ones, and unflushed ones without a mapped part (the mock
 * host checks that these never overlap).
 */
static uint64_t reachable(struct mock_host *mock, const struct mock_space *space)
{
	uint64_t pages = mock_pages(mock, space);

	for (size_t i = 0; i < space->unflushed.number; i++)
		pages += (space->unflushed.mapping[i].last - space->unflushed.mapping[i].first + 1) / PAGE;
	return pages;
}

static void check(struct mock_host *mock, const struct guest *guest, const struct subject *subjects, unsigned int number, bool lossy)
{
	struct census census = { .guest = guest, .mock = mock, .lossy = lossy };
	uint64_t pinned = guest_pinned(guest);

	for (unsigned int i = 0; i < guest->areas; i++)
		census.bits[i] = calloc((size_t)(guest->area[i].bytes / PAGE / 8 + 1), 1);
	for (unsigned int i = 0; i < number; i++) {
		if (!subjects[i].domain)
			continue;
		census.space = subjects[i].space;
		census.pages = 0;
		viommu_domain_each_run(subjects[i].domain, 0, UINT64_MAX, census_run, &census);
		if (census.space && reachable(mock, census.space) != census.pages)
			fail_msg("the host reaches %" PRIu64 " pages, of which the domain reports %" PRIu64, reachable(mock, census.space), census.pages);
	}
	for (unsigned int i = 0; i < guest->areas; i++)
		free(census.bits[i]);
	if (guest->whole) {
		census.distinct = 0;
		for (unsigned int i = 0; i < guest->areas; i++)
			census.distinct += guest->area[i].shown ? guest->area[i].bytes / PAGE : 0;
	}
	if (pinned != census.distinct * PAGE)
		fail_msg("%" PRIu64 " pages are charged, %" PRIu64 " should be", pinned / PAGE, census.distinct);
	if (mock && mock->breaches)
		fail_msg("%s", mock->breach);
}

void check_books(struct mock_host *mock, const struct guest *guest, const struct subject *subjects, unsigned int number)
{
	check(mock, guest, subjects, number, false);
}

void check_books_after_failure(struct mock_host *mock, const struct guest *guest, const struct subject *subjects, unsigned int number)
{
	check(mock, guest, subjects, number, true);
}
