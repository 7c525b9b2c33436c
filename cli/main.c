// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command viommu: finds the sub-command and passes the rest of the line to it.
 */
#include "common/cli.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <viommu/viommu.h>

static const struct command {
	const char *name;
	const char *title; /* its name in messages and help */
	int (*run)(int argc, char **argv);
} commands[] = {
	// clang-format off
	{ "bench", "viommu bench", cli_bench },
	{ "live", "viommu live", cli_live },
	{ "probe", "viommu probe", cli_probe },
	{ "replay", "viommu replay", cli_replay },
	{ "show", "viommu show", cli_show },
	// clang-format on
};

static const char doc[] = "Shows, replays and measures a guest's use of its IOMMU.\v"
			  "Commands:\n"
			  "  bench               measure what the library costs\n"
			  "  live -- QEMU...     run a guest, watch it and compare\n"
			  "  probe [BDF]         report this machine's IOMMU, and what is missing\n"
			  "  replay CAPTURE...   carry out a recording of a guest, and compare\n"
			  "  show CAPTURE...     print the contents of a recording\n"
			  "  help [COMMAND]      print this, or a command's help\n"
			  "  version             print the version\n"
			  "\n"
			  "`viommu COMMAND --help' describes a command.\n"
			  "Exit status: 0 all is well, 1 something disagreed, 2 bad usage or bad input.";

static void print_version(FILE *stream, struct argp_state *state)
{
	(void)state;
	fprintf(stream, "viommu %s\n", viommu_version());
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

struct choice {
	const struct command *command;
	bool help; /* that the command prints about itself */
	int argc;
	char **argv;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case ARGP_KEY_ARG:
		choice->help = !strcmp(arg, "help");
		if (!strcmp(arg, "version")) {
			print_version(stdout, state);
			exit(cli_flush() ? CLI_OK : CLI_BAD_INPUT);
		}
		if (choice->help && state->next == state->argc)
			argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		if (choice->help)
			arg = state->argv[state->next++];
		choice->command = find_command(arg);
		if (!choice->command)
			argp_failure(state, CLI_BAD_INPUT, 0, "unknown command '%s'; `viommu --help' lists the commands", arg);
		/* The rest belongs to the sub-command, with its name in place of the program's. */
		choice->argc = state->argc - state->next + 1;
		choice->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_state_help(state, stderr, ARGP_HELP_USAGE | ARGP_HELP_DOC | ARGP_HELP_LONG | ARGP_HELP_EXIT_ERR);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = { { NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 }, { 0 } };
	static const struct argp argp = { options, parse_option, "COMMAND [ARGUMENT...]", doc, NULL, NULL, NULL };
	static char name[] = "viommu";
	struct choice choice = { 0 };

	argp_err_exit_status = CLI_BAD_INPUT;
	argp_program_version_hook = print_version;
	if (argc > 0)
		argv[0] = name;
	/* In order: an option after the sub-command belongs to it. */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice);
	if (!choice.command)
		return CLI_BAD_INPUT;

	char *title = strdup(choice.command->title);
	if (!title)
		return CLI_BAD_INPUT;
	/* -h is --help. After the first argument it may be QEMU's. */
	static char help[] = "--help";
	char *help_argv[] = { title, help, NULL };
	if (choice.help || (choice.argc > 1 && !strcmp(choice.argv[1], "-h"))) {
		choice.argc = 2;
		choice.argv = help_argv;
	}
	choice.argv[0] = title;
	int status = choice.command->run(choice.argc, choice.argv);
	if (!cli_flush())
		status = CLI_BAD_INPUT;
	free(title);
	return status;
}
