/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the reader of captures, compressed and not. For any bytes, the reader ends: with the end
 * of the capture, or with one error that it then repeats. The writer accepts every record that it
 * delivers, and the written record reads back the same. The records of a file do not depend on its
 * compression.
 *
 * Input: a byte, then the file. The byte selects whether the rest is used as it is or compressed
 * first (a fuzzer cannot get past a checksum), and whether, and where, a byte of the compressed
 * file is damaged.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zstd.h>

#include "input.h"

#include "capture/capture.h"

#define MOST_BYTES (64u << 10)

/* A file in memory, whose path the reader opens. */
struct file {
	int fd;
	char path[64];
};

static struct file make_file(const void *data, size_t size)
{
	struct file file = { .fd = memfd_create("fuzz", MFD_CLOEXEC) };

	fuzz_must(file.fd >= 0 && write(file.fd, data, size) == (ssize_t)size);
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

/* The records of a file. Texts of notes are kept as sums. */
struct content {
	struct capture_record *records;
	uint64_t *notes;
	size_t count, room;
	enum capture_guest guest;
	enum capture_fault fault;
};

static uint64_t sum(const char *text)
{
	uint64_t sum = 5381;

	for (; *text; text++)
		sum = sum * 33 + (unsigned char)*text;
	return sum;
}

static void add(struct content *content, const struct capture_record *record)
{
	if (content->count == content->room) {
		content->room = content->room ? 2 * content->room : 64;
		content->records = realloc(content->records, content->room * sizeof(*content->records));
		content->notes = realloc(content->notes, content->room * sizeof(*content->notes));
		fuzz_must(content->records && content->notes);
	}
	content->records[content->count] = *record;
	content->notes[content->count] = record->kind == CAPTURE_NOTE ? sum(record->note.text) : 0;
	content->count++;
}

static void check_error(const struct capture_error *error)
{
	size_t length = strnlen(error->message, sizeof(error->message));

	fuzz_must(error->fault > CAPTURE_FAULT_NONE && error->fault <= CAPTURE_FAULT_WINDOW);
	fuzz_must(length && length < sizeof(error->message));
	for (size_t i = 0; i < length; i++)
		fuzz_must(error->message[i] >= ' ' && error->message[i] <= '~');
}

/* Reads all of it, and writes every record. */
static void read_all(const char *path, struct content *content, struct capture_writer *writer)
{
	struct capture_error error = { .fault = CAPTURE_FAULT_NONE };
	struct capture_reader *reader = capture_reader_open(path, &error);
	struct capture_record record;
	uint64_t line = 0;
	int got;

	*content = (struct content){ .fault = CAPTURE_FAULT_NONE };
	if (!reader) {
		check_error(&error);
		content->fault = error.fault;
		return;
	}
	content->guest = capture_reader_guest(reader);
	while ((got = capture_read(reader, &record, &error)) > 0) {
		fuzz_must(record.line > line && record.kind > 0 && record.kind < CAPTURE_KINDS && capture_has_kind(content->guest, record.kind));
		line = record.line;
		add(content, &record);
		if (writer && record.kind != CAPTURE_END && capture_write(writer, &record))
			fuzz_wrong("line %" PRIu64 " was read, and is not written: %s", line, capture_writer_error(writer)->message);
	}
	if (got < 0) {
		struct capture_error again = { .fault = CAPTURE_FAULT_NONE };

		check_error(&error);
		content->fault = error.fault;
		fuzz_must(capture_read(reader, &record, &again) == got && again.fault == error.fault && !strcmp(again.message, error.message));
	} else {
		fuzz_must(content->count && content->records[content->count - 1].kind == CAPTURE_END);
	}
	capture_reader_close(reader);
}

/* Members are compared by kind, since the rest of the union is undefined. */
static bool same(const struct content *a, const struct content *b, size_t i)
{
	static const size_t bytes[CAPTURE_KINDS] = {
		[CAPTURE_SLOT] = sizeof(struct capture_slot),	  [CAPTURE_UNSLOT] = sizeof(struct capture_unslot),
		[CAPTURE_UNPLUG] = sizeof(struct capture_unplug), [CAPTURE_MEM] = sizeof(struct capture_mem),
		[CAPTURE_RPCIT] = sizeof(struct capture_rpcit),	  [CAPTURE_CLP] = sizeof(struct capture_clp),
		[CAPTURE_SCLP] = sizeof(struct capture_sclp),	  [CAPTURE_STREAM] = sizeof(struct capture_stream),
		[CAPTURE_KICK] = sizeof(struct capture_kick),	  [CAPTURE_PAGE] = sizeof(struct capture_page),
		[CAPTURE_DRIVER] = sizeof(struct capture_driver),
	};
	const struct capture_record *x = &a->records[i], *y = &b->records[i];

	if (x->kind != y->kind || a->notes[i] != b->notes[i] || x->time.known != y->time.known || (x->time.known && x->time.ns != y->time.ns))
		return false;
	if (x->answer.kind != y->answer.kind || x->answer.cc != y->answer.cc || x->answer.status != y->answer.status ||
	    x->answer.exception != y->answer.exception)
		return false;
	if (x->kind == CAPTURE_MPCIFC)
		return x->mpcifc.fh == y->mpcifc.fh && x->mpcifc.oc == y->mpcifc.oc && x->mpcifc.dmaas == y->mpcifc.dmaas && x->mpcifc.fmt == y->mpcifc.fmt &&
		       x->mpcifc.pba == y->mpcifc.pba && x->mpcifc.pal == y->mpcifc.pal && x->mpcifc.iota == y->mpcifc.iota;
	if (x->kind == CAPTURE_STPCIFC)
		return x->stpcifc.fh == y->stpcifc.fh && x->stpcifc.dmaas == y->stpcifc.dmaas;
	if (x->kind == CAPTURE_FUNCTION)
		return x->function.fh == y->function.fh && x->function.fid == y->function.fid && x->function.state == y->function.state &&
		       x->function.sdma == y->function.sdma && x->function.edma == y->function.edma && x->function.msia == y->function.msia &&
		       x->function.dtsm == y->function.dtsm && x->function.pft == y->function.pft && x->function.no_refresh == y->function.no_refresh &&
		       x->function.relaxed == y->function.relaxed;
	if (x->kind == CAPTURE_SMMU)
		return x->smmu.sid_bits == y->smmu.sid_bits && x->smmu.output_bits == y->smmu.output_bits && x->smmu.abort == y->smmu.abort;
	if (x->kind == CAPTURE_IOMMU)
		return x->iommu.address_bits == y->iommu.address_bits && x->iommu.bypass == y->iommu.bypass;
	if (x->kind == CAPTURE_REQUEST)
		return x->request.type == y->request.type && x->request.domain == y->request.domain && x->request.endpoint == y->request.endpoint &&
		       x->request.flags == y->request.flags && x->request.first == y->request.first && x->request.last == y->request.last &&
		       x->request.gpa == y->request.gpa && x->request.has_status == y->request.has_status && x->request.status == y->request.status;
	if (x->kind == CAPTURE_WRITE)
		return x->write.offset == y->write.offset && x->write.bytes == y->write.bytes && x->write.value == y->write.value;
	if (x->kind == CAPTURE_ORACLE)
		return x->oracle.first == y->oracle.first && x->oracle.last == y->oracle.last && x->oracle.sid == y->oracle.sid;
	return !memcmp(&x->note, &y->note, bytes[x->kind]);
}

static void check_same(const struct content *a, const struct content *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!same(a, b, i))
			fuzz_wrong("record %zu, of line %" PRIu64 ", became another one", i, a->records[i].line);
}

