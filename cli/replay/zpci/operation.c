// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Operations: each is carried out through the interface that a VMM uses, and its answer is compared
 * with the recorded one.
 *
 * Where the recorded machine had room and this one has not, the capture no longer shows what the
 * guest would do next, and the replay plays the guest's part as Linux does
 * (drivers/iommu/s390-iommu.c): a refresh that answers "insufficient resources" is followed by one
 * refresh of the whole registration. A registration that finds no room leaves the function unused
 * until the capture registers again, since the driver in the guest would have given up.
 */
#include "zpci.h"

#include <errno.h>
#include <string.h>

const struct replay_instruction zpci_instructions[ZPCI_INSTRUCTIONS] = {
	[ZPCI_RPCIT] = { "RPCIT", "RPCIT", false },
	[ZPCI_REG_IOAT] = { "MPCIFC.REG_IOAT", "MPCIFC", true },
	[ZPCI_DEREG_IOAT] = { "MPCIFC.DEREG_IOAT", "MPCIFC", true },
	[ZPCI_REREG_IOAT] = { "MPCIFC.REREG_IOAT", "MPCIFC", true },
	[ZPCI_RESET_ERROR] = { "MPCIFC.RESET_ERROR", "MPCIFC", true },
	[ZPCI_RESET_BLOCK] = { "MPCIFC.RESET_BLOCK", "MPCIFC", true },
	[ZPCI_MPCIFC_OTHER] = { "MPCIFC.OTHER", "MPCIFC", false },
	[ZPCI_STPCIFC] = { "STPCIFC", "STPCIFC", false },
	[ZPCI_CLP_ENABLE] = { "CLP.ENABLE", "CLP", true },
	[ZPCI_CLP_DISABLE] = { "CLP.DISABLE", "CLP", true },
	[ZPCI_SCLP_CONFIGURE] = { "SCLP.CONFIGURE", "SCLP", true },
	[ZPCI_SCLP_DECONFIGURE] = { "SCLP.DECONFIGURE", "SCLP", true },
};

unsigned int zpci_instruction_of(const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_RPCIT:
		return ZPCI_RPCIT;
	case CAPTURE_STPCIFC:
		return ZPCI_STPCIFC;
	case CAPTURE_CLP:
		return record->clp.op == CAPTURE_CLP_ENABLE ? ZPCI_CLP_ENABLE : ZPCI_CLP_DISABLE;
	case CAPTURE_SCLP:
		return record->sclp.op == CAPTURE_SCLP_CONFIGURE ? ZPCI_SCLP_CONFIGURE : ZPCI_SCLP_DECONFIGURE;
	default:
		break;
	}
	switch (record->mpcifc.oc) {
	case VIOMMU_ZPCI_OC_REG_IOAT:
		return ZPCI_REG_IOAT;
	case VIOMMU_ZPCI_OC_DEREG_IOAT:
		return ZPCI_DEREG_IOAT;
	case VIOMMU_ZPCI_OC_REREG_IOAT:
		return ZPCI_REREG_IOAT;
	case VIOMMU_ZPCI_OC_RESET_ERROR:
		return ZPCI_RESET_ERROR;
	case VIOMMU_ZPCI_OC_RESET_BLOCK:
		return ZPCI_RESET_BLOCK;
	default:
		return ZPCI_MPCIFC_OTHER;
	}
}

void zpci_event(void *ctx, const struct viommu_zpci_event *event)
{
	struct replay *replay = ctx;
	struct zpci *zpci = zpci_of(replay);

	/* An instruction that the replay adds is not the guest's. */
	if (zpci->making_room)
		return;
	if (zpci->event_count < ZPCI_MAX_EVENTS)
		zpci->events[zpci->event_count] = *event;
	zpci->event_count++;
	replay->counts.events++;
}

static bool is_insufficient(const struct viommu_zpci_answer *answer)
{
	return !answer->exception && answer->cc == 1 && answer->status == VIOMMU_ZPCI_ST_INSUF_RES;
}

/* Counts every instruction that the library has answered. */
static void count_answer(struct replay_counts *counts, const struct viommu_zpci_answer *answer)
{
	counts->pages_established += answer->refresh.established;
	if (is_insufficient(answer))
		counts->insufficient_resources++;
}

