/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shared by the files of this folder. A capture passes through three stages in either direction,
 * one file each:
 *
 *   read.c   <- parse.c (a line, cut by words.c, to a record) <- input.c (a file, compressed or
 *            not, to lines)
 *   write.c  -> print.c (a record to a line)  -> output.c (text to a file, compressed or not)
 *
 * check.c has the rules for well-formed records and their order. It is between a record and its
 * line in both directions.
 */
#ifndef VIOMMU_CAPTURE_INTERNAL_H
#define VIOMMU_CAPTURE_INTERNAL_H

#include "capture.h"

#define CAPTURE_MAGIC "viommu-capture"

/* A line in memory: the text, a line end, a terminator. */
#define CAPTURE_LINE_BUFFER (CAPTURE_LINE_BYTES + 2)

/* The text of an error, without the file's name and the line. */
#define CAPTURE_WHAT_BYTES 192
struct capture_what {
	char text[CAPTURE_WHAT_BYTES];
};
void capture_what(struct capture_what *what, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Fills in an error, which may be NULL: "path:line: what", or "path: what" if line is 0.
 * Unprintable bytes become question marks.
 */
void capture_error_set(struct capture_error *error, enum capture_fault fault, const char *path, uint64_t line, const char *what);

/* The state of the rules after the records so far. All zeros at first, except the guest IOMMU. */
struct capture_rules {
	enum capture_guest guest;
	struct capture_rules_slot {
		uint64_t first;
		uint64_t last;
	} * slots;
	unsigned int slot_count;
	unsigned int slot_capacity;
	enum capture_kind previous; /* notes not counted */
	struct capture_oracle oracle;
	bool oracle_full;   /* a page record has reached oracle.last */
	uint64_t page_next; /* the lowest IOVA that the next page record may begin at */
	uint64_t operations;
	unsigned int sid_bits; /* of the guest IOMMU's devices; 0: there is no guest IOMMU yet */
};

/* Judges the next record. 0; -EINVAL or -ENOMEM, with *what filled in and the rules unchanged. */
int capture_rules_next(struct capture_rules *rules, const struct capture_record *record, struct capture_what *what);
void capture_rules_free(struct capture_rules *rules);

/*
 * Parses a line of a capture of that guest IOMMU, in place. line is a string without a line end. 1
 * with *record filled in; 0 for a line that holds no record; -EINVAL with *what filled in.
 */
int capture_parse(enum capture_guest guest, char *line, struct capture_record *record, struct capture_what *what);

/*
 * Writes a record that the rules have passed as a line with its line end, into CAPTURE_LINE_BUFFER
 * bytes. Its length.
 */
size_t capture_print(enum capture_guest guest, const struct capture_record *record, char *line);

struct capture_input;

int capture_input_open(const char *path, struct capture_input **out, struct capture_error *error);

/*
 * The next line, terminated and without its line end, good until the next call: 1. 0 at the end of
 * the input. A negative errno value with *fault and *what filled in; *line_number is the number of
 * the line that was delivered or that failed.
 */
int capture_input_line(struct capture_input *input, char **line, uint64_t *line_number, enum capture_fault *fault, struct capture_what *what);
void capture_input_position(const struct capture_input *input, uint64_t *done, uint64_t *total);
bool capture_input_is_compressed(const struct capture_input *input);
void capture_input_close(struct capture_input *input);

struct capture_output;

/* errno values, negative. */
int capture_output_open(const char *path, int level, struct capture_output **out);
int capture_output_write(struct capture_output *output, const char *text, size_t bytes);
int capture_output_flush(struct capture_output *output);
/* complete: ends the compressed frame, which writes its checksum. Closes and frees in any case. */
int capture_output_close(struct capture_output *output, bool complete);

#endif
