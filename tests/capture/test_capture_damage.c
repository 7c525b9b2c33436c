// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Damage: captures that are cut off anywhere, changed anywhere, or made to exhaust their reader.
 * Records before the damage must be delivered, and a damaged capture must never read as complete.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <zstd.h>

static size_t sample_bytes(void)
{
	return strlen(sample_text);
}

/* Records in the first bytes of the sample: lines that are complete, but for the first. */
static size_t records_within(size_t bytes)
{
	size_t lines = 0;
	for (size_t i = 0; i < bytes; i++)
		lines += sample_text[i] == '\n';
	return lines ? lines - 1 : 0;
}

static void test_truncated_plain(void **state)
{
	enum capture_fault fault;

	(void)state;
	for (size_t bytes = 0; bytes < sample_bytes(); bytes++) {
		rig_put(sample_text, bytes);
		size_t got = rig_read(sample_records, sample_count, &fault, NULL);
		assert_int_equal(got, records_within(bytes));
		assert_int_equal(fault, bytes ? CAPTURE_FAULT_TRUNCATED : CAPTURE_FAULT_NOT_A_CAPTURE);
	}
}

static void test_truncated_packed(void **state)
{
	char packed[4096];
	enum capture_fault fault;
	size_t all = rig_pack(sample_text, sample_bytes(), packed, sizeof(packed));

	(void)state;
	for (size_t bytes = 0; bytes < all; bytes++) {
		rig_put(packed, bytes);
		rig_read(sample_records, sample_count, &fault, NULL);
		assert_int_equal(fault, bytes < 4 ? CAPTURE_FAULT_NOT_A_CAPTURE : CAPTURE_FAULT_TRUNCATED);
	}
	/* The checksum alone is missing: all of the text is there. */
	rig_put(packed, all - 4);
	assert_int_equal(rig_read(sample_records, sample_count, &fault, NULL), sample_count);
	assert_int_equal(fault, CAPTURE_FAULT_TRUNCATED);
}

static void test_corrupt_packed(void **state)
{
	static const unsigned char flips[] = { 0x01, 0x10, 0x80, 0xff };
	char packed[4096];
	enum capture_fault fault;
	size_t all = rig_pack(sample_text, sample_bytes(), packed, sizeof(packed));

	(void)state;
	for (size_t at = 0; at < all; at++) {
		for (size_t i = 0; i < sizeof(flips); i++) {
			packed[at] = (char)(packed[at] ^ flips[i]);
			rig_put(packed, all);
			size_t got = rig_read(NULL, 0, &fault, NULL);
			/*
			 * Some bits in zstd's headers have no meaning. A capture that reads as
			 * complete must have the right records.
			 */
			if (fault == CAPTURE_FAULT_NONE)
				got = rig_read(sample_records, sample_count, &fault, NULL);
			assert_true(fault != CAPTURE_FAULT_NONE || got == sample_count);
			packed[at] = (char)(packed[at] ^ flips[i]);
		}
	}
	/* Damage of the checksum is found as such, after everything was delivered. */
	packed[all - 1] = (char)(packed[all - 1] ^ 1);
	struct capture_error error;
	rig_put(packed, all);
	assert_int_equal(rig_read(sample_records, sample_count, &fault, &error), sample_count);
	assert_int_equal(fault, CAPTURE_FAULT_CORRUPT);
	assert_non_null(strstr(error.message, "checksum"));
}

/*
 * Plain text has no checksum: damage may yield another capture. It must never yield anything worse.
 */
static void test_corrupt_plain(void **state)
{
	char text[4096];
	enum capture_fault fault;

	(void)state;
	for (size_t at = 0; at < sample_bytes(); at++) {
		static const unsigned char values[] = { 0, '\n', ' ', '=', '9', 'z', 0xff };
		for (size_t i = 0; i < sizeof(values); i++) {
			memcpy(text, sample_text, sample_bytes());
			text[at] = (char)values[i];
			rig_put(text, sample_bytes());
			size_t got = rig_read(NULL, 0, &fault, NULL);
			assert_true(got <= sample_count + 1);
			if (!values[i])
				assert_int_not_equal(fault, CAPTURE_FAULT_NONE);
		}
	}
}

static void test_killed_recorder(void **state)
{
	struct capture_error error;
	enum capture_fault fault;

	(void)state;
	for (int level = 0; level < 4; level += 3) {
		struct capture_writer *writer = capture_writer_open(rig_path(), CAPTURE_ZPCI, level, &error);
		assert_non_null(writer);
		for (size_t i = 0; i + 1 < sample_count; i++) {
			assert_int_equal(capture_write(writer, &sample_records[i]), 0);
			assert_int_equal(capture_writer_flush(writer), 0);
			/* A killed recorder leaves this on disk. */
			assert_int_equal(rig_read(sample_records, sample_count, &fault, NULL), i + 1);
			assert_int_equal(fault, CAPTURE_FAULT_TRUNCATED);
		}
		capture_writer_abandon(writer);
		assert_int_equal(rig_read(sample_records, sample_count, &fault, NULL), sample_count - 1);
		assert_int_equal(fault, CAPTURE_FAULT_TRUNCATED);
	}
}

