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
	const char *type;   /* of the IOMMU in QEMU; NULL: each machine of the target has it */
	enum capture_guest guest;
	bool big_endian;
	unsigned int needs;		   /* QEMU_*: required functions */
	const struct check_ops *check;	   /* NULL: stream_check_ops() */
	const struct watched_ops *watched; /* NULL: its devices are no streams */
	/* Registers QEMU's callbacks. 0, or -1 after an error message. */
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
	const struct arguments *arguments;
	bool chosen; /* ops are those of the machine's IOMMU */
	bool ready;  /* memory was found */
	bool off;    /* nothing is observed: something is missing, or QEMU exits */
};

/*
 * Takes the lock. If `with_qemu` and the thread does not hold QEMU's lock, takes that first. The
 * result goes to observer_leave().
 */
bool observer_enter(struct observer *observer, bool with_qemu);
void observer_leave(struct observer *observer, bool has_qemu);

/*
 * The IOMMU is chosen by the machine, which does not exist yet when the plugin is loaded. Called
 * before each store with QEMU's lock held. false: nothing is observed.
 */
bool observer_choose(struct observer *observer);

/*
 * Guest memory does not exist yet when the plugin is loaded. Called before each operation: the
 * first call looks for guest memory. false: nothing is observed.
 */
bool observer_is_ready(struct observer *observer);

/* Prints and records a note that is not an operation. */
void observer_note(struct observer *observer, const char *text);

/* Ends the observation, for this reason. */
void observer_give_up(struct observer *observer, const char *why);

/* The time of the current operation. */
struct capture_time observer_time(const struct observer *observer);

extern const struct observer_ops zpci_observer_ops;

#endif
