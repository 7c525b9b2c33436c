// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Output about an instruction: its operands, its answer here and on the recorded machine, and its
 * error events.
 */
#include "zpci.h"

#include <inttypes.h>

#include <jansson.h>

static void print_events(const struct zpci *zpci)
{
	if (!zpci->event_count)
		printf(" -");
	for (unsigned int i = 0; i < zpci->event_count && i < ZPCI_MAX_EVENTS; i++)
		printf("%c0x%02" PRIx32 "@0x%" PRIx64, i ? ',' : ' ', zpci->events[i].pec, zpci->events[i].faddr);
	if (zpci->event_count > ZPCI_MAX_EVENTS)
		printf(",+%u", zpci->event_count - ZPCI_MAX_EVENTS);
}

void zpci_print_ops(const struct replay *replay)
{
	const struct zpci *zpci = zpci_of(replay);
	const struct replay_operation *operation = &replay->operation;
	const struct viommu_zpci_answer *answer = &zpci->answer;
	bool answered = operation->outcome == REPLAY_ANSWERED;

	if (operation->outcome == REPLAY_DONE)
		printf(" 0 - -");
	else if (answered && answer->exception)
		printf(" - - 0x%04" PRIx32, answer->exception);
	else if (answered && answer->cc == 1)
		printf(" 1 %u -", answer->status);
	else if (answered)
		printf(" %u - -", answer->cc);
	else
		printf(" - - -");
	print_events(zpci);
}

void zpci_print_json(const struct replay *replay, void *object)
{
	const struct zpci *zpci = zpci_of(replay);
	const struct replay_operation *operation = &replay->operation;
	json_t *events = json_array();
	bool answered = operation->outcome == REPLAY_ANSWERED && !zpci->answer.exception;

	json_t *cc = answered ? json_integer(zpci->answer.cc) : operation->outcome == REPLAY_DONE ? json_integer(0) : json_null();
	json_object_set_new(object, "cc", cc);
	json_object_set_new(object, "status", answered && zpci->answer.cc == 1 ? json_integer(zpci->answer.status) : json_null());
	if (operation->outcome == REPLAY_ANSWERED && zpci->answer.exception)
		replay_set_hex(object, "exception", zpci->answer.exception);
	else
		json_object_set_new(object, "exception", json_null());
	for (unsigned int i = 0; i < zpci->event_count && i < ZPCI_MAX_EVENTS; i++) {
		json_t *event = json_object();
		replay_set_hex(event, "pec", zpci->events[i].pec);
		replay_set_hex(event, "faddr", zpci->events[i].faddr);
		json_array_append_new(events, event);
	}
	json_object_set_new(object, "events", events);
}

static const char *exception_name(uint32_t code)
{
	switch (code) {
	case VIOMMU_ZPCI_PGM_PRIVILEGED:
		return "privileged operation";
	case VIOMMU_ZPCI_PGM_ADDRESSING:
		return "addressing";
	case VIOMMU_ZPCI_PGM_SPECIFICATION:
		return "specification";
	case VIOMMU_ZPCI_PGM_OPERAND:
		return "operand";
	default:
		return "program exception";
	}
}

static const char *pec_name(uint32_t pec)
{
	switch (pec) {
	case VIOMMU_ZPCI_PEC_INVALAS:
		return "no registration";
	case VIOMMU_ZPCI_PEC_OORANGE:
		return "out of range";
	case VIOMMU_ZPCI_PEC_INVALTF:
		return "translation format";
	case VIOMMU_ZPCI_PEC_TPROTE:
		return "protection";
	case VIOMMU_ZPCI_PEC_INVALTE:
		return "table entry";
	case VIOMMU_ZPCI_PEC_INVALTL:
		return "table length";
	case VIOMMU_ZPCI_PEC_TT:
		return "table type";
	default:
		return "error event";
	}
}

static void print_fault(const struct viommu_fault *fault)
{
	fprintf(stderr, "%s", viommu_fault_name(fault->reason));
	if (fault->entry_gpa != UINT64_MAX)
		fprintf(stderr, ": entry 0x%" PRIx64 " at guest address 0x%" PRIx64 ", level %" PRIu32, fault->entry, fault->entry_gpa, fault->level);
}

static void print_recorded(const struct capture_answer *recorded)
{
	if (recorded->kind == CAPTURE_ANSWER_EXCEPTION)
		fprintf(stderr, "; recorded: exception 0x%04x (%s)", recorded->exception, exception_name(recorded->exception));
	else if (recorded->kind == CAPTURE_ANSWER_CC && recorded->has_status)
		fprintf(stderr, "; recorded: cc %u status %u", recorded->cc, recorded->status);
	else if (recorded->kind == CAPTURE_ANSWER_CC)
		fprintf(stderr, "; recorded: cc %u", recorded->cc);
}

static void print_answer(const struct replay *replay)
{
	const struct zpci *zpci = zpci_of(replay);
	const struct replay_operation *operation = &replay->operation;
	const struct viommu_zpci_answer *answer = &zpci->answer;

	if (operation->outcome != REPLAY_ANSWERED)
		return;
	if (answer->exception)
		fprintf(stderr, ", here: exception 0x%04" PRIx32 " (%s)", answer->exception, exception_name(answer->exception));
	else if (answer->cc == 1)
		fprintf(stderr, ", here: cc 1 status %u", answer->status);
	else
		fprintf(stderr, ", here: cc %u", answer->cc);
	for (unsigned int i = 0; i < zpci->event_count && i < ZPCI_MAX_EVENTS; i++) {
		const struct viommu_zpci_event *event = &zpci->events[i];
		fprintf(stderr, ", event 0x%02" PRIx32 " (%s) at IOVA 0x%" PRIx64, event->pec, pec_name(event->pec), event->faddr);
		if (event->fault.reason != VIOMMU_FAULT_NONE) {
			fprintf(stderr, " [");
			print_fault(&event->fault);
			fprintf(stderr, "]");
		}
	}
}

void zpci_print_operation(const struct replay *replay)
{
	const struct capture_record *record = &replay->operation.record;

	fprintf(stderr, ", function 0x%08" PRIx32, capture_handle(record));
	if (record->kind == CAPTURE_RPCIT)
		fprintf(stderr, ", start 0x%" PRIx64 ", 0x%" PRIx64 " bytes", record->rpcit.start, record->rpcit.bytes);
	if (record->kind == CAPTURE_MPCIFC)
		fprintf(stderr, ", pba 0x%" PRIx64 ", pal 0x%" PRIx64 ", iota 0x%" PRIx64, record->mpcifc.pba, record->mpcifc.pal, record->mpcifc.iota);
	print_recorded(&record->answer);
	print_answer(replay);
}

void zpci_print_summary(const struct replay_counts *counts)
{
	if (counts->refreshes)
		cli_line("refreshes", CLI_PLAIN, "%s, %s of all that is registered; %s inside the library", cli_count(counts->refreshes),
			 cli_count(counts->global_refreshes), cli_seconds(counts->library_seconds));
}
