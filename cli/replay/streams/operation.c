// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Operations: a vCPU's store and a driver's request are executed like in a VMM, and the guest
 * IOMMU's counters show their effect. A kick changes nothing: the oracle that follows lists the
 * pages that the device may reach.
 */
#include "streams.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static struct unit_counts counts_of(const struct streams *streams)
{
	struct unit_counts counts = { .commands = 0 };

	streams->type->counts(streams->unit, &counts);
	return counts;
}

/* A request's status, which the recorded machine has, too. */
static void compare_status(struct replay *replay, const struct capture_request *request, int status)
{
	if (status < 0 || !request->has_status)
		return;
	replay->counts.answers_checked++;
	if (status == request->status)
		return;
	replay->counts.answer_mismatches++;
	replay_disagree(replay, "the status was %u, the library's is %d", request->status, status);
}

static void execute(struct replay *replay, struct replay_operation *operation)
{
	struct streams *streams = streams_of(replay);
	struct unit_counts before = counts_of(streams);
	double begin = replay_now();
	int status = streams->type->operate(streams->unit, &operation->record);

	operation->err = status < 0 ? status : 0;
	replay->counts.library_seconds += replay_now() - begin;

	struct unit_counts after = counts_of(streams);
	operation->outcome = operation->err ? REPLAY_REFUSED : REPLAY_DONE;
	streams->commands = after.commands - before.commands;
	streams->refreshes = after.refreshes - before.refreshes;
	/* The queue stops at an error, so there is at most one. */
	if (after.errors != before.errors)
		streams->error = after.error;
	replay->counts.commands += streams->commands;
	replay->counts.invalidations += after.invalidations - before.invalidations;
	replay->counts.configurations += after.configs - before.configs;
	replay->counts.refreshes += streams->refreshes;
	replay->counts.command_errors += after.errors - before.errors;
	replay->counts.insufficient_resources += after.insufficient - before.insufficient;
	if (operation->record.kind == CAPTURE_REQUEST)
		compare_status(replay, &operation->record.request, status);
}

void streams_operation(struct replay *replay)
{
	struct replay_operation *operation = &replay->operation;
	struct streams *streams = streams_of(replay);

	streams->commands = streams->refreshes = streams->error = 0;
	if (operation->record.kind != CAPTURE_KICK) {
		execute(replay, operation);
	} else {
		struct capture_oracle of = { .sid = operation->record.kick.sid };
		operation->function = replay->iommu->asked(replay, &of);
		operation->err = operation->function ? 0 : -ENODEV;
		operation->outcome = operation->err ? REPLAY_REFUSED : REPLAY_DONE;
	}
	replay->counts.operations++;
	replay_answers_of(replay)->count++;
	streams_count_pages(replay);
	if (operation->outcome != REPLAY_REFUSED)
		return;
	replay->counts.refused++;
	if (operation->err == -ENODEV)
		replay_disagree(replay, "the library would not carry it out: no device has this %s", streams->type->sid_name);
	else
		replay_disagree(replay, "the library would not carry it out: %s", strerror(-operation->err));
}
