// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Records: the output of the writer, its meaning to the reader, and the records that both refuse.
 */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_sample(const struct sample *sample, int level)
{
	struct capture_error error;
	struct capture_writer *writer = capture_writer_open(rig_path(), sample->guest, level, &error);

	assert_non_null(writer);
	for (size_t i = 0; i + 1 < sample->count; i++) {
		assert_int_equal(capture_write(writer, &sample->records[i]), 0);
		/*
		 * So that zstd does not know how long the whole is: then the level decides upon the
		 * window.
		 */
		if (!i)
			assert_int_equal(capture_writer_flush(writer), 0);
	}
	assert_int_equal(capture_writer_close(writer, &error), 0);
}

static void test_writes_the_text(void **state)
{
	char text[8192];

	(void)state;
	for (unsigned int i = 0; i < SAMPLES; i++) {
		write_sample(&samples[i], 0);
		size_t bytes = rig_get(text, sizeof(text));
		text[bytes] = '\0';
		assert_string_equal(text, samples[i].text);
	}
}

static void check_reads(const struct sample *sample)
{
	struct capture_error error;
	enum capture_fault fault;
	struct capture_reader *reader = capture_reader_open(rig_path(), &error);

	assert_non_null(reader);
	assert_int_equal(capture_reader_guest(reader), sample->guest);
	capture_reader_close(reader);
	assert_int_equal(rig_read(sample->records, sample->count, &fault, NULL), sample->count);
	assert_int_equal(fault, CAPTURE_FAULT_NONE);
}

static void test_reads_the_text(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SAMPLES; i++) {
		rig_put(samples[i].text, strlen(samples[i].text));
		check_reads(&samples[i]);
	}
}

static void check_round_trip_compressed(const struct sample *sample)
{
	static const int levels[] = { 1, 3, 19, 1000 };
	char packed[8192];

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		write_sample(sample, levels[i]);
		size_t bytes = rig_get(packed, sizeof(packed));
		assert_true(bytes > 4 && bytes < strlen(sample->text));
		assert_memory_equal(packed, "\x28\xb5\x2f\xfd", 4);
		/* The frame header's descriptor (RFC 8878, 3.1.1.1.1): there is a checksum. */
		assert_true(packed[4] & 0x04);
		check_reads(sample);
	}
}

static void test_round_trip_compressed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SAMPLES; i++)
		check_round_trip_compressed(&samples[i]);
}

/* Longer than every buffer on the way, with lines of all lengths at all places in them. */
static void round_trip_long(int level, size_t count)
{
	struct capture_error error;
	struct capture_writer *writer = capture_writer_open(rig_path(), CAPTURE_ZPCI, level, &error);
	char text[CAPTURE_LINE_BYTES];
	struct capture_record note = { .kind = CAPTURE_NOTE, .note = { text } };
	struct capture_record record;

	assert_non_null(writer);
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < count; i++) {
		size_t length = i * 7919 % (CAPTURE_LINE_BYTES - 4);
		text[length] = '\0';
		assert_int_equal(capture_write(writer, &note), 0);
		text[length] = 'x';
	}
	assert_int_equal(capture_writer_close(writer, &error), 0);

	struct capture_reader *reader = capture_reader_open(rig_path(), &error);
	assert_non_null(reader);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(capture_read(reader, &record, &error), 1);
		assert_int_equal(record.kind, CAPTURE_NOTE);
		assert_int_equal(record.line, i + 2);
		assert_int_equal(strlen(record.note.text), i * 7919 % (CAPTURE_LINE_BYTES - 4));
	}
	assert_int_equal(capture_read(reader, &record, &error), 1);
	assert_int_equal(record.kind, CAPTURE_END);
	assert_int_equal(capture_read(reader, &record, &error), 0);
	uint64_t done, total;
	capture_reader_position(reader, &done, &total);
	assert_int_equal(done, total);
	assert_int_equal(capture_reader_is_compressed(reader), level != 0);
	capture_reader_close(reader);
}

static void test_round_trip_long(void **state)
{
	(void)state;
	round_trip_long(0, 2000);
	round_trip_long(3, 2000);
}

struct bad_line {
	const char *line;
	const char *message;
};

