// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A file to lines, through zstd or not; the file's first bytes decide.
 *
 * The text passes through one buffer of fixed size. So a file or a line of any length, and
 * compressed data of any ratio, need no more memory than that buffer and zstd's window, which is
 * limited too. Text before an error is delivered first.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>
#include <zstd_errors.h>

#define RAW_BYTES  (64u << 10)
#define TEXT_BYTES (64u << 10)

/* The shortest frame header, from which the decoder knows how much more it needs. */
#define FRAME_BEGINS_WITH 5

/* One byte is kept free for the terminator of a last line without a line end. */
_Static_assert(TEXT_BYTES > CAPTURE_LINE_BYTES + 2, "a line must fit into the buffer");

struct capture_input {
	int fd;
	ZSTD_DCtx *zstd; /* NULL: plain text */
	bool at_end;	 /* nothing more comes: the file has ended, or it has failed */
	int err;	 /* the error; 0 if it ended */
	enum capture_fault fault;
	struct capture_what what;
	size_t wanted; /* bytes that the decoder asks for next; 0 between frames */
	uint64_t lines;
	uint64_t done;
	uint64_t total;
	size_t raw_first, raw_end;   /* unread bytes of raw */
	size_t text_first, text_end; /* and of text */
	char raw[RAW_BYTES];
	char text[TEXT_BYTES];
};

static void stop(struct capture_input *input, int err, enum capture_fault fault, const char *what)
{
	input->at_end = true;
	input->err = err;
	input->fault = fault;
	capture_what(&input->what, "%s", what);
}

/* One read. The number of bytes; 0 at the end of the file or on failure. */
static size_t take(struct capture_input *input, char *buffer, size_t bytes)
{
	ssize_t done;
	do {
		done = read(input->fd, buffer, bytes);
	} while (done < 0 && errno == EINTR);
	if (done < 0) {
		stop(input, -errno, CAPTURE_FAULT_SYSTEM, strerror(errno));
		return 0;
	}
	input->done += (uint64_t)done;
	return (size_t)done;
}

static void stop_zstd(struct capture_input *input, size_t code)
{
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_memory_allocation:
		stop(input, -ENOMEM, CAPTURE_FAULT_SYSTEM, "out of memory");
		break;
	case ZSTD_error_frameParameter_windowTooLarge:
		stop(input, -EBADMSG, CAPTURE_FAULT_WINDOW, "compressed with a window of more than 8 MiB, which is not allowed");
		break;
	case ZSTD_error_checksum_wrong:
		stop(input, -EBADMSG, CAPTURE_FAULT_CORRUPT, "corrupt: the checksum of the compressed data is wrong");
		break;
	default:
		input->at_end = true;
		input->err = -EBADMSG;
		input->fault = CAPTURE_FAULT_CORRUPT;
		capture_what(&input->what, "corrupt: bad compressed data (%s)", ZSTD_getErrorName(code));
	}
}

/*
 * Adds text to the buffer, unless the input ends. The decoder gets no more than it asks for, which
 * is up to the end of a block: the error for a bad block hides any text unpacked in the same call.
 */
static void fill_unpacked(struct capture_input *input)
{
	ZSTD_outBuffer out = { .dst = input->text + input->text_end, .size = TEXT_BYTES - 1 - input->text_end };
	while (!out.pos && !input->at_end) {
		if (input->raw_first == input->raw_end) {
			input->raw_first = 0;
			input->raw_end = take(input, input->raw, RAW_BYTES);
		}
		size_t bytes = input->raw_end - input->raw_first;
		if (!bytes && !input->wanted) {
			input->at_end = true;
			break;
		}
		size_t wanted = input->wanted ? input->wanted : FRAME_BEGINS_WITH;
		/* Without new data, the decoder may still hold text that did not fit before. */
		ZSTD_inBuffer in = { .src = input->raw + input->raw_first, .size = bytes < wanted ? bytes : wanted };
		wanted = ZSTD_decompressStream(input->zstd, &out, &in);
		if (ZSTD_isError(wanted)) {
			stop_zstd(input, wanted);
			break;
		}
		input->raw_first += in.pos;
		input->wanted = wanted;
		if (!bytes && !out.pos && !input->at_end)
			stop(input, -EBADMSG, CAPTURE_FAULT_TRUNCATED, "truncated: the compressed data ends too early");
	}
	input->text_end += out.pos;
}

