// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The reader: checks that a file is a capture of a known version, turns its lines into records,
 * judges them by the format's rules, and distinguishes complete captures from truncated ones. It
 * delivers nothing after an error.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct capture_reader {
	struct capture_input *input;
	struct capture_rules rules;
	struct capture_error error;
	int broken; /* an errno value; 0 before an error */
	char *path;
};

static int fail(struct capture_reader *reader, int err, enum capture_fault fault, uint64_t line, const char *what)
{
	reader->broken = err;
	capture_error_set(&reader->error, fault, reader->path, line, what);
	return err;
}

/* Whether a truncated text could be the beginning of a capture's first line. */
static bool may_begin(const char *text)
{
	size_t length = strlen(text);
	size_t magic = strlen(CAPTURE_MAGIC " ");

	return !strncmp(text, CAPTURE_MAGIC " ", length < magic ? length : magic);
}

/* The first line: `viommu-capture VERSION GUEST-IOMMU`. */
static int check_first_line(struct capture_reader *reader, char *line)
{
	char first[64], known[CAPTURE_WHAT_BYTES] = "";
	struct capture_what what;
	size_t used = 0;

	for (unsigned int i = 0; i < CAPTURE_GUESTS; i++) {
		enum capture_guest guest = (enum capture_guest)(CAPTURE_ZPCI + i);
		snprintf(first, sizeof(first), CAPTURE_MAGIC " %u %s", capture_version(guest), capture_guest_name(guest));
		if (!strcmp(line, first)) {
			reader->rules.guest = guest;
			return 0;
		}
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s'%s'", i ? ", " : "", first + strlen(CAPTURE_MAGIC " "));
	}
	if (strncmp(line, CAPTURE_MAGIC " ", strlen(CAPTURE_MAGIC " ")))
		return fail(reader, -EBADMSG, CAPTURE_FAULT_NOT_A_CAPTURE, 0, "not a capture: the first line does not begin with '" CAPTURE_MAGIC "'");
	capture_what(&what, "a capture of another version or guest IOMMU ('%.60s'): this program reads %s", line, known);
	return fail(reader, -EBADMSG, CAPTURE_FAULT_VERSION, 1, what.text);
}

static int read_first_line(struct capture_reader *reader)
{
	char *line;
	uint64_t number;
	enum capture_fault fault = CAPTURE_FAULT_NONE;
	struct capture_what what;

	int got = capture_input_line(reader->input, &line, &number, &fault, &what);
	if (got > 0)
		return check_first_line(reader, line);
	if (!got)
		return fail(reader, -EBADMSG, CAPTURE_FAULT_NOT_A_CAPTURE, 0, "not a capture: it is empty");
	if (fault == CAPTURE_FAULT_SYNTAX || (fault == CAPTURE_FAULT_TRUNCATED && line && !may_begin(line)))
		return fail(reader, got, CAPTURE_FAULT_NOT_A_CAPTURE, 0, "not a capture: it does not begin with '" CAPTURE_MAGIC "'");
	return fail(reader, got, fault, number, what.text);
}

struct capture_reader *capture_reader_open(const char *path, struct capture_error *error)
{
	struct capture_reader *reader = calloc(1, sizeof(*reader));
	if (!reader || !(reader->path = strdup(strcmp(path, "-") ? path : "(standard input)"))) {
		capture_error_set(error, CAPTURE_FAULT_SYSTEM, path, 0, strerror(ENOMEM));
		goto fail;
	}
	if (capture_input_open(path, &reader->input, error))
		goto fail;
	if (!read_first_line(reader))
		return reader;
	if (error)
		*error = reader->error;
fail:
	capture_reader_close(reader);
	return NULL;
}

/*
 * The next line that holds a record, in *record. 1, 0 at the end of the input, or a negative errno
 * value.
 */
static int next_record(struct capture_reader *reader, struct capture_record *record)
{
	for (;;) {
		char *line;
		uint64_t number;
		enum capture_fault fault = CAPTURE_FAULT_NONE;
		struct capture_what what;

		int got = capture_input_line(reader->input, &line, &number, &fault, &what);
		if (got < 0)
			return fail(reader, got, fault, number, what.text);
		if (!got) {
			if (reader->rules.previous == CAPTURE_END)
				return 0;
			return fail(reader, -EBADMSG, CAPTURE_FAULT_TRUNCATED, number, "truncated: the end record is missing");
		}
		got = capture_parse(reader->rules.guest, line, record, &what);
		if (got < 0)
			return fail(reader, -EBADMSG, CAPTURE_FAULT_SYNTAX, number, what.text);
		if (!got)
			continue;
		record->line = number;
		got = capture_rules_next(&reader->rules, record, &what);
		if (got == -ENOMEM)
			return fail(reader, got, CAPTURE_FAULT_SYSTEM, number, what.text);
		if (got)
			return fail(reader, -EBADMSG, record->kind == CAPTURE_END ? CAPTURE_FAULT_CORRUPT : CAPTURE_FAULT_SYNTAX, number, what.text);
		return 1;
	}
}

int capture_read(struct capture_reader *reader, struct capture_record *record, struct capture_error *error)
{
	int got = reader->broken ? reader->broken : next_record(reader, record);
	if (got < 0 && error)
		*error = reader->error;
	return got;
}

enum capture_guest capture_reader_guest(const struct capture_reader *reader)
{
	return reader->rules.guest;
}

void capture_reader_position(const struct capture_reader *reader, uint64_t *done, uint64_t *total)
{
	capture_input_position(reader->input, done, total);
}

bool capture_reader_is_compressed(const struct capture_reader *reader)
{
	return capture_input_is_compressed(reader->input);
}

void capture_reader_close(struct capture_reader *reader)
{
	if (!reader)
		return;
	capture_input_close(reader->input);
	capture_rules_free(&reader->rules);
	free(reader->path);
	free(reader);
}
