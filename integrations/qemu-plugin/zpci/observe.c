/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Before an instruction is executed, the tables it concerns are looked at, and QEMU's walk is asked.
 * What the machine answered is known only later, when the vCPU executes something else. In between,
 * other vCPUs may begin operations of their own. What holds:
 *  - Observations are recorded in the order in which the tables were looked at, since each one's
 *    changes build on those before. They stand in a queue, and the head waits for its answer.
 *  - The tables as recorded are those that QEMU saw: they are looked at before and after it was
 *    asked, until nothing has changed in between. If a guest keeps changing them, the observation
 *    has no answers.
 *  - Changes are never lost: if the operation turns out to be none (CLP of another kind, an
 *    instruction that will be executed again), its changes go to the one behind it.
 */
#include "zpci/observe.h"

#include <stdlib.h>
#include <string.h>

#include <viommu/zpci.h>

#include "guest/zpci/decode.h"
#include "timing.h"
#include "zpci/check.h"
#include "zpci/functions.h"
#include "zpci/tables.h"

/* How often tables are looked at again before QEMU's answers are given up. */
#define LOOKS_MAX 16u

/* A vCPU that was stopped for good inside an instruction must not hold up the others for ever. */
#define QUEUE_MAX 1024u

struct pending {
	struct capture_record operation;
	struct changes changes;
	struct stretch answers;
	bool answered;
	struct check check;
	uint64_t machine_ns;
	uint64_t watch_ns;
	enum { WAITING, COMPLETE, VOID } state;
	bool abandoned; /* out of the queue already: observe_end() only frees it */
	struct pending *next;
};

static struct {
	struct observer *observer;
	struct functions functions;
	struct pending *head;
	struct pending **tail;
	size_t queued;
} state = { .tail = &state.head };

void observe_start(struct observer *observer)
{
	state.observer = observer;
	zpci_check_start(observer);
}

/* Looks at the entries for the IOVAs first..last. false if something may be missing. */
static bool look(uint64_t iota, uint64_t first, uint64_t last)
{
	struct tables *tables = &state.observer->tables;

	tables->changed = false;
	tables->lost = false;
	zpci_look(tables, iota, first, last);
	return !tables->lost;
}

/* Looks, and asks QEMU's walk for ask_first..ask_last, until two looks around that agree. */
static void look_and_ask(struct pending *pending, uint64_t iota, uint64_t first, uint64_t last, uint64_t ask_first, uint64_t ask_last)
{
	struct observer *observer = state.observer;
	unsigned int looks = 0;
	bool complete;

	if (!observer->recorder.writer)
		return;
	complete = look(iota, first, last);
	while (complete && ask_first <= ask_last && looks++ < LOOKS_MAX) {
		if (!zpci_ask_walk(iota, ask_first, ask_last, &pending->answers))
			break;
		complete = look(iota, first, last);
		pending->answered = complete && !observer->tables.changed;
		if (pending->answered)
			break;
	}
	pending->changes = tables_take_changes(&observer->tables);
}

static bool registers(const struct capture_mpcifc *mpcifc)
{
	return mpcifc->oc == VIOMMU_ZPCI_OC_REG_IOAT || mpcifc->oc == VIOMMU_ZPCI_OC_REREG_IOAT;
}

/* The tables that an operation concerns. */
static void look_at(struct pending *pending)
{
	const struct capture_rpcit *rpcit = &pending->operation.rpcit;
	const struct capture_mpcifc *mpcifc = &pending->operation.mpcifc;
	uint64_t first = rpcit->start & ~(CAPTURE_PAGE_SIZE - 1), last = (rpcit->start + (rpcit->bytes - 1)) | (CAPTURE_PAGE_SIZE - 1);
	const struct function *function;

	if (pending->operation.kind == CAPTURE_MPCIFC && registers(mpcifc))
		look_and_ask(pending, mpcifc->iota, 0, UINT64_MAX, mpcifc->pba & ~(CAPTURE_PAGE_SIZE - 1), mpcifc->pal | (CAPTURE_PAGE_SIZE - 1));
	if (pending->operation.kind != CAPTURE_RPCIT)
		return;
	function = functions_find(&state.functions, rpcit->fh);
	/* bytes = 0 and ranges that go round the end of the address space refresh nothing. */
	if (function && function->registered && rpcit->bytes && rpcit->start + (rpcit->bytes - 1) >= rpcit->start)
		look_and_ask(pending, function->iota, first, last, first > function->pba ? first : function->pba, last < function->pal ? last : function->pal);
}

struct pending *observe_begin(const struct capture_record *operation)
{
	struct pending *pending = NULL;

	observer_enter(state.observer, false);
	if (observer_is_ready(state.observer))
		pending = calloc(1, sizeof(*pending));
	if (pending) {
		pending->operation = *operation;
		pending->operation.time = observer_time(state.observer);
		*state.tail = pending;
		state.tail = &pending->next;
		state.queued++;
		look_at(pending);
		zpci_check_begin(&pending->check, &pending->operation);
	}
	observer_leave(state.observer, false);
	return pending;
}

