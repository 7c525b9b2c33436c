/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing a capture. What was recorded is handed to the operating system about once a second, so that a QEMU that is killed leaves a capture that can
 * be read up to there. When the file cannot be written, that is said once on stderr, and the guest runs on.
 */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLUSH_SECONDS 1

struct recorder {
	struct watcher watcher; /* first: a recorder is one */
	struct capture_writer *writer;
	bool failed;
	bool dirty;
	struct timespec flushed;
};

static struct recorder *recorder_of(struct watcher *watcher)
{
	return (struct recorder *)(void *)watcher;
}

static void say(const char *text)
{
	fprintf(stderr, "viommu-watch: %s\n", text);
}

static void put(struct recorder *recorder, const struct capture_record *record)
{
	if (recorder->failed)
		return;
	recorder->dirty = true;
	if (capture_write(recorder->writer, record)) {
		say(capture_writer_error(recorder->writer)->message);
		say("nothing more is recorded");
		recorder->failed = true;
	}
}

/* A capture that lacks a record would be a wrong one, and one that ends is only a short one. */
static void flush_if_due(struct recorder *recorder)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (recorder->failed || !recorder->dirty || now.tv_sec - recorder->flushed.tv_sec < FLUSH_SECONDS)
		return;
	recorder->flushed = now;
	recorder->dirty = false;
	if (capture_writer_flush(recorder->writer)) {
		say(capture_writer_error(recorder->writer)->message);
		recorder->failed = true;
	}
}

static void record_memory(struct watcher *watcher, const struct guest_ram *ram)
{
	struct capture_record record = { .kind = CAPTURE_SLOT, .slot = { .gpa = 0, .bytes = ram->bytes, .prot = CAPTURE_RW } };

	put(recorder_of(watcher), &record);
}

static void record_function(struct watcher *watcher, const struct capture_function *function, const uint32_t *unplugged)
{
	struct capture_record record = { .kind = CAPTURE_FUNCTION, .function = *function };

	if (unplugged) {
		struct capture_record unplug = { .kind = CAPTURE_UNPLUG, .unplug = { .fh = *unplugged } };

		put(recorder_of(watcher), &unplug);
	}
	put(recorder_of(watcher), &record);
}

static void record_operation(struct watcher *watcher, const struct observation *observation, void *begun)
{
	struct recorder *recorder = recorder_of(watcher);
	struct capture_record record = { .kind = CAPTURE_MEM };
	size_t i;

	(void)begun;
	for (i = 0; i < observation->changes.count; i++) {
		record.mem = observation->changes.list[i];
		put(recorder, &record);
	}
	put(recorder, &observation->operation);
	if (observation->answers.known) {
		record =
			(struct capture_record){ .kind = CAPTURE_ORACLE, .oracle = { .first = observation->answers.first, .last = observation->answers.last } };
		put(recorder, &record);
		record = (struct capture_record){ .kind = CAPTURE_PAGE };
		for (i = 0; i < observation->answers.count; i++) {
			record.page = observation->answers.list[i];
			put(recorder, &record);
		}
	}
	flush_if_due(recorder);
}

static void record_note(struct watcher *watcher, const char *text)
{
	struct capture_record record = { .kind = CAPTURE_NOTE, .note = { .text = text } };

	put(recorder_of(watcher), &record);
}

static void record_idle(struct watcher *watcher)
{
	flush_if_due(recorder_of(watcher));
}

static void record_end(struct watcher *watcher)
{
	struct recorder *recorder = recorder_of(watcher);
	struct capture_error error;

	if (recorder->failed)
		capture_writer_abandon(recorder->writer);
	else if (capture_writer_close(recorder->writer, &error))
		say(error.message);
	recorder->writer = NULL;
	recorder->failed = true;
}

struct watcher *recorder_create(const char *path, int level)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	struct capture_error error;

	if (!recorder)
		return NULL;
	recorder->watcher = (struct watcher){
		.wants_tables = true,
		.memory = record_memory,
		.function = record_function,
		.operation = record_operation,
		.note = record_note,
		.idle = record_idle,
		.end = record_end,
	};
	recorder->writer = capture_writer_open(path, CAPTURE_ZPCI, level, &error);
	if (!recorder->writer) {
		say(error.message);
		free(recorder);
		return NULL;
	}
	return &recorder->watcher;
}
