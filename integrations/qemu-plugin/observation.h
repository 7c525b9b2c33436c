/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What there is to know about one operation of the guest on its IOMMU, and whom it is told.
 *
 * observe.c makes observations, in the order in which the guest's tables were looked at for them. A watcher takes them: recorder.c is the one that writes a
 * capture. A watcher is called with the observer's lock held, by whichever thread completed the operation; it must not call the observer.
 */
#ifndef VIOMMU_RECORD_OBSERVATION_H
#define VIOMMU_RECORD_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"

/* Table entries that have changed since they were last looked at. What a watcher has been told adds up to the tables as the guest has them. */
struct changes {
	struct capture_mem *list;
	size_t count;
	size_t room;
};

/* What QEMU's own walk of the tables says of first..last: these pages, and no other. */
struct answers {
	bool known;
	uint64_t first;
	uint64_t last;
	struct capture_page *list;
	size_t count;
	size_t room;
};

struct observation {
	/* CAPTURE_RPCIT, CAPTURE_MPCIFC or CAPTURE_CLP, with what the machine answered and when it was asked. */
	struct capture_record operation;
	struct changes changes; /* apply before the operation */
	struct answers answers; /* hold after it */
};

struct watcher {
	/* The guest's main memory has been found. Called once, before all else. */
	void (*memory)(struct watcher *watcher, uint64_t bytes);
	/* A function is seen for the first time, or again under another handle than was known: then the old one is gone, *unplugged. */
	void (*function)(struct watcher *watcher, const struct capture_function *function, const uint32_t *unplugged);
	void (*operation)(struct watcher *watcher, const struct observation *observation);
	/* Something to know that is not an operation. */
	void (*note)(struct watcher *watcher, const char *text);
	/* A vCPU has nothing to do: time for what can wait. */
	void (*idle)(struct watcher *watcher);
	/* QEMU exits. Called once, after all else. */
	void (*end)(struct watcher *watcher);
};

#endif