static void end_mpcifc(const struct capture_mpcifc *mpcifc)
{
	struct function *function = functions_get(&state.functions, mpcifc->fh);

	if (!function)
		return;
	if (registers(mpcifc))
		function_register(function, mpcifc);
	else if (mpcifc->oc == VIOMMU_ZPCI_OC_DEREG_IOAT)
		function->registered = false;
}

/* Fills in what the machine answered. true if the instruction was an operation. */
static bool end_operation(struct pending *pending, const struct ending *ending)
{
	const struct outcome *outcome = &ending->outcome;
	struct capture_record *operation = &pending->operation;
	bool succeeded = outcome->kind == OUTCOME_DONE && outcome->cc == 0;

	/* An operation that failed has left the translation as it was, or in an unknown state. */
	if (!succeeded)
		pending->answered = false;
	if (outcome->kind != OUTCOME_DONE && outcome->kind != OUTCOME_EXCEPTION)
		return false;
	if (operation->kind == CAPTURE_CLP)
		return succeeded && functions_end_clp(&state.functions, ending->clp, CLP_BLOCK_BYTES, &operation->clp);
	if (outcome->kind == OUTCOME_EXCEPTION) {
		operation->answer.kind = CAPTURE_ANSWER_EXCEPTION;
		operation->answer.exception = outcome->exception;
	} else {
		operation->answer.kind = CAPTURE_ANSWER_CC;
		operation->answer.cc = outcome->cc;
		operation->answer.has_status = outcome->cc == 1;
		operation->answer.status = zpci_r1_status(ending->r1);
	}
	if (operation->kind == CAPTURE_MPCIFC && succeeded)
		end_mpcifc(&operation->mpcifc);
	return true;
}

/*
 * Makes sure that the function that has this handle is recorded. A function that was unplugged and
 * plugged comes back with another index in its handle, and nothing says that it left: its FID, which
 * no two functions have at a time, shows that what had it before is gone.
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

static void tell(struct pending *pending)
{
	const struct capture_record *operation = &pending->operation;
	struct observation observation = {
		.operation = pending->operation,
		.changes = &pending->changes,
		.stretches = &pending->answers,
		.stretch_count = pending->answered,
		.qemu_ns = pending->machine_ns,
		.watch_ns = pending->watch_ns,
	};
	struct function *function;

	/* With condition code 3 the machine has said that there is no such function. */
	if (operation->kind == CAPTURE_CLP || (operation->answer.kind == CAPTURE_ANSWER_CC && operation->answer.cc != 3))
		introduce(capture_handle(operation));
	zpci_check_end(&pending->check, &observation, state.queued == 1);
	recorder_put_observation(&state.observer->recorder, &observation);
	if (operation->kind == CAPTURE_CLP) {
		function = functions_find(&state.functions, operation->clp.fh);
		if (function)
			function->told.fh = operation->clp.to;
	}
}

static void discard(struct pending *pending)
{
	zpci_check_finish(&pending->check);
	free(pending->changes.list);
	free(pending->answers.runs.list);
	free(pending);
}

/*
 * Puts the changes of an operation that is none before those of the one behind it. false if there is
 * none, or memory is short: then it has to wait.
 */
static bool hand_on_changes(struct pending *pending)
{
	struct changes *from = &pending->changes, *to;
	struct capture_mem *list;

	if (!from->count)
		return true;
	if (!pending->next)
		return false;
	to = &pending->next->changes;
	list = reallocarray(from->list, from->count + to->count, sizeof(*list));
	if (!list)
		return false;
	if (to->count)
		memcpy(list + from->count, to->list, to->count * sizeof(*list));
	free(to->list);
	to->list = list;
	to->count += from->count;
	to->room = to->count;
	*from = (struct changes){ 0 };
	return true;
}

/* Records the operations at the head of the queue that are complete. */
static void drain(void)
{
	while (state.head) {
		struct pending *pending = state.head;

		if (pending->state == WAITING) {
			if (state.queued <= QUEUE_MAX)
				return;
			pending->state = VOID;
			pending->abandoned = true;
		}
		if (pending->state == COMPLETE)
			tell(pending);
		else if (!hand_on_changes(pending))
			return;
		state.head = pending->next;
		if (!state.head)
			state.tail = &state.head;
		state.queued--;
		/* Its vCPU may still come and end it. */
		if (!pending->abandoned)
			discard(pending);
	}
}

void observe_end(struct pending *pending, const struct ending *ending)
{
	struct observer *observer = state.observer;
	/* The checker asks QEMU's devices. */
	bool has_qemu = observer_enter(observer, observer->checker.board);

	if (pending->abandoned) {
		discard(pending);
	} else {
		pending->machine_ns = timing_ns(ending->machine_ticks);
		pending->watch_ns = timing_ns(ending->watch_ticks);
		pending->state = end_operation(pending, ending) ? COMPLETE : VOID;
		if (!observer->off)
			drain();
	}
	observer_leave(observer, has_qemu);
}