/* A frame for each line, and skippable frames between them. */
static void test_several_frames(void **state)
{
	static const char skipped[] = "\x50\x2a\x4d\x18\x05\x00\x00\x00hello";
	char packed[16384] = { 0 };
	size_t used = 0;
	enum capture_fault fault;

	(void)state;
	for (const char *line = sample_text; *line;) {
		size_t bytes = (size_t)(strchr(line, '\n') + 1 - line);
		used += rig_pack(line, bytes, packed + used, sizeof(packed) - used);
		memcpy(packed + used, skipped, sizeof(skipped) - 1);
		used += sizeof(skipped) - 1;
		line += bytes;
	}
	rig_put(packed, used);
	assert_int_equal(rig_read(sample_records, sample_count, &fault, NULL), sample_count);
	assert_int_equal(fault, CAPTURE_FAULT_NONE);

	/* Something else behind a frame. */
	memcpy(packed + used, "something else", 14);
	rig_put(packed, used + 14);
	assert_int_equal(rig_read(sample_records, sample_count, &fault, NULL), sample_count);
	assert_int_equal(fault, CAPTURE_FAULT_CORRUPT);
}

/* pzstd begins a file with a skippable frame. */
static void test_skippable_first(void **state)
{
	static const char magics[] = { 0x50, 0x5f };
	static const uint8_t contents[] = { 0, 4, 200 };
	char packed[8192] = { 0 };
	enum capture_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(magics) * sizeof(contents); i++) {
		size_t content = contents[i / sizeof(magics)];
		size_t used = 8 + content;
		memset(packed, 0, sizeof(packed));
		memcpy(packed, "\x50\x2a\x4d\x18", 4);
		packed[0] = magics[i % sizeof(magics)];
		packed[4] = (char)content;
		/* A file of skippable frames alone holds no text. */
		rig_put(packed, used);
		assert_int_equal(rig_read(NULL, 0, &fault, NULL), 0);
		assert_int_equal(fault, CAPTURE_FAULT_NOT_A_CAPTURE);
		memcpy(packed + used, packed, used);
		used *= 2;
		used += rig_pack(sample_text, sample_bytes(), packed + used, sizeof(packed) - used);
		rig_put(packed, used);
		assert_int_equal(rig_read(sample_records, sample_count, &fault, NULL), sample_count);
		assert_int_equal(fault, CAPTURE_FAULT_NONE);
		/* Cut off inside a skippable frame. */
		if (content) {
			rig_put(packed, 8 + content - 1);
			assert_int_equal(rig_read(NULL, 0, &fault, NULL), 0);
			assert_int_equal(fault, CAPTURE_FAULT_TRUNCATED);
		}
	}
}

/* A bad frame after a good one does not affect the good one's records. */
static void test_damage_in_second_frame(void **state)
{
	char packed[16384] = { 0 };
	const char *half = strstr(sample_text, "oracle");
	enum capture_fault fault;
	size_t used = rig_pack(sample_text, (size_t)(half - sample_text), packed, sizeof(packed));
	size_t second = used;

	(void)state;
	used += rig_pack(half, strlen(half), packed + used, sizeof(packed) - used);
	for (size_t at = second; at < used; at++) {
		packed[at] = (char)~packed[at];
		rig_put(packed, used);
		size_t got = rig_read(NULL, 0, &fault, NULL);
		assert_true(got >= records_within((size_t)(half - sample_text)));
		assert_true(fault != CAPTURE_FAULT_NONE || got == sample_count);
		packed[at] = (char)~packed[at];
	}
}

/* Long frames have several blocks. Those before a bad one count. */
static void test_damage_in_later_block(void **state)
{
	size_t room = 4u << 20;
	char *text = malloc(room), *packed = malloc(room);
	enum capture_fault fault;
	uint64_t random = 1;
	size_t used = (size_t)sprintf(text, "viommu-capture 1 zpci\nslot gpa=0 bytes=0x100000 prot=rw\n");

	(void)state;
	assert_non_null(text);
	assert_non_null(packed);
	size_t lines = 0;
	while (used < 1u << 20) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		used += (size_t)sprintf(text + used, "mem 0x%x 0x%llx\n", (unsigned int)(random >> 48 & 0xfff8), (unsigned long long)random);
		lines++;
	}
	size_t bytes = rig_pack(text, used, packed, room);
	/* The last block's content. */
	memset(packed + bytes - 600, 0xff, 500);
	rig_put(packed, bytes);
	size_t got = rig_read(NULL, 0, &fault, NULL);
	assert_int_equal(fault, CAPTURE_FAULT_CORRUPT);
	/* A block has at most 128 KiB. */
	assert_true(got > lines / 2);
	free(text);
	free(packed);
}

