// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table for people: for each case one line for each lane, the library first, with its
 * comparison with each baseline.
 */
#include "bench.h"

#include <math.h>
#include <string.h>

void bench_print_value(char *text, size_t bytes, enum bench_unit unit, double value)
{
	static const char *const times[] = { "ns", "us", "ms", "s" };
	unsigned int scale = 0;

	switch (unit) {
	case BENCH_TIME:
	case BENCH_TIME_EACH:
		while (scale < 3 && value >= (unit == BENCH_TIME ? 1000 : 10000)) {
			value /= 1000;
			scale++;
		}
		snprintf(text, bytes, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, times[scale]);
		return;
	case BENCH_BYTES:
		snprintf(text, bytes, "%.*f B", value < 99.95 ? 1 : 0, value);
		return;
	case BENCH_COUNT:
		snprintf(text, bytes, "%.*f", fmod(value, 1) > 0 ? 2 : 0, value);
		return;
	}
}

void bench_print_aim(char *text, size_t bytes, enum bench_unit unit, const struct bench_lane *lane)
{
	char most[32] = "", least[32] = "";

	if (lane->at_most > 0)
		bench_print_value(most, sizeof(most), unit, lane->at_most);
	else if (lane->exact)
		snprintf(most, sizeof(most), "0");
	if (lane->at_least > 0)
		snprintf(least, sizeof(least), "%.3g times", lane->at_least);
	snprintf(text, bytes, "%s%s%s", most, *most && *least ? ", " : "", least);
}

static const char *verdict(enum bench_verdict verdict)
{
	return verdict == BENCH_MET ? "met" : verdict == BENCH_MISSED ? "missed" : "";
}

static enum cli_colour colour_of(enum bench_verdict verdict)
{
	return verdict == BENCH_MET ? CLI_GREEN : verdict == BENCH_MISSED ? CLI_RED : CLI_PLAIN;
}

static void print_figure(const struct bench_case *one, const struct bench_figure *figure)
{
	struct bench_spread spread = bench_spread(figure);
	enum bench_verdict met = bench_verdict(one, figure);
	char median[32], least[32], most[32], range[72], aim[72], ratios[160] = "";

	bench_print_value(median, sizeof(median), one->unit, spread.median);
	bench_print_value(least, sizeof(least), one->unit, spread.least);
	bench_print_value(most, sizeof(most), one->unit, spread.most);
	snprintf(range, sizeof(range), "%s - %s", least, most);
	bench_print_aim(aim, sizeof(aim), one->unit, &figure->lane);
	for (unsigned int i = 0; i < one->figures; i++) {
		const struct bench_figure *baseline = bench_against(one, figure, i);
		size_t used = strlen(ratios);
		if (baseline)
			snprintf(ratios + used, sizeof(ratios) - used, "%s%.3g x %s", used ? ", " : "", bench_ratio(figure, baseline).median,
				 baseline->lane.name);
	}
	printf("    %-22s %10s  %-22s %-38s %-18s %s%s%s\n", figure->lane.name, median, range, ratios, aim, cli_colour(stdout, colour_of(met)), verdict(met),
	       cli_colour(stdout, CLI_PLAIN));
}

void bench_table(const struct bench *bench)
{
	const struct bench_machine *machine = &bench->machine;

	printf("%s\n%s; %u CPU%s\n", machine->cpu, machine->system, machine->cpus, machine->cpus == 1 ? "" : "s");
	printf("%u run%s; %s; a look at the clock takes %.0f ns\n", bench->options.runs, bench->options.runs == 1 ? "" : "s",
	       machine->pinned ? "bound to a CPU" : "not bound to a CPU", machine->clock_ns);
	if (bench->options.quick)
		printf("A quick run: a test of the benchmark, with rough figures.\n");
	printf("\n    %-22s %10s  %-22s %-38s %-18s\n", "", "median", "spread", "as fast as", "aim");
	for (const struct bench_case *one = bench->cases; one; one = one->next) {
		fputs(cli_colour(stdout, CLI_BOLD), stdout);
		cli_put_text(stdout, one->name);
		printf("%s  %s\n", cli_colour(stdout, CLI_PLAIN), one->what);
		if (*one->skipped)
			printf("    not measured: %s\n", one->skipped);
		for (unsigned int i = 0; i < one->figures; i++)
			print_figure(one, &one->figure[i]);
	}
	if (bench->disturbed)
		printf("\n%s of %s were taken again, since the kernel had taken the CPU away.\n", cli_count_of(bench->disturbed, "sample", "samples"),
		       cli_count(bench->samples));
}
