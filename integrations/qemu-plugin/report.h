/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where checkers tell what they find: on a board, or on stderr if the user has not given one. There is a board in any case, to count on.
 */
#ifndef VIOMMU_WATCH_REPORT_H
#define VIOMMU_WATCH_REPORT_H

#include <stdarg.h>
#include <stddef.h>

#include "arguments.h"
#include "live/board.h"

/* A line of text that is put together; what is too long is cut. Begins as all zeros. */
struct report_line {
	char text[LIVE_MESSAGE_BYTES];
	size_t used;
};

void report_put(struct report_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_put_list(struct report_line *line, const char *format, va_list list) __attribute__((format(printf, 2, 0)));

/* The board, with what is known at the start. NULL with a message on stderr. The arguments are to stay. */
struct live_board *report_open(const struct arguments *arguments);

void report_send(struct live_board *board, const struct arguments *arguments, enum live_message_kind kind, const struct report_line *line);

/* QEMU exits. */
void report_end(struct live_board *board, const struct arguments *arguments);

#endif
