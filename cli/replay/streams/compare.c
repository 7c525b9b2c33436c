// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Compares the recorded machine's answers with the accesses of a device model. In ranges without a
 * reached page, everything that is established is tested.
 */
#include "streams.h"

struct comparison {
	struct replay *replay;
	const struct replay_expected *expected;
};

static int stale(void *ctx, const struct viommu_run *run)
{
	struct comparison *comparison = ctx;

	replay_oracle_differs(comparison->replay, comparison->expected, run->first, run->last, run, "the shadow has");
	return 0;
}

uint64_t streams_shortages(const struct replay *replay)
{
	struct unit_counts counts = { .insufficient = 0 };

	/* There is none before its record. */
	if (streams_of(replay)->unit)
		streams_of(replay)->type->counts(streams_of(replay)->unit, &counts);
	return counts.insufficient;
}

/* Any page may be missing if a refresh or a domain reached a limit. */
bool streams_excuses(struct replay *replay, uint64_t iova, uint64_t shortages)
{
	uint64_t more = streams_shortages(replay) - shortages;

	(void)iova;
	replay->counts.insufficient_resources += more;
	return more;
}

int streams_miss(struct replay *replay, struct replay_function *function, const struct viommu_fault *fault)
{
	double begin = replay_now();
	int err = stream_of(function)->type->miss(stream_of(function)->device, fault);

	if (err)
		return err;
	replay->counts.miss_seconds += replay_now() - begin;
	streams_count_pages(replay);
	return 0;
}

void streams_compare(struct replay *replay, const struct replay_expected *expected)
{
	struct comparison comparison = { replay, expected };
	struct replay_function *function = replay->oracle.function;
	uint64_t before = replay->counts.oracle_mismatches;

	if (!function) {
		if (expected->mapped)
			replay_oracle_differs(replay, expected, expected->first, expected->last, NULL, "the shadow has");
		return;
	}
	if (!expected->mapped)
		streams_each_run(function, expected->first, expected->last, stale, &comparison);
	if (replay->counts.oracle_mismatches == before)
		replay_access_compare(replay, expected);
}
