/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pictures are drawn by a program of their own, draw/viommu-draw, in Python: it reads lines of JSON
 * and writes SVG. It is started when a picture begins and reads as the command writes, so that
 * neither of them holds a long run.
 */
#ifndef VIOMMU_CLI_DRAW_H
#define VIOMMU_CLI_DRAW_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct cli_drawing {
	FILE *to; /* lines of JSON; NULL: nothing is being drawn */
	pid_t program;
	const char *path;
};

/*
 * path: the picture's file, or "-" for standard output. name: of the capture. False, with a
 * complaint, if the program cannot be started.
 */
bool cli_draw_begin(struct cli_drawing *drawing, const char *path, const char *name);

/*
 * Waits for the picture. False, with a complaint, if it could not be drawn. True where nothing is
 * being drawn.
 */
bool cli_draw_end(struct cli_drawing *drawing);

#endif
