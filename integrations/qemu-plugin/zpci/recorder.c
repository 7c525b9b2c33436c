/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An s390x guest's observations as records.
 */
#include "recorder.h"

#include <stdlib.h>

#include "capture_file.h"

struct recorder {
	struct watcher watcher; /* first: a recorder is one */
	struct capture_file file;
};

static struct capture_file *file_of(struct watcher *watcher)
{
	return &((struct recorder *)(void *)watcher)->file;
}

static void record_memory(struct watcher *watcher, const struct guest_ram *ram)
{
	struct capture_record record = { .kind = CAPTURE_SLOT, .slot = { .gpa = 0, .bytes = ram->bytes, .prot = CAPTURE_RW } };

	capture_file_put(file_of(watcher), &record);
}

static void record_function(struct watcher *watcher, const struct capture_function *function, const uint32_t *unplugged)
{
	struct capture_record record = { .kind = CAPTURE_FUNCTION, .function = *function };

	if (unplugged) {
		struct capture_record unplug = { .kind = CAPTURE_UNPLUG, .unplug = { .fh = *unplugged } };

		capture_file_put(file_of(watcher), &unplug);
	}
	capture_file_put(file_of(watcher), &record);
}

static void record_operation(struct watcher *watcher, const struct observation *observation, void *begun)
{
	struct capture_file *file = file_of(watcher);
	const struct answers *answers = &observation->answers;

	(void)begun;
	capture_file_put_changes(file, &observation->changes);
	capture_file_put(file, &observation->operation);
	if (answers->known) {
		struct capture_record record = { .kind = CAPTURE_ORACLE, .oracle = { .first = answers->first, .last = answers->last } };

		capture_file_put(file, &record);
		capture_file_put_pages(file, answers);
	}
	capture_file_flush_if_due(file);
}

static void record_note(struct watcher *watcher, const char *text)
{
	capture_file_put_note(file_of(watcher), text);
}

static void record_idle(struct watcher *watcher)
{
	capture_file_flush_if_due(file_of(watcher));
}

static void record_end(struct watcher *watcher)
{
	capture_file_close(file_of(watcher));
}

struct watcher *recorder_create(const char *path, int level)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

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
	if (capture_file_open(&recorder->file, path, CAPTURE_ZPCI, level)) {
		free(recorder);
		return NULL;
	}
	return &recorder->watcher;
}
