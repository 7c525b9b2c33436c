// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Invariants after every operation, whatever the guest did, as far as they can be seen from
 * outside:
 *
 *  - the budget is kept;
 *  - exactly the pages that devices can reach are pinned, each page once (all of memory where the
 *    whole guest is pinned, or where a function works untranslated);
 *  - with a host that drives the kernel, in the end: what the kernel counts as pinned for this
 *    process is that, too. iommufd counts a page once (VmPin), type1 once for each IOVA of each
 *    device that leads to it (VmLck). Which pages devices reach on the host kernel is not known:
 *    there what the module says it has pinned is what the process is charged (VmLck);
 *  - runs are in ascending order, do not overlap, and are as many pages as the statistics say;
 *  - where translations can be read back, accesses to both ends of a run reach its memory with its
 *    rights, and no more; of a device that is stopped, nothing;
 *  - after the last function has gone nothing is mapped or pinned.
 *
 * Counting the pages that devices reach costs time in proportion to them. While there are many,
 * that is done now and then only.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdarg.h>

#define THOROUGH_PAGES 4096
#define THOROUGH_EVERY 64

/* Number of runs that are collected: no access is made while runs are reported. */
#define TRIED_RUNS 64

struct tally {
	struct replay *replay;
	bool mark;
	const struct replay_function *function;
	bool direct;
	bool usable;
	bool any; /* a run was seen */
	bool disorder;
	struct viommu_run untrue_run;
	struct viommu_run run[TRIED_RUNS];
	unsigned int runs;
	bool untrue;   /* accesses miss a run, or reach something without a run */
	uint64_t last; /* of the previous run */
	uint64_t pages;
	uint64_t distinct;
};

