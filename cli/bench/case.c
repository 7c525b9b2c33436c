// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Cases, their samples, and the figures computed from them. */
#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOST_ROUNDS = 200,
	LEAST_ROUNDS = 5,
	QUICK_ROUNDS = 2,
};

/* Time limit for a case's samples in one run, beyond the minimum number of rounds. */
#define RUN_NS	     UINT64_C(150000000)
#define QUICK_RUN_NS UINT64_C(2000000)

/* Time limit for a sample without a disturbance. */
#define TRY_NS	     UINT64_C(20000000)
#define QUICK_TRY_NS UINT64_C(2000000)

static struct bench_case *find(struct bench *bench, const char *name)
{
	for (struct bench_case *one = bench->cases; one; one = one->next)
		if (!strcmp(one->name, name))
			return one;
	return NULL;
}

struct bench_case *bench_case(struct bench *bench, enum bench_unit unit, const char *what, const char *name, ...)
{
	char text[sizeof(((struct bench_case *)0)->name)];
	va_list args;

	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	if (bench->options.only && regexec(&bench->only, text, 0, NULL, 0))
		return NULL;
	struct bench_case *one = find(bench, text);
	if (!one) {
		one = calloc(1, sizeof(*one));
		if (!one) {
			cli_complain("out of memory");
			bench->failed = true;
			return NULL;
		}
		one->unit = unit;
		snprintf(one->name, sizeof(one->name), "%s", text);
		snprintf(one->what, sizeof(one->what), "%s", what);
		*bench->cases_end = one;
		bench->cases_end = &one->next;
	}
	if (bench->options.list || *one->skipped)
		return NULL;
	bench_progress(bench, one);
	return one;
}

void bench_skip(struct bench_case *one, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(one->skipped, sizeof(one->skipped), format, args);
	va_end(args);
}

void bench_fail(struct bench *bench, struct bench_case *one, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(one->skipped, sizeof(one->skipped), "%.*s", (int)sizeof(one->skipped) - 1, text);
	bench->failed = true;
	cli_complain("%s: %s", one->name, text);
}

bool bench_is_set_up(struct bench *bench, struct bench_case *one, int error)
{
	if (error)
		bench_fail(bench, one, "it could not be set up: %s", strerror(-error));
	return !error;
}

static struct bench_figure *figure_of(struct bench_case *one, const struct bench_lane *lane)
{
	for (unsigned int i = 0; i < one->figures; i++)
		if (!strcmp(one->figure[i].lane.name, lane->name))
			return &one->figure[i];
	if (one->figures == BENCH_LANES)
		return NULL;
	one->figure[one->figures].lane = *lane;
	return &one->figure[one->figures++];
}

void bench_note(struct bench_case *one, const struct bench_lane *lane, double value)
{
	struct bench_figure *figure = figure_of(one, lane);

	if (figure && figure->runs < BENCH_MAX_RUNS)
		figure->values[figure->runs++] = value;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

double bench_median(double *values, unsigned int number)
{
	qsort(values, number, sizeof(*values), compare);
	return number % 2 ? values[number / 2] : (values[number / 2 - 1] + values[number / 2]) / 2;
}

/* One sample. It is repeated if the CPU was taken away during it, up to a time limit. */
static double sample(struct bench *bench, const struct bench_lane *lane)
{
	uint64_t until = bench_now() + (bench->options.quick ? QUICK_TRY_NS : TRY_NS);

	for (;;) {
		uint64_t before = bench_preemptions() + bench->lost;
		double value = lane->sample(lane->ctx);
		bench->samples++;
		if (value < 0 || bench_preemptions() + bench->lost == before)
			return value;
		if (bench_now() >= until)
			return lane->together && !bench->options.quick ? -EBUSY : value;
		bench->disturbed++;
	}
}

void bench_measure(struct bench *bench, struct bench_case *one, const struct bench_lane *lanes, unsigned int number)
{
	static double values[BENCH_LANES][MOST_ROUNDS];
	unsigned int least = bench->options.quick ? QUICK_ROUNDS : LEAST_ROUNDS;
	uint64_t until = 0;
	unsigned int rounds = 0;

	/* The first round warms up. */
	for (unsigned int round = 0; round <= MOST_ROUNDS; round++) {
		for (unsigned int i = 0; i < number; i++) {
			/*
			 * Starts with each lane, in both directions, so that no lane always follows
			 * the same one.
			 */
			unsigned int at = ((round & 1 ? i : number - 1 - i) + round / 2) % number;
			double value = sample(bench, &lanes[at]);
			if (value == -EBUSY) {
				bench_skip(one, "the machine is so busy that two threads never had a CPU each");
				return;
			}
			if (value < 0) {
				bench_fail(bench, one, "%s: the library answered \"%s\"", lanes[at].name, strerror((int)-value));
				return;
			}
			if (round)
				values[at][round - 1] = value;
		}
		if (!round)
			until = bench_now() + (bench->options.quick ? QUICK_RUN_NS : RUN_NS);
		rounds = round;
		if (rounds >= least && bench_now() >= until)
			break;
	}
	for (unsigned int i = 0; i < number; i++)
		bench_note(one, &lanes[i], bench_median(values[i], rounds));
}

static struct bench_spread spread(const double *values, unsigned int number)
{
	double sorted[BENCH_MAX_RUNS];

	if (!number)
		return (struct bench_spread){ 0 };
	memcpy(sorted, values, number * sizeof(*values));
	double median = bench_median(sorted, number);
	return (struct bench_spread){ .median = median, .least = sorted[0], .most = sorted[number - 1] };
}

struct bench_spread bench_spread(const struct bench_figure *figure)
{
	return spread(figure->values, figure->runs);
}

struct bench_spread bench_ratio(const struct bench_figure *figure, const struct bench_figure *baseline)
{
	unsigned int runs = figure->runs < baseline->runs ? figure->runs : baseline->runs;
	double ratios[BENCH_MAX_RUNS];
	unsigned int number = 0;

	for (unsigned int i = 0; i < runs; i++)
		if (figure->values[i] > 0)
			ratios[number++] = baseline->values[i] / figure->values[i];
	return spread(ratios, number);
}

const struct bench_figure *bench_against(const struct bench_case *one, const struct bench_figure *figure, unsigned int place)
{
	const struct bench_figure *baseline = &one->figure[place];

	if (figure->lane.baseline || !baseline->lane.baseline || !figure->runs || !baseline->runs)
		return NULL;
	return !figure->lane.against || !strcmp(figure->lane.against, baseline->lane.name) ? baseline : NULL;
}

enum bench_verdict bench_verdict(const struct bench_case *one, const struct bench_figure *figure)
{
	const struct bench_lane *lane = &figure->lane;
	bool met = true;

	if (!figure->runs || (lane->at_most <= 0 && lane->at_least <= 0 && !lane->exact))
		return BENCH_NO_AIM;
	if (lane->at_most > 0 || lane->exact)
		met = bench_spread(figure).median <= lane->at_most;
	for (unsigned int i = 0; lane->at_least > 0 && i < one->figures; i++) {
		const struct bench_figure *baseline = bench_against(one, figure, i);
		if (baseline)
			met = met && bench_ratio(figure, baseline).median >= lane->at_least;
	}
	return met ? BENCH_MET : BENCH_MISSED;
}
