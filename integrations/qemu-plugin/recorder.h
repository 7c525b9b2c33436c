/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A capture that is written while the guest runs. Records are written to the file about once a
 * second, so that a QEMU that is killed leaves a capture that is readable up to there. A write
 * error is reported once on stderr, and the guest continues.
 */
#ifndef VIOMMU_WATCH_RECORDER_H
#define VIOMMU_WATCH_RECORDER_H

#include <stdbool.h>
#include <time.h>

#include "capture/capture.h"
#include "lists.h"

/* One operation of the guest on its IOMMU. */
struct observation {
	/* With the machine's answer, and the time. */
	struct capture_record operation;
	/* To apply before the operation. */
	const struct changes *changes;
	/* Valid after it. */
	const struct stretch *stretches;
	size_t stretch_count;
	/* Nanoseconds: QEMU's for the instruction or for its answers, and the plugin's own. */
	uint64_t qemu_ns;
	uint64_t watch_ns;
};

struct recorder {
	struct capture_writer *writer; /* NULL: nothing is recorded */
	bool failed;
	bool dirty;
	struct timespec flushed;
};

/* Creates the file. 0, or -1 with a message on stderr. level: see capture_writer_open(). */
int recorder_open(struct recorder *recorder, const char *path, enum capture_guest guest, int level);

/* Without a file these do nothing. */
void recorder_put(struct recorder *recorder, const struct capture_record *record);
void recorder_put_changes(struct recorder *recorder, const struct changes *changes);
void recorder_put_note(struct recorder *recorder, const char *text);
void recorder_put_observation(struct recorder *recorder, const struct observation *observation);

/* Must be called regularly. */
void recorder_flush_if_due(struct recorder *recorder);

void recorder_close(struct recorder *recorder);

#endif
