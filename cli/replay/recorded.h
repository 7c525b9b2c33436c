/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last translations of the recorded machine for one function: its oracle's answers laid over
 * each other in their order, so that for each IOVA the latest one counts. The library has no part
 * in it, unless a capture has no answer to something that changed the translation: then this knows
 * it no longer. Kept only where devices check the end of a replay; it takes memory for each run
 * that is mapped.
 */
#ifndef VIOMMU_CLI_RECORDED_H
#define VIOMMU_CLI_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viommu/types.h>

#define RECORDED_GONE 256u

struct recorded {
	struct viommu_run *runs; /* in the order of their IOVAs, without overlaps */
	size_t count;
	size_t capacity;
	bool awaited; /* something has changed, and the answer has not come yet */
	bool lost;    /* nothing is known until the next registration */
	/*
	 * Former translations: the first pages of runs that answers took away, the latest of them.
	 * Some may be translated again.
	 */
	struct {
		uint64_t iova;
		uint64_t gpa;
	} gone[RECORDED_GONE];
	uint64_t gone_count; /* ever */
};

/* A registration came or went: nothing is translated. */
void recorded_reset(struct recorded *recorded);
/* The translation has changed, and the recorded machine's answer should follow. */
void recorded_await(struct recorded *recorded);
/* An answer for the IOVAs first..last begins. */
void recorded_clear(struct recorded *recorded, uint64_t first, uint64_t last);
/* A part of the answer. */
void recorded_add(struct recorded *recorded, const struct viommu_run *run);
/* The guest's memory first..last is gone, and with it all that led there. */
void recorded_drop(struct recorded *recorded, uint64_t first, uint64_t last);
/* Whether the runs are all that is translated. */
bool recorded_is_known(const struct recorded *recorded);
void recorded_free(struct recorded *recorded);

#endif