static void count_operation(struct replay *replay)
{
	struct replay_counts *counts = &replay->counts;
	const struct replay_operation *operation = &replay->operation;
	struct replay_answers *answers = replay_answers_of(replay);
	const struct viommu_zpci_answer *answer = &zpci_of(replay)->answer;

	counts->operations++;
	answers->count++;
	counts->refused += operation->outcome == REPLAY_REFUSED;
	counts->skipped += operation->outcome == REPLAY_SKIPPED;
	counts->left += operation->outcome == REPLAY_LEFT;
	if (operation->outcome == REPLAY_DONE)
		answers->cc[0]++;
	if (operation->outcome != REPLAY_ANSWERED)
		return;
	count_answer(counts, answer);
	if (!answer->exception) {
		answers->cc[answer->cc & 3]++;
		if (answer->cc == 1)
			answers->status[answer->status]++;
		return;
	}
	counts->exceptions++;
	for (unsigned int i = 0; i < REPLAY_MAX_CODES; i++) {
		if (answers->exceptions[i].count && answers->exceptions[i].code != answer->exception)
			continue;
		answers->exceptions[i].code = answer->exception;
		answers->exceptions[i].count++;
		return;
	}
}

/* Passes an instruction to the library. */
static int call(struct replay *replay, const struct capture_record *record, struct viommu_zpci_answer *answer)
{
	uint64_t r1 = (uint64_t)capture_handle(record) << 32;
	struct viommu_zpci_fib fib = { 0 };

	*answer = (struct viommu_zpci_answer){ .size = sizeof(*answer) };
	switch (record->kind) {
	case CAPTURE_MPCIFC:
		fib.fmt = record->mpcifc.fmt;
		fib.pba = record->mpcifc.pba;
		fib.pal = record->mpcifc.pal;
		fib.iota = record->mpcifc.iota;
		r1 |= (uint64_t)record->mpcifc.dmaas << 16 | record->mpcifc.oc;
		return viommu_zpci_mpcifc(zpci_of(replay)->zpci, r1, &fib, answer);
	case CAPTURE_RPCIT:
		return viommu_zpci_rpcit(zpci_of(replay)->zpci, r1, record->rpcit.start, record->rpcit.bytes, answer);
	default:
		r1 |= (uint64_t)record->stpcifc.dmaas << 16;
		return viommu_zpci_stpcifc(zpci_of(replay)->zpci, &r1, &fib, answer);
	}
}

/* CLP and SCLP: their effect is in the capture. */
static int change_state(const struct capture_record *record, const struct replay_function *of)
{
	if (!of)
		return -ENODEV;
	struct zpci_function *function = zpci_function_of(of);
	if (record->kind == CAPTURE_CLP)
		return record->clp.op == CAPTURE_CLP_ENABLE ? viommu_zpci_enable_as(function->function, record->clp.to)
							    : viommu_zpci_disable_as(function->function, record->clp.to);
	return record->sclp.op == CAPTURE_SCLP_CONFIGURE ? viommu_zpci_configure(function->function) : viommu_zpci_deconfigure(function->function);
}

/* The function's guest gave up on it, so it would not do this. */
static bool must_skip(const struct replay_operation *operation)
{
	if (!operation->function || !zpci_function_of(operation->function)->unregistered)
		return false;
	switch (operation->instruction) {
	case ZPCI_RPCIT:
	case ZPCI_DEREG_IOAT:
	case ZPCI_REREG_IOAT:
	case ZPCI_RESET_ERROR:
	case ZPCI_RESET_BLOCK:
		return true;
	default:
		return false;
	}
}

static void carry_out(struct replay *replay, struct replay_operation *operation)
{
	const struct capture_record *record = &operation->record;
	double before = replay_now();

	if (must_skip(operation)) {
		operation->outcome = REPLAY_SKIPPED;
	} else if (record->kind == CAPTURE_CLP || record->kind == CAPTURE_SCLP) {
		operation->err = change_state(record, operation->function);
		operation->outcome = operation->err ? REPLAY_REFUSED : REPLAY_DONE;
	} else {
		operation->err = call(replay, record, &zpci_of(replay)->answer);
		operation->outcome = REPLAY_ANSWERED;
		if (operation->err)
			operation->outcome = operation->err == -EOPNOTSUPP ? REPLAY_LEFT : REPLAY_REFUSED;
	}
	replay->counts.library_seconds += replay_now() - before;
}

