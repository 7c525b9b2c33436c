// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Text on the screen. A guest may print anything. Text is shown character by character if the
 * terminal's character set has them, and never leaves its place.
 */
#include "screen.h"

#include <curses.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static attr_t styles[STYLES];
static bool unicode;

void screen_styles_begin(void)
{
	const char *no_color = getenv("NO_COLOR");
	static const short colours[STYLES] = { [STYLE_GOOD] = COLOR_GREEN, [STYLE_WARN] = COLOR_YELLOW, [STYLE_BAD] = COLOR_RED, [STYLE_OURS] = COLOR_CYAN };

	unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
	memset(styles, 0, sizeof(styles));
	styles[STYLE_DIM] = A_DIM;
	styles[STYLE_BOLD] = A_BOLD;
	styles[STYLE_BAD] = A_BOLD;
	styles[STYLE_ACTIVE] = A_REVERSE;
	if ((no_color && *no_color) || !has_colors() || start_color() == ERR)
		return;
	bool own = use_default_colors() != ERR;
	for (short i = 0; i < STYLES; i++) {
		if (colours[i] && init_pair(i, colours[i], own ? -1 : COLOR_BLACK) != ERR)
			styles[i] |= COLOR_PAIR(i);
	}
}

/* The next character of a text, or its replacement on the screen. False at the end. */
static bool next(const char **text, mbstate_t *state, wchar_t *shown, int *columns)
{
	wchar_t c;

	if (!**text)
		return false;
	size_t used = mbrtowc(&c, *text, strlen(*text), state);
	if (used == (size_t)-1 || used == (size_t)-2) {
		memset(state, 0, sizeof(*state));
		used = 1;
		c = L'?';
	}
	*text += used;
	*columns = wcwidth(c);
	if (*columns < 0) {
		c = L'?';
		*columns = 1;
	}
	*shown = c;
	return true;
}

int screen_text(int row, int first, int width, enum screen_style style, const char *text)
{
	int column = first, end = first + width, columns;
	mbstate_t state = { 0 };
	wchar_t c;

	if (end > COLS)
		end = COLS;
	if (row < 0 || row >= LINES || first < 0)
		return column;
	attrset((int)styles[style]);
	while (next(&text, &state, &c, &columns) && column + columns <= end) {
		/* Combining marks take no column and are omitted. */
		if (!columns)
			continue;
		mvaddnwstr(row, column, &c, 1);
		column += columns;
	}
	attrset(A_NORMAL);
	return column;
}

void screen_wrapped(int row, int rows, int first, int width, enum screen_style style, const char *text)
{
	for (int i = 0; i < rows && *text; i++) {
		mbstate_t state = { 0 };
		const char *rest = text;
		char line[1024];
		int columns = 0, more;
		wchar_t c;

		/*
		 * After the last blank that fits, if it is in the second half; otherwise at the end
		 * of the line.
		 */
		const char *end = text, *blank = NULL;
		while (next(&rest, &state, &c, &more) && columns + more <= width) {
			columns += more;
			end = rest;
			if (c == L' ' && columns > width / 2)
				blank = rest;
		}
		if (*end && blank && i < rows - 1)
			end = blank;
		if (end == text)
			return;
		snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
		screen_text(row + i, first, width, style, line);
		text = end;
	}
}

int screen_width(const char *text)
{
	mbstate_t state = { 0 };
	int width = 0, columns;
	wchar_t c;

	while (next(&text, &state, &c, &columns))
		width += columns;
	return width;
}

int screen_format(int row, int first, int width, enum screen_style style, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return screen_text(row, first, width, style, text);
}

void screen_right(int row, int first, int width, enum screen_style style, const char *text)
{
	int wanted = screen_width(text);

	if (wanted < width) {
		first += width - wanted;
		width = wanted;
	}
	screen_text(row, first, width, style, text);
}

void screen_rule(int row, enum screen_style style, const char *title)
{
	if (row < 0 || row >= LINES)
		return;
	attrset((int)styles[style == STYLE_PLAIN ? STYLE_DIM : style]);
	for (int column = 0; column < COLS; column++)
		mvaddnwstr(row, column, unicode ? L"\u2500" : L"-", 1);
	attrset(A_NORMAL);
	if (*title)
		screen_format(row, 2, COLS - 4, style, " %s ", title);
}

void screen_bar(int row, int column, enum screen_style style, unsigned int eighths)
{
	static const wchar_t blocks[] = L" \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588", marks[] = L" ..::||##";

	if (row < 0 || row >= LINES || column < 0 || column >= COLS || eighths > 8)
		return;
	attrset((int)styles[style]);
	mvaddnwstr(row, column, (unicode ? blocks : marks) + eighths, 1);
	attrset(A_NORMAL);
}
