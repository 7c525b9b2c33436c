/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observer.
 *
 * Before an instruction is executed, the tables it concerns are looked at, and the oracle is asked. What it answered is known only later, when the
 * vCPU executes something else. In between, other vCPUs may begin operations of their own. What holds:
 *  - Observations are told in the order in which the tables were looked at, since each one's changes build on those before. They stand in a queue,
 *    and the head waits for its answer.
 *  - The tables as recorded are those that the oracle saw: they are looked at before and after it was asked, until nothing has changed in between. A
 *    guest that keeps changing them gets an observation without answers instead.
 *  - Changes are never lost: where the operation itself turns out to be none (CLP of another kind, an instruction that will be executed again), its
 *    changes go to the one behind it.
 */
#include "observe.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <viommu/zpci.h>

#include "clp.h"
#include "functions.h"
#include "guest/zpci/decode.h"
#include "guest_ram.h"
#include "oracle_walker.h"
#include "tables.h"
#include "timing.h"

/* How often tables are looked at again before the oracle's answers are given up. */
#define LOOKS_MAX 16

/* A vCPU that was stopped for good between an instruction and its end must not hold up the others for ever. */
#define QUEUE_MAX 1024u

struct pending {
	struct observation observation;
	void *begun[WATCHERS_MAX];
	enum { WAITING, COMPLETE, VOID } state;
	bool abandoned; /* out of the queue already: observe_end() only frees it */
	struct pending *next;
};

struct observer {
	pthread_mutex_t lock; /* taken after QEMU's own lock, which idle vCPUs hold when they call */
	struct watcher *watchers[WATCHERS_MAX];
	size_t watcher_count;
	bool tables_wanted;
	struct guest_ram ram;
	struct walker walker;
	struct tables *tables;
	struct functions functions;
	struct pending *head;
	struct pending **tail;
	size_t queued;
	uint64_t began; /* CLOCK_MONOTONIC */
	bool ready;	/* ram and walker have been looked for */
	bool off;	/* nothing is observed: there is no memory to look at, or the end has come */
};

struct observer *observer_create(struct watcher *const *watchers, size_t count)
{
	struct observer *observer = calloc(1, sizeof(*observer));
	size_t i;

	if (!observer)
		return NULL;
	observer->tables = tables_create();
	if (!observer->tables) {
		free(observer);
		return NULL;
	}
	pthread_mutex_init(&observer->lock, NULL);
	for (i = 0; i < count && i < WATCHERS_MAX; i++) {
		observer->watchers[observer->watcher_count++] = watchers[i];
		observer->tables_wanted |= watchers[i]->wants_tables;
	}
	observer->tail = &observer->head;
	observer->began = timing_now();
	return observer;
}

static void note(struct observer *observer, const char *text)
{
	size_t i;

	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->note(observer->watchers[i], text);
}

/* Guest memory does not exist yet when the plugin is loaded, so it is looked for at the first operation. */
static void get_ready(struct observer *observer)
{
	size_t i;

	if (observer->ready)
		return;
	observer->ready = true;
	if (guest_ram_find(&observer->ram)) {
		note(observer, "nothing is watched: this QEMU does not tell where the guest's memory is");
		observer->off = true;
		return;
	}
	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->memory(observer->watchers[i], &observer->ram);
	if (!walker_find(&observer->walker))
		note(observer, "no oracle: this QEMU does not offer its walk of the tables");
}

/* Begins an operation, with the lock held. NULL if there is nothing to do. */
static struct pending *begin(struct observer *observer, enum capture_kind kind)
{
	struct pending *pending;

	get_ready(observer);
	if (observer->off)
		return NULL;
	pending = calloc(1, sizeof(*pending));
	if (!pending)
		return NULL;
	pending->observation.operation.kind = kind;
	pending->observation.operation.time.known = true;
	pending->observation.operation.time.ns = timing_now() - observer->began;
	*observer->tail = pending;
	observer->tail = &pending->next;
	observer->queued++;
	return pending;
}

