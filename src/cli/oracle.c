// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The shadow compared with the recorded machine's translations, in both directions: what the oracle has must be there, exactly so, and nothing else may be.
 *
 * Both sides are streams in ascending order of IOVA: the page records as they are read, and the function's runs, asked for one page record at a time.
 * So an answer of any length is compared without being held.
 *
 * Two differences are none. A page that the oracle translates to where the guest has no memory is expected to be missing, and one in a slot that devices
 * may only read is expected to be read-only: the recorded walker looked at tables alone. And where the user has limited what the library may use, pages
 * may be missing for which there was no room; what is there must be right all the same.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>

/* Expected for some IOVAs: a translation, or none. */
struct expected {
	bool mapped;
	uint64_t gpa; /* of the first IOVA */
	uint32_t prot;
};

struct comparison {
	struct replay *replay;
	const struct expected *expected;
	uint64_t first; /* of all that is expected */
	uint64_t next;	/* up to here, everything was compared */
	bool full;	/* all of it was */
	uint64_t last;
};

static uint64_t pages(uint64_t first, uint64_t last)
{
	return (last - first) / VIOMMU_PAGE_SIZE + 1;
}

static void mismatch(struct comparison *comparison, uint64_t first, uint64_t last, const struct viommu_run *run)
{
	const struct expected *expected = comparison->expected;
	char wanted[64] = "nothing", found[64] = "nothing";

	if (expected->mapped)
		snprintf(wanted, sizeof(wanted), "0x%" PRIx64 " %s", expected->gpa + (first - comparison->first), capture_rights_name(expected->prot));
	if (run)
		snprintf(found, sizeof(found), "0x%" PRIx64 " %s", run->gpa + (first - run->first), capture_rights_name(run->prot));
	comparison->replay->counts.oracle_mismatches += pages(first, last);
	replay_disagree(comparison->replay, "IOVA 0x%" PRIx64 "..0x%" PRIx64 ": the oracle has %s, the shadow has %s", first, last, wanted, found);
}

/* Pages that should be there and are not. Only those that the operation has not made true may be missing for want of room. */
static void missing(struct comparison *comparison, uint64_t first, uint64_t last)
{
	const struct replay *replay = comparison->replay;
	const struct replay_operation *operation = &replay->operation;
	bool excused = replay->options->limited && operation->function && (operation->function->short_of_room || operation->function->unregistered);

	if (excused && operation->refreshed && operation->first <= last && operation->last >= first) {
		/* What lies beside the refreshed range is excused, what lies in it is not. */
		uint64_t in_first = first > operation->first ? first : operation->first;
		uint64_t in_last = last < operation->last ? last : operation->last;
		comparison->replay->counts.oracle_missing += pages(first, last) - pages(in_first, in_last);
		mismatch(comparison, in_first, in_last, NULL);
	} else if (excused) {
		comparison->replay->counts.oracle_missing += pages(first, last);
	} else {
		mismatch(comparison, first, last, NULL);
	}
}

static int compare_run(void *ctx, const struct viommu_run *run)
{
	struct comparison *comparison = ctx;
	const struct expected *expected = comparison->expected;

	if (expected->mapped && run->first > comparison->next)
		missing(comparison, comparison->next, run->first - 1);
	if (!expected->mapped || run->gpa != expected->gpa + (run->first - comparison->first) || run->prot != expected->prot)
		mismatch(comparison, run->first, run->last, run);
	comparison->full = run->last >= comparison->last;
	comparison->next = run->last + 1;
	return 0;
}

static void compare(struct replay *replay, uint64_t first, uint64_t last, const struct expected *expected)
{
	struct comparison comparison = { .replay = replay, .expected = expected, .first = first, .next = first, .last = last };
	struct replay_function *function = replay->operation.function;

	if (function)
		viommu_zpci_function_each_run(function->function, first, last, compare_run, &comparison);
	if (expected->mapped && !comparison.full)
		missing(&comparison, comparison.next, last);
}

static void expect_nothing(struct replay *replay, uint64_t first, uint64_t last)
{
	static const struct expected nothing = { .mapped = false };

	compare(replay, first, last, &nothing);
}

/* Where the answers are kept for the end, if they are. */
static struct recorded *recorded_of(const struct replay *replay)
{
	return replay->operation.function ? replay->operation.function->recorded : NULL;
}

void replay_oracle_begin(struct replay *replay, const struct capture_oracle *oracle)
{
	replay_oracle_end(replay);
	replay->oracle = (struct replay_oracle){ .open = true, .next = oracle->first, .last = oracle->last };
	replay->counts.oracle_checks++;
	if (recorded_of(replay))
		recorded_clear(recorded_of(replay), oracle->first, oracle->last);
}

void replay_oracle_page(struct replay *replay, const struct capture_page *page)
{
	struct replay_oracle *oracle = &replay->oracle;
	uint64_t last = page->iova + (page->count * VIOMMU_PAGE_SIZE - 1);

	if (page->iova > oracle->next)
		expect_nothing(replay, oracle->next, page->iova - 1);
	/* A slot at a time: their ends are where memory ends, and where rights change. */
	for (uint64_t done = 0; done < page->count;) {
		uint64_t first = page->iova + done * VIOMMU_PAGE_SIZE;
		uint64_t gpa = page->gpa + done * VIOMMU_PAGE_SIZE;
		const struct guest_slot *slot = guest_find(&replay->guest, gpa);
		uint64_t part = slot ? (slot->bytes - (gpa - slot->gpa)) / VIOMMU_PAGE_SIZE : 1;
		if (part > page->count - done)
			part = page->count - done;
		uint64_t part_last = first + (part * VIOMMU_PAGE_SIZE - 1);
		if (slot) {
			struct expected expected = { .mapped = true, .gpa = gpa, .prot = page->prot & slot->prot };
			struct viommu_run run = { .first = first, .last = part_last, .gpa = gpa, .prot = expected.prot };
			compare(replay, first, part_last, &expected);
			if (recorded_of(replay))
				recorded_add(recorded_of(replay), &run);
		} else {
			expect_nothing(replay, first, part_last);
			replay->counts.oracle_unbacked += part;
		}
		done += part;
	}
	replay->counts.oracle_pages += page->count;
	oracle->full = last == oracle->last;
	oracle->next = last + 1;
}

void replay_oracle_end(struct replay *replay)
{
	struct replay_oracle *oracle = &replay->oracle;

	if (oracle->open && !oracle->full)
		expect_nothing(replay, oracle->next, oracle->last);
	oracle->open = false;
}
