/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What there is to know about one operation of the guest on its IOMMU, and whom it is told.
 *
 * observe.c makes observations, in the order in which the guest's tables were looked at for them. Watchers take them: recorder.c writes a capture, checker.c
 * does the same operation with the library. A watcher is called with the observer's lock held, by whichever thread began or completed the operation; it
 * must not call the observer. It leaves out the callbacks that it has no use for.
 */
#ifndef VIOMMU_WATCH_OBSERVATION_H
#define VIOMMU_WATCH_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "guest_ram.h"
#include "lists.h"

struct observation {
	/* CAPTURE_RPCIT, CAPTURE_MPCIFC or CAPTURE_CLP, with what the machine answered and when it was asked. */
	struct capture_record operation;
	struct changes changes; /* apply before the operation */
	struct answers answers; /* hold after it */
	/* Nanoseconds that the machine took to carry it out, and those for which watching it held the guest up before. */
	uint64_t machine_ns;
	uint64_t watch_ns;
	/* No other operation is under way. */
	bool alone;
};

struct watcher {
	/* Observations are to have changes and answers. */
	bool wants_tables;
	/* The guest's main memory has been found. Called once, before all else but note(). */
	void (*memory)(struct watcher *watcher, const struct guest_ram *ram);
	/* A function is seen for the first time, or again under another handle than was known: then the old one is gone, *unplugged. */
	void (*function)(struct watcher *watcher, const struct capture_function *function, const uint32_t *unplugged);
	/*
	 * An RPCIT or MPCIFC is about to be carried out; nothing is known of its answer. What this returns goes to operation() or, if the operation turns
	 * out to be none or its end was not seen, to forget().
	 */
	void *(*begin)(struct watcher *watcher, const struct capture_record *operation);
	void (*forget)(struct watcher *watcher, void *begun);
	/* It was carried out. begun is NULL for an operation that begin() is not called for. */
	void (*operation)(struct watcher *watcher, const struct observation *observation, void *begun);
	/* QEMU's own lock, for a watcher that looks at QEMU's devices in function() and operation(). It is taken before the observer's. */
	bool (*lock_machine)(struct watcher *watcher);
	void (*unlock_machine)(struct watcher *watcher);
	/* Something to know that is not an operation. */
	void (*note)(struct watcher *watcher, const char *text);
	/* A vCPU has nothing to do: time for what can wait. */
	void (*idle)(struct watcher *watcher);
	/* QEMU exits. Called once, after all else. */
	void (*end)(struct watcher *watcher);
};

#define WATCHERS_MAX 2u

#endif
