/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Times of a refresh, of the module and of the library's own shadows, side by side: in each round
 * every lane does the same once, one right after the other, and each begins in turn. Figures are
 * medians of the rounds. Only their ratios say something: a test host is emulated.
 *
 *   test-module-figures [ROUNDS]
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <cmocka.h>

#include "lanes.h"

#define MOST_ROUNDS 4000u
#define WARM_UP	    3u /* rounds that are not counted */
#define PARTS	    4u /* of the rounds, to see how far their medians are apart */

/* Refreshes that are timed in each round. BY_TURNS is the mean of the first two. */
enum { BECOMES_VALID, UNMAPPED, UNCHANGED, BY_TURNS, KINDS };
static const char *const kind_names[KINDS] = { "becomes valid", "unmapped", "unchanged", "by turns" };

#define FULL	 2u   /* the MiB that the pages of a case fill */
#define RESIDENT 200u /* the page in each other one that stays */

/*
 * Pages of a case are `step` pages of IOVAs apart, and have frames that are `stride` apart. In each
 * MiB there is one more page, which stays, but where the pages fill it. Contiguous frames have
 * stride 1.
 */
static const struct {
	const char *name;
	uint64_t iova;
	unsigned int pages, step, stride;
	bool whole; /* the aperture is refreshed, not the pages */
} cases[] = {
	{ "1 page", RIG_PBA, 1, 1, 1, false },
	{ "16 pages", RIG_PBA, 16, 1, 1, false },
	{ "16 scattered pages", RIG_PBA, 16, 1, 2, false },
	{ "256 pages", RIG_PBA + FULL *MIB, 256, 1, 1, false },
	{ "256 scattered pages", RIG_PBA + FULL *MIB, 256, 1, 2, false },
	{ "12 pages of the aperture", RIG_PBA + 3 * MIB, 12, 256, 1, true },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

#define LANES (2u * WAYS)
static struct lane lanes[LANES];
static bool present[LANES];
static uint64_t samples[CASES][LANES][KINDS][MOST_ROUNDS];
static uint64_t nothing[MOST_ROUNDS];
static unsigned int rounds = 40;
static double ticks_of_us;

/* Reading the clock takes longer than a refresh where the time stamp counter is not trusted. */
static uint64_t ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#endif
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* In microseconds, of number samples from the first on. */
static double median(const uint64_t *of, unsigned int number)
{
	static uint64_t sorted[MOST_ROUNDS];

	memcpy(sorted, of, number * sizeof(*sorted));
	qsort(sorted, number, sizeof(*sorted), ascending);
	return (double)(sorted[(number - 1) / 2] + sorted[number / 2]) / 2 / ticks_of_us;
}

static uint64_t iova_of(unsigned int c, unsigned int page)
{
	return cases[c].iova + (uint64_t)page * cases[c].step * PAGE;
}

static uint64_t timed(struct lane *lane, unsigned int c, uint64_t established, uint64_t released)
{
	const uint64_t first = cases[c].whole ? RIG_PBA : cases[c].iova, bytes = cases[c].whole ? RIG_PAL + 1 - RIG_PBA : cases[c].pages * PAGE;
	struct viommu_refresh_result result;
	uint64_t before = ticks(), after;
	int error;

	error = lane->way->refresh(lane, first, bytes, &result);
	after = ticks();
	assert_int_equal(error, 0);
	if (lane->way->counts) {
		assert_int_equal(result.established, established);
		assert_int_equal(result.released, released);
	}
	return after - before;
}

static void sample(unsigned int c, unsigned int l, unsigned int round)
{
	struct lane *lane = &lanes[l];
	const unsigned int pages = cases[c].pages;
	uint64_t took[KINDS];

	for (unsigned int page = 0; page < pages; page++)
		rig_name(&lane->rig, iova_of(c, page), 1, RIG_NUMBERED + (uint64_t)page * cases[c].stride * PAGE, true);
	took[BECOMES_VALID] = timed(lane, c, pages, 0);
	took[UNCHANGED] = timed(lane, c, 0, 0);
	for (unsigned int page = 0; page < pages; page++)
		rig_hide(&lane->rig, iova_of(c, page), 1);
	took[UNMAPPED] = timed(lane, c, 0, pages);
	took[BY_TURNS] = (took[BECOMES_VALID] + took[UNMAPPED]) / 2;
	for (unsigned int kind = 0; kind < KINDS && round >= WARM_UP; kind++)
		samples[c][l][kind][round - WARM_UP] = took[kind];
}

/* The first time warms the caches, which the lane before has filled. */
static void sample_twice(unsigned int c, unsigned int l, unsigned int round)
{
	sample(c, l, 0);
	sample(c, l, round);
}

static void begin(void)
{
	unsigned int device = 0;

	for (unsigned int l = 0; l < LANES; l++) {
		struct lane *lane = &lanes[l];
		const char *address = rig_address(device);
		struct viommu_refresh_result result;
		int error;

		lane->way = &ways[l % WAYS];
		lane->pinned = l >= WAYS;
		if (!address)
			fail_msg("there are only %u devices", device);
		error = lane->way->begin(lane, address);
		if (error) {
			printf("# no %s: %s %s\n", lane->way->name, strerror(-error), lane->why);
			continue;
		}
		present[l] = true;
		device++;
		for (uint64_t mib = 0; mib < 15; mib++)
			if (mib != FULL)
				rig_name(&lane->rig, RIG_PBA + mib * MIB + RESIDENT * PAGE, 1, RIG_NUMBERED + (1000 + 2 * mib) * PAGE, true);
		assert_int_equal(lane->way->refresh(lane, RIG_PBA, RIG_PAL + 1 - RIG_PBA, &result), 0);
		if (lane->way->counts)
			assert_int_equal(result.established, 14);
		rig_reaches(&lane->rig, RIG_PBA + RESIDENT * PAGE, RIG_NUMBERED + 1000 * PAGE, true);
	}
}

/* Its device reaches what its tables name after all of it, and no more. */
static void end(void)
{
	for (unsigned int l = LANES; l--;) {
		if (!present[l])
			continue;
		rig_reaches(&lanes[l].rig, RIG_PBA + RESIDENT * PAGE, RIG_NUMBERED + 1000 * PAGE, true);
		rig_reaches(&lanes[l].rig, RIG_PBA, RIG_NOWHERE, false);
		lanes[l].way->end(&lanes[l]);
	}
}

static void measure(void)
{
	uint64_t first_ticks = ticks(), first = nanoseconds();

	for (unsigned int round = 0; round < rounds + WARM_UP; round++) {
		uint64_t before = ticks();

		ioctl(-1, 0);
		if (round >= WARM_UP)
			nothing[round - WARM_UP] = ticks() - before;
		for (unsigned int c = 0; c < CASES; c++)
			for (unsigned int l = 0; l < LANES; l++)
				if (present[(l + round) % LANES])
					sample_twice(c, (l + round) % LANES, round);
	}
	ticks_of_us = (double)(ticks() - first_ticks) * 1000 / (double)(nanoseconds() - first);
}

static void print(void)
{
	printf("# %u rounds; a system call that does nothing: %.1f us\n", rounds, median(nothing, rounds));
	for (unsigned int policy = 0; policy < 2; policy++) {
		const unsigned int lane = policy * WAYS;

		printf("\n| us, %s |", policy ? "all memory pinned" : "pinned on refresh");
		for (unsigned int w = 0; w < WAYS; w++)
			printf(" %s |", ways[w].name);
		printf("\n|---|---|---|---|---|---|\n");
		for (unsigned int c = 0; c < CASES; c++) {
			for (unsigned int kind = 0; kind < KINDS; kind++) {
				printf("| %s, %s |", cases[c].name, kind_names[kind]);
				for (unsigned int w = 0; w < WAYS; w++)
					if (present[lane + w])
						printf(" %.1f |", median(samples[c][lane + w][kind], rounds));
					else
						printf(" |");
				printf("\n");
			}
		}
	}
}

static void print_for_machines(void)
{
	const char *between = "";

	printf("\nfigures: {\"rounds\": %u, \"nothing\": %.3f, \"us\": [", rounds, median(nothing, rounds));
	for (unsigned int c = 0; c < CASES; c++)
		for (unsigned int l = 0; l < LANES; l++)
			for (unsigned int kind = 0; kind < KINDS && present[l]; kind++, between = ", ")
				printf("%s[\"%s, %s\", \"%s\", \"%s\", %.3f]", between, cases[c].name, kind_names[kind], lanes[l].pinned ? "pinned" : "paged",
				       lanes[l].way->name, median(samples[c][l][kind], rounds));
	printf("]}\n");
}

/* One page by turns: of the rounds' parts, the least and the largest ratio of two lanes. */
static double ratio(unsigned int lane, unsigned int to, double *least, double *most)
{
	const uint64_t *of = samples[0][lane][BY_TURNS], *base = samples[0][to][BY_TURNS];
	const unsigned int number = rounds / PARTS;

	*least = 1e9;
	*most = 0;
	for (unsigned int part = 0; part < PARTS; part++) {
		double one = median(of + part * number, number) / median(base + part * number, number);

		*least = one < *least ? one : *least;
		*most = one > *most ? one : *most;
	}
	return median(of, rounds) / median(base, rounds);
}

/* At most half of the library's own shadow on type1, with the same policy. */
#define PROMISED 0.5
#define MARGIN	 0.1

static void check(void)
{
	unsigned int broken = 0;

	for (unsigned int l = 0; l < LANES; l++) {
		const unsigned int type1 = l / WAYS * WAYS + WAY_TYPE1;
		double least, most, value;

		if (!present[l] || !present[type1] || l % WAYS == WAY_TYPE1)
			continue;
		value = ratio(l, type1, &least, &most);
		printf("# one page by turns, %s: %s / %s: %.2f (%.2f to %.2f)\n", lanes[l].pinned ? "all memory pinned" : "pinned on refresh",
		       lanes[l].way->name, ways[WAY_TYPE1].name, value, least, most);
		broken += l % WAYS <= WAY_KERNEL && value > PROMISED + MARGIN;
	}
	assert_int_equal(broken, 0);
}

static void test_figures(void **state)
{
	(void)state;
	if (!rig_load(false))
		fail_msg("the module is not loaded");
	begin();
	measure();
	end();
	print();
	print_for_machines();
	check();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(test_figures, rig_setup) };

	if (argc > 1)
		rounds = (unsigned int)strtoul(argv[1], NULL, 10);
	if (rounds < PARTS || rounds > MOST_ROUNDS) {
		fprintf(stderr, "test-module-figures: %u to %u rounds\n", PARTS, MOST_ROUNDS);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
