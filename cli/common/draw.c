// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Finding, starting and feeding the drawing program.
 */
#include "draw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

#define PROGRAM	  "viommu-draw"
#define NO_PYTHON 127 /* the exit status if the program could not be started */

/*
 * Next to this command in a build folder; relative to this command in an installation; or the
 * configured path.
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

/* An errno value. */
static int start(struct cli_drawing *drawing, const char *program, const char *name)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	fflush(stdout);
	drawing->program = fork();
	if (!drawing->program) {
		dup2(ends[0], STDIN_FILENO);
		execlp("python3", "python3", "-ESsB", program, drawing->path, name, NULL);
		_exit(NO_PYTHON);
	}
	close(ends[0]);
	drawing->to = drawing->program < 0 ? NULL : fdopen(ends[1], "w");
	return drawing->to ? 0 : errno;
}

static bool complain(const struct cli_drawing *drawing, const char *why)
{
	cli_complain("%s: the picture could not be drawn: %s", drawing->path, why);
	return false;
}

bool cli_draw_begin(struct cli_drawing *drawing, const char *path, const char *name)
{
	char program[PATH_MAX];

	*drawing = (struct cli_drawing){ .path = path };
	if (!find_program(program, sizeof(program)))
		return complain(drawing, PROGRAM " is not installed");
	/* A drawing program that has ended must not end this one: cli_draw_end() reports it. */
	signal(SIGPIPE, SIG_IGN);
	int err = start(drawing, program, name);
	return !err || complain(drawing, strerror(err));
}

bool cli_draw_end(struct cli_drawing *drawing)
{
	int status = 0;

	if (!drawing->to)
		return true;
	fclose(drawing->to);
	drawing->to = NULL;
	while (waitpid(drawing->program, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PYTHON)
		return complain(drawing, "it needs python3, which is not installed");
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return complain(drawing, PROGRAM " failed");
	return !WEXITSTATUS(status);
}
