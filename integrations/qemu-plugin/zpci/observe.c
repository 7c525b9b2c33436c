/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An operation is observed when it has ended, in the thread of its vCPU, which has executed nothing
 * since. Meanwhile other vCPUs may change tables and execute operations of their own. Invariants:
 *  - Observations are recorded in the order in which their tables were read.
 *  - The recorded tables are those that QEMU's walk used: they are read before and after the query,
 *    until nothing has changed in between. If a guest keeps changing them, the observation has no
 *    answers.
 */
#include "zpci/observe.h"

#include <stdlib.h>

#include <viommu/zpci.h>

#include "guest/zpci/decode.h"
#include "timing.h"
#include "zpci/check.h"
#include "zpci/tables.h"

/* How often tables are read again before QEMU's answers are given up. */
#define LOOKS_MAX 16u

static struct {
	struct observer *observer;
	struct functions functions;
	struct stretch answers;
	unsigned int under_way; /* number of operations in progress */
} state;

void observe_start(struct observer *observer)
{
	state.observer = observer;
	zpci_check_start(observer);
}

static bool registers(const struct capture_record *record)
{
	return record->kind == CAPTURE_MPCIFC && (record->mpcifc.oc == VIOMMU_ZPCI_OC_REG_IOAT || record->mpcifc.oc == VIOMMU_ZPCI_OC_REREG_IOAT);
}

/* Finds the range. A length of 0 and a range that wraps around refresh nothing. */
static void find_range(struct operation *operation)
{
	const struct capture_record *record = &operation->record;
	uint64_t start = record->rpcit.start, last = start + (record->rpcit.bytes - 1);
	struct range *range = &operation->range;
	struct function registered = { 0 };
	const struct function *function = &registered;

	operation->refreshes = false;
	if (registers(record)) {
		function_register(&registered, &record->mpcifc);
		*range = (struct range){ .iota = registered.iota, .first = registered.pba, .last = registered.pal };
	} else if (record->kind == CAPTURE_RPCIT && record->rpcit.bytes && last >= start) {
		function = functions_find(&state.functions, record->rpcit.fh);
		if (!function || !function->registered)
			return;
		*range = (struct range){ .iota = function->iota, .first = start & ~(CAPTURE_PAGE_SIZE - 1), .last = last | (CAPTURE_PAGE_SIZE - 1) };
		range->whole = range->first <= function->pba && range->last >= function->pal;
		if (range->first < function->pba)
			range->first = function->pba;
		if (range->last > function->pal)
			range->last = function->pal;
	} else {
		return;
	}
	operation->refreshes = range->first <= range->last && zpci_iota_translates(range->iota);
}

bool observe_begin(struct operation *operation)
{
	struct observer *observer = state.observer;
	bool is_ready;

	observer_enter(observer, false);
	is_ready = observer_is_ready(observer);
	if (is_ready) {
		state.under_way++;
		find_range(operation);
		/*
		 * For the checker. It also brings the tables into the CPU's caches before
		 * everything that is timed.
		 */
		operation->walked = operation->refreshes && observer->checker.ready &&
				    zpci_ask_walk(operation->range.iota, operation->range.first, operation->range.last, &operation->walk);
	}
	observer_leave(observer, false);
	return is_ready;
}

/* Reads the tables that the operation concerns. false if something may be missing. */
static bool look(const struct operation *operation)
{
	const struct capture_rpcit *rpcit = &operation->record.rpcit;
	struct tables *tables = &state.observer->tables;

	tables->changed = false;
	tables->lost = false;
	if (operation->record.kind == CAPTURE_MPCIFC)
		zpci_look(tables, operation->range.iota, 0, UINT64_MAX);
	else
		zpci_look(tables, operation->range.iota, rpcit->start & ~(CAPTURE_PAGE_SIZE - 1),
			  (rpcit->start + (rpcit->bytes - 1)) | (CAPTURE_PAGE_SIZE - 1));
	return !tables->lost;
}

/*
 * Reads the tables and queries QEMU's walk, until two reads around it agree. true if it has
 * answered.
 */
static bool look_and_ask(const struct operation *operation)
{
	const struct range *range = &operation->range;
	unsigned int looks = 0;
	bool complete = look(operation);

	while (complete && operation->refreshes && looks++ < LOOKS_MAX) {
		if (!zpci_ask_walk(range->iota, range->first, range->last, &state.answers))
			return false;
		complete = look(operation);
		if (complete && !state.observer->tables.changed)
			return true;
	}
	return false;
}

