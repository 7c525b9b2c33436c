// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * QEMU's command line: the user's words, followed by -plugin. Nothing else is added: the plugin
 * finds the guest's memory inside QEMU's process.
 */
#include "live.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN "viommu-watch.so"

/* The plugin's folder, relative to this program's folder: in a build, and in an installation. */
static const char *const places[] = {
	"../integrations/qemu-plugin/" PLUGIN, "../lib/viommu/" PLUGIN, "../" VIOMMU_LIBDIR "/viommu/" PLUGIN, "../" VIOMMU_LIBDIR "/" PLUGIN, PLUGIN,
};

/*
 * QEMU passes a path without a slash to the dynamic linker, which looks elsewhere. So the result is
 * always an absolute path.
 */
static char *find_plugin(const char *given)
{
	char self[PATH_MAX], path[2 * PATH_MAX];

	if (given) {
		char *found = realpath(given, NULL);
		if (!found)
			cli_complain("%s: %s", given, strerror(errno));
		return found;
	}
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length < 0) {
		cli_complain("the place of this program is not known (%s): --plugin FILE names the plugin", strerror(errno));
		return NULL;
	}
	self[length] = '\0';
	char *slash = strrchr(self, '/');
	if (slash)
		slash[1] = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", self, places[i]);
		char *found = realpath(path, NULL);
		if (found)
			return found;
	}
	cli_complain("there is no " PLUGIN " beside this program: --plugin FILE names it");
	return NULL;
}

/* In an argument of QEMU's, a comma is doubled. */
static void add_quoted(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == ',')
			fputc(',', to);
		fputc(*text, to);
	}
}

static void add(FILE *to, const char *name, const char *value)
{
	fprintf(to, ",%s=", name);
	add_quoted(to, value);
}

static char *plugin_argument(const struct live_options *options, const char *plugin, int board)
{
	char *text = NULL, path[64];
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	if (!to)
		return NULL;
	add_quoted(to, plugin);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", board);
	add(to, "board", path);
	if (options->record)
		add(to, "out", options->record);
	if (options->numbered)
		add(to, "numbered", options->numbered);
	for (unsigned int i = 0; i < options->argument_count; i++) {
		fputc(',', to);
		add_quoted(to, options->arguments[i]);
	}
	if (!fclose(to))
		return text;
	free(text);
	return NULL;
}

/* A QEMU that daemonizes would seem to end before its guest begins. */
static bool usable(char *const *command)
{
	for (; *command; command++) {
		if (!strcmp(*command, "-daemonize") || !strcmp(*command, "--daemonize")) {
			cli_complain("QEMU has to stay in the foreground: leave out -daemonize");
			return false;
		}
	}
	return true;
}

char **live_command_make(const struct live_options *options, int board)
{
	size_t words = 0;

	if (!usable(options->command))
		return NULL;
	char *plugin = find_plugin(options->plugin);
	if (!plugin)
		return NULL;
	char *argument = plugin_argument(options, plugin, board);
	free(plugin);
	while (options->command[words])
		words++;
	char **command = calloc(words + 3, sizeof(*command));
	bool complete = argument && command;
	for (size_t i = 0; complete && i < words; i++)
		complete = (command[i] = strdup(options->command[i])) != NULL;
	if (complete)
		complete = (command[words] = strdup("-plugin")) != NULL;
	if (complete) {
		command[words + 1] = argument;
		return command;
	}
	free(argument);
	live_command_free(command);
	cli_complain("out of memory");
	return NULL;
}

void live_command_free(char **command)
{
	for (size_t i = 0; command && command[i]; i++)
		free(command[i]);
	free(command);
}
