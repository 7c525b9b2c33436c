// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is said where something disagrees: one line on stderr with everything that is known of the operation, for the first few; the rest is counted.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdarg.h>

static void print_fault(const struct viommu_fault *fault)
{
	fprintf(stderr, "%s", replay_reason_name(fault->reason));
	if (fault->entry_gpa != UINT64_MAX)
		fprintf(stderr, ": entry 0x%" PRIx64 " at guest address 0x%" PRIx64 ", level %" PRIu32, fault->entry, fault->entry_gpa, fault->level);
}

static void print_recorded(const struct capture_answer *recorded)
{
	if (recorded->kind == CAPTURE_ANSWER_EXCEPTION)
		fprintf(stderr, "; recorded: exception 0x%04x (%s)", recorded->exception, replay_exception_name(recorded->exception));
	else if (recorded->kind == CAPTURE_ANSWER_CC && recorded->has_status)
		fprintf(stderr, "; recorded: cc %u status %u", recorded->cc, recorded->status);
	else if (recorded->kind == CAPTURE_ANSWER_CC)
		fprintf(stderr, "; recorded: cc %u", recorded->cc);
}

static void print_answer(const struct replay_operation *operation)
{
	const struct viommu_zpci_answer *answer = &operation->answer;

	if (operation->outcome != REPLAY_ANSWERED)
		return;
	if (answer->exception)
		fprintf(stderr, ", here: exception 0x%04" PRIx32 " (%s)", answer->exception, replay_exception_name(answer->exception));
	else if (answer->cc == 1)
		fprintf(stderr, ", here: cc 1 status %u", answer->status);
	else
		fprintf(stderr, ", here: cc %u", answer->cc);
	for (unsigned int i = 0; i < operation->event_count && i < REPLAY_MAX_EVENTS; i++) {
		const struct viommu_zpci_event *event = &operation->events[i];
		fprintf(stderr, ", event 0x%02" PRIx32 " (%s) at IOVA 0x%" PRIx64, event->pec, replay_pec_name(event->pec), event->faddr);
		if (event->fault.reason != VIOMMU_FAULT_NONE) {
			fprintf(stderr, " [");
			print_fault(&event->fault);
			fprintf(stderr, "]");
		}
	}
}

static void print_operation(const struct replay_operation *operation)
{
	const struct capture_record *record = &operation->record;

	fprintf(stderr, " (operation %" PRIu64 ", %s, function 0x%08" PRIx32, operation->number, replay_instruction_name(operation->instruction),
		capture_handle(record));
	if (record->kind == CAPTURE_RPCIT)
		fprintf(stderr, ", start 0x%" PRIx64 ", 0x%" PRIx64 " bytes", record->rpcit.start, record->rpcit.bytes);
	if (record->kind == CAPTURE_MPCIFC)
		fprintf(stderr, ", pba 0x%" PRIx64 ", pal 0x%" PRIx64 ", iota 0x%" PRIx64, record->mpcifc.pba, record->mpcifc.pal, record->mpcifc.iota);
	print_recorded(&record->answer);
	print_answer(operation);
	fprintf(stderr, ")");
}

void replay_disagree(struct replay *replay, const char *format, ...)
{
	const struct replay_operation *operation = &replay->operation;
	va_list args;

	if (++replay->disagreements > REPLAY_SHOWN || replay->options->quiet)
		return;
	/* The progress bar is on this stream, too. */
	fprintf(stderr, "%s%.240s", *cli_colour(stderr, CLI_PLAIN) ? "\r\033[K" : "", replay->path);
	if (operation->number)
		fprintf(stderr, ":%" PRIu64, operation->record.line);
	fprintf(stderr, ": ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (operation->number)
		print_operation(operation);
	fputc('\n', stderr);
}

void replay_disagree_finish(const struct replay *replay)
{
	if (replay->disagreements > REPLAY_SHOWN && !replay->options->quiet)
		fprintf(stderr, "%.240s: and %" PRIu64 " more disagreements\n", replay->path, replay->disagreements - REPLAY_SHOWN);
}
