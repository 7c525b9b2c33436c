/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A capture that is being written while the guest runs. What was recorded is handed to the operating system about once a second, so that a QEMU that is killed
 * leaves a capture that can be read up to there. When the file cannot be written, that is said once on stderr, and the guest runs on.
 */
#ifndef VIOMMU_WATCH_CAPTURE_FILE_H
#define VIOMMU_WATCH_CAPTURE_FILE_H

#include <stdbool.h>
#include <time.h>

#include "capture/capture.h"
#include "lists.h"

struct capture_file {
	struct capture_writer *writer;
	bool failed;
	bool dirty;
	struct timespec flushed;
};

/* Creates the file. 0, or -1 with a message on stderr. level: as capture_writer_open() takes it. */
int capture_file_open(struct capture_file *file, const char *path, enum capture_guest guest, int level);

void capture_file_put(struct capture_file *file, const struct capture_record *record);
void capture_file_put_changes(struct capture_file *file, const struct changes *changes);
void capture_file_put_pages(struct capture_file *file, const struct answers *answers);
void capture_file_put_note(struct capture_file *file, const char *text);

/* To be called now and then. */
void capture_file_flush_if_due(struct capture_file *file);

void capture_file_close(struct capture_file *file);

#endif
