/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Prints a board that a guest has left behind: a line NAME VALUE for each number that tests use,
 * and the messages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "live/board.h"

static const char *const kinds[LIVE_KINDS] = { "map", "unmap", "both", "nothing", "whole" };
static const char *const oracles[LIVE_ORACLES] = { "walker", "answer", "shadow", "data" };
static const char *const timed[LIVE_TIMED] = { "qemu", "walker", "library" };

static void print(const char *name, const char *of, uint64_t value)
{
	printf("%s%s%s %" PRIu64 "\n", name, of ? "." : "", of ? of : "", value);
}

static void print_time(const char *kind, const char *what, const struct live_histogram *histogram)
{
	if (histogram->count)
		printf("time.%s.%s median %" PRIu64 " total %" PRIu64 " count %" PRIu64 "\n", kind, what, live_histogram_median(histogram), histogram->total,
		       histogram->count);
}

int main(int argc, char **argv)
{
	struct live_board *board;
	struct live_numbers *numbers = malloc(sizeof(*numbers));
	struct live_message message;
	uint64_t next = 0;
	const char *why;
	unsigned int i, k;

	if (argc != 2 || !numbers || live_board_open(argv[1], false, &board, &why)) {
		fprintf(stderr, "print-board: %s\n", argc != 2 || !numbers ? "usage: print-board BOARD" : why);
		free(numbers);
		return 1;
	}
	live_board_snapshot(board, numbers);
	print("guest", NULL, numbers->guest);
	print("checking", NULL, numbers->checking);
	print("rpcits", NULL, numbers->rpcits);
	print("rpcits_done", NULL, numbers->rpcits_done);
	print("mpcifcs", NULL, numbers->mpcifcs);
	print("clps", NULL, numbers->clps);
	print("writes", NULL, numbers->writes);
	print("invalidations", NULL, numbers->invalidations);
	print("configs", NULL, numbers->configs);
	print("kicks", NULL, numbers->kicks);
	print("established", NULL, numbers->established);
	print("released", NULL, numbers->released);
	print("blocks_expected", NULL, numbers->blocks_expected);
	print("blocks_seen", NULL, numbers->blocks_seen);
	print("mapped_pages_peak", NULL, numbers->mapped_pages_peak);
	print("watch_ns", NULL, numbers->watch_ns);
	for (i = 0; i < LIVE_ORACLES; i++) {
		print("available", oracles[i], numbers->available[i]);
		print("checks", oracles[i], numbers->checks[i]);
		print("skipped", oracles[i], numbers->skipped[i]);
		print("disagreements", oracles[i], numbers->disagreements[i]);
	}
	for (k = 0; k < LIVE_KINDS; k++) {
		print("refreshes", kinds[k], numbers->refreshes[k]);
		for (i = 0; i < LIVE_TIMED; i++)
			print_time(kinds[k], timed[i], &numbers->times[k][i]);
	}
	print_time("overhead", "clock", &numbers->overhead);
	for (i = 0; i < LIVE_FUNCTIONS; i++) {
		const struct live_function *function = &numbers->functions[i];

		if (function->state != LIVE_FUNCTION_FREE)
			printf("function 0x%08" PRIx64 " fid 0x%" PRIx64 " name %s state %" PRIu64 " levels %" PRIu64 " 0x%" PRIx64 "..0x%" PRIx64
			       " mapped %" PRIu64 "\n",
			       function->fh, function->fid, function->name, function->state, function->levels, function->pba, function->pal,
			       function->mapped_pages);
	}
	while (live_ring_read(&board->ring, &next, &message))
		printf("message %" PRIu64 " %d %s\n", message.sequence, (int)message.kind, message.text);
	live_board_close(board);
	free(numbers);
	return 0;
}
