// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `viommu bench`: its options, and the order of things. */
#include "bench.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char doc[] =
	"Measures the costs of the library, beside baselines that are measured in the same run: refreshes, registrations, translations, memory. A "
	"CAPTURE is carried out from beginning to end.\v"
	"Each figure is the median over the runs; the spread is from the least to the largest of them. `times' says how many times as fast as the "
	"baseline beside it. docs/benchmarks.md explains every line.\n"
	"SIZE is a number of bytes, or one with K, M, G or T behind it. FILE may be -, which is standard output: then only the picture is.\n"
	"\n"
	"Exit status: 0 all was measured, 1 something failed, 2 bad usage or bad input. A missed aim is no failure.";

enum { KEY_RUNS = 256, KEY_ONLY, KEY_QUICK, KEY_LIST, KEY_MEMORY, KEY_JSON, KEY_MARKDOWN, KEY_SVG };

static const struct argp_option options[] = {
	{ "runs", KEY_RUNS, "N", 0, "Set everything up and measure it N times (5)", 1 },
	{ "only", KEY_ONLY, "REGEX", 0, "Only cases whose names match this extended regular expression", 1 },
	{ "quick", KEY_QUICK, NULL, 0, "A few samples of each, no large apertures: a test of the benchmark, with rough figures", 1 },
	{ "memory", KEY_MEMORY, "SIZE", 0, "Memory that a case may take (2G)", 1 },
	{ "list", KEY_LIST, NULL, 0, "List the cases, and measure nothing", 2 },
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 2 },
	{ "markdown", KEY_MARKDOWN, NULL, 0, "Print the table in Markdown, a line a case", 2 },
	{ "svg", KEY_SVG, "FILE", 0, "Draw the cost of a refresh that changes nothing, against the aperture's size", 2 },
	{ 0 },
};

/* Cases have the names of files, without the folders. */
static void check_captures(const struct bench_options *to, struct argp_state *state)
{
	char one[BENCH_NAME_BYTES], other[BENCH_NAME_BYTES];

	for (int i = 0; i < to->capture_count; i++) {
		bench_capture_name(to->captures[i], one);
		if (!strcmp(to->captures[i], "-"))
			argp_failure(state, CLI_BAD_INPUT, 0, "a capture is read more than once, which is impossible with standard input");
		for (int j = 0; j < i; j++) {
			bench_capture_name(to->captures[j], other);
			if (!strcmp(one, other))
				argp_failure(state, CLI_BAD_INPUT, 0, "two captures would be called '%s' here: '%s' and '%s'", one, to->captures[j],
					     to->captures[i]);
		}
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct bench *bench = state->input;
	struct bench_options *to = &bench->options;
	uint64_t number;

	switch (key) {
	case KEY_RUNS:
		if (!cli_parse_count(arg, &number) || !number || number > BENCH_MAX_RUNS)
			argp_failure(state, CLI_BAD_INPUT, 0, "--runs: '%s' is not a number from 1 to %u", arg, BENCH_MAX_RUNS);
		to->runs = (unsigned int)number;
		return 0;
	case KEY_ONLY:
		if (to->only)
			regfree(&bench->only);
		to->only = arg;
		if (regcomp(&bench->only, arg, REG_EXTENDED | REG_NOSUB))
			argp_failure(state, CLI_BAD_INPUT, 0, "--only: '%s' is not a regular expression", arg);
		return 0;
	case KEY_QUICK:
		to->quick = true;
		return 0;
	case KEY_LIST:
		to->list = true;
		return 0;
	case KEY_MEMORY:
		if (!cli_parse_size(arg, &to->memory))
			argp_failure(state, CLI_BAD_INPUT, 0, "--memory: '%s' is not a size", arg);
		return 0;
	case KEY_JSON:
		to->json = true;
		return 0;
	case KEY_MARKDOWN:
		to->markdown = true;
		return 0;
	case KEY_SVG:
		to->svg = arg;
		return 0;
	case ARGP_KEY_ARGS:
		to->captures = state->argv + state->next;
		to->capture_count = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		check_captures(to, state);
		if (!to->runs)
			to->runs = to->quick ? 1 : 5;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void bench_progress(const struct bench *bench, const struct bench_case *one)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[Krun %u of %u: %s", bench->run + 1, bench->options.runs, one ? one->name : "");
}

static void end_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static void run_all(struct bench *bench)
{
	bench_changes(bench);
	bench_same(bench);
	bench_arm64(bench);
	bench_iommus(bench);
	bench_tracking(bench);
	bench_life(bench);
	bench_translate(bench);
	bench_vcpus(bench);
	bench_hold(bench);
	bench_memory(bench);
	bench_steady(bench);
	bench_captures(bench);
}

static int tell(const struct bench *bench)
{
	bool alone = bench->options.svg && !strcmp(bench->options.svg, "-");

	if (bench->options.list) {
		for (const struct bench_case *one = bench->cases; one; one = one->next)
			printf("%-26s %s\n", one->name, one->what);
		return CLI_OK;
	}
	if (bench->options.json && !alone)
		bench_json(bench);
	else if (bench->options.markdown && !alone)
		bench_markdown(bench);
	else if (!alone)
		bench_table(bench);
	return bench->options.svg && !bench_draw(bench, bench->options.svg) ? CLI_BAD_INPUT : CLI_OK;
}

int cli_bench(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, "[CAPTURE...]", doc, NULL, NULL, NULL };
	struct bench bench = { .options.memory = UINT64_C(2) << 30 };

	bench.cases_end = &bench.cases;
	argp_parse(&argp, argc, argv, 0, NULL, &bench);
	if (!bench.options.list)
		bench_machine(&bench.machine);
	for (bench.run = 0; bench.run < (bench.options.list ? 1 : bench.options.runs); bench.run++)
		run_all(&bench);
	end_progress();
	int status = CLI_OK;
	if (!bench.cases) {
		cli_complain("no case matches '%s'; --list lists them", bench.options.only);
		status = CLI_BAD_INPUT;
	} else {
		status = tell(&bench);
	}
	if (status == CLI_OK && bench.failed)
		status = bench.bad_input ? CLI_BAD_INPUT : CLI_DISAGREES;
	while (bench.cases) {
		struct bench_case *one = bench.cases;
		bench.cases = one->next;
		free(one);
	}
	if (bench.options.only)
		regfree(&bench.only);
	return status;
}