static const struct bad_line bad_lines[] = {
	{ "nonsense", "unknown record 'nonsense'" },
	{ "NOTE x", "unknown record 'NOTE'" },
	{ "slot gpa=0x2000000 bytes=0x1000", "prot= is missing" },
	{ "slot gpa=0x2000000 bytes=0x1000 prot=w", "'w' is not among" },
	{ "slot gpa=0x2000000 bytes=0x1000 prot=", "'' is not among" },
	{ "slot gpa=0x2000000 bytes=0x1000 prot=r prot=r", "'prot=r' is unknown, or given twice" },
	{ "slot gpa=0x2000000 bytes=0x1000 prot=r size=1", "'size=1' is unknown" },
	{ "slot gpa=0x2000000 bytes=0x1000 prot=r rw", "'rw' is unknown" },
	{ "slot gpa=0x2000001 bytes=0x1000 prot=r", "multiples of 4096" },
	{ "slot gpa=0x2000000 bytes=0x1001 prot=r", "multiples of 4096" },
	{ "slot gpa=0x2000000 bytes=0 prot=r", "empty" },
	{ "slot gpa=0xfffffffffffff000 bytes=0x2000 prot=r", "beyond 2^64" },
	{ "slot gpa=0xff000 bytes=0x2000 prot=r", "overlaps the slot at 0x0" },
	{ "slot gpa=0x2000000 bytes=0x10000000000000000 prot=r", "is not a number of at most 64 bits" },
	{ "slot gpa=18446744073709551616 bytes=0x1000 prot=r", "is not a number of at most 64 bits" },
	{ "slot gpa=-4096 bytes=0x1000 prot=r", "is not a number" },
	{ "slot gpa= bytes=0x1000 prot=r", "is not a number" },
	{ "slot gpa=0x bytes=0x1000 prot=r", "is not a number" },
	{ "slot gpa=1000h bytes=0x1000 prot=r", "is not a number" },
	{ "slot gpa=0X2000000 bytes=0x1000 prot=r", "is not a number" },
	{ "unslot gpa=0x1000", "no slot begins at 0x1000" },
	{ "unslot", "gpa= is missing" },
	{ "function fh=0x80000001 fid=0x10 state=on", "'on' is not among" },
	{ "function fh=0x1 fid=0x10 state=enabled", "bit 0x80000000 of fh" },
	{ "function fh=0x80000001 fid=0x10 state=disabled", "bit 0x80000000 of fh" },
	{ "function fh=0x180000001 fid=0x10 state=enabled", "greater than 0xffffffff" },
	{ "function fh=0x80000001 fid=0x10 state=enabled dtsm=256", "greater than 0xff" },
	{ "function fh=0x80000001 fid=0x10 state=enabled refresh=2", "greater than 0x1" },
	{ "mem 0x1000", "value is missing" },
	{ "mem", "address is missing" },
	{ "mem 0x1000 0x20 1 1", "one too many" },
	{ "mem 0x1001 0x20", "not a multiple of 8" },
	{ "mem 0x1000 0x20 0", "a count must be" },
	{ "mem 0x1000 0x20 16777217", "a count must be" },
	{ "mem 0x100000 0x20", "in no slot" },
	{ "mem 0xffff8 0x20 2", "beyond the end of the slot" },
	{ "mem 0x1000 gpa=1", "is not a number" },
	{ "rpcit fh=1 start=0 bytes=1 cc=4", "greater than 0x3" },
	{ "rpcit fh=1 start=0 bytes=1 cc=0 status=16", "a status goes with cc=1 only" },
	{ "rpcit fh=1 start=0 bytes=1 status=16", "status= needs cc=1" },
	{ "rpcit fh=1 start=0 bytes=1 cc=1 status=256", "greater than 0xff" },
	{ "rpcit fh=1 start=0 bytes=1 cc=0 exception=6", "exclude each other" },
	{ "rpcit fh=1 start=0 bytes=1 exception=0", "exception 0 is none" },
	{ "rpcit fh=1 start=0 bytes=1 t=x", "is not a number" },
	{ "rpcit fh=1 bytes=1", "start= is missing" },
	{ "mpcifc fh=1 oc=256 dmaas=0 pba=0 pal=0 iota=0", "greater than 0xff" },
	{ "mpcifc fh=1 oc=4 dmaas=0 pba=0 pal=0", "iota= is missing" },
	{ "clp fh=1 op=enable", "to= is missing" },
	{ "clp fh=1 op=enable to=2", "bit 0x80000000 of the new handle" },
	{ "clp fh=1 op=reset to=2", "'reset' is not among" },
	{ "clp fh=1 op=disable to=2 cc=0", "'cc=0' is unknown" },
	{ "sclp fh=1 op=enable", "'enable' is not among" },
	{ "oracle first=0 last=0xfff", "must directly follow the operation" },
	{ "page 0x1000 0x1000 r", "must follow an oracle" },
	{ "rpcit fh=1 start=0 bytes=1\nmem 0 0\noracle first=0 last=0xfff", "must directly follow the operation" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=1 last=0xfff", "first must end in 000" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0 last=0x1000", "last in fff" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x2000 last=0x1fff", "first is above last" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0 0 r", "outside the oracle's" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0x1000 0 r 4", "outside the oracle's" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0x1000 0 r 0", "at least 1" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0x1800 0 r", "multiples of 4096" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0x2000 0 r\npage 0x2000 0 r", "not above the page record before" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0x1000 0 r 2\npage 0x2000 0 r", "not above the page record before" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0 last=0xffffffffffffffff\npage 0xfffffffffffff000 0 r\npage 0 0 r", "not above the page record before" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0x1000 0xfffffffffffff000 r 2", "beyond 2^64" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0x1000 0 w", "'w' is not among" },
	{ "rpcit fh=1 start=0 bytes=1\noracle first=0x1000 last=0x3fff\npage 0x1000 0", "r or rw is missing" },
	{ "note caf\xc3\xa9", "byte 0xc3 in a note" },
	{ "note x\r", "carriage return" },
	{ "mem 0 0\r", "carriage return" },
	{ "write offset=0x98 bytes=4 value=1", "a capture of zpci has no record 'write'" },
	{ "smmu", "a capture of zpci has no record 'smmu'" },
	{ "unplug sid=1", "fh= is missing" },
	{ "rpcit fh=1 start=0 bytes=1\noracle sid=1 first=0 last=0xfff", "'sid=1' is unknown" },
	{ "end operations=1", "end says 1 operations, but there are 0" },
	{ "end operations=0\nnote x", "a record after the end" },
	{ "rpcit a b c d e f g h i j k l m n o p q r s t u v w x y", "too many words" },
};

/* The SMMU has StreamIDs of 4 bits. */
static const struct bad_line bad_smmuv3_lines[] = {
	{ "function fh=0x80000001 fid=0x10 state=enabled", "a capture of smmuv3 has no record 'function'" },
	{ "rpcit fh=1 start=0 bytes=1", "a capture of smmuv3 has no record 'rpcit'" },
	{ "smmu", "there is one already" },
	{ "stream", "sid= is missing" },
	{ "stream sid=0x10", "sid 0x10 has more than 4 bits" },
	{ "stream sid=0x100000000", "greater than 0xffffffff" },
	{ "unplug fh=1", "sid= is missing" },
	{ "unplug sid=1 fh=1", "'fh=1' is unknown" },
	{ "unplug sid=16", "has more than 4 bits" },
	{ "kick", "sid= is missing" },
	{ "kick sid=16", "has more than 4 bits" },
	{ "kick sid=1 cc=0", "'cc=0' is unknown" },
	{ "write offset=0 bytes=4", "value= is missing" },
	{ "write offset=0 value=0", "bytes= is missing" },
	{ "write bytes=4 value=0", "offset= is missing" },
	{ "write offset=0 bytes=2 value=0", "bytes is 4 or 8" },
	{ "write offset=0 bytes=0 value=0", "bytes is 4 or 8" },
	{ "write offset=2 bytes=4 value=0", "not a multiple of 4" },
	{ "write offset=4 bytes=8 value=0", "not a multiple of 8" },
	{ "write offset=0x20000 bytes=4 value=0", "beyond the register pages" },
	{ "write offset=0xfffffffffffffff8 bytes=8 value=0", "beyond the register pages" },
	{ "write offset=0 bytes=4 value=0x100000000", "has more than 4 bytes" },
	{ "write offset=0 bytes=4 value=0 cc=0", "'cc=0' is unknown" },
	{ "write offset=0 bytes=4 value=0 t=x", "is not a number" },
	{ "oracle sid=1 first=0 last=0xfff", "must directly follow the operation" },
	{ "kick sid=1\noracle first=0 last=0xfff", "sid= is missing" },
	{ "kick sid=1\noracle sid=16 first=0 last=0xfff", "has more than 4 bits" },
	{ "write offset=0 bytes=4 value=0\nmem 0 0\noracle sid=1 first=0 last=0xfff", "must directly follow the operation" },
};

/* And before there is one. */
static const struct bad_line bad_lines_without_smmu[] = {
	{ "smmu sid_bits=33", "at most 32 bits" },
	{ "smmu sid_bits=x", "is not a number" },
	{ "smmu output_bits=43", "output_bits is 32, 36" },
	{ "smmu output_bits=0x100000020", "greater than 0xffffffff" },
	{ "smmu abort=2", "greater than 0x1" },
	{ "smmu oas=44", "'oas=44' is unknown" },
	{ "stream sid=0", "there is no SMMU yet" },
	{ "unplug sid=0", "there is no SMMU yet" },
	{ "kick sid=0", "there is no SMMU yet" },
	{ "write offset=0 bytes=4 value=0", "there is no SMMU yet" },
};

static const struct bad_line bad_vtd_lines[] = {
	{ "iommu", "there is one already" },
	{ "smmu", "a capture of vtd has no record 'smmu'" },
	{ "request type=map domain=0 first=0 last=0 gpa=0", "a capture of vtd has no record 'request'" },
	{ "stream sid=0x10000", "more than 16 bits" },
	{ "write offset=0x1000 bytes=4 value=0", "beyond the register pages" },
	{ "kick sid=1\noracle sid=1 first=0 last=0xfff\npage 0 0 x", "'x' is not among" },
};

static const struct bad_line bad_amdvi_lines[] = {
	{ "iommu address_bits=48", "'address_bits=48' is unknown" },
	{ "stream sid=0", "there is no IOMMU yet" },
	{ "write offset=0 bytes=4 value=0", "there is no IOMMU yet" },
};

static const struct bad_line bad_virtio_lines[] = {
	{ "write offset=0 bytes=4 value=0", "a capture of virtio has no record 'write'" },
	{ "request domain=1 endpoint=0", "type= is missing" },
	{ "request type=probe domain=1 endpoint=0", "'probe' is not among" },
	{ "request type=attach domain=1", "endpoint= is missing" },
	{ "request type=attach domain=1 endpoint=1 first=0", "'first=0' is unknown" },
	{ "request type=detach domain=1 endpoint=1 flags=1", "'flags=1' is unknown" },
	{ "request type=map domain=1 first=0 last=0xfff", "gpa= is missing" },
	{ "request type=unmap domain=1 first=0", "last= is missing" },
	{ "request type=unmap domain=1 first=0 last=1 status=256", "greater than 0xff" },
	{ "driver", "features= is missing" },
};

static void check_bad_lines(const char *head, const struct bad_line *lines, size_t count)
{
	char text[1024];
	struct capture_error error;
	enum capture_fault fault;

	for (size_t i = 0; i < count; i++) {
		const char *line = lines[i].line;
		int bytes = snprintf(text, sizeof(text), "viommu-capture %s\nslot gpa=0 bytes=0x100000 prot=rw\n%s\nend operations=0\n", head, line);
		unsigned int at = 5;
		for (const char *c = line; *c; c++)
			at += *c == '\n';
		rig_put(text, (size_t)bytes);
		rig_read(NULL, 0, &fault, &error);
		if (!strstr(error.message, lines[i].message) || error.line != at)
			fail_msg("'%s': '%s'", line, error.message);
		assert_int_equal(fault, strncmp(line, "end operations=1", 16) ? CAPTURE_FAULT_SYNTAX : CAPTURE_FAULT_CORRUPT);
		snprintf(text, sizeof(text), "%s:%u: ", rig_path(), at);
		assert_memory_equal(error.message, text, strlen(text));
	}
}

static void test_bad_lines(void **state)
{
	(void)state;
	check_bad_lines("1 zpci\n\n# comment", bad_lines, sizeof(bad_lines) / sizeof(bad_lines[0]));
	check_bad_lines("1 smmuv3\n\nsmmu sid_bits=4", bad_smmuv3_lines, sizeof(bad_smmuv3_lines) / sizeof(bad_smmuv3_lines[0]));
	check_bad_lines("1 smmuv3\n\n# comment", bad_lines_without_smmu, sizeof(bad_lines_without_smmu) / sizeof(bad_lines_without_smmu[0]));
	check_bad_lines("2 vtd\n\niommu", bad_vtd_lines, sizeof(bad_vtd_lines) / sizeof(bad_vtd_lines[0]));
	check_bad_lines("2 amdvi\n\n# comment", bad_amdvi_lines, sizeof(bad_amdvi_lines) / sizeof(bad_amdvi_lines[0]));
	check_bad_lines("2 virtio\n\niommu", bad_virtio_lines, sizeof(bad_virtio_lines) / sizeof(bad_virtio_lines[0]));
}

/* Everything that the format allows and the writer never writes. */
static void test_liberties(void **state)
{
	static const char text[] = "viommu-capture 1 zpci\n"
				   "\n"
				   " \t \n"
				   "# a comment with any bytes: caf\xc3\xa9 \r\n"
				   "   # another\n"
				   "\tslot   prot=rw\tbytes=00001048576  gpa=0 \n"
				   "note\n"
				   "note  two blanks\tand a tab\n"
				   "rpcit t=0x10 bytes=0XA\n";
	static const char rest[] = "rpcit bytes=0xAb start=0x000000000000000000000001 fh=0\n"
				   "note between\n"
				   "oracle last=4095 first=0\n"
				   "note between\n"
				   "page 0 0 r 1\n"
				   "end operations=1\n"
				   "# after the end\n"
				   "\n";
	static const struct capture_record records[] = {
		{ .kind = CAPTURE_SLOT, .slot = { 0, 0x100000, CAPTURE_RW } },
		{ .kind = CAPTURE_NOTE, .note = { "" } },
		{ .kind = CAPTURE_NOTE, .note = { " two blanks\tand a tab" } },
		{ .kind = CAPTURE_RPCIT, .rpcit = { 0, 1, 0xab } },
		{ .kind = CAPTURE_NOTE, .note = { "between" } },
		{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0, .last = 4095 } },
		{ .kind = CAPTURE_NOTE, .note = { "between" } },
		{ .kind = CAPTURE_PAGE, .page = { 0, 0, CAPTURE_R, 1 } },
		{ .kind = CAPTURE_END, .end = { 1 } },
	};
	char all[1024];
	enum capture_fault fault;

	(void)state;
	/* The last line of text is there to be cut off: it is not allowed. */
	const char *cut = strstr(text, "rpcit");
	int bytes = snprintf(all, sizeof(all), "%.*s%s", (int)(cut - text), text, rest);
	rig_put(all, (size_t)bytes);
	assert_int_equal(rig_read(records, sizeof(records) / sizeof(records[0]), &fault, NULL), sizeof(records) / sizeof(records[0]));
	assert_int_equal(fault, CAPTURE_FAULT_NONE);
}

