/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to all architectures: QEMU's functions, guest memory, the structures in it, the capture
 * and the checker, and one lock. An architecture turns the guest's operations into observations,
 * records them here, and checks them.
 */
#ifndef VIOMMU_WATCH_OBSERVER_H
#define VIOMMU_WATCH_OBSERVER_H

#include <pthread.h>

#include "arguments.h"
#include "checker.h"
#include "guest_ram.h"
#include "qemu.h"
#include "qemu_plugin_api.h"
#include "recorder.h"
#include "tables.h"

struct observer;

struct observer_ops {
	const char *target; /* QEMU's name */
	enum capture_guest guest;
	bool big_endian;
	unsigned int needs; /* QEMU_*: without these nothing is watched */
	const struct check_ops *check;
	/* Asks QEMU for callbacks. 0, or -1 after complaining. */
	int (*watch)(struct observer *observer, qemu_plugin_id_t id, const struct qemu_plugin_info *info);
	/* Memory was found: records the IOMMU's initial state. */
	void (*ready)(struct observer *observer);
};

struct observer {
	/* Taken after QEMU's own lock, which threads may hold when they call. */
	pthread_mutex_t lock;
	const struct observer_ops *ops;
	struct guest_ram ram;
	struct tables tables;
	struct recorder recorder;
	struct checker checker;
	uint64_t began; /* CLOCK_MONOTONIC */
	bool ready;	/* memory was found */
	bool off;	/* nothing is observed: something is missing, or QEMU exits */
};

/*
 * Takes the lock, and before it QEMU's if `with_qemu` and the thread has it not. The result goes to
 * observer_leave().
 */
bool observer_enter(struct observer *observer, bool with_qemu);
void observer_leave(struct observer *observer, bool has_qemu);

/*
 * Guest memory does not exist yet when the plugin is loaded. To be called before each operation:
 * looks for it at the first one. false: nothing is observed.
 */
bool observer_is_ready(struct observer *observer);

/* Prints and records a note that is not an operation. */
void observer_note(struct observer *observer, const char *text);

/* Nothing more is observed, for this reason. */
void observer_give_up(struct observer *observer, const char *why);

/* The time of an operation that happens now. */
struct capture_time observer_time(const struct observer *observer);

extern const struct observer_ops zpci_observer_ops, smmuv3_observer_ops;

#endif
