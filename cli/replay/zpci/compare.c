// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Compares the recorded machine's translations with the function's runs, in ascending order of
 * IOVA, one part of the answer after the other, and then with accesses. An RPCIT makes the shadow
 * match the tables, so both must agree without a miss. A stopped function keeps its runs, and
 * reaches nothing.
 */
#include "zpci.h"

struct comparison {
	struct replay *replay;
	const struct replay_expected *expected;
	uint64_t next; /* all IOVAs below were compared */
	bool full;     /* all of it was */
};

/* Only pages that the operation has not refreshed may be missing for lack of room. */
static bool excused(const struct replay *replay)
{
	const struct replay_function *function = replay->operation.function;

	return replay->options->limited && function && (zpci_function_of(function)->short_of_room || zpci_function_of(function)->unregistered);
}

bool zpci_excuses(struct replay *replay, uint64_t iova, uint64_t shortages)
{
	const struct zpci *zpci = zpci_of(replay);

	(void)shortages;
	return excused(replay) && !(zpci->refreshed && iova >= zpci->first && iova <= zpci->last);
}

/* Expected pages that are missing. */
static void missing(struct comparison *comparison, uint64_t first, uint64_t last)
{
	struct replay *replay = comparison->replay;
	const struct zpci *zpci = zpci_of(replay);

	if (excused(replay) && zpci->refreshed && zpci->first <= last && zpci->last >= first) {
		/* Pages outside the refreshed range are excused, pages in it are not. */
		uint64_t in_first = first > zpci->first ? first : zpci->first;
		uint64_t in_last = last < zpci->last ? last : zpci->last;
		replay->counts.oracle_missing += replay_pages(first, last) - replay_pages(in_first, in_last);
		replay_oracle_differs(replay, comparison->expected, in_first, in_last, NULL, "the shadow has");
	} else if (excused(replay)) {
		replay->counts.oracle_missing += replay_pages(first, last);
	} else {
		replay_oracle_differs(replay, comparison->expected, first, last, NULL, "the shadow has");
	}
}

static int compare_run(void *ctx, const struct viommu_run *run)
{
	struct comparison *comparison = ctx;
	const struct replay_expected *expected = comparison->expected;

	if (expected->mapped && run->first > comparison->next)
		missing(comparison, comparison->next, run->first - 1);
	if (!expected->mapped || run->gpa != expected->gpa + (run->first - expected->first) || run->prot != expected->prot)
		replay_oracle_differs(comparison->replay, expected, run->first, run->last, run, "the shadow has");
	comparison->full = run->last >= expected->last;
	comparison->next = run->last + 1;
	return 0;
}

void zpci_compare(struct replay *replay, const struct replay_expected *expected)
{
	struct comparison comparison = { .replay = replay, .expected = expected, .next = expected->first };
	const struct replay_expected nothing = { .first = expected->first, .last = expected->last };
	struct replay_function *function = replay->oracle.function;
	uint64_t before = replay->counts.oracle_mismatches + replay->counts.oracle_missing;
	struct replay_aperture aperture;

	if (function && !replay_has_runs(replay, function))
		return;
	if (function)
		viommu_zpci_function_each_run(zpci_function_of(function)->function, expected->first, expected->last, compare_run, &comparison);
	if (expected->mapped && !comparison.full)
		missing(&comparison, comparison.next, expected->last);
	/* Pages that differ are not tried by accesses, and missing ones are counted. */
	if (!function || replay->counts.oracle_mismatches + replay->counts.oracle_missing != before)
		return;
	replay->iommu->aperture(function, &aperture);
	replay_access_compare(replay, aperture.usable ? expected : &nothing);
}
