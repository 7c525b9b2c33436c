// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Finding, starting and feeding the drawing program.
 */
#include "draw.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

#define PROGRAM	  "viommu-draw"
#define NO_PYTHON 127 /* the exit status where posix_spawn() reports a missing program this way */

extern char **environ;

/*
 * Beside this command, as in a build folder; where it is installed, relative to this command; or
 * where it was to be installed.
 */
static bool find_program(char *path, size_t bytes)
{
	static const char *const places[] = { "%.*s/draw/" PROGRAM, "%.*s/../" VIOMMU_LIBEXECDIR "/viommu/" PROGRAM };
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = '\0';
	const char *slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		int used = snprintf(path, bytes, i ? places[1] : places[0], (int)(slash - self), self);
		if (used > 0 && (size_t)used < bytes && !access(path, R_OK))
			return true;
	}
	snprintf(path, bytes, "%s", VIOMMU_LIBEXEC_PATH "/viommu/" PROGRAM);
	return !access(path, R_OK);
}

/* A program that has ended is no reason for a signal. */
static ssize_t put(void *cookie, const char *text, size_t bytes)
{
	const struct cli_drawing *drawing = cookie;
	size_t done = 0;

	while (done < bytes) {
		ssize_t sent = send(drawing->fd, text + done, bytes - done, MSG_NOSIGNAL);
		if (sent > 0)
			done += (size_t)sent;
		else if (errno != EINTR)
			return 0;
	}
	return (ssize_t)done;
}

static int start(struct cli_drawing *drawing, char *program, const char *name)
{
	char python[] = "python3", isolated[] = "-ESsB", path[PATH_MAX], title[PATH_MAX];
	char *argv[] = { python, isolated, program, path, title, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2];

	snprintf(path, sizeof(path), "%s", drawing->path);
	snprintf(title, sizeof(title), "%s", name);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return errno;
	int err = posix_spawn_file_actions_init(&actions);
	if (!err) {
		err = posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
		if (!err)
			err = posix_spawnp(&drawing->program, python, &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(ends[1]);
	if (err)
		close(ends[0]);
	drawing->fd = ends[0];
	return err;
}

static void complain(const struct cli_drawing *drawing, const char *why)
{
	cli_complain("%s: the picture could not be drawn: %s", drawing->path, why);
}

bool cli_draw_begin(struct cli_drawing *drawing, const char *path, const char *name)
{
	char program[PATH_MAX];

	*drawing = (struct cli_drawing){ .path = path };
	if (!find_program(program, sizeof(program))) {
		complain(drawing, PROGRAM " is not installed");
		return false;
	}
	fflush(stdout);
	int err = start(drawing, program, name);
	if (err) {
		complain(drawing, err == ENOENT ? "it needs python3, which is not installed" : strerror(err));
		return false;
	}
	drawing->to = fopencookie(drawing, "w", (cookie_io_functions_t){ .write = put });
	if (drawing->to)
		return true;
	close(drawing->fd);
	waitpid(drawing->program, NULL, 0);
	complain(drawing, strerror(ENOMEM));
	return false;
}

bool cli_draw_end(struct cli_drawing *drawing)
{
	int status = 0;

	if (!drawing->to)
		return true;
	fclose(drawing->to);
	drawing->to = NULL;
	close(drawing->fd);
	while (waitpid(drawing->program, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PYTHON)
		complain(drawing, "it needs python3, which is not installed");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		complain(drawing, PROGRAM " failed");
	return WIFEXITED(status) && !WEXITSTATUS(status);
}