static bool recorded_the_same(const struct capture_answer *recorded, const struct viommu_zpci_answer *answer)
{
	switch (recorded->kind) {
	case CAPTURE_ANSWER_CC:
		return !answer->exception && answer->cc == recorded->cc && (!recorded->has_status || answer->status == recorded->status);
	case CAPTURE_ANSWER_EXCEPTION:
		return answer->exception == recorded->exception;
	default:
		return true;
	}
}

static bool recorded_insufficient(const struct capture_answer *recorded)
{
	return recorded->kind == CAPTURE_ANSWER_CC && recorded->cc == 1 && (!recorded->has_status || recorded->status == VIOMMU_ZPCI_ST_INSUF_RES);
}

/* Executes an instruction that is not in the capture. */
static int call_in_between(struct replay *replay, const struct capture_record *record, struct viommu_zpci_answer *answer)
{
	double before = replay_now();
	zpci_of(replay)->making_room = true;
	int err = call(replay, record, answer);
	zpci_of(replay)->making_room = false;
	replay->counts.library_seconds += replay_now() - before;
	return err;
}

/*
 * The full refresh met a malformed entry, outside of the recorded guest's request. The function's
 * state is restored, so that the capture still fits.
 */
static void recover(struct replay *replay, const struct viommu_zpci_function_info *before)
{
	struct capture_record record = { .kind = CAPTURE_MPCIFC };
	struct viommu_zpci_answer answer;

	record.mpcifc.fh = before->fh;
	record.mpcifc.oc = before->state == VIOMMU_ZPCI_BLOCKED ? VIOMMU_ZPCI_OC_RESET_BLOCK : VIOMMU_ZPCI_OC_RESET_ERROR;
	call_in_between(replay, &record, &answer);
}

/* Refreshes the whole registration. Returns whether that succeeded. */
static bool make_room(struct replay *replay, const struct viommu_zpci_function_info *info)
{
	struct capture_record record = { .kind = CAPTURE_RPCIT };
	struct viommu_zpci_answer answer;
	uint64_t first = info->pba & ~(VIOMMU_PAGE_SIZE - 1);
	uint64_t last = info->pal | (VIOMMU_PAGE_SIZE - 1);

	record.rpcit.fh = info->fh;
	record.rpcit.start = first;
	/* 2^64 bytes do not fit into the length. One byte less is widened to the same pages. */
	record.rpcit.bytes = last - first == UINT64_MAX ? UINT64_MAX : last - first + 1;
	int err = call_in_between(replay, &record, &answer);
	replay->counts.make_room_refreshes++;
	/* No recorded answer includes its changes. */
	if (replay->operation.function->recorded)
		replay->operation.function->recorded->lost = true;
	if (err)
		return false;
	count_answer(&replay->counts, &answer);
	if (!answer.exception && answer.cc == 1 && answer.status == VIOMMU_ZPCI_ST_FUNC_IN_ERR)
		recover(replay, info);
	return !answer.exception && !answer.cc;
}

/* Follows a refresh: the range that is synchronized now, and whether there was room. */
static void after_refresh(struct replay *replay, struct replay_operation *operation)
{
	const struct capture_rpcit *rpcit = &operation->record.rpcit;
	struct viommu_zpci_function_info info = { .size = sizeof(info) };
	struct zpci *zpci = zpci_of(replay);

	if (operation->outcome != REPLAY_ANSWERED)
		return;
	replay->counts.refreshes++;
	if (!operation->function || zpci->answer.exception || !rpcit->bytes)
		return;
	if (__builtin_add_overflow(rpcit->start, rpcit->bytes - 1, &zpci->last))
		return;
	zpci->first = rpcit->start & ~(VIOMMU_PAGE_SIZE - 1);
	zpci->last |= VIOMMU_PAGE_SIZE - 1;
	struct zpci_function *function = zpci_function_of(operation->function);
	viommu_zpci_function_info(function->function, &info);
	bool global = info.registered && zpci->first <= info.pba && zpci->last >= info.pal;
	replay->counts.global_refreshes += global;

	zpci->refreshed = !zpci->answer.cc;
	zpci->short_of_room = is_insufficient(&zpci->answer);
	/*
	 * Another full refresh does not help. A recorded guest that found no room has made room
	 * itself.
	 */
	if (zpci->short_of_room && !global && !recorded_insufficient(&operation->record.answer) && make_room(replay, &info)) {
		zpci->short_of_room = false;
		zpci->refreshed = true;
		global = true;
	}
	if (zpci->short_of_room)
		function->short_of_room = true;
	else if (global && zpci->refreshed)
		function->short_of_room = false;
}