/* Lets the watchers begin, when the operands are known and the tables have been looked at. */
static void let_begin(struct observer *observer, struct pending *pending)
{
	size_t i;

	for (i = 0; i < observer->watcher_count; i++) {
		struct watcher *watcher = observer->watchers[i];

		if (watcher->begin)
			pending->begun[i] = watcher->begin(watcher, &pending->observation.operation);
	}
}

/*
 * Looks at the entries for the IOVAs first..last, and asks the oracle for those from ask_first to ask_last: until two looks, one on either side of
 * the question, agree.
 */
static void look(struct observer *observer, struct observation *observation, uint64_t iota, uint64_t first, uint64_t last, uint64_t ask_first,
		 uint64_t ask_last)
{
	unsigned int looks = 0;
	int changed;

	if (!observer->tables_wanted)
		return;
	changed = tables_scan(observer->tables, &observer->ram, iota, first, last, &observation->changes);
	if (ask_first > ask_last)
		return;
	do {
		if (changed < 0 || ++looks > LOOKS_MAX || walker_ask(&observer->walker, iota, ask_first, ask_last, &observation->answers)) {
			observation->answers.known = false;
			return;
		}
		changed = tables_scan(observer->tables, &observer->ram, iota, first, last, &observation->changes);
	} while (changed);
}

struct pending *observe_rpcit(struct observer *observer, uint64_t r1, uint64_t start, uint64_t bytes)
{
	uint64_t first = start & ~(CAPTURE_PAGE_SIZE - 1), last = start + bytes - 1;
	struct function *function;
	struct pending *pending;

	pthread_mutex_lock(&observer->lock);
	pending = begin(observer, CAPTURE_RPCIT);
	if (pending) {
		pending->observation.operation.rpcit = (struct capture_rpcit){ .fh = zpci_r1_handle(r1), .start = start, .bytes = bytes };
		function = functions_find(&observer->functions, zpci_r1_handle(r1));
		/* bytes = 0 and ranges that go round the end of the address space refresh nothing. */
		if (function && function->registered && bytes && last >= start) {
			last |= CAPTURE_PAGE_SIZE - 1;
			look(observer, &pending->observation, function->iota, first, last, first > function->pba ? first : function->pba,
			     last < function->pal ? last : function->pal);
		}
		let_begin(observer, pending);
	}
	pthread_mutex_unlock(&observer->lock);
	return pending;
}

struct pending *observe_mpcifc(struct observer *observer, uint64_t r1, const uint8_t *fib)
{
	struct capture_mpcifc mpcifc = {
		.fh = zpci_r1_handle(r1),
		.oc = zpci_r1_operation(r1),
		.dmaas = zpci_r1_dma_space(r1),
		.fmt = fib[ZPCI_FIB_FMT],
		.pba = zpci_load_be64(fib + ZPCI_FIB_PBA),
		.pal = zpci_load_be64(fib + ZPCI_FIB_PAL),
		.iota = zpci_load_be64(fib + ZPCI_FIB_IOTA),
	};
	struct pending *pending;

	if (zpci_operation_is_foreign(mpcifc.oc))
		return NULL;
	pthread_mutex_lock(&observer->lock);
	pending = begin(observer, CAPTURE_MPCIFC);
	if (pending) {
		pending->observation.operation.mpcifc = mpcifc;
		if (mpcifc.oc == VIOMMU_ZPCI_OC_REG_IOAT || mpcifc.oc == VIOMMU_ZPCI_OC_REREG_IOAT)
			look(observer, &pending->observation, mpcifc.iota, 0, UINT64_MAX, mpcifc.pba & ~(CAPTURE_PAGE_SIZE - 1),
			     mpcifc.pal | (CAPTURE_PAGE_SIZE - 1));
		let_begin(observer, pending);
	}
	pthread_mutex_unlock(&observer->lock);
	return pending;
}

struct pending *observe_clp(struct observer *observer)
{
	struct pending *pending;

	pthread_mutex_lock(&observer->lock);
	pending = begin(observer, CAPTURE_CLP);
	pthread_mutex_unlock(&observer->lock);
	return pending;
}

