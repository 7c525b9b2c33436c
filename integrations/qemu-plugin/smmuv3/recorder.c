/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observations of a guest with an SMMUv3 as records.
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

static void record_memory(struct watcher *watcher, const struct watched_memory *memory)
{
	struct capture_record ram = { .kind = CAPTURE_SLOT, .slot = { .gpa = memory->ram->gpa, .bytes = memory->ram->bytes, .prot = CAPTURE_RW } };
	struct capture_record queue = { .kind = CAPTURE_SLOT, .slot = { .gpa = memory->queue_gpa, .bytes = memory->queue_bytes, .prot = CAPTURE_R } };
	/* As QEMU's, whose devices reach all of memory until the guest says otherwise. */
	struct capture_record smmu = { .kind = CAPTURE_SMMU };

	capture_file_put(file_of(watcher), &ram);
	capture_file_put_note(file_of(watcher), "the next slot is no memory of the guest's: what it puts into its command queue, recorded as a smaller one");
	capture_file_put(file_of(watcher), &queue);
	capture_file_put(file_of(watcher), &smmu);
}

static void record_stream(struct watcher *watcher, uint32_t sid, const char *name, const struct changes *changes)
{
	struct capture_record record = { .kind = CAPTURE_STREAM, .stream = { .sid = sid } };

	(void)name;
	capture_file_put_changes(file_of(watcher), changes);
	capture_file_put(file_of(watcher), &record);
}

static void record_operation(struct watcher *watcher, const struct observation *observation)
{
	struct capture_file *file = file_of(watcher);
	size_t i;

	capture_file_put_changes(file, observation->changes);
	capture_file_put(file, &observation->operation);
	for (i = 0; i < observation->stretch_count; i++) {
		const struct stretch *stretch = &observation->stretches[i];
		struct capture_record record = {
			.kind = CAPTURE_ORACLE,
			.oracle = { .sid = stretch->sid, .first = stretch->answers.first, .last = stretch->answers.last },
		};

		capture_file_put(file, &record);
		capture_file_put_pages(file, &stretch->answers);
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

struct watcher *smmu_recorder_create(const char *path, int level)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return NULL;
	recorder->watcher = (struct watcher){
		.memory = record_memory,
		.stream = record_stream,
		.operation = record_operation,
		.note = record_note,
		.idle = record_idle,
		.end = record_end,
	};
	if (capture_file_open(&recorder->file, path, CAPTURE_SMMUV3, level)) {
		free(recorder);
		return NULL;
	}
	return &recorder->watcher;
}
