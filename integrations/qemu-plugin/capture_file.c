/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture_file.h"

#include <stdio.h>

#define FLUSH_SECONDS 1

static void say(const char *text)
{
	fprintf(stderr, "viommu-watch: %s\n", text);
}

int capture_file_open(struct capture_file *file, const char *path, enum capture_guest guest, int level)
{
	struct capture_error error;

	file->writer = capture_writer_open(path, guest, level, &error);
	if (file->writer)
		return 0;
	say(error.message);
	return -1;
}

void capture_file_put(struct capture_file *file, const struct capture_record *record)
{
	if (file->failed)
		return;
	file->dirty = true;
	if (capture_write(file->writer, record)) {
		say(capture_writer_error(file->writer)->message);
		say("nothing more is recorded");
		file->failed = true;
	}
}

void capture_file_put_changes(struct capture_file *file, const struct changes *changes)
{
	struct capture_record record = { .kind = CAPTURE_MEM };
	size_t i;

	for (i = 0; i < changes->count; i++) {
		record.mem = changes->list[i];
		capture_file_put(file, &record);
	}
}

void capture_file_put_pages(struct capture_file *file, const struct answers *answers)
{
	struct capture_record record = { .kind = CAPTURE_PAGE };
	size_t i;

	for (i = 0; i < answers->count; i++) {
		record.page = answers->list[i];
		capture_file_put(file, &record);
	}
}

void capture_file_put_note(struct capture_file *file, const char *text)
{
	struct capture_record record = { .kind = CAPTURE_NOTE, .note = { .text = text } };

	capture_file_put(file, &record);
}

/* A capture that lacks a record would be a wrong one, and one that ends is only a short one. */
void capture_file_flush_if_due(struct capture_file *file)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (file->failed || !file->dirty || now.tv_sec - file->flushed.tv_sec < FLUSH_SECONDS)
		return;
	file->flushed = now;
	file->dirty = false;
	if (capture_writer_flush(file->writer)) {
		say(capture_writer_error(file->writer)->message);
		file->failed = true;
	}
}

void capture_file_close(struct capture_file *file)
{
	struct capture_error error;

	if (file->failed)
		capture_writer_abandon(file->writer);
	else if (capture_writer_close(file->writer, &error))
		say(error.message);
	file->writer = NULL;
	file->failed = true;
}
