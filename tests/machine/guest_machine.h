/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a guest IOMMU at random: an input's bytes become a guest's stores, tables and commands,
 * devices that come and go, resets, and hosts and allocations that fail. The machine of a guest
 * IOMMU, one in each program, has a model of it, and compares after each step.
 */
#ifndef TESTS_MACHINE_GUEST_MACHINE_H
#define TESTS_MACHINE_GUEST_MACHINE_H

#include "input.h"
#include "mock_host.h"

#define GUEST_HOSTS 2u

/* The first member of a machine's struct run. */
struct guest_run {
	struct input *input;
	/* Numbers are from a PRNG: of the first state, and of samples, which use no input. */
	bool sampling;
	uint64_t random;
	struct mock_host *host[GUEST_HOSTS]; /* NULL: the soft host */
	bool failing;			     /* something may be missing */
};

struct run;

struct guest_machine {
	size_t bytes; /* of struct run */
	bool soft;    /* some runs are on the soft host */
	unsigned int steps;
	void (*up)(struct run *run); /* with devices */
	void (*step)(struct run *run);
	void (*check)(struct run *run);
	void (*failed)(struct run *run);  /* a failure has been injected; NULL: nothing to do */
	void (*recover)(struct run *run); /* all works again: reach what is missing */
	void (*down)(struct run *run);	  /* nothing may be left */
};

extern const struct guest_machine guest_machine;

/* Sums over many inputs. */
extern struct guest_seen {
	uint64_t steps, failures, reached, refused, moved, resets;
} guest_seen;

void guest_machine_run(struct input *input);

static inline uint64_t below(struct run *run, uint64_t limit)
{
	struct guest_run *base = (struct guest_run *)(void *)run;

	if (!base->sampling)
		return input_below(base->input, limit);
	base->random ^= base->random << 13;
	base->random ^= base->random >> 7;
	base->random ^= base->random << 17;
	return (base->random >> 16) % limit;
}

#endif
