/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "recorder.h"

#include <stdio.h>

#define FLUSH_SECONDS 1

static void say(const char *text)
{
	fprintf(stderr, "viommu-watch: %s\n", text);
}

int recorder_open(struct recorder *recorder, const char *path, enum capture_guest guest, int level)
{
	struct capture_error error;

	recorder->writer = capture_writer_open(path, guest, level, &error);
	if (recorder->writer)
		return 0;
	say(error.message);
	return -1;
}

/* A capture that lacks a record would be wrong. One that ends early is only short. */
static void fail(struct recorder *recorder)
{
	say(capture_writer_error(recorder->writer)->message);
	say("nothing more is recorded");
	recorder->failed = true;
}

void recorder_put(struct recorder *recorder, const struct capture_record *record)
{
	if (!recorder->writer || recorder->failed)
		return;
	recorder->dirty = true;
	if (capture_write(recorder->writer, record))
		fail(recorder);
}

void recorder_put_changes(struct recorder *recorder, const struct changes *changes)
{
	struct capture_record record = { .kind = CAPTURE_MEM };
	size_t i;

	for (i = 0; i < changes->count; i++) {
		record.mem = changes->list[i];
		recorder_put(recorder, &record);
	}
}

void recorder_put_note(struct recorder *recorder, const char *text)
{
	struct capture_record record = { .kind = CAPTURE_NOTE, .note = { .text = text } };

	recorder_put(recorder, &record);
}

void recorder_put_observation(struct recorder *recorder, const struct observation *observation)
{
	size_t i, n;

	recorder_put_changes(recorder, observation->changes);
	recorder_put(recorder, &observation->operation);
	for (i = 0; i < observation->stretch_count; i++) {
		const struct stretch *stretch = &observation->stretches[i];
		struct capture_record oracle = {
			.kind = CAPTURE_ORACLE,
			.oracle = { .sid = stretch->device, .first = stretch->first, .last = stretch->last },
		};
		struct capture_record page = { .kind = CAPTURE_PAGE };

		recorder_put(recorder, &oracle);
		for (n = 0; n < stretch->runs.count; n++) {
			page.page = stretch->runs.list[n];
			recorder_put(recorder, &page);
		}
	}
	recorder_flush_if_due(recorder);
}

void recorder_flush_if_due(struct recorder *recorder)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (recorder->failed || !recorder->dirty || now.tv_sec - recorder->flushed.tv_sec < FLUSH_SECONDS)
		return;
	recorder->flushed = now;
	recorder->dirty = false;
	if (capture_writer_flush(recorder->writer))
		fail(recorder);
}

void recorder_close(struct recorder *recorder)
{
	struct capture_error error;

	if (!recorder->writer)
		return;
	if (recorder->failed)
		capture_writer_abandon(recorder->writer);
	else if (capture_writer_close(recorder->writer, &error))
		say(error.message);
	*recorder = (struct recorder){ 0 };
}
