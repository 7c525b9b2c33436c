// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The output of the guest and of QEMU: written to a file on request, and the last lines for the
 * screen. Lines are text: control sequences, which were meant for the guest's screen, are removed.
 */
#include "live.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TEXT, ESCAPE, SEQUENCE, STRING, CHARSET };

static char *current(struct live_console *console)
{
	return console->lines[console->count % LIVE_CONSOLE_LINES];
}

static void end_line(struct live_console *console)
{
	current(console)[console->used] = '\0';
	console->count++;
	console->used = console->column = 0;
	current(console)[0] = '\0';
}

static void put(struct live_console *console, char c)
{
	if (console->column >= LIVE_CONSOLE_BYTES - 1)
		return;
	current(console)[console->column++] = c;
	if (console->used < console->column) {
		console->used = console->column;
		current(console)[console->used] = '\0';
	}
}

static void control(struct live_console *console, char c)
{
	switch (c) {
	case '\n':
		end_line(console);
		break;
	case '\r':
		console->column = 0;
		break;
	case '\b':
		if (console->column)
			console->column--;
		break;
	case '\t':
		do
			put(console, ' ');
		while (console->column % 8 && console->column < LIVE_CONSOLE_BYTES - 1);
		break;
	case '\033':
		console->state = ESCAPE;
		break;
	default:
		break;
	}
}

static void take(struct live_console *console, char c)
{
	unsigned char byte = (unsigned char)c;

	switch (console->state) {
	case ESCAPE:
		console->state = c == '[' ? SEQUENCE : c == ']' || c == 'P' || c == '^' || c == '_' ? STRING : c == '(' || c == ')' ? CHARSET : TEXT;
		break;
	case CHARSET:
		console->state = TEXT;
		break;
	case SEQUENCE:
		if (byte < 0x40 && byte >= 0x20)
			break;
		console->state = TEXT;
		/*
		 * "Erase to the end of the line" matters: shells send it when a line becomes
		 * shorter.
		 */
		if (c == 'K') {
			console->used = console->column;
			current(console)[console->used] = '\0';
		}
		break;
	case STRING:
		if (c == '\a' || c == '\033' || c == '\n')
			console->state = c == '\033' ? ESCAPE : TEXT;
		break;
	default:
		if (byte < 0x20 || byte == 0x7f)
			control(console, c);
		else
			put(console, c);
	}
}

void live_console_take(struct live_console *console, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		take(console, bytes[i]);
	console->changed = true;
}

const char *live_console_line(const struct live_console *console, unsigned int back)
{
	/* The incomplete line is the last one only if it is not empty. */
	uint64_t lines = console->count + (console->used ? 1 : 0);

	if (back >= lines || back >= LIVE_CONSOLE_LINES - 1)
		return NULL;
	return console->lines[(lines - 1 - back) % LIVE_CONSOLE_LINES];
}

/* Writes all of it, or reports an error, once. */
static void keep(struct live_console *console, int fd, const char *bytes, size_t count)
{
	while (count && !console->full) {
		ssize_t written = write(fd, bytes, count);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			console->full = true;
			console->error = errno;
			return;
		}
		bytes += written;
		count -= (size_t)written;
	}
}

bool live_console_read(struct live_console *console, int from)
{
	char bytes[16384];
	ssize_t got;

	do
		got = read(from, bytes, sizeof(bytes));
	while (got < 0 && errno == EINTR);
	/* After the other end is closed, a pseudo-terminal returns EIO, a pipe returns 0. */
	if (got <= 0) {
		console->closed = got == 0 || errno != EAGAIN;
		return false;
	}
	live_console_take(console, bytes, (size_t)got);
	if (console->copy >= 0)
		keep(console, console->copy, bytes, (size_t)got);
	return true;
}