static void test_first_line(void **state)
{
	static const struct {
		const char *text;
		enum capture_fault fault;
		const char *message;
	} cases[] = {
		{ "", CAPTURE_FAULT_NOT_A_CAPTURE, "it is empty" },
		{ "\n", CAPTURE_FAULT_NOT_A_CAPTURE, "not a capture" },
		{ "hello\n", CAPTURE_FAULT_NOT_A_CAPTURE, "not a capture" },
		{ "hello", CAPTURE_FAULT_NOT_A_CAPTURE, "not a capture" },
		{ "\x7f"
		  "ELF\n\x01\x02",
		  CAPTURE_FAULT_NOT_A_CAPTURE, "not a capture" },
		{ "# comment\nviommu-capture 1 zpci\n", CAPTURE_FAULT_NOT_A_CAPTURE, "not a capture" },
		{ "viommu-captures 1 zpci\n", CAPTURE_FAULT_NOT_A_CAPTURE, "not a capture" },
		{ "viommu-capture 2 zpci\n", CAPTURE_FAULT_VERSION, "another version" },
		{ "viommu-capture 10 zpci\n", CAPTURE_FAULT_VERSION, "another version" },
		{ "viommu-capture 1 smmuv3 \n", CAPTURE_FAULT_VERSION, "another version" },
		{ "viommu-capture 1 smmu\n", CAPTURE_FAULT_VERSION, "another version or guest IOMMU" },
		{ "viommu-capture 1 vtd\n", CAPTURE_FAULT_VERSION, "another version or guest IOMMU" },
		{ "viommu-capture 2 smmuv3\n", CAPTURE_FAULT_VERSION, "reads '1 zpci', '1 smmuv3', '2 vtd', '2 amdvi', '2 virtio'" },
		{ "viommu-capture 1 zpci \n", CAPTURE_FAULT_VERSION, "another version" },
		{ "viommu-capture 1 zpci\r\n", CAPTURE_FAULT_VERSION, "another version" },
		{ "viommu-capture 1 zpci\n", CAPTURE_FAULT_TRUNCATED, ":2: truncated: the end record is missing" },
		{ "viommu-capture 1 zpci", CAPTURE_FAULT_TRUNCATED, "truncated" },
		{ "viommu-capture 1 smmuv3\n", CAPTURE_FAULT_TRUNCATED, ":2: truncated: the end record is missing" },
	};
	struct capture_error error;
	enum capture_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_put(cases[i].text, strlen(cases[i].text));
		assert_int_equal(rig_read(NULL, 0, &fault, &error), 0);
		if (fault != cases[i].fault || !strstr(error.message, cases[i].message))
			fail_msg("'%s': fault %d, '%s'", cases[i].text, (int)fault, error.message);
	}
}

