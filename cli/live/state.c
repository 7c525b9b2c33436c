// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Turns the board into the views' data: current numbers, their rates, and new messages.
 */
#include "live.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

const char *const live_kind_names[LIVE_KINDS] = { "map", "unmap", "both", "nothing", "whole" };
const char *const live_oracle_names[LIVE_ORACLES] = { "walker", "answer", "shadow", "data" };
const char *const live_timed_names[LIVE_TIMED] = { "qemu", "walker", "library" };

#define TEXTS	   16
#define TEXT_BYTES 32

static char *next_text(void)
{
	static char texts[TEXTS][TEXT_BYTES];
	static unsigned int next;

	return texts[next++ % TEXTS];
}

const char *live_duration(uint64_t ns)
{
	static const char *const units[] = { "us", "ms", "s" };
	double value = (double)ns;
	char *text = next_text();

	if (ns < 1000) {
		snprintf(text, TEXT_BYTES, "%u ns", (unsigned int)ns);
		return text;
	}
	unsigned int unit = 0;
	for (value /= 1000; value >= 999.5 && unit < 2; unit++)
		value /= 1000;
	snprintf(text, TEXT_BYTES, value < 9.995 ? "%.2f %s" : value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

const char *live_rate(double rate)
{
	char *text = next_text();

	snprintf(text, TEXT_BYTES, "%s", rate > 0 && rate < 9.95 ? "" : cli_count((uint64_t)(rate + 0.5)));
	if (!*text)
		snprintf(text, TEXT_BYTES, "%.1f", rate);
	return text;
}

const char *live_function_state_name(uint64_t state)
{
	static const char *const names[] = { "free", "disabled", "enabled", "error", "unplugged" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

double live_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double live_when(const struct live_state *state, uint64_t monotonic_ns)
{
	double when = (double)monotonic_ns / 1e9 - state->begun;

	return when > 0 ? when : 0;
}

uint64_t live_refreshes(const struct live_numbers *numbers)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < LIVE_KINDS; i++)
		sum += numbers->refreshes[i];
	return sum;
}

bool live_attached(const struct live_state *state)
{
	return state->now.pid != 0;
}

int live_status(const struct live_state *state)
{
	if (state->disagreements)
		return CLI_DISAGREES;
	return state->failed || !live_attached(state) ? CLI_BAD_INPUT : CLI_OK;
}

const struct live_message *live_message_back(const struct live_state *state, unsigned int back)
{
	if (back >= state->messages || back >= LIVE_MESSAGES)
		return NULL;
	return &state->last[(state->messages - 1 - back) % LIVE_MESSAGES];
}

void live_state_begin(struct live_state *state, struct live_board *board, const char *program)
{
	const char *slash = strrchr(program, '/');

	memset(state, 0, sizeof(*state));
	state->board = board;
	state->program = slash ? slash + 1 : program;
	state->begun = state->time_before = state->time = live_clock();
}

static void update_rates(struct live_state *state)
{
	double passed = state->time - state->time_before;

	/* An update that the clock did not cause is too close to the previous one for a rate. */
	if (passed < 0.2)
		return;
	state->rate = 0;
	for (unsigned int i = 0; i < LIVE_KINDS; i++) {
		state->rates[i] = (double)(state->now.refreshes[i] - state->before[i]) / passed;
		state->rate += state->rates[i];
		state->before[i] = state->now.refreshes[i];
	}
	state->time_before = state->time;
}

/*
 * Updates are not at full seconds: new events are distributed evenly over the seconds since the
 * last update.
 */
static void update_history(struct live_state *state)
{
	uint64_t seconds = (uint64_t)(state->time - state->begun), refreshes = live_refreshes(&state->now);

	if (seconds <= state->history_seconds)
		return;
	uint64_t passed = seconds - state->history_seconds, came = refreshes - state->history_refreshes;
	for (uint64_t i = passed > LIVE_HISTORY ? passed - LIVE_HISTORY : 0; i < passed; i++)
		state->history[(state->history_seconds + i) % LIVE_HISTORY] = came / passed;
	state->history_seconds = seconds;
	state->history_refreshes = refreshes;
}

static void update_messages(struct live_state *state)
{
	struct live_message message;

	while (live_ring_read(&state->board->ring, &state->next_message, &message)) {
		state->last[state->messages++ % LIVE_MESSAGES] = message;
		if (message.kind == LIVE_DISAGREEMENT && state->disagreement_messages++ < LIVE_DISAGREEMENTS)
			state->first[state->disagreement_messages - 1] = message;
		if (state->on_message)
			state->on_message(state, &message);
	}
}

void live_state_update(struct live_state *state)
{
	live_board_snapshot(state->board, &state->now);
	state->time = live_clock();
	state->checks = state->disagreements = 0;
	for (unsigned int i = 0; i < LIVE_ORACLES; i++) {
		state->checks += state->now.checks[i];
		state->disagreements += state->now.disagreements[i];
	}
	for (unsigned int i = 0; i < LIVE_TIMED; i++) {
		memset(&state->all[i], 0, sizeof(state->all[i]));
		for (unsigned int kind = 0; kind < LIVE_KINDS; kind++)
			live_histogram_merge(&state->all[i], &state->now.times[kind][i]);
	}
	update_rates(state);
	update_history(state);
	update_messages(state);
}

void live_state_end(struct live_state *state, const struct live_child *child)
{
	/* The writer is gone, and only knew that it would exit. */
	bool exited = WIFEXITED(child->status);
	int value = exited ? WEXITSTATUS(child->status) : WTERMSIG(child->status);

	live_set(&state->board->numbers.end, exited ? LIVE_END_EXIT_STATUS : LIVE_END_SIGNAL);
	live_set(&state->board->numbers.end_value, (uint64_t)value);
	live_set(&state->board->numbers.guest, LIVE_GUEST_ENDED);
	state->failed = live_child_failed(child);
	if (!exited)
		snprintf(state->fate, sizeof(state->fate), "was killed by signal %d (%s)%s", value, strsignal(value), state->failed ? "" : ", as it was to be");
	else if (value)
		snprintf(state->fate, sizeof(state->fate), "ended with status %d", value);
	else
		snprintf(state->fate, sizeof(state->fate), "%s", child->asked ? "ended, as it was asked to" : "ended by itself");
	live_state_update(state);
}
