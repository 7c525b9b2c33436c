// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Messages about disagreements: one line on stderr with all known details of the operation, for the
 * first few. The others are counted.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdarg.h>

void replay_disagree(struct replay *replay, const char *format, ...)
{
	const struct replay_operation *operation = &replay->operation;
	va_list args;

	if (++replay->disagreements > REPLAY_SHOWN || replay->options->quiet)
		return;
	/* The progress bar uses this stream, too. */
	fputs(*cli_colour(stderr, CLI_PLAIN) ? "\r\033[K" : "", stderr);
	cli_put_text(stderr, replay->path);
	if (operation->number)
		fprintf(stderr, ":%" PRIu64, operation->record.line);
	fprintf(stderr, ": ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (operation->number) {
		fprintf(stderr, " (operation %" PRIu64 ", %s", operation->number, replay->iommu->instructions[operation->instruction].name);
		replay->iommu->print_operation(replay);
		fprintf(stderr, ")");
	}
	fputc('\n', stderr);
}

void replay_disagree_finish(const struct replay *replay)
{
	if (replay->disagreements > REPLAY_SHOWN && !replay->options->quiet) {
		uint64_t more = replay->disagreements - REPLAY_SHOWN;
		cli_put_text(stderr, replay->path);
		fprintf(stderr, ": and %" PRIu64 " more disagreement%s\n", more, more == 1 ? "" : "s");
	}
}
