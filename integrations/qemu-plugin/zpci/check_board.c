/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The numbers on the board.
 */
#include "checker_state.h"

#include "guest/zpci/decode.h"
#include "timing.h"

static void most(uint64_t *peak, uint64_t value)
{
	if (value > live_get(peak))
		live_set(peak, value);
}

void check_count_checks(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t count)
{
	live_add(&checker->board->numbers.checks[oracle], count);
	if (check->function)
		live_add(&check->function->numbers->checks, count);
}

static enum live_function_state state_of(uint32_t state)
{
	switch (state) {
	case VIOMMU_ZPCI_ENABLED:
		return LIVE_FUNCTION_ENABLED;
	case VIOMMU_ZPCI_BLOCKED:
	case VIOMMU_ZPCI_ERROR:
	case VIOMMU_ZPCI_PERMANENT_ERROR:
		return LIVE_FUNCTION_ERROR;
	default:
		return LIVE_FUNCTION_DISABLED;
	}
}

/* Totals of the machine, of which only what is there now can go down. */
static void count_memory(struct checker *checker)
{
	struct live_numbers *numbers = &checker->board->numbers;
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	uint64_t mapped = 0;
	size_t i;

	viommu_vm_stats(checker->vm, &stats);
	for (i = 0; i < checker->function_count; i++)
		mapped += live_get(&checker->functions[i].numbers->mapped_pages);
	live_set(&numbers->mapped_pages, mapped);
	most(&numbers->mapped_pages_peak, mapped);
	live_set(&numbers->pinned_bytes, stats.pinned_bytes);
	live_set(&numbers->pinned_bytes_peak, stats.pinned_bytes_peak);
	live_set(&numbers->shadow_bytes, stats.shadow_bytes);
	live_set(&numbers->shadow_bytes_peak, stats.shadow_bytes_peak);
}

void check_count_function(struct checker *checker, struct checked_function *function)
{
	struct live_function *numbers = function->numbers;
	struct viommu_zpci_function_info info = { .size = sizeof(info) };
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	enum live_function_state state = LIVE_FUNCTION_UNPLUGGED;

	if (function->function) {
		viommu_zpci_function_info(function->function, &info);
		viommu_zpci_function_stats(function->function, &stats);
		state = state_of(info.state);
		live_set(&numbers->fh, info.fh);
	}
	live_set(&numbers->fid, function->fid);
	live_set(&numbers->registered, info.registered);
	live_set(&numbers->direct, info.direct);
	live_set(&numbers->pba, info.pba);
	live_set(&numbers->pal, info.pal);
	live_set(&numbers->iota, info.iota);
	/* A segment table stands above page tables: two levels. */
	live_set(&numbers->levels, info.registered && !info.direct ? zpci_iota_designation(info.iota) + 2u : 0);
	live_set(&numbers->mapped_pages, stats.mapped_pages);
	most(&numbers->mapped_pages_peak, stats.mapped_pages);
	live_set(&numbers->pinned_bytes, stats.mapped_pages * VIOMMU_PAGE_SIZE);
	__atomic_store_n(&numbers->state, state, __ATOMIC_RELEASE);
	count_memory(checker);
}

static void count_refresh(struct checker *checker, const struct check *check, const struct observation *observation)
{
	struct live_numbers *numbers = &checker->board->numbers;
	struct live_function *function = check->function->numbers;
	const struct viommu_refresh_result *result = &check->answer.refresh;

	live_add(&numbers->established, result->established);
	live_add(&numbers->released, result->released);
	live_add(&function->established, result->established);
	live_add(&function->released, result->released);
	if (check->operation.kind != CAPTURE_RPCIT) {
		live_add(&function->registrations, 1);
		return;
	}
	live_add(&numbers->refreshes[check->kind], 1);
	live_add(&function->refreshes[check->kind], 1);
	if (!check->walker_timed)
		return;
	live_histogram_add(&numbers->times[check->kind][LIVE_LIBRARY], check->library_ns);
	live_histogram_add(&numbers->times[check->kind][LIVE_QEMU_WALKER], check->walker_ns);
	live_histogram_add(&numbers->times[check->kind][LIVE_QEMU_WHOLE], observation->machine_ns);
	live_histogram_add(&numbers->overhead, check->overhead_ns);
}

void check_count_operation(struct checker *checker, const struct check *check, const struct observation *observation)
{
	struct live_numbers *numbers = &checker->board->numbers;
	const struct capture_answer *machine = &observation->operation.answer;
	bool succeeded = machine->kind == CAPTURE_ANSWER_CC && machine->cc == 0;

	live_set(&numbers->updated, timing_now());
	live_add(&numbers->watch_ns, observation->watch_ns);
	if (check->operation.kind == CAPTURE_RPCIT) {
		live_add(&numbers->rpcits, 1);
		live_add(&numbers->rpcits_done, succeeded);
	} else if (check->operation.kind == CAPTURE_MPCIFC) {
		live_add(&numbers->mpcifcs, 1);
	} else {
		live_add(&numbers->clps, 1);
	}
	if (machine->kind == CAPTURE_ANSWER_CC && machine->cc == 1 && machine->has_status && machine->status == VIOMMU_ZPCI_ST_INSUF_RES) {
		live_add(&numbers->insufficient, 1);
		if (check->function)
			live_add(&check->function->numbers->insufficient, 1);
	}
	if (check->function && check->translated && succeeded)
		count_refresh(checker, check, observation);
	if (check->function)
		check_count_function(checker, check->function);
}
