// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Character charts: the refreshes of the last seconds, and the durations of refreshes, the
 * library's next to QEMU's on one logarithmic scale.
 */
#include "screen.h"

#include <curses.h>
#include <math.h>
#include <string.h>

#define LABELS	 12 /* columns of labels on the left */
#define DECADES	 13
#define MOST_BIN 512

/* A value above zero is visible. */
static unsigned int eighths(uint64_t value, uint64_t most)
{
	if (!value || !most)
		return 0;
	return (unsigned int)fmax(1, round(8.0 * (double)value / (double)most));
}

void chart_history(const struct live_screen *screen, int row)
{
	const struct live_state *state = screen->state;
	uint64_t count = (uint64_t)(COLS > LABELS + 14 ? COLS - LABELS - 14 : 0), most = 0;

	if (count > LIVE_HISTORY - 1)
		count = LIVE_HISTORY - 1;
	if (count > state->history_seconds)
		count = state->history_seconds;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t value = state->history[(state->history_seconds - 1 - i) % LIVE_HISTORY];
		if (value > most)
			most = value;
	}
	screen_text(row, 1, LABELS, STYLE_DIM, "each second");
	for (uint64_t i = 0; i < count; i++)
		screen_bar(row, LABELS + 1 + (int)i, STYLE_PLAIN, eighths(state->history[(state->history_seconds - count + i) % LIVE_HISTORY], most));
	if (most)
		screen_format(row, LABELS + 2 + (int)count, 14, STYLE_DIM, "%s at most", cli_count(most));
}

/* The decades that contain all times: from 10^*low to 10^*high ns. */
static bool find_range(const struct live_state *state, int *low, int *high)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (unsigned int i = 0; i < LIVE_TIMED; i++) {
		for (unsigned int class = 0; class < LIVE_CLASSES; class ++) {
			if (!state->all[i].classes[class])
				continue;
			uint64_t value = live_class_first(class);
			if (value < least)
				least = value;
			if (value > most)
				most = value;
		}
	}
	if (!most)
		return false;
	*low = least ? (int)floor(log10((double)least)) : 0;
	*high = (int)floor(log10((double)most)) + 1;
	return true;
}

static void draw_axis(int row, int low, int high, int per_decade)
{
	static const char *const names[DECADES + 1] = { "1 ns",	 "10 ns",  "100 ns", "1 us", "10 us", "100 us", "1 ms",
							"10 ms", "100 ms", "1 s",    "10 s", "100 s", "1000 s", "" };

	screen_text(row, 1, LABELS, STYLE_DIM, "time each");
	for (int decade = low; decade < high && decade < DECADES; decade++)
		screen_text(row, LABELS + 1 + (decade - low) * per_decade, per_decade, STYLE_DIM, names[decade]);
}

static void draw_times(int row, const struct live_histogram *times, enum screen_style style, int low, int columns, int per_decade)
{
	uint64_t bins[MOST_BIN] = { 0 }, most = 0;

	for (unsigned int class = 0; class < LIVE_CLASSES; class ++) {
		uint64_t first = live_class_first(class);
		int bin = first ? (int)((log10((double)first) - low) * per_decade) : 0;
		if (!times->classes[class] || bin < 0 || bin >= columns)
			continue;
		bins[bin] += times->classes[class];
		if (bins[bin] > most)
			most = bins[bin];
	}
	for (int bin = 0; bin < columns; bin++)
		screen_bar(row, LABELS + 1 + bin, style, eighths(bins[bin], most));
}

void chart_times(const struct live_screen *screen, int row)
{
	static const struct {
		const char *name;
		enum live_timed timed;
		enum screen_style style;
	} rows[LIVE_TIMED] = {
		{ "library", LIVE_LIBRARY, STYLE_OURS },
		{ "QEMU's walk", LIVE_QEMU_WALKER, STYLE_PLAIN },
		{ "QEMU", LIVE_QEMU_WHOLE, STYLE_PLAIN },
	};
	const struct live_state *state = screen->state;
	int low, high;

	if (!find_range(state, &low, &high)) {
		screen_text(row, 1, COLS - 2, STYLE_DIM, "time each    no refresh was timed so far");
		return;
	}
	int per_decade = (COLS - LABELS - 2) / (high - low);
	if (per_decade > 16)
		per_decade = 16;
	int columns = per_decade * (high - low);
	if (columns > MOST_BIN)
		columns = MOST_BIN;
	draw_axis(row, low, high, per_decade);
	for (unsigned int i = 0; i < LIVE_TIMED; i++) {
		screen_text(row + 1 + (int)i, 1, LABELS, STYLE_DIM, rows[i].name);
		draw_times(row + 1 + (int)i, &state->all[rows[i].timed], rows[i].style, low, columns, per_decade);
	}
}
