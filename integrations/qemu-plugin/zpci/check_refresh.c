/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One operation of the guest, done by the library at the moment when the guest is about to execute it, and compared with QEMU's walk of the same tables.
 *
 * Other vCPUs run on meanwhile, and change tables. So QEMU's walker is asked before the library's refresh and once more behind it. The library must
 * agree with one of the two answers. If it agrees with neither although they are the same, it is wrong. If they differ, the tables have changed in
 * between, and all is done again. (A change that was taken back in between would deceive this; a guest refreshes between the two, and that waits for the
 * observer's lock, which this has.)
 *
 * For the times this order is fair: QEMU's first walk brings the tables into the CPU's caches, where the library and QEMU's second walk, which is the
 * one that is timed, find them alike.
 */
#include "checker_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "guest/zpci/decode.h"
#include "timing.h"

/* How often all is done again before a question is given up. */
#define TRIES_MAX 16u

/* Differences of one operation that are described; the others are counted. */
#define DESCRIBED_MAX 4u

static bool registers(const struct capture_mpcifc *mpcifc)
{
	return mpcifc->oc == VIOMMU_ZPCI_OC_REG_IOAT || mpcifc->oc == VIOMMU_ZPCI_OC_REREG_IOAT;
}

/* What range the operation makes true, by which tables. */
static void find_range(struct check *check)
{
	const struct capture_rpcit *rpcit = &check->operation.rpcit;
	const struct capture_mpcifc *mpcifc = &check->operation.mpcifc;
	struct viommu_zpci_function_info info = { .size = sizeof(info) };

	if (!check->function)
		return;
	if (check->operation.kind == CAPTURE_MPCIFC) {
		check->first = mpcifc->pba & ~(VIOMMU_PAGE_SIZE - 1);
		check->last = mpcifc->pal | (VIOMMU_PAGE_SIZE - 1);
		check->iota = mpcifc->iota;
		check->translated = registers(mpcifc) && zpci_iota_translates(check->iota) && check->first <= check->last;
		return;
	}
	viommu_zpci_function_info(check->function->function, &info);
	if (!info.registered || info.direct || !rpcit->bytes || rpcit->start + (rpcit->bytes - 1) < rpcit->start)
		return;
	check->first = rpcit->start & ~(VIOMMU_PAGE_SIZE - 1);
	check->last = (rpcit->start + (rpcit->bytes - 1)) | (VIOMMU_PAGE_SIZE - 1);
	check->iota = info.iota;
	if (check->first <= info.pba && check->last >= info.pal)
		check->kind = LIVE_WHOLE;
	if (check->first < info.pba)
		check->first = info.pba;
	if (check->last > info.pal)
		check->last = info.pal;
	check->translated = check->first <= check->last;
}

static int call(struct checker *checker, const struct capture_record *operation, struct viommu_zpci_answer *answer)
{
	const struct capture_rpcit *rpcit = &operation->rpcit;
	const struct capture_mpcifc *mpcifc = &operation->mpcifc;

	*answer = (struct viommu_zpci_answer){ .size = sizeof(*answer) };
	answer->refresh.size = sizeof(answer->refresh);
	if (operation->kind == CAPTURE_MPCIFC) {
		struct viommu_zpci_fib fib = { .fmt = mpcifc->fmt, .pba = mpcifc->pba, .pal = mpcifc->pal, .iota = mpcifc->iota };

		return viommu_zpci_mpcifc(checker->zpci, zpci_r1_make(mpcifc->fh, mpcifc->dmaas, mpcifc->oc), &fib, answer);
	}
	return viommu_zpci_rpcit(checker->zpci, zpci_r1_make(rpcit->fh, 0, 0), rpcit->start, rpcit->bytes, answer);
}

bool check_walk(const struct checker *checker, const struct check *check, struct answers *answers)
{
	if (walker_ask(&checker->walker, check->iota, check->first, check->last, answers))
		return false;
	answers_clip(answers, checker->ram.bytes);
	return true;
}

static void collect(const struct check *check, struct runs *runs)
{
	runs_clear(runs);
	if (check->function && check->translated)
		viommu_zpci_function_each_run(check->function->function, check->first, check->last, runs_add, runs);
}

struct describing {
	struct checker *checker;
	const struct check *check;
	unsigned int described;
};

static void put_side(char *text, size_t bytes, uint64_t gpa, uint32_t prot)
{
	if (prot)
		snprintf(text, bytes, "0x%" PRIx64 " %s", gpa, prot == VIOMMU_RW ? "rw" : "r");
	else
		snprintf(text, bytes, "nothing");
}

static void describe(void *ctx, const struct difference *difference)
{
	struct describing *describing = ctx;
	uint64_t count = (difference->last - difference->first) / VIOMMU_PAGE_SIZE + 1;
	char qemu[32], library[32];

	put_side(qemu, sizeof(qemu), difference->qemu_gpa, difference->qemu_prot);
	put_side(library, sizeof(library), difference->library_gpa, difference->library_prot);
	if (describing->described++ < DESCRIBED_MAX)
		check_disagree_at(describing->checker, describing->check, LIVE_WALKER, count, difference->first,
				  "IOVA 0x%" PRIx64 "..0x%" PRIx64 ": QEMU's walk has %s, the library %s", difference->first, difference->last, qemu, library);
	else
		check_disagree(describing->checker, describing->check, LIVE_WALKER, count, NULL);
}

static bool agrees(const struct answers *answers, const struct runs *runs, const struct check *check)
{
	return !runs_compare(answers, runs, check->first, check->last, NULL, NULL);
}

/* Compares what is translated now with QEMU's walk before and, asked here, behind the refresh. */
static void compare(struct checker *checker, struct check *check)
{
	uint64_t pages = (check->last - check->first) / VIOMMU_PAGE_SIZE + 1;
	struct capture_record again = { .kind = CAPTURE_RPCIT };
	struct viommu_zpci_answer answer;
	unsigned int tries;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		struct answers swap = checker->before;
		uint64_t began = timing_ticks();
		bool asked = walker_ask(&checker->walker, check->iota, check->first, check->last, &checker->after) == 0;
		uint64_t took = timing_ticks() - began;

		if (!tries) {
			check->walker_timed = asked;
			check->walker_ns = timing_ns(took);
		}
		if (!asked || checker->runs.short_of_memory)
			break;
		answers_clip(&checker->after, checker->ram.bytes);
		answers_copy(&check->walked, &checker->after);
		if (agrees(&checker->before, &checker->runs, check) || agrees(&checker->after, &checker->runs, check)) {
			check_count_checks(checker, check, LIVE_WALKER, pages);
			return;
		}
		if (answers_same(&checker->before, &checker->after)) {
			struct describing describing = { .checker = checker, .check = check };

			check_count_checks(checker, check, LIVE_WALKER, pages);
			runs_compare(&checker->after, &checker->runs, check->first, check->last, describe, &describing);
			return;
		}
		checker->before = checker->after;
		checker->after = swap;
		again.rpcit = (struct capture_rpcit){ .fh = capture_handle(&check->operation), .start = check->first, .bytes = check->last - check->first + 1 };
		if (call(checker, &again, &answer) || answer.cc || answer.exception)
			break;
		collect(check, &checker->runs);
	}
	live_add(&checker->board->numbers.skipped[LIVE_WALKER], pages);
}

