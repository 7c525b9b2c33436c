// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Replaces screen.c in builds without ncurses: lines are written instead of a screen.
 */
#include "live.h"

bool live_screen_possible(void)
{
	return false;
}

bool live_screen_begin(const struct live_screen *screen)
{
	(void)screen;
	return false;
}

void live_screen_draw(void)
{
}

void live_screen_resize(void)
{
}

enum live_wish live_screen_keys(void)
{
	return LIVE_WISH_NOTHING;
}

void live_screen_end(void)
{
}
