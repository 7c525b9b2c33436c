// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The summary at the end: the verdict first, then the guest's operations, the comparisons, and the
 * times side by side.
 */
#include "live.h"

#include <string.h>

static void print_verdict(const struct live_state *state)
{
	const char *verdict = "everything agrees";
	enum cli_colour colour = CLI_GREEN;
	uint64_t unjudged = state->now.skipped[LIVE_DATA];
	char text[120];

	if (state->disagreements) {
		verdict = "DISAGREES";
		colour = CLI_RED;
	} else if (!live_attached(state)) {
		verdict = "QEMU did not come as far as loading the plugin";
		colour = CLI_RED;
	} else if (state->failed) {
		verdict = state->checks ? "QEMU FAILED; what was seen until then agrees" : "QEMU FAILED";
		colour = CLI_RED;
	} else if (!state->checks) {
		verdict = live_refreshes(&state->now) ? "nothing was compared" : "the guest has not used an IOMMU";
		colour = CLI_YELLOW;
	} else if (unjudged) {
		snprintf(text, sizeof(text), "what was compared agrees; %s of %s of the disk cannot be judged", cli_count(unjudged),
			 cli_count_of(state->now.blocks_expected, "block", "blocks"));
		verdict = text;
		colour = CLI_YELLOW;
	}
	fputs(cli_colour(stdout, CLI_BOLD), stdout);
	cli_put_text(stdout, state->program);
	printf("%s: %s%s%s\n", cli_colour(stdout, CLI_PLAIN), cli_colour(stdout, colour), verdict, cli_colour(stdout, CLI_PLAIN));
}

static void print_refreshes(const struct live_numbers *now)
{
	static const char *const names[LIVE_KINDS] = { "map", "unmap", "do both", "change nothing", "are of the whole aperture" };
	char text[200] = "";
	size_t used = 0;

	for (unsigned int i = 0; i < LIVE_KINDS && used < sizeof(text); i++) {
		if (now->refreshes[i])
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", used ? ", " : "; ", cli_count(now->refreshes[i]), names[i]);
	}
	cli_line("refreshes", CLI_PLAIN, "%s%s", cli_count(live_refreshes(now)), text);
}

static void print_oracles(const struct live_state *state)
{
	static const struct {
		const char *name, *one, *more;
	} oracles[LIVE_ORACLES] = {
		{ "QEMU's walk", "page", "pages" },
		{ "answers", "operation", "operations" },
		{ "its shadow", "page", "pages" },
		{ "data", "page", "pages" },
	};
	const struct live_numbers *now = &state->now;

	for (unsigned int i = 0; i < LIVE_ORACLES; i++) {
		char skipped[64] = "";
		if (now->skipped[i])
			snprintf(skipped, sizeof(skipped), "; %s cannot be judged", cli_count(now->skipped[i]));
		if (now->disagreements[i])
			cli_line(oracles[i].name, CLI_RED, "%s; %s compared", cli_count_of(now->disagreements[i], "DISAGREEMENT", "DISAGREEMENTS"),
				 cli_count_of(now->checks[i], oracles[i].one, oracles[i].more));
		else if (now->checks[i] || now->skipped[i])
			cli_line(oracles[i].name, CLI_PLAIN, "%s compared, nothing differs%s", cli_count_of(now->checks[i], oracles[i].one, oracles[i].more),
				 skipped);
	}
	if (now->blocks_expected)
		cli_line("", CLI_PLAIN, "%s of %s numbered blocks seen in order", cli_count(now->blocks_seen), cli_count(now->blocks_expected));
}

/* Messages that were only on the screen. */
static void print_disagreements(const struct live_state *state)
{
	unsigned int kept = state->disagreement_messages < LIVE_DISAGREEMENTS ? (unsigned int)state->disagreement_messages : LIVE_DISAGREEMENTS;

	for (unsigned int i = 0; i < kept; i++) {
		fprintf(stderr, "%7.1f s  %sDISAGREES:%s ", live_when(state, state->first[i].time), cli_colour(stderr, CLI_RED), cli_colour(stderr, CLI_PLAIN));
		cli_put_text(stderr, state->first[i].text);
		fputc('\n', stderr);
	}
	if (state->disagreement_messages > kept)
		fprintf(stderr, "viommu: and %s more\n", cli_count(state->disagreement_messages - kept));
}

