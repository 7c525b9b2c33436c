/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A separate program in Python, draw/viommu-draw, draws pictures: it reads lines of JSON and writes
 * SVG. It is started when a picture begins and reads as the command writes, so neither of them
 * stores a long run.
 */
#ifndef VIOMMU_CLI_DRAW_H
#define VIOMMU_CLI_DRAW_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct cli_drawing {
	FILE *to; /* lines of JSON; NULL: no picture */
	pid_t program;
	const char *path;
};

/*
 * path: the picture's file, or "-" for standard output. name: the capture's name. False, with an
 * error message, if the program cannot be started.
 */
bool cli_draw_begin(struct cli_drawing *drawing, const char *path, const char *name);

/*
 * Waits for the picture. False, with an error message, if drawing failed. True if there is no
 * picture.
 */
bool cli_draw_end(struct cli_drawing *drawing);

#endif
