// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * QEMU as a child process. It runs in a session of its own, so that signals from keys reach only
 * this process, which handles them. It gets SIGTERM if this process dies. Its output comes through
 * a pseudo-terminal if the user can type into the guest, otherwise through a pipe.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* A pseudo-terminal in raw mode: QEMU's monitor sets another mode if it needs one. */
static int open_terminal(int *ours, int *theirs)
{
	struct termios attributes;
	const char *name;

	*ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ours < 0)
		return -errno;
	if (grantpt(*ours) || unlockpt(*ours) || !(name = ptsname(*ours)))
		return -errno;
	*theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*theirs < 0)
		return -errno;
	if (tcgetattr(*theirs, &attributes))
		return -errno;
	cfmakeraw(&attributes);
	tcsetattr(*theirs, TCSANOW, &attributes);
	return 0;
}

static int open_pipe(int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	*ours = ends[0];
	*theirs = ends[1];
	return 0;
}

/* Runs in the new process. Returns, with errno, only if the program cannot be started. */
static void become(char **command, int console, bool terminal, pid_t parent)
{
	int input = console;
	sigset_t none;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* If the parent ended before this, no signal will come. */
	if (getppid() != parent)
		_exit(127);
	if (terminal) {
		if (ioctl(console, TIOCSCTTY, 0))
			return;
	} else {
		/*
		 * QEMU would change a terminal's mode, and not restore it if it is killed. Files
		 * and pipes are the guest's to read.
		 */
		input = isatty(STDIN_FILENO) ? open("/dev/null", O_RDONLY) : STDIN_FILENO;
	}
	if (dup2(input, STDIN_FILENO) < 0 || dup2(console, STDOUT_FILENO) < 0 || dup2(console, STDERR_FILENO) < 0)
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(command[0], command);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

int live_child_start(struct live_child *child, char **command, bool terminal)
{
	int theirs = -1, report[2] = { -1, -1 }, problem = 0;
	pid_t parent = getpid();
	ssize_t got;

	*child = (struct live_child){ .console = -1 };
	int error = terminal ? open_terminal(&child->console, &theirs) : open_pipe(&child->console, &theirs);
	if (!error && pipe2(report, O_CLOEXEC))
		error = -errno;
	if (error)
		goto failed;
	child->pid = fork();
	if (child->pid < 0) {
		error = -errno;
		goto failed;
	}
	if (!child->pid) {
		become(command, theirs, terminal, parent);
		problem = errno;
		got = write(report[1], &problem, sizeof(problem));
		_exit(got == (ssize_t)sizeof(problem) ? 127 : 126);
	}
	close(theirs);
	theirs = -1;
	close(report[1]);
	report[1] = -1;
	/* Starting the program closes the other end: end of file means success. */
	do
		got = read(report[0], &problem, sizeof(problem));
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
		error = -problem;
		goto failed;
	}
	close(report[0]);
	child->terminal = terminal;
	fcntl(child->console, F_SETFL, fcntl(child->console, F_GETFL) | O_NONBLOCK);
	return 0;
failed:
	close_if_open(child->console);
	close_if_open(theirs);
	close_if_open(report[0]);
	close_if_open(report[1]);
	child->console = -1;
	child->ended = true;
	return error;
}

void live_child_reap(struct live_child *child)
{
	if (!child->ended && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->ended = true;
}

void live_child_ask(struct live_child *child, double now)
{
	if (child->ended)
		return;
	if (child->asked)
		child->killed = true;
	else
		child->asked_at = now;
	child->asked = true;
	kill(child->pid, child->killed ? SIGKILL : SIGTERM);
}

void live_child_hurry(struct live_child *child, double now)
{
	if (!child->ended && child->asked && !child->killed && now > child->asked_at + LIVE_PATIENCE)
		live_child_ask(child, now);
}

void live_child_window(const struct live_child *child, unsigned int rows, unsigned int columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	if (child->terminal)
		ioctl(child->console, TIOCSWINSZ, &size);
}

bool live_child_type(const struct live_child *child, const char *bytes, size_t count)
{
	return child->terminal && write(child->console, bytes, count) == (ssize_t)count;
}

bool live_child_failed(const struct live_child *child)
{
	if (!child->ended)
		return false;
	if (WIFEXITED(child->status))
		return WEXITSTATUS(child->status) != 0;
	/* The signal that we sent is not a failure. */
	return !(child->asked && (WTERMSIG(child->status) == SIGTERM || child->killed));
}

void live_child_close(struct live_child *child)
{
	close_if_open(child->console);
	child->console = -1;
}
