// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * --markdown: the table of docs/benchmarks.md, one line for each case: medians, and the spread of
 * the library's.
 */
#include "bench.h"

#include <string.h>

/* A cell, assembled piece by piece. */
struct cell {
	char text[256];
};

static void add(struct cell *cell, const char *text)
{
	size_t used = strlen(cell->text);

	snprintf(cell->text + used, sizeof(cell->text) - used, "%s%s", used ? "; " : "", text);
}

static void add_figure(struct cell *cell, const struct bench_case *one, const struct bench_figure *figure)
{
	struct bench_spread spread = bench_spread(figure);
	char median[32], least[32], most[32], text[160];

	bench_print_value(median, sizeof(median), one->unit, spread.median);
	bench_print_value(least, sizeof(least), one->unit, spread.least);
	bench_print_value(most, sizeof(most), one->unit, spread.most);
	if (figure->lane.baseline || !strcmp(least, most))
		snprintf(text, sizeof(text), "%s %s", figure->lane.name, median);
	else
		snprintf(text, sizeof(text), "%s **%s** (%s - %s)", figure->lane.name, median, least, most);
	add(cell, text);
}

static void print_case(const struct bench_case *one)
{
	struct cell library = { "" }, baselines = { "" }, times = { "" }, aims = { "" };
	char text[96];

	if (*one->skipped)
		add(&library, "not measured");
	for (unsigned int i = 0; i < one->figures; i++) {
		const struct bench_figure *figure = &one->figure[i];
		enum bench_verdict verdict = bench_verdict(one, figure);
		add_figure(figure->lane.baseline ? &baselines : &library, one, figure);
		for (unsigned int j = 0; j < one->figures; j++) {
			const struct bench_figure *baseline = bench_against(one, figure, j);
			if (baseline) {
				snprintf(text, sizeof(text), "%.3g", bench_ratio(figure, baseline).median);
				add(&times, text);
			}
		}
		if (verdict != BENCH_NO_AIM) {
			char aim[72];
			bench_print_aim(aim, sizeof(aim), one->unit, &figure->lane);
			snprintf(text, sizeof(text), "%s: %s", aim, verdict == BENCH_MET ? "met" : "missed");
			add(&aims, text);
		}
	}
	printf("| `%s` | %s | %s | %s | %s |\n", one->name, library.text, baselines.text, times.text, aims.text);
}

void bench_markdown(const struct bench *bench)
{
	printf("%s, %s, %s; %s\n\n", bench->machine.cpu, bench->machine.system, cli_count_of(bench->machine.cpus, "CPU", "CPUs"),
	       cli_count_of(bench->options.runs, "run", "runs"));
	printf("| case | library | baseline | times as fast | aim |\n|---|---|---|---|---|\n");
	for (const struct bench_case *one = bench->cases; one; one = one->next)
		print_case(one);
}
