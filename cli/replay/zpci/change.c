// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * For the picture, the change that the last refresh made. Before each operation that refreshes
 * (RPCIT, and a registration, which synchronises all that the tables hold), the runs within its
 * range are noted, as the text that the drawing program reads; it compares them with the runs that
 * are there at the end. A range is as large as the guest makes it, so this costs time in proportion
 * to the runs in it, and is done only where a picture is asked for.
 */
#include "zpci.h"

#include <inttypes.h>
#include <stdlib.h>

static bool registers(const struct capture_record *record)
{
	return record->kind == CAPTURE_MPCIFC && (record->mpcifc.oc == VIOMMU_ZPCI_OC_REG_IOAT || record->mpcifc.oc == VIOMMU_ZPCI_OC_REREG_IOAT);
}

static bool takes_registration_away(const struct capture_record *record)
{
	return record->kind == CAPTURE_CLP || record->kind == CAPTURE_SCLP || record->kind == CAPTURE_UNSLOT || record->kind == CAPTURE_UNPLUG ||
	       (record->kind == CAPTURE_MPCIFC && record->mpcifc.oc == VIOMMU_ZPCI_OC_DEREG_IOAT);
}

void zpci_change_before(struct replay *replay, const struct capture_record *record)
{
	struct replay_function *function = record->kind == CAPTURE_RPCIT || registers(record) ? zpci_find(replay, capture_handle(record)) : NULL;
	struct zpci_change *change = &zpci_of(replay)->change;

	if (!change->to)
		change->to = open_memstream(&change->text, &change->bytes);
	if (takes_registration_away(record))
		change->function = NULL;
	if (!change->to || !function)
		return;
	change->registration = registers(record);
	change->first = 0;
	change->last = UINT64_MAX;
	if (!change->registration) {
		uint64_t bytes = record->rpcit.bytes ? record->rpcit.bytes - 1 : 0;
		change->first = record->rpcit.start & ~(VIOMMU_PAGE_SIZE - 1);
		if (!__builtin_add_overflow(record->rpcit.start, bytes, &change->last))
			change->last |= VIOMMU_PAGE_SIZE - 1;
		else
			change->last = UINT64_MAX;
	}
	rewind(change->to);
	change->function = replay_put_runs(replay, function, "before", change->first, change->last, change->to) ? function : NULL;
}

void zpci_change_after(struct replay *replay)
{
	const struct replay_operation *operation = &replay->operation;
	const struct viommu_zpci_answer *answer = &zpci_of(replay)->answer;
	struct zpci_change *change = &zpci_of(replay)->change;
	bool refreshes = operation->instruction == ZPCI_RPCIT || operation->instruction == ZPCI_REG_IOAT || operation->instruction == ZPCI_REREG_IOAT;

	if (!change->function || !operation->function || !refreshes)
		return;
	if (operation->outcome != REPLAY_ANSWERED)
		change->function = NULL;
	fprintf(change->to, "{\"change\":{\"operation\":%" PRIu64 ",\"registration\":%d,\"first\":%" PRIu64 ",\"last\":%" PRIu64, operation->number,
		change->registration, change->first, change->last);
	fprintf(change->to, ",\"cc\":%u,\"status\":%u,\"exception\":%" PRIu32 ",\"established\":%" PRIu64 ",\"released\":%" PRIu64 "}}\n", answer->cc,
		answer->status, answer->exception, answer->refresh.established, answer->refresh.released);
}

void zpci_change_put(const struct replay *replay, const struct replay_function *function, FILE *to)
{
	const struct zpci_change *change = &zpci_of(replay)->change;

	if (change->function == function && !fflush(change->to))
		fwrite(change->text, 1, change->bytes, to);
}

void zpci_change_free(struct zpci_change *change)
{
	if (change->to)
		fclose(change->to);
	free(change->text);
}
