/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages. A disagreement is one line with everything that is known: oracle, operation, stream and device, and both answers.
 */
#include "checker_state.h"

#include <inttypes.h>

#include "report.h"

/* Differences of one operation that are described; the others are counted. */
#define DESCRIBED_MAX 4u

void check_tell(struct checker *checker, enum live_message_kind kind, const char *format, ...)
{
	struct report_line line = { .used = 0 };
	va_list list;

	va_start(list, format);
	report_put_list(&line, format, list);
	va_end(list);
	report_send(checker->board.board, checker->arguments, kind, &line);
}

static void put_side(struct report_line *line, const char *who, uint64_t gpa, uint32_t prot)
{
	if (prot)
		report_put(line, "%s reaches 0x%" PRIx64 " %s", who, gpa, prot == VIOMMU_RW ? "rw" : "r");
	else
		report_put(line, "%s reaches nothing", who);
}

static void put_operation(struct report_line *line, const struct capture_record *operation)
{
	if (operation->kind == CAPTURE_KICK)
		report_put(line, "kick");
	else
		report_put(line, "write 0x%" PRIx64 " to 0x%" PRIx64, operation->write.value, operation->write.offset);
	report_put(line, " at %" PRIu64 ".%06" PRIu64 " s", operation->time.ns / 1000000000u, operation->time.ns / 1000u % 1000000u);
}

void check_disagree_page(struct checker *checker, struct checked_stream *stream, const struct page *qemu, const struct page *library)
{
	struct report_line line = { .used = 0 };

	live_add(&checker->board.board->numbers.disagreements[LIVE_SHADOW], 1);
	live_add(&stream->numbers->disagreements, 1);
	if (++checker->board.described > DESCRIBED_MAX)
		return;
	report_put(&line, "live shadow: ");
	put_operation(&line, &checker->current->operation);
	report_put(&line, " of stream 0x%" PRIx32 " (%.40s): IOVA 0x%" PRIx64 ": ", stream->sid, stream->name, qemu->iova);
	put_side(&line, "QEMU's device", qemu->gpa, qemu->prot);
	put_side(&line, ", the library's", library->gpa, library->prot);
	report_send(checker->board.board, checker->arguments, LIVE_DISAGREEMENT, &line);
}

void check_disagree_refusal(struct checker *checker, bool refuses)
{
	struct report_line line = { .used = 0 };

	live_add(&checker->board.board->numbers.disagreements[LIVE_ANSWER], 1);
	report_put(&line, "answer: ");
	put_operation(&line, &checker->current->operation);
	report_put(&line, ": QEMU %s a command, the library %s", refuses ? "takes" : "refuses", refuses ? "refuses it" : "takes it");
	report_send(checker->board.board, checker->arguments, LIVE_DISAGREEMENT, &line);
}

void check_released(void *ctx, struct checked_stream *stream, const struct page *page, uint64_t block, uint64_t expected)
{
	struct checker *checker = ctx;
	struct live_numbers *numbers = &checker->board.board->numbers;
	struct report_line line = { .used = 0 };

	live_add(&numbers->checks[LIVE_DATA], 1);
	live_add(&stream->numbers->checks, 1);
	if (block == expected) {
		live_add(&numbers->blocks_seen, 1);
		return;
	}
	live_add(&numbers->disagreements[LIVE_DATA], 1);
	live_add(&stream->numbers->disagreements, 1);
	report_put(&line, "data: ");
	put_operation(&line, &checker->current->operation);
	report_put(&line,
		   " of stream 0x%" PRIx32 " (%.40s): IOVA 0x%" PRIx64 ": the page that was released, at 0x%" PRIx64 ", holds block %" PRIu64
		   " of the disk, expected is %" PRIu64,
		   stream->sid, stream->name, page->iova, page->gpa, block, expected);
	report_send(checker->board.board, checker->arguments, LIVE_DISAGREEMENT, &line);
}

void check_finish_numbered(struct checker *checker)
{
	struct live_numbers *numbers = &checker->board.board->numbers;
	uint64_t expected = checker->arguments->numbered_count, missing = expected;
	size_t i;

	for (i = 0; i < checker->stream_count; i++) {
		if (numbered_missing(&checker->streams[i].numbered) < missing)
			missing = numbered_missing(&checker->streams[i].numbered);
	}
	if (!missing)
		return;
	live_add(&numbers->disagreements[LIVE_DATA], missing);
	check_tell(checker, LIVE_DISAGREEMENT, "data: %" PRIu64 " of %" PRIu64 " blocks of the disk were not found in a released page", missing, expected);
}