static void violated(struct replay *replay, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void violated(struct replay *replay, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	replay->counts.invariant_violations++;
	replay_disagree(replay, "%s", text);
}

/* Both ends of a run. The comparison with the recorded machine's translations covers the rest. */
static void try_run(struct tally *tally, const struct viommu_run *run)
{
	uint32_t prot = tally->usable ? run->prot : 0;
	uint64_t last = run->last & ~(VIOMMU_PAGE_SIZE - 1);

	if (!replay_access_is(tally->replay, tally->function, run->first, run->gpa, prot) ||
	    (last != run->first && !replay_access_is(tally->replay, tally->function, last, run->gpa + (last - run->first), prot))) {
		tally->untrue = true;
		tally->untrue_run = *run;
	}
}

static int count_run(void *ctx, const struct viommu_run *run)
{
	struct tally *tally = ctx;

	if (run->first > run->last || (tally->any && run->first <= tally->last))
		tally->disorder = true;
	tally->any = true;
	tally->last = run->last;
	tally->pages += (run->last - run->first) / VIOMMU_PAGE_SIZE + 1;
	if (!tally->direct)
		tally->distinct += guest_mark(&tally->replay->guest, run->gpa, run->last - run->first + 1, tally->mark);
	tally->run[tally->runs++] = *run;
	return tally->runs == TRIED_RUNS;
}

static void count_runs(struct tally *tally)
{
	uint64_t from = 0;
	bool more;

	do {
		tally->runs = 0;
		more = tally->replay->iommu->each_run(tally->function, from, UINT64_MAX, count_run, tally);
		for (unsigned int i = 0; tally->mark && i < tally->runs; i++)
			try_run(tally, &tally->run[i]);
		from = tally->last + 1;
	} while (more && from && !tally->disorder);
}

static uint64_t count_function(struct replay *replay, const struct replay_function *function, bool mark, bool *direct)
{
	const struct replay_iommu *iommu = replay->iommu;
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	struct replay_aperture aperture;

	iommu->stats(function, &stats);
	iommu->aperture(function, &aperture);
	struct tally tally = { .replay = replay, .function = function, .mark = mark, .direct = aperture.direct, .usable = aperture.usable };
	count_runs(&tally);
	*direct = tally.direct;
	if (!mark)
		return 0;
	if (tally.disorder)
		violated(replay, "%s 0x%0*" PRIx32 ": its runs are out of order or overlap", iommu->function, iommu->name_digits, iommu->name(function));
	if (tally.untrue)
		violated(replay, "%s 0x%0*" PRIx32 ": accesses to IOVA 0x%" PRIx64 "..0x%" PRIx64 " %s", iommu->function, iommu->name_digits,
			 iommu->name(function), tally.untrue_run.first, tally.untrue_run.last,
			 tally.usable ? "do not reach what is established there" : "reach memory, though it is stopped");
	if (!tally.direct && tally.pages != stats.mapped_pages)
		violated(replay, "%s 0x%0*" PRIx32 ": %" PRIu64 " pages are mapped, the statistics say %" PRIu64, iommu->function, iommu->name_digits,
			 iommu->name(function), tally.pages, stats.mapped_pages);
	return tally.distinct;
}

/* The number of bytes that should be pinned. */
static uint64_t reachable(struct replay *replay)
{
	uint64_t distinct = 0;
	bool all = replay->options->pin == VIOMMU_PIN_GUEST;

	for (unsigned int i = 0; i < replay->function_count; i++) {
		bool direct;
		distinct += count_function(replay, &replay->functions[i], true, &direct);
		all = all || direct;
	}
	for (unsigned int i = 0; i < replay->function_count; i++) {
		bool direct;
		count_function(replay, &replay->functions[i], false, &direct);
	}
	return all ? replay->guest.bytes : distinct * VIOMMU_PAGE_SIZE;
}

static uint64_t mapped_pages(const struct replay *replay)
{
	uint64_t pages = 0;
	for (unsigned int i = 0; i < replay->function_count; i++) {
		struct viommu_domain_stats stats = { .size = sizeof(stats) };
		if (replay->iommu->shares && replay->iommu->shares(replay, i))
			continue;
		replay->iommu->stats(&replay->functions[i], &stats);
		pages += stats.mapped_pages;
	}
	return pages;
}

void replay_check(struct replay *replay, bool thorough)
{
	struct replay_counts *counts = &replay->counts;
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(replay->vm, &stats);
	counts->pinned_bytes = stats.pinned_bytes;
	counts->pinned_bytes_peak = stats.pinned_bytes_peak;
	counts->shadow_bytes_peak = stats.shadow_bytes_peak;
	counts->guest_bytes = stats.guest_bytes;
	counts->mapped_pages = mapped_pages(replay);
	if (counts->mapped_pages > counts->mapped_pages_peak) {
		counts->mapped_pages_peak = counts->mapped_pages;
		counts->mapped_pages_peak_operation = counts->operations;
	}

	if (stats.pinned_bytes > replay->options->budget || stats.pinned_bytes_peak > replay->options->budget)
		violated(replay, "%" PRIu64 " bytes were pinned, the budget is %" PRIu64, stats.pinned_bytes_peak, replay->options->budget);
	if (!thorough && counts->mapped_pages > THOROUGH_PAGES && counts->operations % THOROUGH_EVERY)
		return;
	counts->invariant_checks++;
	uint64_t expected = reachable(replay);
	if (replay->options->host != REPLAY_KERNEL && stats.pinned_bytes != expected)
		violated(replay, "%" PRIu64 " bytes are pinned, devices reach %" PRIu64, stats.pinned_bytes, expected);
}

/*
 * The number of bytes that the kernel should have pinned, for functions with a device. The kernel
 * does not pin for functions on the soft host.
 */
static bool expect_of_kernel(struct replay *replay, uint64_t *each_iova, uint64_t *distinct)
{
	bool known = true;

	*each_iova = *distinct = 0;
	for (unsigned int i = 0; i < replay->function_count; i++) {
		struct viommu_domain_stats stats = { .size = sizeof(stats) };
		bool direct = false;
		if (replay->functions[i].device < 0) {
			replay->counts.soft_functions++;
			continue;
		}
		*distinct += count_function(replay, &replay->functions[i], true, &direct) * VIOMMU_PAGE_SIZE;
		replay->iommu->stats(&replay->functions[i], &stats);
		*each_iova += stats.mapped_pages * VIOMMU_PAGE_SIZE;
		known = known && !direct;
	}
	for (unsigned int i = 0; i < replay->function_count; i++) {
		bool direct;
		if (replay->functions[i].device >= 0)
			count_function(replay, &replay->functions[i], false, &direct);
	}
	if (replay->options->pin == VIOMMU_PIN_GUEST)
		*distinct = replay->guest.bytes;
	return known;
}

void replay_check_kernel(struct replay *replay)
{
	bool by_iova = replay->options->host == REPLAY_TYPE1, is_locked = by_iova || replay->options->host == REPLAY_KERNEL;
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	uint64_t locked, pinned, each_iova, distinct;

	if (!replay->kernel_host)
		return;
	bool known = expect_of_kernel(replay, &each_iova, &distinct);
	if (!known || !replay_pinned_by_kernel(&locked, &pinned))
		return;
	replay->counts.invariant_checks++;
	viommu_vm_stats(replay->vm, &stats);
	uint64_t expected = by_iova ? each_iova : is_locked ? stats.pinned_bytes : distinct;
	uint64_t found = is_locked ? locked - replay->locked_before : pinned - replay->pinned_before;
	if (found != expected)
		violated(replay, "the kernel has pinned %" PRIu64 " bytes for this process, and devices reach %" PRIu64, found, expected);
}

void replay_check_torn_down(struct replay *replay)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	uint64_t locked, pinned;

	viommu_vm_stats(replay->vm, &stats);
	if (stats.pinned_bytes || stats.domains || stats.slots)
		violated(replay, "after the end %" PRIu64 " bytes are pinned, and there are %" PRIu32 " domains and %" PRIu32 " slots", stats.pinned_bytes,
			 stats.domains, stats.slots);
	if (replay->kernel_host && replay_pinned_by_kernel(&locked, &pinned) && (locked != replay->locked_before || pinned != replay->pinned_before))
		violated(replay, "after the end the kernel still has %" PRIu64 " bytes locked and %" PRIu64 " pinned for this process", locked, pinned);
}
