// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command line of `viommu live`. All arguments after the program are that program's, so `--' is
 * optional.
 */
#include "live.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_JSON = 256, OPTION_PLUGIN, OPTION_ARGUMENT, OPTION_NUMBERED, OPTION_LINES };

static const struct argp_option option_list[] = {
	{ "record", 'r', "FILE", 0, "keep a capture of it all in FILE (replay it with `viommu replay')", 0 },
	{ "log", 'l', "FILE", 0, "keep the output of the guest's console and of QEMU in FILE", 0 },
	{ "interval", 'i', "SECONDS", 0, "time between two updates (screen 0.5, --json 1, lines 5)", 0 },
	{ "json", OPTION_JSON, NULL, 0, "write a stream of JSON objects, one a line", 0 },
	{ "lines", OPTION_LINES, NULL, 0, "write lines even on a terminal", 0 },
	{ "numbered", OPTION_NUMBERED, "FIRST+COUNT", 0,
	  "compare data as well: the guest reads these blocks, in order, of a disk whose blocks carry their numbers", 0 },
	{ "quiet", 'q', NULL, 0, "show nothing but errors: only the exit status", 0 },
	{ "plugin", OPTION_PLUGIN, "FILE", 0, "viommu-watch.so, if it is not beside this program", 1 },
	{ "plugin-argument", OPTION_ARGUMENT, "NAME=VALUE", 0, "one more argument for the plugin", 1 },
	{ 0 },
};

static const char doc[] = "Runs a guest under QEMU, shows its use of its IOMMU, and compares with libviommu.\v"
			  "Example: viommu live -- qemu-system-s390x -M s390-ccw-virtio -m 1G -nographic ...\n"
			  "\n"
			  "Exit status: 0 nothing disagreed, 1 something did, 2 bad usage, or QEMU could not be started or failed.";

static void parse_interval(struct argp_state *state, struct live_options *options, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value) || value < 0.05 || value > 3600)
		argp_failure(state, CLI_BAD_INPUT, 0, "--interval is a number of seconds from 0.05 to 3600, and not '%s'", text);
	options->interval = value;
}

static void add_argument(struct argp_state *state, struct live_options *options, char *text)
{
	char **list = realloc(options->arguments, (options->argument_count + 1) * sizeof(*list));

	if (!list)
		argp_failure(state, CLI_BAD_INPUT, 0, "out of memory");
	list[options->argument_count++] = text;
	options->arguments = list;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct live_options *options = state->input;

	switch (key) {
	case 'r':
		options->record = arg;
		return 0;
	case 'l':
		options->log = arg;
		return 0;
	case 'i':
		parse_interval(state, options, arg);
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_LINES:
		options->lines = true;
		return 0;
	case OPTION_NUMBERED:
		options->numbered = arg;
		return 0;
	case OPTION_PLUGIN:
		options->plugin = arg;
		return 0;
	case OPTION_ARGUMENT:
		add_argument(state, options, arg);
		return 0;
	case ARGP_KEY_ARG:
		options->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (!options->command)
			argp_failure(state, CLI_BAD_INPUT, 0, "no program to run; `viommu live --help' shows how");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void live_options_parse(struct live_options *options, int argc, char **argv)
{
	static const struct argp argp = { option_list, parse_option, "[--] qemu-system-s390x|qemu-system-aarch64 [ARGUMENT...]", doc, NULL, NULL, NULL };

	*options = (struct live_options){ 0 };
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, options);
}

void live_options_free(struct live_options *options)
{
	free(options->arguments);
}
