/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What there is to know about one operation of the guest on its SMMU, and whom it is told. Watchers are called with QEMU's lock and the observer's held, and must
 * not call the observer. They leave out the callbacks that they have no use for.
 */
#ifndef VIOMMU_WATCH_SMMUV3_OBSERVATION_H
#define VIOMMU_WATCH_SMMUV3_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "commands.h"
#include "guest_ram.h"
#include "lists.h"

/* What QEMU's device with that StreamID reaches in answers.first..last. */
struct stretch {
	uint32_t sid;
	struct answers answers;
};

struct observation {
	struct capture_record operation; /* CAPTURE_WRITE or CAPTURE_KICK, as a guest of the library's SMMU would have done it */
	const struct changes *changes;	 /* apply before the operation */
	const struct stretch *stretches; /* hold after it */
	size_t stretch_count;
	const struct invalids *invalids; /* of the commands that a write has handed to the SMMU */
	bool qemu_refuses;		 /* QEMU has met a command that is an error */
	bool gave_up;			 /* there are no stretches, since structures kept changing, or are too many */
	uint64_t watch_ns;		 /* for which vCPUs were held up before, since the last operation */
	uint64_t qemu_ns;		 /* that QEMU took to answer */
	/* Whether a stream's structures have changed since QEMU was asked: then the question is void. */
	bool (*moved)(void *ctx, uint32_t sid);
	void *ctx;
};

/* Memory that the library is to see: the guest's, and a page with the command queue (queue.h). */
struct watched_memory {
	const struct guest_ram *ram;
	uint64_t queue_gpa;
	const void *queue;
	uint64_t queue_bytes;
};

struct watcher {
	/* Main memory has been found. Called once, before all else but note(). */
	void (*memory)(struct watcher *watcher, const struct watched_memory *memory);
	/* A PCI function behind the SMMU; QEMU's name of it. Before the first operation that concerns it, and behind these changes. */
	void (*stream)(struct watcher *watcher, uint32_t sid, const char *name, const struct changes *changes);
	void (*operation)(struct watcher *watcher, const struct observation *observation);
	/* Something to know that is not an operation. */
	void (*note)(struct watcher *watcher, const char *text);
	/* A vCPU has nothing to do: time for what can wait. Without QEMU's lock, perhaps. */
	void (*idle)(struct watcher *watcher);
	/* QEMU exits. Called once, after all else. */
	void (*end)(struct watcher *watcher);
};

#define WATCHERS_MAX 2u

#endif
