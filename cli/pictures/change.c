// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the last refresh changed: two lists of runs, before and after, both in ascending order, told apart piece by piece. Of zPCI alone, whose refreshes have
 * a range and an answer.
 */
#include "change.h"

#include <stdlib.h>
#include <string.h>

static int note_run(void *ctx, const struct viommu_run *run)
{
	struct svg_change *change = ctx;

	if (change->count == change->capacity) {
		size_t capacity = change->capacity ? change->capacity * 2 : 64;
		struct viommu_run *larger = realloc(change->before, capacity * sizeof(*larger));
		if (!larger) {
			change->known = false;
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

void svg_change_before(struct svg_change *change, struct replay *replay, const struct capture_record *record)
{
	bool registers = record->kind == CAPTURE_MPCIFC && (record->mpcifc.oc == VIOMMU_ZPCI_OC_REG_IOAT || record->mpcifc.oc == VIOMMU_ZPCI_OC_REREG_IOAT);

	if (takes_registration_away(record))
		svg_change_forget(change);
	if (record->kind != CAPTURE_RPCIT && !registers)
		return;
	struct replay_function *function = zpci_find(replay, capture_handle(record));
	if (!function)
		return;
	change->known = true;
	change->registration = registers;
	change->function = zpci_function_of(function)->function;
	change->first = 0;
	change->last = UINT64_MAX;
	if (!registers) {
		uint64_t bytes = record->rpcit.bytes ? record->rpcit.bytes : 1;
		change->first = record->rpcit.start & ~(VIOMMU_PAGE_SIZE - 1);
		if (!__builtin_add_overflow(record->rpcit.start, bytes - 1, &change->last))
			change->last |= VIOMMU_PAGE_SIZE - 1;
		else
			change->last = UINT64_MAX;
	}
	change->count = 0;
	viommu_zpci_function_each_run(change->function, change->first, change->last, note_run, change);
}

void svg_change_after(struct svg_change *change, const struct replay *replay)
{
	const struct replay_operation *operation = &replay->operation;
	bool registers = operation->instruction == ZPCI_REG_IOAT || operation->instruction == ZPCI_REREG_IOAT;

	if (replay->iommu->guest != CAPTURE_ZPCI || !change->known || !operation->function || (operation->instruction != ZPCI_RPCIT && !registers))
		return;
	change->operation = operation->number;
	change->answer = zpci_of(replay)->answer;
	change->known = operation->outcome == REPLAY_ANSWERED;
}

void svg_change_forget(struct svg_change *change)
{
	change->known = false;
}

struct comparison {
	const struct svg_change *change;
	void (*fn)(void *ctx, bool established, const struct viommu_run *run);
	void *ctx;
	size_t next;	/* of the runs before */
	uint64_t first; /* what is left of it begins here, if that is above its beginning */
};

static void tell(struct comparison *comparison, bool established, const struct viommu_run *run, uint64_t first, uint64_t last)
{
	struct viommu_run part = { .first = first, .last = last, .gpa = run->gpa + (first - run->first), .prot = run->prot };

	comparison->fn(comparison->ctx, established, &part);
}

/* The next run before, or NULL; *first is where what is left of it begins. */
static const struct viommu_run *next_before(const struct comparison *comparison, uint64_t *first)
{
	if (comparison->next == comparison->change->count)
		return NULL;
	const struct viommu_run *run = &comparison->change->before[comparison->next];
	*first = comparison->first > run->first ? comparison->first : run->first;
	return run;
}

static void used_up_to(struct comparison *comparison, const struct viommu_run *run, uint64_t last)
{
	if (last == run->last)
		comparison->next++;
	else
		comparison->first = last + 1;
}

static int compare_run(void *ctx, const struct viommu_run *after)
{
	struct comparison *comparison = ctx;
	const struct viommu_run *before;
	uint64_t at = after->first, first;

	while ((before = next_before(comparison, &first)) && first <= after->last) {
		if (first < at) {
			/* Gone, as far as it lies before what is there now. */
			uint64_t last = before->last < at ? before->last : at - 1;
			tell(comparison, false, before, first, last);
			used_up_to(comparison, before, last);
			continue;
		}
		if (first > at) {
			tell(comparison, true, after, at, first - 1);
			at = first;
		}
		uint64_t last = before->last < after->last ? before->last : after->last;
		if (before->gpa + (at - before->first) != after->gpa + (at - after->first) || before->prot != after->prot) {
			tell(comparison, false, before, at, last);
			tell(comparison, true, after, at, last);
		}
		used_up_to(comparison, before, last);
		if (last == after->last)
			return 0;
		at = last + 1;
	}
	tell(comparison, true, after, at, after->last);
	return 0;
}

void svg_change_each(const struct svg_change *change, void (*fn)(void *ctx, bool established, const struct viommu_run *run), void *ctx)
{
	struct comparison comparison = { .change = change, .fn = fn, .ctx = ctx };
	const struct viommu_run *before;
	uint64_t first;

	if (!change->known)
		return;
	viommu_zpci_function_each_run(change->function, change->first, change->last, compare_run, &comparison);
	while ((before = next_before(&comparison, &first))) {
		tell(&comparison, false, before, first, before->last);
		used_up_to(&comparison, before, before->last);
	}
}

void svg_change_free(struct svg_change *change)
{
	free(change->before);
	*change = (struct svg_change){ 0 };
}
