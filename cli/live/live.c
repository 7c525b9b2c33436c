// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `viommu live`: creates the board, starts QEMU, and waits for events: output, a key, a signal, the
 * time of the next update.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW 0.05 /* seconds between new console output and an update */

enum view { VIEW_NOTHING, VIEW_LINES, VIEW_JSON, VIEW_SCREEN };

struct live {
	struct live_options options;
	struct live_state state;
	struct live_console console;
	struct live_child child;
	struct live_board *board;
	int board_fd;
	int wake;
	enum view view;
	bool deserted;	   /* the input terminal has gone */
	unsigned int ends; /* requests to end that were passed on */
	double interval;
	double next; /* update */
	double next_picture;
};

static void choose_view(struct live *live)
{
	static const double intervals[] = { [VIEW_NOTHING] = 1, [VIEW_LINES] = 5, [VIEW_JSON] = 1, [VIEW_SCREEN] = 0.5 };
	const struct live_options *options = &live->options;

	live->view = VIEW_LINES;
	if (options->json)
		live->view = VIEW_JSON;
	else if (options->quiet)
		live->view = VIEW_NOTHING;
	else if (!options->lines && live_screen_possible())
		live->view = VIEW_SCREEN;
	live->interval = options->interval > 0 ? options->interval : intervals[live->view];
	live->state.on_message = live->view == VIEW_JSON ? live_json_message : live->view == VIEW_LINES ? live_lines_message : NULL;
}

/* The file for the console's output. */
static bool open_log(struct live *live)
{
	const char *path = live->options.log;

	live->console.copy = live->view == VIEW_LINES || live->view == VIEW_JSON ? STDERR_FILENO : -1;
	if (!path)
		return true;
	live->console.copy = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (live->console.copy < 0)
		cli_complain("%s: %s", path, strerror(errno));
	return live->console.copy >= 0;
}

static bool prepare(struct live *live)
{
	live->wake = live_signals_begin();
	if (live->wake < 0) {
		cli_complain("signals: %s", strerror(-live->wake));
		return false;
	}
	int error = live_board_memfd(&live->board_fd, &live->board);
	if (error) {
		cli_complain("the board, in memory shared with QEMU: %s", strerror(-error));
		return false;
	}
	return true;
}

static bool start(struct live *live)
{
	char **command = live_command_make(&live->options, live->board_fd);

	if (!command)
		return false;
	live_state_begin(&live->state, live->board, live->options.command[0]);
	choose_view(live);
	int error = open_log(live) ? live_child_start(&live->child, command, live->view == VIEW_SCREEN) : 1;
	if (error < 0)
		cli_complain("%s: %s", command[0], strerror(-error));
	live_command_free(command);
	if (error)
		return false;
	if (live->view == VIEW_SCREEN) {
		struct live_screen screen = { &live->state, &live->options, &live->console, &live->child };
		/*
		 * The terminal does not have its name's type: continue without a screen. The guest
		 * has its pseudo-terminal, without input.
		 */
		if (!live_screen_begin(&screen)) {
			live->options.lines = true;
			choose_view(live);
			if (!live->options.log)
				live->console.copy = STDERR_FILENO;
		}
	}
	return true;
}

static void look(struct live *live)
{
	live_state_update(&live->state);
	if (live->view == VIEW_LINES)
		live_lines_update(&live->state);
	else if (live->view == VIEW_JSON)
		live_json_update(&live->state, false);
}

/* Counts updates that have become due. Updates missed while we were stopped are skipped. */
static void catch_up(struct live *live)
{
	double now = live_clock();
	bool due = now >= live->next;

	if (due) {
		look(live);
		live->next += live->interval;
		if (live->next <= now)
			live->next = now + live->interval;
	}
	if (live->view == VIEW_SCREEN && (due || (live->console.changed && now >= live->next_picture))) {
		live_screen_draw();
		live->console.changed = false;
		live->next_picture = now + REDRAW;
	}
	live_child_hurry(&live->child, now);
}

