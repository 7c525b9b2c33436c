/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command viommu: its sub-commands, and their common parts. A sub-command is one function with
 * the shape of main(), which returns the exit status.
 */
#ifndef VIOMMU_CLI_H
#define VIOMMU_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	CLI_OK = 0,
	CLI_DISAGREES = 1, /* all input was good, and a check failed */
	CLI_BAD_INPUT = 2, /* bad usage, or bad input; a QEMU that fails */
};

int cli_bench(int argc, char **argv);
int cli_live(int argc, char **argv);
int cli_probe(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_show(int argc, char **argv);

/*
 * Text from outside, on a terminal: a control character, or a byte that is not UTF-8, is written as
 * \xNN. So no file, guest or other process can send the terminal a control sequence. cli_complain()
 * and cli_line() write all their arguments in this way.
 */
void cli_put_text(FILE *to, const char *text);

/* Prints one line on stderr, after the command's name. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * "64K" -> 65536: a decimal or 0x number with at most one suffix of K M G T, by itself or as KiB
 * and so on. False for everything else.
 */
bool cli_parse_size(const char *text, uint64_t *out);
bool cli_parse_count(const char *text, uint64_t *out);

/*
 * Numbers for people: "12,345"; "1.5 MiB"; "2.35 ms". The text is valid until seven more were
 * formatted (cli_count_of() takes two).
 */
const char *cli_count(uint64_t count);
/* "1 page", "2 pages" */
const char *cli_count_of(uint64_t count, const char *one, const char *more);
const char *cli_bytes(uint64_t bytes);
const char *cli_seconds(double seconds);

/* Colours if the stream is a terminal and NO_COLOR is not set, otherwise empty strings. */
enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GREEN, CLI_RED, CLI_YELLOW };
const char *cli_colour(FILE *stream, enum cli_colour colour);

/*
 * The array with room for one more element behind `count` of `bytes` each. NULL if memory is short:
 * the array is as before.
 */
void *cli_room(void *array, size_t count, size_t *capacity, size_t bytes);

/* A line of a summary on stdout: a label in its column, and text in a colour. */
void cli_line(const char *label, enum cli_colour colour, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Flushes stdout. False, with an error message, if that fails: a full disk must not look like
 * success.
 */
bool cli_flush(void);

#endif