/* CLP has ended: learns what it tells. true if it is an operation. */
static bool end_clp(struct observer *observer, struct observation *observation, const uint8_t *bytes, size_t count)
{
	struct capture_clp *clp = &observation->operation.clp;
	struct clp_block block;
	struct function *function;

	if (!bytes || !clp_parse(bytes, count, &block) || block.code != CLP_RESPONSE_OK)
		return false;
	if (block.command == CLP_QUERY_FUNCTION)
		functions_note_query(&observer->functions, block.request, block.request_bytes, block.response, block.response_bytes);
	if (block.command == CLP_QUERY_GROUP)
		functions_note_group(&observer->functions, block.request, block.request_bytes, block.response, block.response_bytes);
	if (block.command != CLP_SET_FUNCTION || block.request_bytes < CLP_SET_BYTES || block.response_bytes < CLP_SET_NEW_BYTES)
		return false;
	if (block.request[CLP_SET_OC] == CLP_SET_OC_ENABLE)
		clp->op = CAPTURE_CLP_ENABLE;
	else if (block.request[CLP_SET_OC] == CLP_SET_OC_DISABLE)
		clp->op = CAPTURE_CLP_DISABLE;
	else
		return false;
	clp->fh = clp_load(block.request + CLP_SET_FH, 4);
	clp->to = clp_load(block.response + CLP_SET_NEW_FH, 4);
	/* Both leave the function without a registration. */
	function = functions_find(&observer->functions, clp->fh);
	if (function)
		function_deregister(function);
	return true;
}

static void end_mpcifc(struct observer *observer, const struct capture_mpcifc *mpcifc)
{
	struct function *function = functions_get(&observer->functions, mpcifc->fh);

	if (!function)
		return;
	if (mpcifc->oc == VIOMMU_ZPCI_OC_REG_IOAT || mpcifc->oc == VIOMMU_ZPCI_OC_REREG_IOAT)
		function_register(function, mpcifc->iota, mpcifc->pba, mpcifc->pal);
	else if (mpcifc->oc == VIOMMU_ZPCI_OC_DEREG_IOAT)
		function_deregister(function);
}

/* Fills in what the machine answered. true if the instruction was an operation. */
static bool end_operation(struct observer *observer, struct observation *observation, const struct ending *ending)
{
	const struct outcome *outcome = &ending->outcome;
	struct capture_record *operation = &observation->operation;
	bool succeeded = outcome->kind == OUTCOME_DONE && outcome->cc == 0;

	/* What did not succeed has left the translation as it was, or nobody knows how: the oracle's word on the tables is none on that. */
	if (!succeeded)
		observation->answers.known = false;
	if (outcome->kind != OUTCOME_DONE && outcome->kind != OUTCOME_EXCEPTION)
		return false;
	if (operation->kind == CAPTURE_CLP)
		return succeeded && end_clp(observer, observation, ending->block, ending->block_bytes);
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
		end_mpcifc(observer, &operation->mpcifc);
	return true;
}

/*
 * Makes sure that the watchers know the function that has this handle. A function that was unplugged and plugged comes back with another index in its handle,
 * and nobody tells that it left: its FID, which no two functions have at a time, shows that what had it before is gone.
 */
static void introduce(struct observer *observer, uint32_t fh)
{
	struct function *function = functions_get(&observer->functions, fh);
	struct function *gone;
	uint32_t before;
	size_t i;

	if (!function || (function->announced && function->told.fh == fh))
		return;
	gone = function->announced ? function : functions_find_announced(&observer->functions, function->told.fid);
	before = gone ? gone->told.fh : 0;
	if (gone && gone != function) {
		gone->announced = false;
		function_deregister(gone);
	}
	function->told = function_describe(&observer->functions, function, fh);
	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->function(observer->watchers[i], &function->told, gone ? &before : NULL);
	function->announced = true;
}

