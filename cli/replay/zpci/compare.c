// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The shadow compared with what the recorded machine translated: the function's runs, in ascending
 * order of IOVA, against one part of the answer after the other. An RPCIT makes the shadow true to
 * the tables, so that what it has must be what they say, without asking for anything.
 */
#include "zpci.h"

struct comparison {
	struct replay *replay;
	const struct replay_expected *expected;
	uint64_t next; /* up to here, everything was compared */
	bool full;     /* all of it was */
};

/*
 * Pages that should be there and are not. Only those that the operation has not made true may be
 * missing, as there was no room.
 */
static void missing(struct comparison *comparison, uint64_t first, uint64_t last)
{
	struct replay *replay = comparison->replay;
	const struct zpci *zpci = zpci_of(replay);
	const struct zpci_function *function = replay->operation.function ? zpci_function_of(replay->operation.function) : NULL;
	bool excused = replay->options->limited && function && (function->short_of_room || function->unregistered);

	if (excused && zpci->refreshed && zpci->first <= last && zpci->last >= first) {
		/* Pages beside the refreshed range are excused, pages in it are not. */
		uint64_t in_first = first > zpci->first ? first : zpci->first;
		uint64_t in_last = last < zpci->last ? last : zpci->last;
		replay->counts.oracle_missing += replay_pages(first, last) - replay_pages(in_first, in_last);
		replay_oracle_differs(replay, comparison->expected, in_first, in_last, NULL);
	} else if (excused) {
		replay->counts.oracle_missing += replay_pages(first, last);
	} else {
		replay_oracle_differs(replay, comparison->expected, first, last, NULL);
	}
}

static int compare_run(void *ctx, const struct viommu_run *run)
{
	struct comparison *comparison = ctx;
	const struct replay_expected *expected = comparison->expected;

	if (expected->mapped && run->first > comparison->next)
		missing(comparison, comparison->next, run->first - 1);
	if (!expected->mapped || run->gpa != expected->gpa + (run->first - expected->first) || run->prot != expected->prot)
		replay_oracle_differs(comparison->replay, expected, run->first, run->last, run);
	comparison->full = run->last >= expected->last;
	comparison->next = run->last + 1;
	return 0;
}

void zpci_compare(struct replay *replay, const struct replay_expected *expected)
{
	struct comparison comparison = { .replay = replay, .expected = expected, .next = expected->first };
	struct replay_function *function = replay->oracle.function;

	if (function)
		viommu_zpci_function_each_run(zpci_function_of(function)->function, expected->first, expected->last, compare_run, &comparison);
	if (expected->mapped && !comparison.full)
		missing(&comparison, comparison.next, expected->last);
}
