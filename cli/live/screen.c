// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The full-screen view: the terminal, its keys, and the rows of each pane.
 *
 * The terminal must be restored however the process ends: normally by live_screen_end(), and after
 * a fatal signal by signals.c, with the bytes that are prepared here.
 */
#include "screen.h"

#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#define LEAVE_TYPING 0x1d /* Ctrl-], as telnet has it */
#define REDRAW_KEY   0x0c /* Ctrl-L */

static struct {
	struct live_screen screen;
	SCREEN *terminal;
	bool typing;
	int console_rows;
	int console_columns;
} view;

bool live_screen_possible(void)
{
	const char *term = getenv("TERM");

	return term && *term && strcmp(term, "dumb") != 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* The bytes that leave the alternate screen. */
static void arm(const struct termios *attributes)
{
	static const char *const capabilities[] = { "sgr0", "op", "cnorm", "rmkx", "rmcup" };
	char text[LIVE_RESTORE_BYTES] = "";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		/* tigetstr() takes no const name, and does not change it. */
		char name[8];
		snprintf(name, sizeof(name), "%s", capabilities[i]);
		const char *bytes = tigetstr(name);
		if (!bytes || bytes == (const char *)-1 || used + strlen(bytes) >= sizeof(text))
			continue;
		memcpy(text + used, bytes, strlen(bytes));
		used += strlen(bytes);
	}
	live_terminal_arm(STDOUT_FILENO, attributes, text, used);
}

bool live_screen_begin(const struct live_screen *screen)
{
	struct termios attributes;

	setlocale(LC_CTYPE, "");
	if (tcgetattr(STDOUT_FILENO, &attributes))
		return false;
	memset(&view, 0, sizeof(view));
	view.screen = *screen;
	view.terminal = newterm(NULL, stdout, stdin);
	if (!view.terminal)
		return false;
	arm(&attributes);
	cbreak();
	noecho();
	nonl();
	set_escdelay(25);
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	screen_styles_begin();
	live_screen_draw();
	return true;
}

void live_screen_end(void)
{
	if (!view.terminal)
		return;
	/* An unfinished update is not shown any more. */
	endwin();
	delscreen(view.terminal);
	view.terminal = NULL;
	live_terminal_disarm();
}

/* The number of rows of each pane; 0 for none. */
struct layout {
	int functions, refreshes, history, times, messages, console, gaps;
	int left; /* rows without a pane */
};

static void grow(struct layout *layout, int *rows, int to)
{
	int more = to - *rows;

	if (more > layout->left)
		more = layout->left;
	if (more > 0) {
		*rows += more;
		layout->left -= more;
	}
}

/* All or nothing. */
static void grant(struct layout *layout, int *rows, int wanted)
{
	if (layout->left >= wanted)
		grow(layout, rows, *rows + wanted);
}

static struct layout arrange(void)
{
	/*
	 * Title, memory, two rows of checks, the console's rule and the footer are always present.
	 */
	struct layout layout = { .functions = 2, .refreshes = 4, .messages = 1, .console = 2, .left = LINES - 15 };
	int functions = pane_functions_rows(&view.screen), some = functions < 5 ? functions : 5;

	grow(&layout, &layout.functions, some);
	grow(&layout, &layout.console, view.typing ? 8 : 4);
	grow(&layout, &layout.messages, 2);
	grant(&layout, &layout.history, 1);
	grant(&layout, &layout.times, CHART_TIMES_ROWS);
	grow(&layout, &layout.refreshes, pane_refreshes_rows(&view.screen));
	grow(&layout, &layout.messages, 4);
	grant(&layout, &layout.gaps, layout.times ? 4 : 3);
	grow(&layout, &layout.functions, functions < 12 ? functions : 12);
	grow(&layout, &layout.messages, layout.left > 12 ? 6 : 4);
	layout.console += layout.left;
	return layout;
}

