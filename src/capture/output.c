// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Text to a file, through zstd or not. Text is collected into one buffer, compressed into another,
 * and written when that is full, when the caller flushes, and at the end: the only memory is two
 * buffers of fixed size and zstd's own state.
 *
 * A flush ends a zstd block, not the frame. Flushed text can be decompressed even if the frame, and
 * its checksum, is never completed.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#define TEXT_BYTES   (64u << 10)
#define PACKED_BYTES (64u << 10)

struct capture_output {
	int fd;
	ZSTD_CCtx *zstd; /* NULL: plain text */
	size_t text_used;
	char text[TEXT_BYTES];
	char packed[PACKED_BYTES];
};

static int write_all(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t done = write(fd, data, bytes);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		data += done;
		bytes -= (size_t)done;
	}
	return 0;
}

/* Sends the collected text on; how is the extent of the flush. */
static int drain(struct capture_output *output, ZSTD_EndDirective how)
{
	if (!output->zstd) {
		int err = write_all(output->fd, output->text, output->text_used);
		output->text_used = 0;
		return err;
	}

	ZSTD_inBuffer in = { .src = output->text, .size = output->text_used };
	for (;;) {
		ZSTD_outBuffer out = { .dst = output->packed, .size = PACKED_BYTES };
		size_t left = ZSTD_compressStream2(output->zstd, &out, &in, how);
		if (ZSTD_isError(left))
			return -ENOMEM;
		int err = write_all(output->fd, output->packed, out.pos);
		if (err)
			return err;
		/*
		 * Continuing ends when the input is consumed; flushing and ending end when zstd has
		 * no output left.
		 */
		if (how == ZSTD_e_continue ? in.pos == in.size : !left)
			break;
	}
	output->text_used = 0;
	return 0;
}

int capture_output_open(const char *path, int level, struct capture_output **out)
{
	struct capture_output *output = calloc(1, sizeof(*output));
	if (!output)
		return -ENOMEM;
	int err = -ENOMEM;
	output->fd = -1;
	if (level > 0) {
		output->zstd = ZSTD_createCCtx();
		if (!output->zstd)
			goto fail;
		if (level > CAPTURE_MAX_LEVEL)
			level = CAPTURE_MAX_LEVEL;
		if (ZSTD_isError(ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_compressionLevel, level)) ||
		    ZSTD_isError(ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_checksumFlag, 1)))
			goto fail;
	}
	output->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (output->fd < 0) {
		err = -errno;
		goto fail;
	}
	*out = output;
	return 0;
fail:
	ZSTD_freeCCtx(output->zstd);
	free(output);
	return err;
}

int capture_output_write(struct capture_output *output, const char *text, size_t bytes)
{
	while (bytes) {
		size_t part = TEXT_BYTES - output->text_used;
		if (part > bytes)
			part = bytes;
		memcpy(output->text + output->text_used, text, part);
		output->text_used += part;
		text += part;
		bytes -= part;
		if (output->text_used == TEXT_BYTES) {
			int err = drain(output, ZSTD_e_continue);
			if (err)
				return err;
		}
	}
	return 0;
}

int capture_output_flush(struct capture_output *output)
{
	return drain(output, ZSTD_e_flush);
}

int capture_output_close(struct capture_output *output, bool complete)
{
	int err = drain(output, complete ? ZSTD_e_end : ZSTD_e_flush);
	/* Some file systems report a failed write only here. */
	if (close(output->fd) && !err && errno != EINTR)
		err = -errno;
	ZSTD_freeCCtx(output->zstd);
	free(output);
	return err;
}
