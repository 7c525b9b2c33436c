/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads that operate on one scene at the same time, each with its own kind of work, at random. In
 * each period they start together. Between periods all of them rest, and the scene can be checked.
 * A violation in a thread is recorded, since cmocka's asserts work in one thread only.
 */
#ifndef TESTS_HOSTILE_ACTORS_H
#define TESTS_HOSTILE_ACTORS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct stage {
	uint64_t operations;
	unsigned int bad; /* the line of the first violation; 0: none */
	pthread_barrier_t start;
};

struct actor {
	void *scene;
	struct stage *stage;
	void (*act)(struct actor *actor);
	unsigned int number; /* the scene's */
	unsigned int operations;
	uint64_t seed;
	pthread_t thread;
};

/* A thread's work, and its number among the threads with the same work. */
struct act {
	void (*act)(struct actor *actor);
	unsigned int number;
};

uint64_t draw(struct actor *actor, uint64_t bound);

#define expect(actor, condition) expect_at(actor, condition, __LINE__)
void expect_at(struct actor *actor, bool ok, unsigned int line);

/* quiet: called after each period, after the threads' expectations were checked. */
void actors_run(struct stage *stage, void *scene, const struct act *acts, unsigned int number, unsigned int periods, unsigned int operations,
		void (*quiet)(void *scene));

#endif