static void test_no_file(void **state)
{
	struct capture_error error;

	(void)state;
	assert_null(capture_reader_open("/nonexistent/a\nb", &error));
	assert_int_equal(error.fault, CAPTURE_FAULT_SYSTEM);
	assert_string_equal(error.message, "/nonexistent/a?b: No such file or directory");
	assert_null(capture_reader_open("/", &error));
	assert_int_equal(error.fault, CAPTURE_FAULT_SYSTEM);
	assert_string_equal(error.message, "/: Is a directory");
	assert_null(capture_writer_open("/nonexistent/x", CAPTURE_ZPCI, 0, &error));
	assert_string_equal(error.message, "/nonexistent/x: No such file or directory");
	assert_null(capture_reader_open("/nonexistent", NULL));
	assert_null(capture_writer_open(rig_path(), (enum capture_guest)0, 0, &error));
	assert_non_null(strstr(error.message, "Invalid argument"));

	/* A name longer than a message. */
	char *path = malloc(5001);
	assert_non_null(path);
	memset(path, 'a', 5000);
	path[5000] = '\0';
	assert_null(capture_reader_open(path, &error));
	assert_non_null(strstr(error.message, "aaa: File name too long"));
	free(path);
}

static void check_refused(struct capture_writer *writer, const struct capture_record *record)
{
	assert_int_equal(capture_write(writer, record), -EINVAL);
	assert_true(strlen(capture_writer_error(writer)->message) > 0);
}

