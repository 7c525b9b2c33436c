// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `viommu show`: the contents of a capture, without executing it. A description is accumulated
 * while the records are read. Everything that is stored is bounded, such as the number of functions
 * with descriptions.
 */
#include "show.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "replay/replay.h"

static const char doc[] =
	"Prints the contents of each CAPTURE: its notes, the guest's memory, its functions or streams, and their operations.\v"
	"For a picture, the capture is replayed, and read more than once. FILE may be -, which is standard output: then only the picture is.\n"
	"\n"
	"Exit status: 0, or 2 for bad usage or bad input.";

enum { KEY_SVG = 256, KEY_TIMELINE };

static const struct argp_option options[] = {
	{ "records", 'r', NULL, 0, "List every record, with its meaning", 0 },
	{ "svg", KEY_SVG, "FILE", 0, "Draw the mappings, when most is mapped", 0 },
	{ "timeline", KEY_TIMELINE, "FILE", 0, "Draw mapped and pinned memory, and refreshes, over the run", 0 },
	{ 0 },
};

struct arguments {
	bool records;
	const char *svg;
	const char *timeline;
	char **captures;
	int count;
};

static void check_pictures(const struct arguments *arguments, struct argp_state *state)
{
	if (!arguments->svg && !arguments->timeline)
		return;
	if (arguments->count > 1)
		argp_failure(state, CLI_BAD_INPUT, 0, "a picture is of one capture, %d are given", arguments->count);
	if (arguments->count && !strcmp(arguments->captures[0], "-"))
		argp_failure(state, CLI_BAD_INPUT, 0,
			     "for a picture the capture is read more than once, which is impossible with standard input; `viommu replay' draws from it");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'r':
		arguments->records = true;
		return 0;
	case KEY_SVG:
		arguments->svg = arg;
		return 0;
	case KEY_TIMELINE:
		arguments->timeline = arg;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->captures = state->argv + state->next;
		arguments->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_failure(state, CLI_BAD_INPUT, 0, "no capture given");
		return 0;
	case ARGP_KEY_END:
		check_pictures(arguments, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int show_capture(const char *path, bool records)
{
	struct capture_error error;
	struct capture_record record;
	int got;

	struct capture_reader *reader = capture_reader_open(path, &error);
	if (!reader) {
		cli_complain("%s", error.message);
		return CLI_BAD_INPUT;
	}
	struct description *description = calloc(1, sizeof(*description));
	if (description) {
		description->guest = capture_reader_guest(reader);
		description->iommu = capture_has_streams(description->guest) ? &show_streams : &show_zpci;
		description->own = calloc(1, description->iommu->bytes);
	}
	if (!description || !description->own) {
		cli_complain("out of memory");
		free(description);
		capture_reader_close(reader);
		return CLI_BAD_INPUT;
	}
	while ((got = capture_read(reader, &record, &error)) > 0) {
		if (records)
			show_record(capture_reader_guest(reader), &record);
		else
			describe(description, &record);
	}
	if (!records)
		print_description(description, path, reader, got < 0);
	if (got < 0)
		cli_complain("%s", error.message);
	free(description->own);
	free(description);
	capture_reader_close(reader);
	return got < 0 ? CLI_BAD_INPUT : CLI_OK;
}

/* Whether only a picture goes to standard output. */
static bool is_picture(const char *svg, const char *timeline)
{
	return (svg && !strcmp(svg, "-")) || (timeline && !strcmp(timeline, "-"));
}

/* Disagreements with the capture do not count here. */
static int replay_quietly(const char *path, const struct replay_options *how, struct replay_counts *counts)
{
	struct replay_json json;

	memset(counts, 0, sizeof(*counts));
	replay_json_begin(&json, how, false);
	return replay_path(path, how, &json, counts) == CLI_BAD_INPUT ? CLI_BAD_INPUT : CLI_OK;
}

/*
 * The capture is replayed without output: to its end for the timeline, and then to the moment at
 * which most was mapped, since many guests have nothing mapped when a recording ends. mute:
 * complaints about the capture were printed before.
 */
static int show_pictures(const char *path, const char *svg, const char *timeline, bool mute)
{
	struct replay_options how = replay_defaults;
	struct replay_counts *counts = malloc(sizeof(*counts));

	if (!counts) {
		cli_complain("out of memory");
		return CLI_BAD_INPUT;
	}
	how.quiet = true;
	how.mute = mute;
	how.timeline = timeline;
	int status = replay_quietly(path, &how, counts);
	if (svg) {
		how.mute = true;
		how.timeline = NULL;
		how.svg = svg;
		if (counts->mapped_pages_peak)
			how.stop_after = counts->mapped_pages_peak_operation;
		int drawn = replay_quietly(path, &how, counts);
		status = drawn > status ? drawn : status;
	}
	free(counts);
	return status;
}

int cli_show(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, "CAPTURE...", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	int status = CLI_OK;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (is_picture(arguments.svg, arguments.timeline))
		return show_pictures(arguments.captures[0], arguments.svg, arguments.timeline, false);
	for (int i = 0; i < arguments.count; i++) {
		if (i)
			putchar('\n');
		int one = show_capture(arguments.captures[i], arguments.records);
		if (one > status)
			status = one;
	}
	if (arguments.svg || arguments.timeline) {
		int drawn = show_pictures(arguments.captures[0], arguments.svg, arguments.timeline, status != CLI_OK);
		if (drawn > status)
			status = drawn;
	}
	return status;
}
