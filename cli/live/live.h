/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `viommu live`: QEMU runs the user's guest with the plugin added, which repeats the guest's IOMMU
 * operations on libviommu, compares, and keeps a board (live/board.h) of the results. This is the
 * side that reads the board.
 *
 *   live.c                            the main loop, until QEMU ends
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
	double interval; /* 0: the view's default */
	bool json;
	bool quiet;
	bool lines; /* no full-screen view */
};

/* options.c: exits after an error in the command line. */
void live_options_parse(struct live_options *options, int argc, char **argv);
void live_options_free(struct live_options *options);

/* command.c: NULL after an error message. The caller owns the words and the list. */
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
/* 0, or the negative errno of starting the program. */
int live_child_start(struct live_child *child, char **command, bool terminal);
void live_child_reap(struct live_child *child);
/* Requests the end. The second request kills. */
void live_child_ask(struct live_child *child, double now);
/* Kills a program that has not ended LIVE_PATIENCE after the request. */
void live_child_hurry(struct live_child *child, double now);
void live_child_window(const struct live_child *child, unsigned int rows, unsigned int columns);
bool live_child_type(const struct live_child *child, const char *bytes, size_t count);
/* True unless it ended by itself with status 0, or at our request. */
bool live_child_failed(const struct live_child *child);
void live_child_close(struct live_child *child);

/* console.c */
struct live_console {
	int copy;     /* file for all output; -1: none */
	int error;    /* the reason of a failed write */
	bool full;    /* writing has failed */
	bool closed;  /* end of output */
	bool changed; /* output since the view has reset this */
	int state;    /* within a control sequence */
	uint64_t count;
	unsigned int used;   /* of the incomplete line */
	unsigned int column; /* in that line */
	char lines[LIVE_CONSOLE_LINES][LIVE_CONSOLE_BYTES];
};
/* False if there is nothing to read now. */
bool live_console_read(struct live_console *console, int from);
void live_console_take(struct live_console *console, const char *bytes, size_t count);
/* A line, counted back from the last one, which is 0; NULL if there are fewer. */
const char *live_console_line(const struct live_console *console, unsigned int back);

/* state.c */
#define LIVE_HISTORY	   120u /* seconds of refreshes on the screen */
#define LIVE_MESSAGES	   64u	/* of the last ones that are kept */
#define LIVE_DISAGREEMENTS 20u	/* of the first ones that are kept, for the end */

struct live_state {
	struct live_board *board;
	const char *program;
	double begun;			       /* when QEMU was started */
	double time;			       /* when the numbers were read */
	struct live_numbers now;	       /* the contents of the board at that time */
	double rates[LIVE_KINDS];	       /* refreshes per second since the last time */
	double rate;			       /* of all kinds */
	uint64_t disagreements;		       /* of all oracles */
	uint64_t checks;		       /* of all oracles */
	struct live_histogram all[LIVE_TIMED]; /* times of refreshes of all kinds */
	/* refreshes of each second, indexed modulo LIVE_HISTORY */
	uint64_t history[LIVE_HISTORY];
	uint64_t history_seconds; /* number of complete seconds */
	/* refreshes up to the end of the last complete second */
	uint64_t history_refreshes;
	uint64_t next_message;
	uint64_t messages; /* read so far: the last LIVE_MESSAGES are kept */
	struct live_message last[LIVE_MESSAGES];
	uint64_t disagreement_messages;
	struct live_message first[LIVE_DISAGREEMENTS]; /* of these */
	uint64_t before[LIVE_KINDS];
	double time_before;
	/* the end of QEMU; empty while it runs */
	char fate[80];
	/* an abnormal end */
	bool failed;
	/* for each new message; may be NULL */
	void (*on_message)(const struct live_state *state, const struct live_message *message);
};
void live_state_begin(struct live_state *state, struct live_board *board, const char *program);
/* Reads the board. */
void live_state_update(struct live_state *state);
/* QEMU has ended. */
void live_state_end(struct live_state *state, const struct live_child *child);
/* The exit status of `viommu live`, and whether the plugin has used the board. */
int live_status(const struct live_state *state);
bool live_attached(const struct live_state *state);
/* Messages, counted back from the last one. NULL if there are fewer. */
const struct live_message *live_message_back(const struct live_state *state, unsigned int back);
uint64_t live_refreshes(const struct live_numbers *numbers);
/* Seconds from QEMU's start to an event. */
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
 * screen.c; noscreen.c in builds without ncurses. There is one screen: its functions may be called
 * only between begin and end, and end repeatedly.
 */
struct live_screen {
	const struct live_state *state;
	const struct live_options *options;
	struct live_console *console;
	struct live_child *child;
};
enum live_wish { LIVE_WISH_NOTHING, LIVE_WISH_END };
/* Whether there is a suitable terminal. */
bool live_screen_possible(void);
bool live_screen_begin(const struct live_screen *screen);
void live_screen_draw(void);
void live_screen_resize(void);
/* Handles keys. */
enum live_wish live_screen_keys(void);
void live_screen_end(void);

/* signals.c */
struct live_signals {
	bool child;
	bool resized;
	unsigned int ends; /* number of requests to end so far */
};
/* A file descriptor that is readable if a request is pending, or a negative error number. */
int live_signals_begin(void);
struct live_signals live_signals_take(void);
/* Restores the terminal in a signal handler. */
void live_terminal_arm(int fd, const struct termios *attributes, const char *text, size_t bytes);
void live_terminal_disarm(void);

#endif