/* An illegal record is refused, and does no harm. */
static void test_writer_refuses(void **state)
{
	static const struct capture_record bad[] = {
		{ .kind = CAPTURE_END },
		{ .kind = 0 },
		{ .kind = (enum capture_kind)99 },
		{ .kind = CAPTURE_NOTE },
		{ .kind = CAPTURE_NOTE, .note = { "two\nlines" } },
		{ .kind = CAPTURE_SLOT, .slot = { 0, 0x1000, 0x2 } },
		{ .kind = CAPTURE_SLOT, .slot = { 1, 0x1000, CAPTURE_R } },
		{ .kind = CAPTURE_FUNCTION, .function = { .fh = 1, .state = CAPTURE_ENABLED } },
		{ .kind = CAPTURE_FUNCTION, .function = { .fh = 1, .state = (enum capture_state)4 } },
		{ .kind = CAPTURE_MEM, .mem = { 0, 0, 1 } },
		{ .kind = CAPTURE_RPCIT, .answer = { .kind = CAPTURE_ANSWER_CC, .cc = 4 } },
		{ .kind = CAPTURE_CLP, .clp = { 1, (enum capture_clp_op)0, 1 } },
		{ .kind = CAPTURE_SCLP, .sclp = { 1, (enum capture_sclp_op)3 } },
		{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0, .last = 0xfff } },
		{ .kind = CAPTURE_PAGE, .page = { 0, 0, CAPTURE_R, 1 } },
	};
	/* Before the SMMU; and with one whose StreamIDs have 8 bits, the sample's. */
	static const struct capture_record bad_smmuv3[] = {
		{ .kind = CAPTURE_FUNCTION, .function = { .fh = 1, .state = CAPTURE_DISABLED } },
		{ .kind = CAPTURE_RPCIT },
		{ .kind = CAPTURE_SMMU, .smmu = { .sid_bits = 33 } },
		{ .kind = CAPTURE_SMMU, .smmu = { .output_bits = 1 } },
		{ .kind = CAPTURE_STREAM, .stream = { 0x100 } },
		{ .kind = CAPTURE_KICK, .kick = { 0x100 } },
		{ .kind = CAPTURE_UNPLUG, .unplug = { .sid = 0x100 } },
		{ .kind = CAPTURE_WRITE, .write = { .bytes = 1 } },
		{ .kind = CAPTURE_WRITE, .write = { .bytes = 8, .offset = 0x20000 } },
		{ .kind = CAPTURE_IOMMU },
		{ .kind = CAPTURE_REQUEST, .request = { .type = CAPTURE_MAP } },
	};
	struct capture_error error;

	(void)state;
	for (unsigned int n = 0; n < SAMPLES; n++) {
		const struct sample *sample = &samples[n];
		struct capture_writer *writer = capture_writer_open(rig_path(), sample->guest, 0, &error);
		assert_non_null(writer);
		for (unsigned int smmu = 0; smmu < 2; smmu++) {
			for (size_t i = 0; !smmu && i < sizeof(bad) / sizeof(bad[0]); i++)
				check_refused(writer, &bad[i]);
			for (size_t i = 0; sample->guest == CAPTURE_SMMUV3 && i < sizeof(bad_smmuv3) / sizeof(bad_smmuv3[0]); i++)
				check_refused(writer, &bad_smmuv3[i]);
			/* The slot and the SMMU are the first ones there. */
			for (size_t i = smmu ? 2 : 0; i + 1 < (smmu ? sample->count : 3); i++)
				assert_int_equal(capture_write(writer, &sample->records[i]), 0);
		}
		assert_int_equal(capture_writer_close(writer, NULL), 0);
		check_reads(sample);
	}
}

