// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Messages. A message is one line whatever a file or its name holds: bytes that are not printable
 * ASCII are shown as question marks.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A longer path is cut at the beginning, since its end identifies the file. */
#define PATH_SHOWN 240

void capture_error_set(struct capture_error *error, enum capture_fault fault, const char *path, uint64_t line, const char *what)
{
	if (!error)
		return;
	size_t length = strlen(path);
	bool cut = length > PATH_SHOWN;
	if (cut)
		path += length - PATH_SHOWN;

	error->fault = fault;
	error->line = line;
	if (line)
		snprintf(error->message, sizeof(error->message), "%s%s:%" PRIu64 ": %s", cut ? "..." : "", path, line, what);
	else
		snprintf(error->message, sizeof(error->message), "%s%s: %s", cut ? "..." : "", path, what);
	for (char *c = error->message; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}