static int milliseconds_left(const struct live *live)
{
	double until = live->next, now = live_clock();

	if (live->view == VIEW_SCREEN && live->console.changed && live->next_picture < until)
		until = live->next_picture;
	/* Rounded up: a timeout that ends too early would cause a busy loop. */
	return until <= now ? 0 : (int)((until - now) * 1000) + 1;
}

static void handle_signals(struct live *live)
{
	struct live_signals signals = live_signals_take();

	if (signals.resized && live->view == VIEW_SCREEN)
		live_screen_resize();
	/* Several at once are one request. A user repeats a request without an effect. */
	if (signals.ends != live->ends) {
		live->ends = signals.ends;
		live_child_ask(&live->child, live_clock());
	}
	live_child_reap(&live->child);
}

static void run(struct live *live)
{
	live->next = live_clock() + live->interval;
	while (!live->child.ended) {
		struct pollfd waiting[] = {
			{ .fd = live->wake, .events = POLLIN },
			{ .fd = live->console.closed ? -1 : live->child.console, .events = POLLIN },
			{ .fd = live->view == VIEW_SCREEN && !live->deserted ? STDIN_FILENO : -1, .events = POLLIN },
		};
		if (poll(waiting, sizeof(waiting) / sizeof(waiting[0]), milliseconds_left(live)) < 0 && errno != EINTR)
			break;
		handle_signals(live);
		if (waiting[1].revents)
			live_console_read(&live->console, live->child.console);
		live->deserted = live->deserted || waiting[2].revents & (POLLHUP | POLLERR | POLLNVAL);
		if (waiting[2].revents && (live_screen_keys() == LIVE_WISH_END || live->deserted))
			live_child_ask(&live->child, live_clock());
		catch_up(live);
	}
	/*
	 * Reads the last output. Not up to the end of the file: a process that QEMU has started may
	 * keep it open.
	 */
	while (live_console_read(&live->console, live->child.console))
		;
}

/*
 * After a failure of QEMU, the reason is in its last output, which may have vanished with the
 * screen, or be in a file.
 */
static void show_last_words(const struct live *live)
{
	unsigned int lines = 12;

	if (!live->state.failed || live->console.copy == STDERR_FILENO)
		return;
	while (lines && !live_console_line(&live->console, lines - 1))
		lines--;
	if (lines)
		fprintf(stderr, "viommu: the last lines of the console:\n");
	while (lines--) {
		fputs("  ", stderr);
		cli_put_text(stderr, live_console_line(&live->console, lines));
		fputc('\n', stderr);
	}
}

static void finish(struct live *live)
{
	live_screen_end();
	live_state_end(&live->state, &live->child);
	if (live->console.error && live->options.log)
		cli_complain("%s: %s", live->options.log, strerror(live->console.error));
	show_last_words(live);
	if (live->view == VIEW_JSON)
		live_json_update(&live->state, true);
	else if (live->view != VIEW_NOTHING)
		live_summary(&live->state, &live->options);
	else if (live->state.failed)
		cli_complain("%s %s", live->state.program, live->state.fate);
}

int cli_live(int argc, char **argv)
{
	struct live *live = calloc(1, sizeof(*live));
	int status = CLI_BAD_INPUT;

	if (!live) {
		cli_complain("out of memory");
		return status;
	}
	live->board_fd = live->wake = live->console.copy = live->child.console = -1;
	live->child.ended = true;
	live_options_parse(&live->options, argc, argv);
	if (prepare(live) && start(live)) {
		run(live);
		finish(live);
		status = live_status(&live->state);
	}
	live_child_close(&live->child);
	if (live->options.log && live->console.copy >= 0)
		close(live->console.copy);
	live_board_close(live->board);
	if (live->board_fd >= 0)
		close(live->board_fd);
	live_options_free(&live->options);
	free(live);
	return status;
}