struct releasing {
	struct checker *checker;
	const struct check *check;
};

static void released(void *ctx, uint64_t iova, uint64_t gpa)
{
	struct releasing *releasing = ctx;
	struct checker *checker = releasing->checker;
	struct numbered *numbered = &releasing->check->function->numbered;
	uint64_t block, expected;

	if (!numbered_released(numbered, &checker->ram, gpa, &block, &expected))
		return;
	check_count_checks(checker, releasing->check, LIVE_DATA, 1);
	if (block != expected)
		check_disagree(checker, releasing->check, LIVE_DATA, 1,
			       "IOVA 0x%" PRIx64 ": the page that was released, at 0x%" PRIx64 ", holds block %" PRIu64 " of the disk, expected is %" PRIu64,
			       iova, gpa, block, expected);
	else
		live_add(&checker->board->numbers.blocks_seen, 1);
}

static enum live_kind kind_of(const struct viommu_refresh_result *result)
{
	if (result->established)
		return result->released ? LIVE_BOTH : LIVE_MAP;
	return result->released ? LIVE_UNMAP : LIVE_NOTHING;
}

void check_carry_out(struct checker *checker, struct check *check)
{
	bool known, data;
	uint64_t began, overhead;

	check->kind = LIVE_NOTHING;
	find_range(check);
	known = check->translated && check_walk(checker, check, &checker->before);
	data = check->translated && check->function->numbered.count && check->operation.kind == CAPTURE_RPCIT;
	if (data)
		collect(check, &checker->old);
	overhead = timing_ticks();
	began = timing_ticks();
	check->error = call(checker, &check->operation, &check->answer);
	check->library_ns = timing_ns(timing_ticks() - began);
	check->overhead_ns = timing_ns(began - overhead);
	if (check->error || check->answer.exception || check->answer.cc) {
		/* The library refuses what QEMU may accept: that is compared when QEMU has answered. */
		check->translated = false;
		return;
	}
	if (check->kind != LIVE_WHOLE)
		check->kind = kind_of(&check->answer.refresh);
	if (!check->translated)
		return;
	collect(check, &checker->runs);
	if (data) {
		struct releasing releasing = { .checker = checker, .check = check };

		runs_each_gone(&checker->old, &checker->runs, released, &releasing);
	}
	if (known)
		compare(checker, check);
	else
		live_add(&checker->board->numbers.skipped[LIVE_WALKER], (check->last - check->first) / VIOMMU_PAGE_SIZE + 1);
}
