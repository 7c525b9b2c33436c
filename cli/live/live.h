/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `viommu live`: QEMU runs the user's guest with the plugin added, which repeats the guest's IOMMU
 * operations on libviommu, compares, and keeps a board (live/board.h) of the results. This is the
 * side that reads the board.
 *
 *   live.c                            the main loop: reads the board periodically, reads the console, ends when QEMU ends
 *   options.c                         the command line
 *   command.c                         QEMU's command line: the user's, and the plugin
 *   child.c                           QEMU as a process
 *   console.c                         output of the guest and of QEMU
 *   signals.c                         signals, and the restoration of the terminal
 *   state.c                           from the board to the views: rates, medians, new messages
 *   screen.c panes.c charts.c text.c  the full-screen view
 *   lines.c json.c summary.c          the other views
 *
 * The board is memory that is shared with QEMU's process: the guest never waits for this process,
 * and the board stays readable when QEMU dies.
 */
#ifndef VIOMMU_LIVE_H
#define VIOMMU_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "common/cli.h"
#include "live/board.h"

#define LIVE_PAGE_BYTES	   UINT64_C(4096)
#define LIVE_RESTORE_BYTES 512u
#define LIVE_CONSOLE_LINES 512u
#define LIVE_CONSOLE_BYTES 512u
#define LIVE_PATIENCE	   10.0 /* seconds from SIGTERM to SIGKILL */

struct live_options {
	char **command; /* QEMU's, as the user gave it */
	const char *record;
	const char *plugin;
	const char *numbered;
	const char *log;
	char **arguments; /* more for the plugin */
	unsigned int argument_count;
	double interval; /* 0: as the view likes it */
	bool json;
	bool quiet;
	bool lines; /* no full-screen view */
};

/* options.c: exits where the command line is not right. */
void live_options_parse(struct live_options *options, int argc, char **argv);
void live_options_free(struct live_options *options);

/* command.c: NULL with a complaint. The words belong to the caller, as does the list. */
char **live_command_make(const struct live_options *options, int board);
void live_command_free(char **command);

/* child.c */
struct live_child {
	pid_t pid;
	int console;   /* QEMU's output; on a pseudo-terminal also the echo of input */
	bool terminal; /* console is a pseudo-terminal */
	bool asked;    /* to end */
	bool killed;
	bool ended;
	int status; /* as waitpid() gave it */
	double asked_at;
};
/* 0, or the negative error number for which the program could not be started. */
int live_child_start(struct live_child *child, char **command, bool terminal);
void live_child_reap(struct live_child *child);
/* Asks it to end; the second time it is not asked any more. */
void live_child_ask(struct live_child *child, double now);
/* Ends one that was asked and has not ended for LIVE_PATIENCE. */
void live_child_hurry(struct live_child *child, double now);
void live_child_window(const struct live_child *child, unsigned int rows, unsigned int columns);
bool live_child_type(const struct live_child *child, const char *bytes, size_t count);
/* It ended otherwise than by itself with status 0, or because we asked it to. */
bool live_child_failed(const struct live_child *child);
void live_child_close(struct live_child *child);

/* console.c */
struct live_console {
	int copy;     /* where all of it goes; -1 for nowhere */
	int error;    /* why not all of it went there */
	bool full;    /* nothing more goes there */
	bool closed;  /* nothing more will come */
	bool changed; /* since the view has reset this */
	int state;    /* in a control sequence */
	uint64_t count;
	unsigned int used;   /* of the line that grows */
	unsigned int column; /* in that line */
	char lines[LIVE_CONSOLE_LINES][LIVE_CONSOLE_BYTES];
};
/* False if there is nothing to read now. */
bool live_console_read(struct live_console *console, int from);
void live_console_take(struct live_console *console, const char *bytes, size_t count);
/* A line counted from the last one back, 0 for that; NULL if there are not so many. */
const char *live_console_line(const struct live_console *console, unsigned int back);

/* state.c */
#define LIVE_HISTORY	   120u /* seconds of refreshes that the screen can draw */
#define LIVE_MESSAGES	   64u	/* of the last ones that are kept */
#define LIVE_DISAGREEMENTS 20u	/* of the first ones that are kept, for the end */

