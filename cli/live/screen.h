/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of the full-screen view. screen.c has the terminal, the keys and the rows of each pane.
 * panes.c and charts.c fill rows. text.c writes text into a place on the screen and never outside
 * of it, whatever the text contains.
 */
#ifndef VIOMMU_LIVE_SCREEN_H
#define VIOMMU_LIVE_SCREEN_H

#include "live.h"

/* The minimum size for all panes. */
#define SCREEN_ROWS    16
#define SCREEN_COLUMNS 60

/* Few colours, each with one meaning. */
enum screen_style { STYLE_PLAIN, STYLE_DIM, STYLE_BOLD, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_OURS, STYLE_ACTIVE, STYLES };

/* text.c */
void screen_styles_begin(void);
/*
 * Text in columns first .. first + width - 1. Text that does not fit is omitted, and an unprintable
 * character is a '?'. Returns the column after it.
 */
int screen_text(int row, int first, int width, enum screen_style style, const char *text);
int screen_format(int row, int first, int width, enum screen_style style, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same, aligned to the end of the place. */
void screen_right(int row, int first, int width, enum screen_style style, const char *text);
/* In up to that many rows, broken at blanks. */
void screen_wrapped(int row, int rows, int first, int width, enum screen_style style, const char *text);
/* The number of its columns. */
int screen_width(const char *text);
/* A horizontal line with a title in it. */
void screen_rule(int row, enum screen_style style, const char *title);
/* One column of a chart, 0 (nothing) to 8 (full). */
void screen_bar(int row, int column, enum screen_style style, unsigned int eighths);

/* panes.c: each fills `rows` rows from `row` on. */
void pane_title(const struct live_screen *screen, int row);
void pane_functions(const struct live_screen *screen, int row, int rows);
void pane_memory(const struct live_screen *screen, int row);
void pane_refreshes(const struct live_screen *screen, int row, int rows);
void pane_checks(const struct live_screen *screen, int row);
void pane_messages(const struct live_screen *screen, int row, int rows);
void pane_console(const struct live_screen *screen, int row, int rows, bool typing);
/* The number of rows that the last two would use. */
int pane_functions_rows(const struct live_screen *screen);
int pane_refreshes_rows(const struct live_screen *screen);

/* charts.c */
#define CHART_TIMES_ROWS 4
void chart_history(const struct live_screen *screen, int row);
void chart_times(const struct live_screen *screen, int row);

#endif
