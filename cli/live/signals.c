// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Signals. Requests (terminate, the child has ended, the window has another size) become bits that
 * the main loop takes, and a byte in a pipe that wakes it. Signals of a defect restore the
 * terminal, and then end the process as usual.
 *
 * The restoration is prepared beforehand, so that a handler only has to write bytes and to call
 * tcsetattr(), which both are allowed there.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t ends, children, resizes;
static int wake[2] = { -1, -1 };

static struct {
	volatile sig_atomic_t armed;
	int fd;
	struct termios attributes;
	char text[LIVE_RESTORE_BYTES];
	size_t bytes;
} terminal;

static void on_request(int number)
{
	int saved = errno;
	ssize_t written;

	if (number == SIGCHLD)
		children = 1;
	else if (number == SIGWINCH)
		resizes = 1;
	else
		ends++;
	/* A full pipe also wakes the loop. */
	written = write(wake[1], "", 1);
	(void)written;
	errno = saved;
}

static void restore_terminal(void)
{
	const char *from = terminal.text;
	size_t left = terminal.bytes;

	if (!terminal.armed)
		return;
	terminal.armed = 0;
	while (left) {
		ssize_t written = write(terminal.fd, from, left);
		if (written <= 0)
			break;
		from += written;
		left -= (size_t)written;
	}
	tcsetattr(terminal.fd, TCSANOW, &terminal.attributes);
}

static void on_defect(int number)
{
	restore_terminal();
	/* SA_RESETHAND has restored the default action: raise the signal again. */
	raise(number);
}

void live_terminal_arm(int fd, const struct termios *attributes, const char *text, size_t bytes)
{
	terminal.fd = fd;
	terminal.attributes = *attributes;
	terminal.bytes = bytes < sizeof(terminal.text) ? bytes : sizeof(terminal.text);
	memcpy(terminal.text, text, terminal.bytes);
	terminal.armed = 1;
}

void live_terminal_disarm(void)
{
	terminal.armed = 0;
}

int live_signals_begin(void)
{
	static const int requests[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGWINCH };
	static const int defects[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction action = { 0 };

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	sigemptyset(&action.sa_mask);
	action.sa_handler = on_request;
	action.sa_flags = SA_RESTART;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		sigaction(requests[i], &action, NULL);
	action.sa_handler = on_defect;
	action.sa_flags = (int)SA_RESETHAND;
	for (size_t i = 0; i < sizeof(defects) / sizeof(defects[0]); i++)
		sigaction(defects[i], &action, NULL);
	/* If the reader of our output has gone, writing fails, which is handled there. */
	signal(SIGPIPE, SIG_IGN);
	return wake[0];
}

struct live_signals live_signals_take(void)
{
	struct live_signals taken = { 0 };
	char bytes[64];

	while (read(wake[0], bytes, sizeof(bytes)) > 0)
		;
	taken.child = children;
	children = 0;
	taken.resized = resizes;
	resizes = 0;
	taken.ends = (unsigned int)ends;
	return taken;
}
