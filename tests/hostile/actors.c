/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "actors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MOST_ACTORS 16u

uint64_t draw(struct actor *actor, uint64_t bound)
{
	actor->seed = actor->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (actor->seed >> 33) % bound;
}

void expect_at(struct actor *actor, bool ok, unsigned int line)
{
	unsigned int none = 0;

	if (!ok)
		__atomic_compare_exchange_n(&actor->stage->bad, &none, line, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void *live(void *ctx)
{
	struct actor *actor = ctx;

	pthread_barrier_wait(&actor->stage->start);
	for (unsigned int i = 0; i < actor->operations; i++) {
		actor->act(actor);
		__atomic_add_fetch(&actor->stage->operations, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

void actors_run(struct stage *stage, void *scene, const struct act *acts, unsigned int number, unsigned int periods, unsigned int operations,
		void (*quiet)(void *scene))
{
	struct actor actor[MOST_ACTORS];

	assert_in_range(number, 1, MOST_ACTORS);
	assert_int_equal(pthread_barrier_init(&stage->start, NULL, number), 0);
	for (unsigned int period = 0; period < periods; period++) {
		for (unsigned int i = 0; i < number; i++) {
			actor[i] = (struct actor){ .scene = scene,
						   .stage = stage,
						   .act = acts[i].act,
						   .number = acts[i].number,
						   .operations = operations,
						   .seed = period * number + i };
			assert_int_equal(pthread_create(&actor[i].thread, NULL, live, &actor[i]), 0);
		}
		for (unsigned int i = 0; i < number; i++)
			pthread_join(actor[i].thread, NULL);
		if (stage->bad)
			fail_msg("what line %u expects did not come", stage->bad);
		quiet(scene);
	}
	pthread_barrier_destroy(&stage->start);
	print_message("%u threads, %llu operations\n", number, (unsigned long long)stage->operations);
}
