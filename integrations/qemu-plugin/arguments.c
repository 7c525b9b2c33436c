/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"

/* Higher levels make captures of lazy guests a quarter smaller, at a hundred times the cost. */
#define COMPRESSION_LEVEL 9

int arguments_complain(const char *text, const char *what)
{
	fprintf(stderr, "viommu-watch: %s%s\n", text, what);
	return -1;
}

/* A number, up to a character that may end it. */
static bool number(const char *text, char until, uint64_t most, uint64_t *value, const char **rest)
{
	char *end;
	unsigned long long parsed;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	parsed = strtoull(text, &end, 0);
	if (errno || parsed > most || *end != until)
		return false;
	*value = parsed;
	if (rest)
		*rest = end + 1;
	return true;
}

static int parse_level(struct arguments *arguments, const char *value)
{
	uint64_t level;

	if (!number(value, 0, CAPTURE_MAX_LEVEL, &level, NULL))
		return arguments_complain("level is a number from 0 (no compression) to 19, and not ", value);
	arguments->level = (int)level;
	return 0;
}

static int parse_note(struct arguments *arguments, const char *value)
{
	if (arguments->note_count == ARGUMENTS_NOTES)
		return arguments_complain("too many notes: ", value);
	arguments->notes[arguments->note_count++] = value;
	return 0;
}

static int parse_device(struct arguments *arguments, const char *value)
{
	uint64_t function;
	const char *id;

	if (!number(value, ':', UINT32_MAX, &function, &id) || !*id)
		return arguments_complain("device is NUMBER:ID, a function's handle or FID and the id of QEMU's device, and not ", value);
	if (arguments->device_count == ARGUMENTS_DEVICES)
		return arguments_complain("too many devices: ", value);
	arguments->devices[arguments->device_count++] = (struct arguments_device){ .number = (uint32_t)function, .id = id };
	return 0;
}

static int parse_numbered(struct arguments *arguments, const char *value)
{
	const char *count;

	if (number(value, '+', UINT32_MAX, &arguments->numbered_first, &count) && number(count, 0, UINT32_MAX, &arguments->numbered_count, NULL) &&
	    arguments->numbered_first && arguments->numbered_count)
		return 0;
	return arguments_complain("numbered is FIRST+COUNT, the number of the first block that is read (not 0) and how many are, and not ", value);
}

static int parse(struct arguments *arguments, const char *argument)
{
	size_t length = strcspn(argument, "=");
	const char *value = argument + length + (argument[length] == '=');

	if (!strncmp(argument, "out=", 4))
		arguments->out = value;
	else if (!strncmp(argument, "board=", 6))
		arguments->board = value;
	else if (!strcmp(argument, "check=on") || !strcmp(argument, "check=off"))
		arguments->check = !strcmp(value, "on");
	else if (!strncmp(argument, "check=", 6))
		return arguments_complain("check is on or off, and not ", value);
	else if (!strncmp(argument, "level=", 6))
		return parse_level(arguments, value);
	else if (!strncmp(argument, "note=", 5))
		return parse_note(arguments, value);
	else if (!strncmp(argument, "device=", 7))
		return parse_device(arguments, value);
	else if (!strncmp(argument, "numbered=", 9))
		return parse_numbered(arguments, value);
	else
		return arguments_complain("unknown argument: ", argument);
	return 0;
}

int arguments_parse(struct arguments *arguments, int argc, char **argv)
{
	int i;

	*arguments = (struct arguments){ .level = COMPRESSION_LEVEL };
	for (i = 0; i < argc; i++) {
		/* QEMU frees its own when the plugin is loaded. */
		char *kept = strdup(argv[i]);

		if (!kept)
			return arguments_complain("out of memory", "");
		if (parse(arguments, kept))
			return -1;
	}
	if (arguments->board)
		arguments->check = true;
	if (!arguments->out && !arguments->check)
		return arguments_complain("there is nothing to do without out=FILE, board=FILE or check=on", "");
	if (!arguments->check && (arguments->device_count || arguments->numbered_count))
		return arguments_complain("device and numbered are for checking: board=FILE or check=on is missing", "");
	return 0;
}
