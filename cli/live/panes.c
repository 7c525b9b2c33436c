// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The panes of the full-screen view, from top to bottom.
 */
#include "screen.h"

#include <curses.h>
#include <inttypes.h>
#include <string.h>

#define WIDE   100 /* minimum width of the screen for the less important columns */
#define MIDDLE 76
#define LABELS 12

void pane_title(const struct live_screen *screen, int row)
{
	const struct live_state *state = screen->state;
	uint64_t seconds = (uint64_t)(state->time - state->begun);
	const char *phase = screen->child->asked ? "ending" : !live_attached(state) ? "starting" : state->now.guest == LIVE_GUEST_ENDED ? "ended" : "running";
	char right[80];
	int column = screen_text(row, 1, COLS, STYLE_BOLD, "viommu live");

	snprintf(right, sizeof(right), "%s  %" PRIu64 ":%02" PRIu64, phase, seconds / 60, seconds % 60);
	screen_format(row, column + 2, COLS - column - 4 - (int)strlen(right), STYLE_PLAIN, "%s, %s", state->program, cli_bytes(state->now.guest_bytes));
	screen_right(row, COLS - 41, 40, STYLE_PLAIN, right);
}

/* Functions with a row: the present ones, then the former ones. */
static unsigned int list_functions(const struct live_numbers *now, const struct live_function **list)
{
	unsigned int count = 0;

	for (unsigned int gone = 0; gone < 2; gone++) {
		for (unsigned int i = 0; i < LIVE_FUNCTIONS; i++) {
			const struct live_function *function = &now->functions[i];
			if (function->state != LIVE_FUNCTION_FREE && (function->state == LIVE_FUNCTION_UNPLUGGED) == (gone == 1))
				list[count++] = function;
		}
	}
	return count;
}

int pane_functions_rows(const struct live_screen *screen)
{
	const struct live_function *list[LIVE_FUNCTIONS];

	return 1 + (int)list_functions(&screen->state->now, list);
}

struct column {
	int first, width;
};

/* The columns at this width of the screen. */
static const struct {
	struct column handle, state, aperture, mapped, peak, refreshes, pinned, tables;
} at = { { 1, 10 }, { 12, 9 }, { 22, 23 }, { 46, 10 }, { 57, 10 }, { 68, 10 }, { 79, 10 }, { 91, 60 } };

static void show(int row, struct column column, enum screen_style style, bool right, const char *text)
{
	if (column.first + column.width > COLS && column.first + 20 > COLS)
		return;
	if (right)
		screen_right(row, column.first, column.width, style, text);
	else
		screen_text(row, column.first, column.width, style, text);
}

static void show_function(const struct live_numbers *now, const struct live_function *function, int row)
{
	bool stream = now->iommu != LIVE_ZPCI;
	enum screen_style style = function->state == LIVE_FUNCTION_ERROR ? STYLE_BAD : function->state == LIVE_FUNCTION_ENABLED ? STYLE_PLAIN : STYLE_DIM;
	char text[160];
	uint64_t refreshes = 0;

	for (unsigned int i = 0; i < LIVE_KINDS; i++)
		refreshes += function->refreshes[i];
	snprintf(text, sizeof(text), stream ? "0x%" PRIx64 : "0x%08" PRIx64, function->fh);
	show(row, at.handle, style, false, text);
	show(row, at.state, style, false, live_function_state_name(function->state));
	if (function->registered)
		snprintf(text, sizeof(text), "0x%" PRIx64 "-0x%" PRIx64, function->pba, function->pal);
	else
		snprintf(text, sizeof(text), stream ? "reaches nothing" : "nothing registered");
	show(row, at.aperture, function->registered ? style : STYLE_DIM, false, text);
	show(row, at.mapped, style, true, cli_bytes(function->mapped_pages * LIVE_PAGE_BYTES));
	show(row, at.peak, STYLE_DIM, true, cli_bytes(function->mapped_pages_peak * LIVE_PAGE_BYTES));
	show(row, at.refreshes, style, true, cli_count(refreshes));
	show(row, at.pinned, style, true, cli_bytes(function->pinned_bytes));
	if (function->registered && function->direct)
		snprintf(text, sizeof(text), "none, all of memory  %.*s", (int)LIVE_FUNCTION_NAME, function->name);
	else if (function->registered && stream)
		snprintf(text, sizeof(text), "0x%" PRIx64 "  %.*s", function->iota, (int)LIVE_FUNCTION_NAME, function->name);
	else if (function->registered)
		snprintf(text, sizeof(text), "%" PRIu64 " levels, 0x%" PRIx64 "  %.*s", function->levels, function->iota, (int)LIVE_FUNCTION_NAME,
			 function->name);
	else
		snprintf(text, sizeof(text), "%.*s", (int)LIVE_FUNCTION_NAME, function->name);
	show(row, at.tables, STYLE_DIM, false, text);
}