static void test_long_lines(void **state)
{
	size_t room = 2u << 20;
	char *text = malloc(room);
	struct capture_error error;
	enum capture_fault fault;

	(void)state;
	assert_non_null(text);
	for (size_t length = CAPTURE_LINE_BYTES - 2; length <= CAPTURE_LINE_BYTES + 2; length++) {
		for (unsigned int kind = 0; kind < 2; kind++) {
			size_t used = (size_t)sprintf(text, "viommu-capture 1 zpci\n");
			memset(text + used, 'x', length);
			memcpy(text + used, kind ? "# xxx" : "note ", 5);
			used += length;
			used += (size_t)sprintf(text + used, "\nend operations=0\n");
			rig_put(text, used);
			rig_read(NULL, 0, &fault, &error);
			if (length <= CAPTURE_LINE_BYTES) {
				assert_int_equal(fault, CAPTURE_FAULT_NONE);
			} else {
				assert_int_equal(fault, CAPTURE_FAULT_SYNTAX);
				assert_non_null(strstr(error.message, ":2: the line is too long"));
			}
		}
	}
	memset(text, 'x', room);
	memcpy(text, "viommu-capture 1 zpci\n#", 23);
	rig_put(text, room);
	rig_read(NULL, 0, &fault, &error);
	assert_int_equal(fault, CAPTURE_FAULT_SYNTAX);
	/* So long a first line is none of ours. */
	memset(text, 'v', room);
	rig_put(text, room);
	rig_read(NULL, 0, &fault, &error);
	assert_int_equal(fault, CAPTURE_FAULT_NOT_A_CAPTURE);
	free(text);
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/*
 * A small file that unpacks to 64 MiB, in one line and in many, must take no more memory than any
 * other.
 */
static void test_bombs(void **state)
{
	enum { CHUNK = 1 << 20, CHUNKS = 64 };
	char *chunk = malloc(CHUNK), *packed = malloc(CHUNK);
	struct capture_error error;
	enum capture_fault fault;

	(void)state;
	assert_non_null(chunk);
	assert_non_null(packed);
	for (unsigned int kind = 0; kind < 2; kind++) {
		size_t used = rig_pack("viommu-capture 1 zpci\n", 22, packed, CHUNK);
		memset(chunk, kind ? '#' : 'x', CHUNK);
		for (size_t at = 1023; kind && at < CHUNK; at += 1024)
			chunk[at] = '\n';
		for (unsigned int i = 0; i < CHUNKS; i++)
			used += rig_pack(chunk, CHUNK, packed + used, CHUNK - used);
		used += rig_pack("end operations=0\n", 17, packed + used, CHUNK - used);
		rig_put(packed, used);
		long before = peak_kib();
		size_t got = rig_read(NULL, 0, &fault, &error);
		assert_true(peak_kib() - before < 32 << 10);
		if (kind) {
			assert_int_equal(got, 1);
			assert_int_equal(fault, CAPTURE_FAULT_NONE);
		} else {
			assert_int_equal(got, 0);
			assert_int_equal(fault, CAPTURE_FAULT_SYNTAX);
		}
	}
	free(chunk);
	free(packed);
}

static void test_window(void **state)
{
	char packed[4096];
	struct capture_error error;
	enum capture_fault fault;

	(void)state;
	for (int log = CAPTURE_WINDOW_LOG; log <= CAPTURE_WINDOW_LOG + 1; log++) {
		ZSTD_CCtx *zstd = ZSTD_createCCtx();
		ZSTD_inBuffer in = { .src = sample_text, .size = sample_bytes() };
		ZSTD_outBuffer out = { .dst = packed, .size = sizeof(packed) };
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, log);
		/*
		 * Fed in two parts, so that the size is not known at the beginning, and the header
		 * must give the window.
		 */
		in.size = 10;
		assert_false(ZSTD_isError(ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_continue)));
		in.size = sample_bytes();
		assert_int_equal(ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_end), 0);
		ZSTD_freeCCtx(zstd);
		rig_put(packed, out.pos);
		rig_read(sample_records, sample_count, &fault, &error);
		if (log == CAPTURE_WINDOW_LOG) {
			assert_int_equal(fault, CAPTURE_FAULT_NONE);
		} else {
			assert_int_equal(fault, CAPTURE_FAULT_WINDOW);
			assert_non_null(strstr(error.message, "window"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated_plain),
		cmocka_unit_test(test_truncated_packed),
		cmocka_unit_test(test_corrupt_packed),
		cmocka_unit_test(test_corrupt_plain),
		cmocka_unit_test(test_killed_recorder),
		cmocka_unit_test(test_several_frames),
		cmocka_unit_test(test_skippable_first),
		cmocka_unit_test(test_damage_in_second_frame),
		cmocka_unit_test(test_damage_in_later_block),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_window),
	};

	return cmocka_run_group_tests_name("capture: damage", tests, NULL, NULL);
}
