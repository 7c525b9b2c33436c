/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads that all do things to one scene at a time, each its own, at random. In each period they
 * begin together; between periods nothing moves, and the scene can be looked at. What a thread sees
 * that must not be is noted, since cmocka's asserts are for one thread.
 */
#ifndef TESTS_HOSTILE_ACTORS_H
#define TESTS_HOSTILE_ACTORS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct stage {
	uint64_t operations;
	unsigned int bad; /* the line of the first thing that was not as it must be; 0: none */
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

/* A thread's work, and a number among the threads with the same work. */
struct act {
	void (*act)(struct actor *actor);
	unsigned int number;
};

uint64_t draw(struct actor *actor, uint64_t bound);

#define expect(actor, condition) expect_at(actor, condition, __LINE__)
void expect_at(struct actor *actor, bool ok, unsigned int line);

/* quiet: called after each period, with what was to be expected checked. */
void actors_run(struct stage *stage, void *scene, const struct act *acts, unsigned int number, unsigned int periods, unsigned int operations,
		void (*quiet)(void *scene));

#endif
