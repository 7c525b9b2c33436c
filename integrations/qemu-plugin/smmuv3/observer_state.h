/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the observer's parts share. observe.c takes stores, looks, asks and tells; registers.c knows what a store to a register means.
 */
#ifndef VIOMMU_WATCH_SMMUV3_OBSERVER_STATE_H
#define VIOMMU_WATCH_SMMUV3_OBSERVER_STATE_H

#include <pthread.h>

#include "observation.h"
#include "queue.h"
#include "streams.h"

struct smmu_observer {
	pthread_mutex_t lock; /* taken after QEMU's own */
	struct qemu qemu;
	struct watcher *watchers[WATCHERS_MAX];
	size_t watcher_count;
	struct guest_ram ram;
	struct tables tables;
	struct queue queue;
	struct stream streams[STREAMS_MAX];
	size_t stream_count;
	struct stretches stretches;
	struct invalids invalids;
	struct qemu_object *smmu;
	uint64_t address; /* of the SMMU's registers */
	uint32_t cr0;	  /* as the guest stored it, like all of these */
	struct stream_table table;
	bool quiet;	      /* QEMU's SMMU records no events */
	uint64_t began;	      /* CLOCK_MONOTONIC */
	uint64_t watch_ticks; /* that stores to registers took here, and that no watcher was told of */
	bool gave_up;	      /* QEMU's answers are none: structures kept changing, or are too many */
	bool ready;	      /* memory has been looked for */
	bool off;	      /* nothing is observed: there is no memory to look at, or the end has come */
};

/* A store to the SMMU's registers, of 4 or 8 bytes. */
void observe_registers(struct smmu_observer *observer, uint64_t offset, unsigned int bytes, uint64_t value);

/* Looks at the streams, or at one. false if something is missing. */
bool observe_look(struct smmu_observer *observer, struct stream *only);

/*
 * Looks, and asks QEMU, until two looks, one on either side of the questions, agree. kicked: the one that was told to work; NULL: none. Returns the nanoseconds
 * that QEMU took.
 */
uint64_t observe_look_and_ask(struct smmu_observer *observer, struct stream *kicked);

/* Tells the watchers of an operation, with the changes so far. with_answers: and with what QEMU has answered, and what commands have made invalid. */
void observe_tell(struct smmu_observer *observer, struct observation *observation, bool with_answers);

#endif