void pane_functions(const struct live_screen *screen, int row, int rows)
{
	const struct live_function *list[LIVE_FUNCTIONS];
	unsigned int count = list_functions(&screen->state->now, list);

	show(row, at.handle, STYLE_DIM, false, screen->state->now.iommu != LIVE_ZPCI ? "stream" : "function");
	show(row, at.state, STYLE_DIM, false, "state");
	show(row, at.aperture, STYLE_DIM, false, "aperture");
	show(row, at.mapped, STYLE_DIM, true, "mapped");
	show(row, at.peak, STYLE_DIM, true, "peak");
	show(row, at.refreshes, STYLE_DIM, true, "refreshes");
	show(row, at.pinned, STYLE_DIM, true, "pinned");
	show(row, at.tables, STYLE_DIM, false, "tables");
	if (!count)
		screen_text(row + 1, 1, COLS - 2, STYLE_DIM, live_attached(screen->state) ? "none in use so far" : "QEMU starts");
	for (unsigned int i = 0; i < count && (int)i < rows - 1; i++) {
		/* The last row has the number of functions that do not fit. */
		if ((int)i == rows - 2 && (int)count > rows - 1 && rows > 2)
			screen_format(row + 1 + (int)i, 1, COLS - 2, STYLE_DIM, "and %u more", count - i);
		else
			show_function(&screen->state->now, list[i], row + 1 + (int)i);
	}
}

static void show_memory(int row, int first, int width, const char *label, uint64_t now, uint64_t most)
{
	bool narrow = COLS < MIDDLE;
	int end = first + width;
	int column = screen_format(row, first, width, STYLE_DIM, "%-*s", narrow ? 8 : LABELS, label);

	column = screen_format(row, column, end - column, STYLE_BOLD, "%s", cli_bytes(now));
	screen_format(row, column, end - column, STYLE_DIM, narrow ? " (%s)" : ", peak %s", cli_bytes(most));
}

void pane_memory(const struct live_screen *screen, int row)
{
	const struct live_numbers *now = &screen->state->now;
	int half = COLS / 2;

	show_memory(row, 1, half - 2, "mapped", now->mapped_pages * LIVE_PAGE_BYTES, now->mapped_pages_peak * LIVE_PAGE_BYTES);
	show_memory(row, half, COLS - half - 1, "pinned", now->pinned_bytes, now->pinned_bytes_peak);
}

/* Kinds by importance. The last two have a row if there are such refreshes and there is room. */
static const enum live_kind kinds[LIVE_KINDS] = { LIVE_MAP, LIVE_UNMAP, LIVE_WHOLE, LIVE_BOTH, LIVE_NOTHING };

#define ALWAYS 3

int pane_refreshes_rows(const struct live_screen *screen)
{
	int rows = 1 + ALWAYS;

	for (unsigned int i = ALWAYS; i < LIVE_KINDS; i++)
		rows += screen->state->now.refreshes[kinds[i]] != 0;
	return rows;
}

static void show_kind(const struct live_state *state, int row, enum live_kind kind)
{
	static const char *const names[LIVE_KINDS] = { "map", "unmap", "both", "no change", "whole" };
	static const enum live_timed order[LIVE_TIMED] = { LIVE_LIBRARY, LIVE_QEMU_WALKER, LIVE_QEMU_WHOLE };

	screen_text(row, 1, LABELS, STYLE_DIM, names[kind]);
	screen_right(row, LABELS + 1, 9, STYLE_PLAIN, cli_count(state->now.refreshes[kind]));
	screen_right(row, LABELS + 11, 8, state->rates[kind] > 0 ? STYLE_BOLD : STYLE_PLAIN, live_rate(state->rates[kind]));
	for (int i = 0; i < (int)LIVE_TIMED; i++) {
		const struct live_histogram *times = &state->now.times[kind][order[i]];
		screen_right(row, LABELS + 20 + i * 9, 8, i ? STYLE_PLAIN : STYLE_OURS, times->count ? live_duration(live_histogram_median(times)) : "-");
	}
}

void pane_refreshes(const struct live_screen *screen, int row, int rows)
{
	static const char *const headings[LIVE_TIMED] = { "library", "walk", "QEMU" };

	screen_text(row, 1, LABELS, STYLE_DIM, "refreshes");
	screen_right(row, LABELS + 1, 9, STYLE_DIM, "count");
	screen_right(row, LABELS + 11, 8, STYLE_DIM, "a second");
	for (int i = 0; i < (int)LIVE_TIMED; i++)
		screen_right(row, LABELS + 20 + i * 9, 8, STYLE_DIM, headings[i]);
	if (COLS >= WIDE)
		screen_text(row, LABELS + 50, COLS - LABELS - 51, STYLE_DIM, "medians of the time each takes");
	for (int i = 0, used = 1; i < (int)LIVE_KINDS && used < rows; i++) {
		if (i >= ALWAYS && !screen->state->now.refreshes[kinds[i]])
			continue;
		show_kind(screen->state, row + used, kinds[i]);
		used++;
	}
}

