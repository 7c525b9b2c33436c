// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs in an array, in order. Answers cover small ranges in sequence, so each moves few elements.
 */
#include "recorded.h"
#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

void recorded_reset(struct recorded *recorded)
{
	recorded->count = 0;
	recorded->awaited = recorded->lost = false;
}

void recorded_await(struct recorded *recorded)
{
	recorded->lost = recorded->lost || recorded->awaited;
	recorded->awaited = true;
}

bool recorded_is_known(const struct recorded *recorded)
{
	return !recorded->lost && !recorded->awaited;
}

void recorded_free(struct recorded *recorded)
{
	free(recorded->runs);
	*recorded = (struct recorded){ 0 };
}

/* The first run that ends at or after an IOVA. */
static size_t find(const struct recorded *recorded, uint64_t iova)
{
	size_t low = 0, high = recorded->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (recorded->runs[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(struct recorded *recorded, size_t at, const struct viommu_run *run)
{
	struct viommu_run *runs = cli_room(recorded->runs, recorded->count, &recorded->capacity, sizeof(*runs));

	if (!runs) {
		recorded->lost = true;
		return;
	}
	recorded->runs = runs;
	memmove(&recorded->runs[at + 1], &recorded->runs[at], (recorded->count - at) * sizeof(*run));
	recorded->runs[at] = *run;
	recorded->count++;
}

static void erase(struct recorded *recorded, size_t at, size_t count)
{
	memmove(&recorded->runs[at], &recorded->runs[at + count], (recorded->count - at - count) * sizeof(*recorded->runs));
	recorded->count -= count;
}

/* Splits the run that contains an IOVA and the one before it. */
static void split(struct recorded *recorded, uint64_t iova)
{
	size_t at = find(recorded, iova);

	if (at == recorded->count || recorded->runs[at].first >= iova)
		return;
	struct viommu_run behind = recorded->runs[at];
	behind.gpa += iova - behind.first;
	behind.first = iova;
	recorded->runs[at].last = iova - 1;
	insert(recorded, at + 1, &behind);
}

void recorded_clear(struct recorded *recorded, uint64_t first, uint64_t last)
{
	recorded->awaited = false;
	split(recorded, first);
	if (last != UINT64_MAX)
		split(recorded, last + 1);
	size_t begin = find(recorded, first), end = begin;
	for (; end < recorded->count && recorded->runs[end].first <= last; end++) {
		uint64_t at = recorded->gone_count++ % RECORDED_GONE;
		recorded->gone[at].iova = recorded->runs[end].first;
		recorded->gone[at].gpa = recorded->runs[end].gpa;
	}
	erase(recorded, begin, end - begin);
}

void recorded_add(struct recorded *recorded, const struct viommu_run *run)
{
	size_t at = find(recorded, run->first);
	struct viommu_run *before = at ? &recorded->runs[at - 1] : NULL;

	if (before && before->last + 1 == run->first && before->prot == run->prot && before->gpa + (run->first - before->first) == run->gpa)
		before->last = run->last;
	else
		insert(recorded, at, run);
}

void recorded_drop(struct recorded *recorded, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < recorded->count;) {
		struct viommu_run run = recorded->runs[i];
		uint64_t run_last = run.gpa + (run.last - run.first);
		if (run_last < first || run.gpa > last) {
			i++;
			continue;
		}
		/* The parts before and after the gap stay. */
		erase(recorded, i, 1);
		if (run_last > last) {
			struct viommu_run behind = run;
			behind.first += last + 1 - run.gpa;
			behind.gpa = last + 1;
			insert(recorded, i, &behind);
		}
		if (run.gpa < first) {
			run.last = run.first + (first - run.gpa) - 1;
			insert(recorded, i++, &run);
		}
		if (run_last > last)
			i++;
	}
}