static void draw_footer(int row)
{
	if (view.typing)
		screen_text(row, 1, COLS - 2, STYLE_ACTIVE, " what you type goes to the guest   Ctrl-] no longer ");
	else if (view.screen.child->asked)
		screen_text(row, 1, COLS - 2, STYLE_WARN, "QEMU was asked to end   q  kill it");
	else
		screen_text(row, 1, COLS - 2, STYLE_DIM, "q  end   c  type into the guest   Ctrl-Z  suspend");
}

static void draw_panes(void)
{
	struct layout layout = arrange();
	int row = 0, gap = layout.gaps > 0;

	pane_title(&view.screen, row);
	row += 1 + gap;
	pane_functions(&view.screen, row, layout.functions);
	row += layout.functions + gap;
	pane_memory(&view.screen, row++);
	pane_refreshes(&view.screen, row, layout.refreshes);
	row += layout.refreshes;
	if (layout.history)
		chart_history(&view.screen, row++);
	if (layout.times) {
		row += gap;
		chart_times(&view.screen, row);
		row += layout.times;
	}
	row += gap;
	pane_checks(&view.screen, row);
	row += 2;
	pane_messages(&view.screen, row, layout.messages);
	row += layout.messages;
	screen_rule(row++, view.typing ? STYLE_BOLD : STYLE_PLAIN, "console");
	draw_footer(LINES - 1);
	/* Last, since it sets the cursor to the guest's position. */
	pane_console(&view.screen, row, layout.console, view.typing);
	if (layout.console != view.console_rows || COLS != view.console_columns) {
		view.console_rows = layout.console;
		view.console_columns = COLS;
		live_child_window(view.screen.child, (unsigned int)layout.console, (unsigned int)(COLS > 2 ? COLS - 2 : 1));
	}
}

static void draw_too_small(void)
{
	const struct live_state *state = view.screen.state;

	screen_format(0, 0, COLS, STYLE_PLAIN, "viommu live: %s", cli_count_of(live_refreshes(&state->now), "refresh", "refreshes"));
	screen_format(1, 0, COLS, state->disagreements ? STYLE_BAD : STYLE_PLAIN, "%s disagree", cli_count(state->disagreements));
	screen_format(2, 0, COLS, STYLE_DIM, "%dx%d is too small, %dx%d needed", COLS, LINES, SCREEN_COLUMNS, SCREEN_ROWS);
}

void live_screen_draw(void)
{
	if (!view.terminal)
		return;
	erase();
	if (LINES < SCREEN_ROWS || COLS < SCREEN_COLUMNS)
		draw_too_small();
	else
		draw_panes();
	refresh();
}

void live_screen_resize(void)
{
	struct winsize size;

	if (!view.terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return;
	resizeterm(size.ws_row, size.ws_col);
	clearok(stdscr, TRUE);
	live_screen_draw();
}

static void set_typing(bool typing)
{
	view.typing = typing;
	/* Keys as bytes, signals included. */
	keypad(stdscr, typing ? FALSE : TRUE);
	if (typing)
		raw();
	else
		cbreak();
	curs_set(typing ? 1 : 0);
	live_screen_draw();
}

static void type(int key)
{
	char byte = (char)key;

	if (key == LEAVE_TYPING)
		set_typing(false);
	else if (key >= 0 && key < 256 && !live_child_type(view.screen.child, &byte, 1))
		beep();
}

enum live_wish live_screen_keys(void)
{
	enum live_wish wish = LIVE_WISH_NOTHING;
	int key;

	while (view.terminal && (key = getch()) != ERR) {
		if (view.typing)
			type(key);
		else if (key == 'q' || key == 'Q')
			wish = LIVE_WISH_END;
		else if (key == 'c' || key == 'C')
			set_typing(true);
		else if (key == REDRAW_KEY)
			clearok(stdscr, TRUE);
	}
	live_screen_draw();
	return wish;
}
