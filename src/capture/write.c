// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The writer: judges each record by the format's rules, counts operations for the end record, and
 * keeps the last error.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct capture_writer {
	struct capture_output *output;
	struct capture_rules rules;
	struct capture_error error;
	int broken; /* the errno value of the file's failure; 0 before one */
	char *path;
	char line[CAPTURE_LINE_BUFFER];
};

/* The file failed. Records written before may be readable; no more can be added. */
static int fail(struct capture_writer *writer, int err)
{
	if (!err)
		return 0;
	writer->broken = err;
	capture_error_set(&writer->error, CAPTURE_FAULT_SYSTEM, writer->path, 0, strerror(-err));
	return err;
}

struct capture_writer *capture_writer_open(const char *path, enum capture_guest guest, int level, struct capture_error *error)
{
	struct capture_writer *writer = calloc(1, sizeof(*writer));
	int err = -ENOMEM;
	if (!writer)
		goto fail;
	err = -EINVAL;
	if (!capture_guest_name(guest))
		goto fail;
	err = -ENOMEM;
	writer->path = strdup(path);
	if (!writer->path)
		goto fail;
	err = capture_output_open(path, level, &writer->output);
	if (err)
		goto fail;
	writer->rules.guest = guest;
	int bytes = snprintf(writer->line, sizeof(writer->line), CAPTURE_MAGIC " %u %s\n", capture_version(guest), capture_guest_name(guest));
	err = capture_output_write(writer->output, writer->line, (size_t)bytes);
	if (!err)
		return writer;
	capture_output_close(writer->output, false);
fail:
	capture_error_set(error, CAPTURE_FAULT_SYSTEM, path, 0, strerror(-err));
	if (writer)
		free(writer->path);
	free(writer);
	return NULL;
}

static int put(struct capture_writer *writer, const struct capture_record *record)
{
	struct capture_what what;
	int err = capture_rules_next(&writer->rules, record, &what);
	if (err) {
		capture_error_set(&writer->error, CAPTURE_FAULT_SYNTAX, writer->path, 0, what.text);
		return err;
	}
	size_t bytes = capture_print(writer->rules.guest, record, writer->line);
	return fail(writer, capture_output_write(writer->output, writer->line, bytes));
}

int capture_write(struct capture_writer *writer, const struct capture_record *record)
{
	if (writer->broken)
		return writer->broken;
	if (record->kind == CAPTURE_END) {
		capture_error_set(&writer->error, CAPTURE_FAULT_SYNTAX, writer->path, 0, "the end is written by closing");
		return -EINVAL;
	}
	return put(writer, record);
}

int capture_writer_flush(struct capture_writer *writer)
{
	return writer->broken ? writer->broken : fail(writer, capture_output_flush(writer->output));
}

const struct capture_error *capture_writer_error(const struct capture_writer *writer)
{
	return &writer->error;
}

static int finish(struct capture_writer *writer, bool complete, struct capture_error *error)
{
	int err = capture_output_close(writer->output, complete);

	if (!writer->broken)
		fail(writer, err);
	err = writer->broken;
	if (err && error)
		*error = writer->error;
	capture_rules_free(&writer->rules);
	free(writer->path);
	free(writer);
	return err;
}

int capture_writer_close(struct capture_writer *writer, struct capture_error *error)
{
	struct capture_record end = { .kind = CAPTURE_END, .end = { .operations = writer->rules.operations } };

	if (!writer->broken)
		put(writer, &end);
	return finish(writer, !writer->broken, error);
}

void capture_writer_abandon(struct capture_writer *writer)
{
	if (writer)
		finish(writer, false, NULL);
}
