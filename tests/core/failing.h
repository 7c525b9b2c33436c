/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failure injection: a scenario runs repeatedly. In the n-th run the n-th allocation, or the n-th
 * call to the host of one kind, fails: once, or from then on. The series ends when a run has no
 * n-th one. After each run failures are switched off, and the scenario must succeed.
 *
 * A test that links this wraps the allocator (port_wrap.h).
 */
#ifndef TESTS_CORE_FAILING_H
#define TESTS_CORE_FAILING_H

#include "mock_host.h"

struct failing_story {
	size_t bytes;	    /* passed to the callbacks below, zeros at the beginning */
	bool splits;	    /* run it on hosts that split, too */
	unsigned int least; /* number of its allocations */

	/* Sets up everything, before failures are switched on. Returns the host. */
	struct mock_host *(*begin)(void *story, bool split);
	void (*tell)(void *story);
	/* Called after a run in which the host has not failed, nor an allocation if nothing. */
	void (*unharmed)(void *story, bool nothing);
	void (*repair)(void *story);
	/* Tears everything down. The host and memory are checked for leftovers afterwards. */
	void (*end)(void *story);
};

/* Runs it all as cmocka's tests; returns the number of those that failed. */
int failing_run(const struct failing_story *story);

/* Switches all failures off. */
void failing_stop(struct mock_host *mock);

#endif
