/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The comparison with QEMU's live shadow.
 *
 * A page that QEMU does not translate must not be asked for, or the guest loses its device; so what the library has is not enough to go by, if it may be
 * wrong. A page is asked for if QEMU's walk had it before the instruction and has it now, and no other operation is under way: then it had it in
 * between, when QEMU carried the instruction out.
 */
#include "checker_state.h"

#include <inttypes.h>

/* Pages of one refresh for which QEMU's live shadow is asked: a sample of them where there are more. */
#define SHADOW_PAGES_MAX 256u

/* Asks for one page that QEMU surely translates. */
static void ask_shadow(struct checker *checker, const struct check *check, struct qemu_space *space, uint64_t iova, size_t *run)
{
	const struct runs *runs = &checker->runs;
	bool mapped;
	uint64_t gpa = 0, expected;

	while (*run < runs->count && runs->list[*run].last < iova)
		++*run;
	mapped = *run < runs->count && runs->list[*run].first <= iova;
	expected = mapped ? runs->list[*run].gpa + (iova - runs->list[*run].first) : 0;
	check_count_checks(checker, check, LIVE_SHADOW, 1);
	if (!shadow_oracle_ask(&checker->shadow, space, iova, &gpa))
		check_disagree_at(checker, check, LIVE_SHADOW, 1, iova, "IOVA 0x%" PRIx64 ": QEMU's device reaches nothing, the library has 0x%" PRIx64, iova,
				  expected);
	else if (!mapped)
		check_disagree_at(checker, check, LIVE_SHADOW, 1, iova, "IOVA 0x%" PRIx64 ": QEMU's device reaches 0x%" PRIx64 ", the library has nothing",
				  iova, gpa);
	else if (gpa != expected)
		check_disagree_at(checker, check, LIVE_SHADOW, 1, iova, "IOVA 0x%" PRIx64 ": QEMU's device reaches 0x%" PRIx64 ", the library has 0x%" PRIx64,
				  iova, gpa, expected);
}

void check_shadow(struct checker *checker, const struct check *check, const struct observation *observation)
{
	struct checked_function *function = check->function;
	struct qemu_space *space;
	uint64_t pages = 0, step, page;
	size_t i, run = 0;

	for (i = 0; i < check->walked.count; i++)
		pages += check->walked.list[i].count;
	if (!pages)
		return;
	space = function->device ? shadow_oracle_space(&checker->shadow, function->device) : NULL;
	if (!space || !observation->alone || !check_walk(checker, check, &checker->after) || !answers_same(&checker->after, &check->walked)) {
		live_add(&checker->board->numbers.skipped[LIVE_SHADOW], pages);
		return;
	}
	runs_clear(&checker->runs);
	viommu_zpci_function_each_run(function->function, check->first, check->last, runs_add, &checker->runs);
	/* Every step-th page, beginning with another one each time. */
	step = (pages + SHADOW_PAGES_MAX - 1) / SHADOW_PAGES_MAX;
	page = function->shadow_next++ % step;
	for (i = 0; i < check->walked.count; i++) {
		const struct capture_page *walked = &check->walked.list[i];

		for (; page < walked->count; page += step)
			ask_shadow(checker, check, space, walked->iova + page * VIOMMU_PAGE_SIZE, &run);
		page -= walked->count;
	}
}
