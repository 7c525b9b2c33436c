// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* --json: one document on stdout. docs/benchmarks.md lists the keys. */
#include "bench.h"

#include <jansson.h>

#include "common/draw.h"

static const char *unit_name(enum bench_unit unit)
{
	static const char *const names[] = { "ns", "ns", "bytes", "count" };

	return names[unit];
}

static json_t *spread_json(struct bench_spread spread)
{
	return json_pack("{s:f, s:f, s:f}", "median", spread.median, "least", spread.least, "most", spread.most);
}

/* A number, or null if there is none. */
static json_t *positive_or_null(double value)
{
	return value > 0 ? json_real(value) : json_null();
}

static json_t *aim_json(const struct bench_case *one, const struct bench_figure *figure)
{
	const struct bench_lane *lane = &figure->lane;
	enum bench_verdict verdict = bench_verdict(one, figure);

	if (verdict == BENCH_NO_AIM)
		return json_null();
	json_t *aim = json_object();
	json_object_set_new(aim, "at_most", lane->exact ? json_real(0) : positive_or_null(lane->at_most));
	json_object_set_new(aim, "times_at_least", positive_or_null(lane->at_least));
	json_object_set_new(aim, "met", json_boolean(verdict == BENCH_MET));
	return aim;
}

static json_t *figure_json(const struct bench_case *one, const struct bench_figure *figure)
{
	json_t *object = json_pack("{s:s, s:b}", "name", figure->lane.name, "baseline", (int)figure->lane.baseline);
	json_t *runs = json_array();
	json_t *times = json_object();

	for (unsigned int i = 0; i < figure->runs; i++)
		json_array_append_new(runs, json_real(figure->values[i]));
	for (unsigned int i = 0; i < one->figures; i++) {
		const struct bench_figure *baseline = bench_against(one, figure, i);
		if (baseline)
			json_object_set_new(times, baseline->lane.name, spread_json(bench_ratio(figure, baseline)));
	}
	json_object_update_new(object, spread_json(bench_spread(figure)));
	json_object_set_new(object, "runs", runs);
	json_object_set_new(object, "times_as_fast_as", times);
	json_object_set_new(object, "aim", aim_json(one, figure));
	return object;
}

static json_t *case_json(const struct bench_case *one)
{
	json_t *figures = json_array();

	for (unsigned int i = 0; i < one->figures; i++)
		json_array_append_new(figures, figure_json(one, &one->figure[i]));
	/*
	 * A case of a capture has its file's name. json_string() refuses names that are not UTF-8.
	 */
	json_t *name = json_string(one->name);
	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "name", name ? name : json_null(), "what", one->what, "unit", unit_name(one->unit), "aperture",
			 positive_or_null(one->size), "not_measured", *one->skipped ? json_string(one->skipped) : json_null(), "figures", figures);
}

static json_t *machine_json(const struct bench_machine *machine)
{
	json_t *cpu = json_string(machine->cpu);

	return json_pack("{s:o, s:s, s:i, s:b, s:b, s:f}", "cpu", cpu ? cpu : json_null(), "system", machine->system, "cpus", (int)machine->cpus, "bound",
			 (int)machine->pinned, "two_threads_share_a_core", (int)machine->siblings, "clock_ns", machine->clock_ns);
}

static json_t *document_json(const struct bench *bench)
{
	json_t *cases = json_array();

	for (const struct bench_case *one = bench->cases; one; one = one->next)
		json_array_append_new(cases, case_json(one));
	return json_pack("{s:o, s:i, s:b, s:I, s:I, s:o}", "machine", machine_json(&bench->machine), "runs", (int)bench->options.runs, "quick",
			 (int)bench->options.quick, "samples", (json_int_t)bench->samples, "samples_taken_again", (json_int_t)bench->disturbed, "cases", cases);
}

void bench_json(const struct bench *bench)
{
	json_t *document = document_json(bench);

	json_dumpf(document, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(document);
}

bool bench_draw(const struct bench *bench, const char *path)
{
	struct cli_drawing drawing;

	if (!cli_draw_begin(&drawing, path, "viommu bench"))
		return false;
	json_t *document = document_json(bench);
	json_object_set_new(document, "picture", json_string("bench"));
	json_dumpf(document, drawing.to, JSON_COMPACT);
	putc('\n', drawing.to);
	json_decref(document);
	return cli_draw_end(&drawing);
}