void pane_checks(const struct live_screen *screen, int row)
{
	static const char *const names[LIVE_ORACLES] = { "walk", "answers", "shadow", "data" };
	const struct live_state *state = screen->state;
	const struct live_numbers *now = &state->now;
	int column = 1 + LABELS;

	screen_text(row, 1, LABELS, STYLE_DIM, "compared");
	for (unsigned int i = 0; i < LIVE_ORACLES; i++) {
		if (!now->available[i] && !now->checks[i])
			continue;
		enum screen_style style = now->disagreements[i] ? STYLE_BAD : STYLE_PLAIN;
		column = screen_format(row, column, COLS - column - 1, style, "%s ", cli_count(now->checks[i]));
		column = screen_format(row, column, COLS - column - 1, STYLE_DIM, "%s  ", names[i]);
	}
	screen_text(row + 1, 1, LABELS, STYLE_DIM, "disagree");
	if (state->disagreements)
		column = screen_format(row + 1, 1 + LABELS, COLS, STYLE_BAD, "%s", cli_count_of(state->disagreements, "time", "times"));
	else
		column = screen_text(row + 1, 1 + LABELS, COLS, state->checks ? STYLE_GOOD : STYLE_DIM, state->checks ? "none" : "nothing was compared so far");
	column = screen_text(row + 1, column + 3, COLS, STYLE_DIM, "no resources ");
	column = screen_text(row + 1, column, COLS, now->insufficient ? STYLE_WARN : STYLE_PLAIN, cli_count(now->insufficient));
	column = screen_text(row + 1, column + 3, COLS, STYLE_DIM, "errors ");
	column = screen_text(row + 1, column, COLS, now->errors ? STYLE_WARN : STYLE_PLAIN, cli_count(now->errors));
	if (now->blocks_expected)
		screen_format(row + 1, column + 3, COLS, STYLE_DIM, "blocks %s of %s", cli_count(now->blocks_seen), cli_count(now->blocks_expected));
}

#define MESSAGE_ROWS 3 /* at most, of one message */

static int message_width(void)
{
	return COLS - LABELS - 2;
}

static int message_rows(const struct live_message *message)
{
	int rows = (screen_width(message->text) + message_width() - 1) / message_width();

	return rows < 1 ? 1 : rows > MESSAGE_ROWS ? MESSAGE_ROWS : rows;
}

static void show_message(const struct live_state *state, const struct live_message *message, int row, int rows)
{
	enum screen_style style = message->kind == LIVE_DISAGREEMENT ? STYLE_BAD : message->kind == LIVE_EVENT ? STYLE_WARN : STYLE_PLAIN;

	screen_format(row, 1, 9, STYLE_DIM, "%7.1f s", live_when(state, message->time));
	screen_wrapped(row, rows, 1 + LABELS, message_width(), style, message->text);
}

void pane_messages(const struct live_screen *screen, int row, int rows)
{
	const struct live_message *message;
	int used = 0, end = row + rows;
	unsigned int count = 0;

	/*
	 * As many of the last messages as fit, from the oldest of them on. A truncated message is
	 * better than none.
	 */
	while ((message = live_message_back(screen->state, count)) && used + message_rows(message) <= rows) {
		used += message_rows(message);
		count++;
	}
	if (!count && message)
		count = 1;
	while (count--) {
		message = live_message_back(screen->state, count);
		int wanted = message_rows(message), left = end - row;
		show_message(screen->state, message, row, wanted < left ? wanted : left);
		row += wanted;
	}
}

void pane_console(const struct live_screen *screen, int row, int rows, bool typing)
{
	const struct live_console *console = screen->console;
	int lines = 0, shown;

	while (lines < rows && live_console_line(console, (unsigned int)lines))
		lines++;
	/* While the user types, the last row is the incomplete line, which may be empty. */
	bool empty = typing && !console->used;
	shown = lines + empty <= rows ? lines : rows - empty;
	for (int i = 0; i < shown; i++)
		screen_text(row + i, 1, COLS - 2, typing ? STYLE_PLAIN : STYLE_DIM, live_console_line(console, (unsigned int)(shown - 1 - i)));
	if (typing)
		move(row + shown - !empty, console->column < (unsigned int)(COLS - 3) ? (int)console->column + 1 : COLS - 2);
}