static void tell(struct observer *observer, struct pending *pending)
{
	const struct observation *observation = &pending->observation;
	const struct capture_record *operation = &observation->operation;
	struct function *function;
	size_t i;

	/* With condition code 3 the machine has said that there is no such function. */
	if (operation->kind == CAPTURE_CLP)
		introduce(observer, operation->clp.fh);
	else if (operation->answer.kind == CAPTURE_ANSWER_CC && operation->answer.cc != 3)
		introduce(observer, operation->kind == CAPTURE_RPCIT ? operation->rpcit.fh : operation->mpcifc.fh);
	for (i = 0; i < observer->watcher_count; i++) {
		observer->watchers[i]->operation(observer->watchers[i], observation, pending->begun[i]);
		pending->begun[i] = NULL;
	}
	if (operation->kind == CAPTURE_CLP) {
		function = functions_find(&observer->functions, operation->clp.fh);
		if (function)
			function->told.fh = operation->clp.to;
	}
}

static void discard(struct observer *observer, struct pending *pending)
{
	size_t i;

	for (i = 0; i < observer->watcher_count; i++) {
		if (pending->begun[i])
			observer->watchers[i]->forget(observer->watchers[i], pending->begun[i]);
	}
	free(pending->observation.changes.list);
	free(pending->observation.answers.list);
	free(pending);
}

/* Puts the changes of an operation that is none before those of the one behind it. false if there is none, or memory is short: it has to wait. */
static bool hand_on_changes(struct pending *pending)
{
	struct changes *from = &pending->observation.changes, *to;
	struct capture_mem *list;

	if (!from->count)
		return true;
	if (!pending->next)
		return false;
	to = &pending->next->observation.changes;
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

/* Tells the watchers of the operations at the head of the queue that are complete. */
static void drain(struct observer *observer)
{
	while (observer->head) {
		struct pending *pending = observer->head;

		if (pending->state == WAITING) {
			if (observer->queued <= QUEUE_MAX)
				return;
			pending->state = VOID;
			pending->abandoned = true;
		}
		pending->observation.alone = observer->queued == 1;
		if (pending->state == COMPLETE)
			tell(observer, pending);
		else if (!hand_on_changes(pending))
			return;
		observer->head = pending->next;
		if (!observer->head)
			observer->tail = &observer->head;
		observer->queued--;
		/* Its vCPU may still come and end it. */
		if (!pending->abandoned)
			discard(observer, pending);
	}
}

/* Takes the lock, and before it QEMU's own if a watcher needs that. */
static void lock_all(struct observer *observer, bool *held)
{
	size_t i;

	for (i = 0; i < observer->watcher_count; i++) {
		struct watcher *watcher = observer->watchers[i];

		held[i] = watcher->lock_machine && watcher->lock_machine(watcher);
	}
	pthread_mutex_lock(&observer->lock);
}

static void unlock_all(struct observer *observer, const bool *held)
{
	size_t i;

	pthread_mutex_unlock(&observer->lock);
	for (i = observer->watcher_count; i-- > 0;) {
		if (held[i])
			observer->watchers[i]->unlock_machine(observer->watchers[i]);
	}
}

void observe_end(struct observer *observer, struct pending *pending, const struct ending *ending)
{
	bool held[WATCHERS_MAX];

	lock_all(observer, held);
	if (pending->abandoned) {
		discard(observer, pending);
	} else {
		pending->observation.machine_ns = timing_ns(ending->machine_ticks);
		pending->observation.watch_ns = timing_ns(ending->watch_ticks);
		pending->state = end_operation(observer, &pending->observation, ending) ? COMPLETE : VOID;
		if (!observer->off)
			drain(observer);
	}
	unlock_all(observer, held);
}

void observe_idle(struct observer *observer)
{
	size_t i;

	pthread_mutex_lock(&observer->lock);
	for (i = 0; i < observer->watcher_count && !observer->off; i++) {
		if (observer->watchers[i]->idle)
			observer->watchers[i]->idle(observer->watchers[i]);
	}
	pthread_mutex_unlock(&observer->lock);
}

void observer_finish(struct observer *observer)
{
	size_t i;

	pthread_mutex_lock(&observer->lock);
	observer->off = true;
	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->end(observer->watchers[i]);
	pthread_mutex_unlock(&observer->lock);
}
