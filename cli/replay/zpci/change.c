// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * For the picture, the change that the last refresh made: the runs within its range before it.
 * Before each operation that refreshes (RPCIT, and a registration, which synchronises all that the
 * tables hold), they are noted; the drawing program compares them with the runs that are there at
 * the end. A range is as large as the guest makes it, so this costs time in proportion to what is
 * mapped in it, and is done only where a picture is asked for.
 */
#include "zpci.h"

#include <inttypes.h>
#include <stdlib.h>

struct zpci_change {
	struct viommu_zpci_function *function; /* NULL: there was no refresh, or something else changed translations after it */
	bool registration;
	uint64_t operation; /* its number */
	uint64_t first, last;
	struct viommu_zpci_answer answer;
	struct viommu_run *before;
	size_t count;
	size_t capacity;
};

static int note_run(void *ctx, const struct viommu_run *run)
{
	struct zpci_change *change = ctx;

	if (change->count == REPLAY_PICTURE_RUNS) {
		change->function = NULL;
		return -1;
	}
	if (change->count == change->capacity) {
		size_t capacity = change->capacity ? change->capacity * 2 : 64;
		struct viommu_run *larger = realloc(change->before, capacity * sizeof(*larger));
		if (!larger) {
			change->function = NULL;
			return -1;
		}
		change->before = larger;
		change->capacity = capacity;
	}
	change->before[change->count++] = *run;
	return 0;
}

static bool takes_registration_away(const struct capture_record *record)
{
	return record->kind == CAPTURE_CLP || record->kind == CAPTURE_SCLP || record->kind == CAPTURE_UNSLOT || record->kind == CAPTURE_UNPLUG ||
	       (record->kind == CAPTURE_MPCIFC && record->mpcifc.oc == VIOMMU_ZPCI_OC_DEREG_IOAT);
}

void zpci_change_before(struct replay *replay, const struct capture_record *record)
{
	struct zpci *zpci = zpci_of(replay);
	bool registers = record->kind == CAPTURE_MPCIFC && (record->mpcifc.oc == VIOMMU_ZPCI_OC_REG_IOAT || record->mpcifc.oc == VIOMMU_ZPCI_OC_REREG_IOAT);
	struct zpci_change *change = zpci->change;

	if (!change)
		change = zpci->change = calloc(1, sizeof(*change));
	if (change && takes_registration_away(record))
		change->function = NULL;
	struct replay_function *function = record->kind == CAPTURE_RPCIT || registers ? zpci_find(replay, capture_handle(record)) : NULL;
	if (!change || !function)
		return;
	change->function = zpci_function_of(function)->function;
	change->registration = registers;
	change->first = 0;
	change->last = UINT64_MAX;
	change->count = 0;
	if (!registers) {
		change->first = record->rpcit.start & ~(VIOMMU_PAGE_SIZE - 1);
		if (!__builtin_add_overflow(record->rpcit.start, record->rpcit.bytes ? record->rpcit.bytes - 1 : 0, &change->last))
			change->last |= VIOMMU_PAGE_SIZE - 1;
		else
			change->last = UINT64_MAX;
	}
	viommu_zpci_function_each_run(zpci_function_of(function)->function, change->first, change->last, note_run, change);
}

void zpci_change_after(struct replay *replay)
{
	const struct replay_operation *operation = &replay->operation;
	struct zpci_change *change = zpci_of(replay)->change;
	bool refreshes = operation->instruction == ZPCI_RPCIT || operation->instruction == ZPCI_REG_IOAT || operation->instruction == ZPCI_REREG_IOAT;

	if (!change || !change->function || !operation->function || !refreshes)
		return;
	change->operation = operation->number;
	change->answer = zpci_of(replay)->answer;
	if (operation->outcome != REPLAY_ANSWERED)
		change->function = NULL;
}

void zpci_change_put(const struct replay *replay, const struct replay_function *function, FILE *to)
{
	const struct zpci_change *change = zpci_of(replay)->change;
	char how[40];

	if (!change || !change->function || change->function != zpci_function_of(function)->function)
		return;
	if (change->answer.exception)
		snprintf(how, sizeof(how), "exception 0x%04" PRIx32, change->answer.exception);
	else if (change->answer.cc == 1)
		snprintf(how, sizeof(how), "cc 1, status %u", change->answer.status);
	else
		snprintf(how, sizeof(how), "cc %u", change->answer.cc);
	fprintf(to,
		"{\"change\":{\"operation\":%" PRIu64 ",\"registration\":%d,\"first\":%" PRIu64 ",\"last\":%" PRIu64
		",\"answer\":\"%s\",\"established\":%" PRIu64 ",\"released\":%" PRIu64 "}}\n",
		change->operation, change->registration, change->first, change->last, how, change->answer.refresh.established, change->answer.refresh.released);
	for (size_t i = 0; i < change->count; i++)
		replay_put_run(to, "before", &change->before[i]);
}

void zpci_change_free(struct zpci_change *change)
{
	if (change)
		free(change->before);
	free(change);
}
