// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The progress bar: on stderr if it is a terminal and the user wants output. It shows the part of
 * the file that was read, since the number of operations may be unknown.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WIDTH	   32
#define EVERY	   256 /* records between two reads of the clock */
#define INTERVAL   0.1 /* seconds between two updates */
#define NOT_BEFORE 0.3 /* seconds without a bar at the start */

double replay_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void replay_progress_begin(struct replay_progress *progress, const struct replay_options *options)
{
	const char *term = getenv("TERM");

	*progress = (struct replay_progress){ .on = !options->quiet && term && strcmp(term, "dumb") != 0 && isatty(STDERR_FILENO) };
	progress->shown_at = replay_now() + NOT_BEFORE - INTERVAL;
}

void replay_progress_update(struct replay_progress *progress, const struct replay *replay, const struct capture_reader *reader)
{
	uint64_t done, total;

	if (!progress->on || ++progress->skipped < EVERY)
		return;
	progress->skipped = 0;
	double now = replay_now();
	if (now < progress->shown_at + INTERVAL)
		return;
	progress->shown_at = now;
	progress->shown = true;
	capture_reader_position(reader, &done, &total);
	fprintf(stderr, "\r\033[K");
	if (total) {
		double part = done < total ? (double)done / (double)total : 1;
		int filled = (int)(part * WIDTH);
		fprintf(stderr, "[%.*s%*s] %3d%%  ", filled, "################################", WIDTH - filled, "", (int)(part * 100));
	}
	fprintf(stderr, "%s, %s mapped", cli_count_of(replay->counts.operations, "operation", "operations"),
		cli_bytes(replay->counts.mapped_pages * VIOMMU_PAGE_SIZE));
	fflush(stderr);
}

void replay_progress_end(struct replay_progress *progress)
{
	if (progress->shown)
		fprintf(stderr, "\r\033[K");
	progress->shown = false;
}
