// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The view without a terminal: a line every few seconds, and one for each message.
 */
#include "live.h"

void live_lines_update(struct live_state *state)
{
	const struct live_numbers *now = &state->now;
	bool stream = now->iommu != LIVE_ZPCI;
	unsigned int functions = 0;

	for (unsigned int i = 0; i < LIVE_FUNCTIONS; i++)
		functions += now->functions[i].state == LIVE_FUNCTION_ENABLED || now->functions[i].state == LIVE_FUNCTION_ERROR;
	printf("%7.1f s  ", state->time - state->begun);
	if (!live_refreshes(now) && !functions) {
		printf("%s\n", !live_attached(state) ? "QEMU starts" : "no function in use so far");
	} else {
		printf("%s, %s mapped, %s pinned; %s (%s/s); %s", cli_count_of(functions, stream ? "stream" : "function", stream ? "streams" : "functions"),
		       cli_bytes(now->mapped_pages * LIVE_PAGE_BYTES), cli_bytes(now->pinned_bytes), cli_count_of(live_refreshes(now), "refresh", "refreshes"),
		       live_rate(state->rate), cli_count_of(state->checks, "check", "checks"));
		if (state->disagreements)
			printf(", %s%s%s", cli_colour(stdout, CLI_RED), cli_count_of(state->disagreements, "DISAGREEMENT", "DISAGREEMENTS"),
			       cli_colour(stdout, CLI_PLAIN));
		else
			printf(", nothing disagrees");
		if (now->insufficient)
			printf("; insufficient resources %s", cli_count_of(now->insufficient, "time", "times"));
		if (now->errors)
			printf("; %s", cli_count_of(now->errors, "error event", "error events"));
		putchar('\n');
	}
	fflush(stdout);
}

void live_lines_message(const struct live_state *state, const struct live_message *message)
{
	bool disagrees = message->kind == LIVE_DISAGREEMENT;

	/* If there are many, only the first ones are printed. The lines continue to count. */
	if (disagrees && state->disagreement_messages > LIVE_DISAGREEMENTS)
		return;
	printf("%7.1f s  %s%s", live_when(state, message->time), disagrees ? cli_colour(stdout, CLI_RED) : "", disagrees ? "DISAGREES: " : "");
	cli_put_text(stdout, message->text);
	printf("%s\n", disagrees ? cli_colour(stdout, CLI_PLAIN) : "");
	fflush(stdout);
}
