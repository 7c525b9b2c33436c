/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tracker for tests. It is exact, a test reports each store to it, and it checks its caller. A
 * store is reported after it was made. It aborts the process if the library watches a page twice,
 * stops watching an unwatched page, or names memory that is not in a slot.
 */
#ifndef TESTS_REFERENCE_FAKE_TRACKER_H
#define TESTS_REFERENCE_FAKE_TRACKER_H

#include <pthread.h>

#include <viommu/tracking.h>

struct fake_page {
	uint64_t gpa;
	bool written;
};

struct fake_slot {
	uint64_t first;
	uint64_t last;
	unsigned char *hva;
};
#define FAKE_SLOTS 32u

struct fake_tracker {
	struct viommu_tracker tracker;
	pthread_mutex_t lock;
	struct fake_slot slot[FAKE_SLOTS];
	unsigned int slots;
	struct fake_page *page; /* watched pages, ascending */
	size_t pages;
	size_t room;
	uint64_t watches; /* number of calls */
	uint64_t collects;

	/*
	 * Reports more than was written: every n-th watched page, and unrelated ranges. 0: does
	 * not.
	 */
	unsigned int too_much;
	/* The n-th call from now on of a kind fails, and all later ones. 0: none fails. */
	uint64_t fail_watch;
	uint64_t fail_collect;
	/* Called in collect(), before and after it reads the state, if not NULL. */
	void (*in_collect)(void *ctx, bool after);
	void *ctx;
};

void fake_tracker_init(struct fake_tracker *fake);

/* Checks that no page is watched. */
void fake_tracker_end(struct fake_tracker *fake);

/* Bytes at gpa were stored. NULL is allowed. */
void fake_tracker_stored(struct fake_tracker *fake, uint64_t gpa, uint64_t bytes);

bool fake_tracker_watches(struct fake_tracker *fake, uint64_t gpa);

#endif