static void fill_plain(struct capture_input *input)
{
	size_t bytes = input->raw_end - input->raw_first;
	size_t room = TEXT_BYTES - 1 - input->text_end;

	/* First the bytes that is_packed() has looked at. */
	if (bytes) {
		if (bytes > room)
			bytes = room;
		memcpy(input->text + input->text_end, input->raw + input->raw_first, bytes);
		input->raw_first += bytes;
	} else {
		bytes = take(input, input->text + input->text_end, room);
		input->at_end = !bytes;
	}
	input->text_end += bytes;
}

/*
 * The magic number of a frame is 0xfd2fb528, and of a skippable frame 0x184d2a50 to 0x184d2a5f, in
 * little-endian order (RFC 8878, 3.1). ZSTD_isFrame() is not in the stable interface.
 */
static bool is_packed(const char *raw, size_t bytes)
{
	if (bytes < 4)
		return false;
	return !memcmp(raw, "\x28\xb5\x2f\xfd", 4) || ((raw[0] & 0xf0) == 0x50 && !memcmp(raw + 1, "\x2a\x4d\x18", 3));
}

static int begin(struct capture_input *input)
{
	struct stat status;
	if (!fstat(input->fd, &status) && S_ISREG(status.st_mode) && status.st_size > 0)
		input->total = (uint64_t)status.st_size;

	while (input->raw_end < 4) {
		size_t bytes = take(input, input->raw + input->raw_end, RAW_BYTES - input->raw_end);
		if (!bytes)
			break;
		input->raw_end += bytes;
	}
	if (input->err)
		return input->err;
	if (!is_packed(input->raw, input->raw_end))
		return 0;
	input->zstd = ZSTD_createDCtx();
	if (!input->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(input->zstd, ZSTD_d_windowLogMax, CAPTURE_WINDOW_LOG)))
		return -ENOMEM;
	return 0;
}

int capture_input_open(const char *path, struct capture_input **out, struct capture_error *error)
{
	struct capture_input *input = calloc(1, sizeof(*input));
	int err = -ENOMEM;
	if (!input)
		goto fail;
	input->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	if (input->fd < 0) {
		err = -errno;
		goto fail;
	}
	err = begin(input);
	if (err)
		goto fail;
	*out = input;
	return 0;
fail:
	capture_error_set(error, CAPTURE_FAULT_SYSTEM, path, 0, strerror(-err));
	capture_input_close(input);
	return err;
}

static int fail(struct capture_input *input, int err, enum capture_fault kind, const char *text, enum capture_fault *fault, struct capture_what *what)
{
	if (!input->err)
		stop(input, err, kind, text);
	*fault = input->fault;
	*what = input->what;
	return input->err;
}

int capture_input_line(struct capture_input *input, char **line, uint64_t *line_number, enum capture_fault *fault, struct capture_what *what)
{
	char *end;

	*line = NULL;
	for (;;) {
		char *first = input->text + input->text_first;
		size_t bytes = input->text_end - input->text_first;
		end = memchr(first, '\n', bytes);
		*line_number = input->lines + 1;
		if (end ? (size_t)(end - first) > CAPTURE_LINE_BYTES : bytes > CAPTURE_LINE_BYTES) {
			input->err = 0;
			return fail(input, -EBADMSG, CAPTURE_FAULT_SYNTAX, "the line is too long: more than 4096 bytes", fault, what);
		}
		if (end)
			break;
		if (input->at_end) {
			first[bytes] = '\0';
			if (bytes)
				*line = first;
			if (input->err)
				return fail(input, 0, CAPTURE_FAULT_NONE, "", fault, what);
			if (bytes)
				return fail(input, -EBADMSG, CAPTURE_FAULT_TRUNCATED, "truncated: the last line has no line end", fault, what);
			return 0;
		}
		memmove(input->text, first, bytes);
		input->text_first = 0;
		input->text_end = bytes;
		if (input->zstd)
			fill_unpacked(input);
		else
			fill_plain(input);
	}

	*end = '\0';
	*line = input->text + input->text_first;
	input->text_first = (size_t)(end + 1 - input->text);
	input->lines++;
	if (memchr(*line, '\0', (size_t)(end - *line))) {
		input->err = 0;
		return fail(input, -EBADMSG, CAPTURE_FAULT_SYNTAX, "the line holds a zero byte", fault, what);
	}
	return 1;
}

void capture_input_position(const struct capture_input *input, uint64_t *done, uint64_t *total)
{
	*done = input->done;
	*total = input->total;
}

bool capture_input_is_compressed(const struct capture_input *input)
{
	return input->zstd;
}

void capture_input_close(struct capture_input *input)
{
	if (!input)
		return;
	ZSTD_freeDCtx(input->zstd);
	if (input->fd >= 0)
		close(input->fd);
	free(input);
}