static void print_times(const struct live_numbers *now)
{
	static const char *const names[LIVE_KINDS] = { "map", "unmap", "both", "nothing new", "whole" };

	printf("\n  %s%-11s %10s   %9s %9s   %9s %9s   %9s %9s%s\n", cli_colour(stdout, CLI_DIM), "", "", "QEMU", "", "its walk", "", "library", "",
	       cli_colour(stdout, CLI_PLAIN));
	printf("  %s%-11s %10s   %9s %9s   %9s %9s   %9s %9s%s\n", cli_colour(stdout, CLI_DIM), "a refresh", "refreshes", "median", "total", "median", "total",
	       "median", "total", cli_colour(stdout, CLI_PLAIN));
	for (unsigned int kind = 0; kind < LIVE_KINDS; kind++) {
		if (!now->times[kind][LIVE_LIBRARY].count && !now->times[kind][LIVE_QEMU_WHOLE].count)
			continue;
		printf("  %s%-11s%s %10s", cli_colour(stdout, CLI_DIM), names[kind], cli_colour(stdout, CLI_PLAIN), cli_count(now->refreshes[kind]));
		for (unsigned int i = 0; i < LIVE_TIMED; i++) {
			const struct live_histogram *times = &now->times[kind][i];
			if (times->count)
				printf("   %9s %9s", live_duration(live_histogram_median(times)), live_duration(times->total));
			else
				printf("   %9s %9s", "-", "-");
		}
		putchar('\n');
	}
	if (now->overhead.count)
		printf("  Measuring itself adds about %s to each value.\n", live_duration(live_histogram_median(&now->overhead)));
}

void live_summary(const struct live_state *state, const struct live_options *options)
{
	const struct live_numbers *now = &state->now;

	if (!state->on_message)
		print_disagreements(state);
	fflush(stderr);
	print_verdict(state);
	cli_line("QEMU", state->failed ? CLI_RED : CLI_PLAIN, "%s after %.1f s", state->fate, state->time - state->begun);
	if (!live_attached(state))
		return;
	if (now->iommu != LIVE_ZPCI)
		cli_line("operations", CLI_PLAIN, "%s with %s and %s; %s", cli_count_of(now->writes, "write", "writes"),
			 cli_count_of(now->invalidations, "invalidation", "invalidations"), cli_count_of(now->configs, "configuration", "configurations"),
			 cli_count_of(now->kicks, "kick", "kicks"));
	else
		cli_line("operations", CLI_PLAIN, "%s RPCIT, %s MPCIFC, %s CLP", cli_count(now->rpcits), cli_count(now->mpcifcs), cli_count(now->clps));
	print_refreshes(now);
	cli_line("mapped", CLI_PLAIN, "%s at the end, %s at most; %s established, %s released", cli_bytes(now->mapped_pages * LIVE_PAGE_BYTES),
		 cli_bytes(now->mapped_pages_peak * LIVE_PAGE_BYTES), cli_count_of(now->established, "page", "pages"), cli_count(now->released));
	cli_line("pinned", CLI_PLAIN, "%s at the end, %s at most; the guest has %s", cli_bytes(now->pinned_bytes), cli_bytes(now->pinned_bytes_peak),
		 cli_bytes(now->guest_bytes));
	if (now->errors || now->insufficient)
		cli_line("errors", CLI_YELLOW, "%s; insufficient resources %s", cli_count_of(now->errors, "error event", "error events"),
			 cli_count_of(now->insufficient, "time", "times"));
	print_oracles(state);
	if (options->record)
		cli_line("capture", CLI_PLAIN, "%s", options->record);
	if (now->times[LIVE_MAP][LIVE_LIBRARY].count || live_refreshes(now))
		print_times(now);
}
