/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "timing.h"

void report_put_list(struct report_line *line, const char *format, va_list list)
{
	int wrote = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format, list);

	if (wrote > 0)
		line->used += (size_t)wrote < sizeof(line->text) - line->used ? (size_t)wrote : sizeof(line->text) - line->used - 1;
}

void report_put(struct report_line *line, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	report_put_list(line, format, list);
	va_end(list);
}

struct live_board *report_open(const struct arguments *arguments, enum live_iommu iommu)
{
	struct live_board *board = NULL;
	const char *path = arguments->board, *why = NULL;
	int error, fd;

	if (path) {
		error = live_board_open(path, true, &board, &why);
	} else {
		error = live_board_memfd(&fd, &board);
		if (!error)
			close(fd);
	}
	if (!error && live_get(&board->numbers.pid)) {
		live_board_close(board);
		error = -EBUSY;
		why = "this board is another guest's";
	}
	if (error) {
		fprintf(stderr, "viommu-watch: no board: %s%s%s\n", path ? path : "", path ? ": " : "", why ? why : strerror(-error));
		return NULL;
	}
	live_set(&board->numbers.iommu, iommu);
	live_set(&board->numbers.blocks_expected, arguments->numbered_count);
	live_set(&board->numbers.pid, (uint64_t)getpid());
	live_set(&board->numbers.started, timing_now());
	live_set(&board->numbers.started_real, timing_real());
	return board;
}

void report_send(struct live_board *board, const struct arguments *arguments, enum live_message_kind kind, const struct report_line *line)
{
	live_ring_write(&board->ring, kind, timing_now(), line->text);
	if (!arguments->board)
		fprintf(stderr, "viommu-watch: %s\n", line->text);
}

void report_end(struct live_board *board, const struct arguments *arguments)
{
	struct live_numbers *numbers = &board->numbers;
	uint64_t checks = 0, disagreements = 0;
	unsigned int i;

	live_set(&numbers->ended, timing_now());
	live_set(&numbers->end, LIVE_END_QEMU_EXITS);
	live_set(&numbers->guest, LIVE_GUEST_ENDED);
	for (i = 0; i < LIVE_ORACLES; i++) {
		checks += live_get(&numbers->checks[i]);
		disagreements += live_get(&numbers->disagreements[i]);
	}
	if (!arguments->board)
		fprintf(stderr, "viommu-watch: %" PRIu64 " refreshes, %" PRIu64 " checks, %" PRIu64 " disagreements\n",
			live_get(&numbers->rpcits) + live_get(&numbers->invalidations), checks, disagreements);
}