struct live_state {
	struct live_board *board;
	const char *program;
	double begun;			       /* when QEMU was started */
	double time;			       /* when the numbers were taken */
	struct live_numbers now;	       /* the contents of the board then */
	double rates[LIVE_KINDS];	       /* refreshes a second, since the time before */
	double rate;			       /* of all kinds */
	uint64_t disagreements;		       /* of all oracles */
	uint64_t checks;		       /* of all oracles */
	struct live_histogram all[LIVE_TIMED]; /* times of refreshes of all kinds */
	uint64_t history[LIVE_HISTORY];	       /* refreshes of each second, by the second's number modulo LIVE_HISTORY */
	uint64_t history_seconds;	       /* so many are complete */
	uint64_t history_refreshes;	       /* up to the last one that is */
	uint64_t next_message;
	uint64_t messages; /* read so far: the last LIVE_MESSAGES are kept */
	struct live_message last[LIVE_MESSAGES];
	uint64_t disagreement_messages;
	struct live_message first[LIVE_DISAGREEMENTS]; /* of these */
	uint64_t before[LIVE_KINDS];
	double time_before;
	char fate[80];										/* how QEMU ended; empty while it runs */
	bool failed;										/* it ended as it should not */
	void (*on_message)(const struct live_state *state, const struct live_message *message); /* with each that is new; may be NULL */
};
void live_state_begin(struct live_state *state, struct live_board *board, const char *program);
/* Looks at the board. */
void live_state_update(struct live_state *state);
/* QEMU has ended. */
void live_state_end(struct live_state *state, const struct live_child *child);
/* The exit status of `viommu live`; and whether the plugin has used the board. */
int live_status(const struct live_state *state);
bool live_attached(const struct live_state *state);
/* Messages, counted from the last one back. NULL if there are not so many. */
const struct live_message *live_message_back(const struct live_state *state, unsigned int back);
uint64_t live_refreshes(const struct live_numbers *numbers);
/* Seconds of QEMU's life at which something happened. */
double live_when(const struct live_state *state, uint64_t monotonic_ns);
double live_clock(void);
/* "35 ns", "3.42 us"; texts as those of cli_count() */
const char *live_duration(uint64_t ns);
const char *live_rate(double rate);
extern const char *const live_kind_names[LIVE_KINDS];
extern const char *const live_oracle_names[LIVE_ORACLES];
extern const char *const live_timed_names[LIVE_TIMED];
const char *live_function_state_name(uint64_t state);

/* lines.c, json.c, summary.c */
void live_lines_update(struct live_state *state);
void live_lines_message(const struct live_state *state, const struct live_message *message);
void live_json_update(const struct live_state *state, bool final);
void live_json_message(const struct live_state *state, const struct live_message *message);
void live_summary(const struct live_state *state, const struct live_options *options);

/*
 * screen.c; noscreen.c where it was built without ncurses. The screen is one: its functions may be
 * called only between begin and end, and end as often as one likes.
 */
struct live_screen {
	const struct live_state *state;
	const struct live_options *options;
	struct live_console *console;
	struct live_child *child;
};
enum live_wish { LIVE_WISH_NOTHING, LIVE_WISH_END };
/* Whether there is a terminal that can do it. */
bool live_screen_possible(void);
bool live_screen_begin(const struct live_screen *screen);
void live_screen_draw(void);
void live_screen_resize(void);
/* Keys were pressed. */
enum live_wish live_screen_keys(void);
void live_screen_end(void);

/* signals.c */
struct live_signals {
	bool child;
	bool resized;
	unsigned int ends; /* how often the end was asked for, from the beginning on */
};
/*
 * A file descriptor that is readable when there is something to take, or a negative error number.
 */
int live_signals_begin(void);
struct live_signals live_signals_take(void);
/* A signal handler's repair of the terminal at a sudden end. */
void live_terminal_arm(int fd, const struct termios *attributes, const char *text, size_t bytes);
void live_terminal_disarm(void);

#endif