/* Follows operations that end or make a registration. */
static void after_registration(struct zpci *zpci, const struct replay_operation *operation)
{
	bool registers = operation->instruction == ZPCI_REG_IOAT || operation->instruction == ZPCI_REREG_IOAT;

	zpci->short_of_room = operation->outcome == REPLAY_ANSWERED && is_insufficient(&zpci->answer);
	if (!operation->function)
		return;
	struct zpci_function *function = zpci_function_of(operation->function);
	if (operation->outcome == REPLAY_SKIPPED) {
		if (operation->instruction == ZPCI_DEREG_IOAT)
			function->unregistered = false;
		return;
	}
	if (operation->outcome == REPLAY_ANSWERED && registers) {
		function->unregistered = is_insufficient(&zpci->answer) && !recorded_insufficient(&operation->record.answer);
		function->short_of_room = false;
	} else if (operation->outcome == REPLAY_DONE || (operation->outcome == REPLAY_ANSWERED && operation->instruction == ZPCI_DEREG_IOAT)) {
		function->unregistered = false;
		function->short_of_room = false;
	}
}

/* Compares the final answer to the guest with the recorded one. */
static void compare_answer(struct replay *replay, const struct replay_operation *operation)
{
	const struct capture_answer *recorded = &operation->record.answer;
	const struct zpci *zpci = zpci_of(replay);
	const struct viommu_zpci_answer *answer = &zpci->answer;

	if (operation->outcome == REPLAY_REFUSED) {
		replay_disagree(replay, "the library would not carry it out: %s",
				operation->err == -ENODEV ? "no function has this handle" : strerror(-operation->err));
		return;
	}
	if (operation->outcome != REPLAY_ANSWERED || recorded->kind == CAPTURE_ANSWER_NONE)
		return;
	replay->counts.answers_checked++;
	if (recorded_the_same(recorded, answer))
		return;
	/*
	 * A shortage that ended by making room, or that the user's limits caused, is not a
	 * disagreement.
	 */
	if (is_insufficient(answer) && (!zpci->short_of_room || replay->options->limited)) {
		replay->counts.answers_short++;
		return;
	}
	replay->counts.answer_mismatches++;
	replay_disagree(replay, "the answer is not the recorded one");
}

/*
 * The recorded translations of a registration end with it, or with the next one. After a refresh
 * with changes, the recorded machine's answer must follow.
 */
static void follow_recorded(const struct zpci *zpci, const struct replay_operation *operation)
{
	bool done = operation->outcome == REPLAY_DONE || (operation->outcome == REPLAY_ANSWERED && !zpci->answer.exception && !zpci->answer.cc);

	struct recorded *recorded = operation->function ? operation->function->recorded : NULL;
	if (!recorded)
		return;
	switch (operation->instruction) {
	case ZPCI_RPCIT:
		if (operation->outcome == REPLAY_ANSWERED && (zpci->answer.refresh.established || zpci->answer.refresh.released))
			recorded_await(recorded);
		break;
	case ZPCI_REG_IOAT:
	case ZPCI_DEREG_IOAT:
	case ZPCI_REREG_IOAT:
	case ZPCI_CLP_ENABLE:
	case ZPCI_CLP_DISABLE:
	case ZPCI_SCLP_CONFIGURE:
	case ZPCI_SCLP_DECONFIGURE:
		if (done)
			recorded_reset(recorded);
		if (done && (operation->instruction == ZPCI_REG_IOAT || operation->instruction == ZPCI_REREG_IOAT))
			recorded_await(recorded);
		break;
	default:
		break;
	}
}

void zpci_operation(struct replay *replay)
{
	struct replay_operation *operation = &replay->operation;
	struct zpci *zpci = zpci_of(replay);

	*zpci = (struct zpci){ .zpci = zpci->zpci, .change = zpci->change };
	operation->function = zpci_find(replay, capture_handle(&operation->record));
	carry_out(replay, operation);
	operation->established = zpci->answer.refresh.established;
	operation->released = zpci->answer.refresh.released;
	count_operation(replay);
	if (operation->instruction == ZPCI_RPCIT)
		after_refresh(replay, operation);
	else if (operation->instruction != ZPCI_STPCIFC)
		after_registration(zpci, operation);
	follow_recorded(zpci, operation);
	compare_answer(replay, operation);
}