static void end_mpcifc(const struct capture_record *record)
{
	struct function *function = functions_get(&state.functions, record->mpcifc.fh);

	if (!function)
		return;
	if (registers(record))
		function_register(function, &record->mpcifc);
	else if (record->mpcifc.oc == VIOMMU_ZPCI_OC_DEREG_IOAT)
		function->registered = false;
}

/* Fills in the machine's answer. true if the instruction was an operation. */
static bool fill_in_answer(struct capture_record *record, const struct ending *ending)
{
	const struct outcome *outcome = &ending->outcome;

	if (outcome->kind == OUTCOME_EXCEPTION && record->kind != CAPTURE_CLP) {
		record->answer = (struct capture_answer){ .kind = CAPTURE_ANSWER_EXCEPTION, .exception = outcome->exception };
		return true;
	}
	if (outcome->kind != OUTCOME_DONE)
		return false;
	if (record->kind == CAPTURE_CLP)
		return !outcome->cc && functions_end_clp(&state.functions, ending->clp, CLP_BLOCK_BYTES, &record->clp);
	record->answer = (struct capture_answer){
		.kind = CAPTURE_ANSWER_CC,
		.cc = outcome->cc,
		.has_status = outcome->cc == 1,
		.status = zpci_r1_status(ending->r1),
	};
	return true;
}

/*
 * Ensures that the function with this handle is recorded. A function that was unplugged and plugged
 * again has another index in its handle, and its removal is not visible. Its FID, which is unique,
 * shows that the former function is gone.
 */
static void introduce(uint32_t fh)
{
	struct recorder *recorder = &state.observer->recorder;
	struct function *function = functions_get(&state.functions, fh), *gone;
	struct capture_record record = { .kind = CAPTURE_FUNCTION };
	uint32_t before;

	if (!function || (function->announced && function->told.fh == fh))
		return;
	gone = function->announced ? function : functions_find_announced(&state.functions, function->told.fid);
	before = gone ? gone->told.fh : 0;
	if (gone && gone != function) {
		gone->announced = false;
		gone->registered = false;
	}
	function->told = function_describe(&state.functions, function, fh);
	function->announced = true;
	if (gone)
		recorder_put(recorder, &(struct capture_record){ .kind = CAPTURE_UNPLUG, .unplug = { .fh = before } });
	record.function = function->told;
	recorder_put(recorder, &record);
	zpci_check_function(&function->told, gone ? &before : NULL);
}

static void observe(struct operation *operation, const struct ending *ending)
{
	struct observer *observer = state.observer;
	struct capture_record *record = &operation->record;
	bool succeeded, concerns = operation->refreshes || registers(record);
	struct changes changes = { 0 };
	struct observation observation;
	struct function *function;

	if (!fill_in_answer(record, ending)) {
		if (record->kind != CAPTURE_CLP && ending->outcome.kind == OUTCOME_UNKNOWN)
			zpci_check_skip();
		return;
	}
	record->time = observer_time(observer);
	succeeded = record->kind != CAPTURE_CLP && ending->outcome.kind == OUTCOME_DONE && !ending->outcome.cc;
	observation = (struct observation){ .changes = &changes, .stretches = &state.answers };
	if (concerns && observer->recorder.writer) {
		/*
		 * An operation that failed has left the translation unchanged, or in an unknown
		 * state.
		 */
		observation.stretch_count = look_and_ask(operation) && succeeded;
		changes = tables_take_changes(&observer->tables);
	}
	if (succeeded && record->kind == CAPTURE_MPCIFC)
		end_mpcifc(record);
	/* Condition code 3 means that the function does not exist. */
	if (record->kind == CAPTURE_CLP || (record->answer.kind == CAPTURE_ANSWER_CC && record->answer.cc != 3))
		introduce(capture_handle(record));
	observation.operation = *record;
	observation.qemu_ns = timing_ns(ending->machine_ticks);
	observation.watch_ns = timing_ns(ending->watch_ticks);
	zpci_check(operation, &observation, state.under_way == 1);
	recorder_put_observation(&observer->recorder, &observation);
	free(changes.list);
	function = record->kind == CAPTURE_CLP ? functions_find(&state.functions, record->clp.fh) : NULL;
	if (function)
		function->told.fh = record->clp.to;
}

void observe_end(struct operation *operation, const struct ending *ending)
{
	struct observer *observer = state.observer;
	/* The checker queries QEMU's devices. */
	bool has_qemu = observer_enter(observer, observer->checker.board);

	if (!observer->off)
		observe(operation, ending);
	state.under_way--;
	observer_leave(observer, has_qemu);
}
