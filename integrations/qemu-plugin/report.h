/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where checkers report to: a board, and stderr if the user gave no board. The board exists in any
 * case, to count on.
 */
#ifndef VIOMMU_WATCH_REPORT_H
#define VIOMMU_WATCH_REPORT_H

#include <stdarg.h>
#include <stddef.h>

#include "arguments.h"
#include "live/board.h"

/* A line of text under construction; what is too long is cut. Begins as all zeros. */
struct report_line {
	char text[LIVE_MESSAGE_BYTES];
	size_t used;
};

void report_put(struct report_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_put_list(struct report_line *line, const char *format, va_list list) __attribute__((format(printf, 2, 0)));

/* The board of this guest. NULL with a message on stderr. The arguments must stay. */
struct live_board *report_open(const struct arguments *arguments, enum live_iommu iommu);

void report_send(struct live_board *board, const struct arguments *arguments, enum live_message_kind kind, const struct report_line *line);

/* QEMU exits. */
void report_end(struct live_board *board, const struct arguments *arguments);

#endif
