// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recorded machine's translations, for comparison in both directions: each translation of the
 * oracle must be there, exactly so, and no other may be.
 *
 * They are passed to the guest IOMMU as they are read, in ascending order of IOVA, with the gaps
 * between them. So an answer of any length is compared without being stored.
 *
 * Two differences are expected. A page that the oracle translates to a GPA without memory is
 * missing, and one in a slot that devices may only read is read-only: the recorded walker read only
 * tables. Where the user has limited the library's memory, pages may be missing for lack of room;
 * pages that are there must be right.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t replay_pages(uint64_t first, uint64_t last)
{
	return (last - first) / VIOMMU_PAGE_SIZE + 1;
}

void replay_oracle_differs(struct replay *replay, const struct replay_expected *expected, uint64_t first, uint64_t last, const struct viommu_run *run,
			   const char *finder)
{
	char wanted[64] = "nothing", found[64] = "nothing";

	if (expected->mapped)
		snprintf(wanted, sizeof(wanted), "0x%" PRIx64 " %s", expected->gpa + (first - expected->first), capture_rights_name(expected->prot));
	if (run)
		snprintf(found, sizeof(found), "0x%" PRIx64 " %s", run->gpa + (first - run->first), capture_rights_name(run->prot));
	replay->counts.oracle_mismatches += replay_pages(first, last);
	replay_disagree(replay, "IOVA 0x%" PRIx64 "..0x%" PRIx64 ": the oracle has %s, %s %s", first, last, wanted, finder, found);
}

static void expect_nothing(struct replay *replay, uint64_t first, uint64_t last)
{
	struct replay_expected nothing = { .mapped = false, .first = first, .last = last };

	replay->iommu->compare(replay, &nothing);
}

/* Whether what is established can be held against the oracle. */
static bool is_compared(const struct replay *replay)
{
	return !replay->oracle.function || replay_has_runs(replay, replay->oracle.function);
}

/* The answers are also kept for the end, if requested. */
static struct recorded *recorded_of(const struct replay *replay)
{
	return replay->oracle.function ? replay->oracle.function->recorded : NULL;
}

void replay_oracle_begin(struct replay *replay, const struct capture_oracle *oracle)
{
	replay_oracle_end(replay);
	replay->oracle = (struct replay_oracle){ .open = true, .next = oracle->first, .last = oracle->last, .function = replay->iommu->asked(replay, oracle) };
	replay->counts.oracle_checks += is_compared(replay);
	if (recorded_of(replay))
		recorded_clear(recorded_of(replay), oracle->first, oracle->last);
}

void replay_oracle_page(struct replay *replay, const struct capture_page *page)
{
	struct replay_oracle *oracle = &replay->oracle;
	uint64_t last = page->iova + (page->count * VIOMMU_PAGE_SIZE - 1);

	if (page->iova > oracle->next)
		expect_nothing(replay, oracle->next, page->iova - 1);
	/* One slot at a time: memory ends, and rights change, at the end of slots. */
	for (uint64_t done = 0; done < page->count;) {
		uint64_t first = page->iova + done * VIOMMU_PAGE_SIZE;
		uint64_t gpa = page->gpa + done * VIOMMU_PAGE_SIZE;
		const struct guest_slot *slot = guest_find(&replay->guest, gpa);
		uint64_t part = slot ? (slot->bytes - (gpa - slot->gpa)) / VIOMMU_PAGE_SIZE : 1;
		if (part > page->count - done)
			part = page->count - done;
		uint64_t part_last = first + (part * VIOMMU_PAGE_SIZE - 1);
		if (slot) {
			struct replay_expected expected = { true, first, part_last, gpa, page->prot & slot->prot };
			if (replay->iommu->widens && expected.prot == VIOMMU_WRITE)
				expected.prot = VIOMMU_RW;
			struct viommu_run run = { .first = first, .last = part_last, .gpa = gpa, .prot = expected.prot };
			replay->iommu->compare(replay, &expected);
			if (recorded_of(replay))
				recorded_add(recorded_of(replay), &run);
		} else {
			expect_nothing(replay, first, part_last);
			replay->counts.oracle_unbacked += part;
		}
		done += part;
	}
	replay->counts.oracle_pages += is_compared(replay) ? page->count : 0;
	oracle->full = last == oracle->last;
	oracle->next = last + 1;
}

void replay_oracle_end(struct replay *replay)
{
	struct replay_oracle *oracle = &replay->oracle;

	if (!oracle->open)
		return;
	if (!oracle->full)
		expect_nothing(replay, oracle->next, oracle->last);
	oracle->open = false;
	if (replay->iommu->accesses)
		replay_check(replay, false);
}