static void test_full_disk(void **state)
{
	struct capture_error error = { 0 };
	struct capture_writer *writer = capture_writer_open("/dev/full", CAPTURE_ZPCI, 0, &error);

	(void)state;
	if (!writer)
		skip();
	assert_int_equal(capture_write(writer, &sample_records[0]), 0);
	assert_int_equal(capture_writer_flush(writer), -ENOSPC);
	assert_int_equal(capture_write(writer, &sample_records[0]), -ENOSPC);
	assert_int_equal(capture_writer_close(writer, &error), -ENOSPC);
	assert_string_equal(error.message, "/dev/full: No space left on device");
}

static void test_too_many_slots(void **state)
{
	struct capture_error error;
	struct capture_record record = { .kind = CAPTURE_SLOT, .slot = { 0, 0x1000, CAPTURE_R } };
	struct capture_writer *writer = capture_writer_open(rig_path(), CAPTURE_ZPCI, 0, &error);

	(void)state;
	assert_non_null(writer);
	for (unsigned int i = 0; i < CAPTURE_MAX_SLOTS; i++) {
		record.slot.gpa = i * UINT64_C(0x2000);
		assert_int_equal(capture_write(writer, &record), 0);
	}
	record.slot.gpa = CAPTURE_MAX_SLOTS * UINT64_C(0x2000);
	assert_int_equal(capture_write(writer, &record), -EINVAL);
	assert_non_null(strstr(capture_writer_error(writer)->message, "more than 1024 slots"));
	capture_writer_abandon(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes_the_text), cmocka_unit_test(test_reads_the_text), cmocka_unit_test(test_round_trip_compressed),
		cmocka_unit_test(test_round_trip_long), cmocka_unit_test(test_bad_lines),      cmocka_unit_test(test_liberties),
		cmocka_unit_test(test_first_line),	cmocka_unit_test(test_no_file),	       cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_full_disk),	cmocka_unit_test(test_too_many_slots),
	};

	return cmocka_run_group_tests_name("capture: records", tests, NULL, NULL);
}