static void drop(struct content *content)
{
	free(content->records);
	free(content->notes);
}

/* The guest IOMMU of a capture; the first one, where the file has no head. */
static enum capture_guest guest_of(const char *path)
{
	struct capture_reader *reader = capture_reader_open(path, NULL);
	enum capture_guest guest = reader ? capture_reader_guest(reader) : CAPTURE_ZPCI;

	capture_reader_close(reader);
	return guest;
}

/* Reads a file, writes its records, and reads those. */
static void round_trip(const struct file *file, struct content *content, int level)
{
	struct file copy = make_file("", 0);
	struct capture_error error;
	struct capture_writer *writer = capture_writer_open(copy.path, guest_of(file->path), level, &error);
	struct content again;
	size_t written;

	fuzz_must(writer);
	read_all(file->path, content, writer);
	/* The writer adds the end record itself, but not to an incomplete capture. */
	written = content->count;
	if (content->fault && written && content->records[written - 1].kind == CAPTURE_END)
		written--;
	if (content->fault) {
		fuzz_must(!capture_writer_flush(writer));
		capture_writer_abandon(writer);
	} else {
		fuzz_must(!capture_writer_close(writer, NULL));
	}
	read_all(copy.path, &again, NULL);
	if ((written && again.guest != content->guest) || again.count != written ||
	    again.fault != (content->fault ? CAPTURE_FAULT_TRUNCATED : CAPTURE_FAULT_NONE))
		fuzz_wrong("%zu records were read, fault %d; of what was written, %zu are read, fault %d", content->count, content->fault, again.count,
			   again.fault);
	check_same(content, &again, written);
	drop(&again);
	close(copy.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char packed[2 * MOST_BYTES];
	struct input input = { data, size };
	unsigned int kind = input_byte(&input);
	struct content plain, other;
	struct file file, compressed;
	size_t bytes;

	if (input.left > MOST_BYTES)
		input.left = MOST_BYTES;
	file = make_file(input.data, input.left);
	round_trip(&file, &plain, kind & 1 ? 1 : 0);

	/* (A compressed file would be compressed twice, which is no capture.) */
	if (kind & 2 && (input.left < 4 || memcmp(input.data, "\x28\xb5\x2f\xfd", 4))) {
		bytes = ZSTD_compress(packed, sizeof(packed), input.data, input.left, kind & 4 ? 3 : 1);
		fuzz_must(!ZSTD_isError(bytes));
		if (kind & 8)
			packed[(kind >> 4) * (bytes - 1) / 15] ^= (char)(1 + kind);
		compressed = make_file(packed, bytes);
		read_all(compressed.path, &other, NULL);
		/*
		 * Damage ends the capture, and is noticed where there is a checksum. Here there is
		 * none, so that damaged bytes may be read as another record.
		 */
		if (!(kind & 8)) {
			fuzz_must(other.count == plain.count && other.fault == plain.fault);
			check_same(&plain, &other, plain.count);
		}
		drop(&other);
		close(compressed.fd);
	}
	drop(&plain);
	close(file.fd);
	return 0;
}
