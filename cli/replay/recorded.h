/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last translations of the recorded machine for one function: its oracle's answers applied in
 * order, so that the latest one counts for each IOVA. The library is not involved, unless the
 * capture has no answer to a change of the translation: then they are unknown. Kept only if devices
 * check the end of a replay. Takes memory for each mapped run.
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
	bool awaited; /* something has changed, and the answer is outstanding */
	bool lost;    /* unknown until the next registration */
	/*
	 * Former translations: the first pages of the latest runs that answers removed. Some may be
	 * translated again.
	 */
	struct {
		uint64_t iova;
		uint64_t gpa;
	} gone[RECORDED_GONE];
	uint64_t gone_count; /* ever */
};

/* A registration was made or ended: nothing is translated. */
void recorded_reset(struct recorded *recorded);
/* The translation has changed. The recorded machine's answer should follow. */
void recorded_await(struct recorded *recorded);
/* An answer for the IOVAs first..last begins. */
void recorded_clear(struct recorded *recorded, uint64_t first, uint64_t last);
/* A part of the answer. */
void recorded_add(struct recorded *recorded, const struct viommu_run *run);
/* The guest's memory first..last was removed, and with it all translations to it. */
void recorded_drop(struct recorded *recorded, uint64_t first, uint64_t last);
/* Whether the runs are the complete translation. */
bool recorded_is_known(const struct recorded *recorded);
void recorded_free(struct recorded *recorded);

#endif
