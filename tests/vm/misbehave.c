/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program for a test host that misbehaves as its argument says. test_run_in_host.py checks how
 * run-in-host handles it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	return fd >= 0 && write(fd, text, strlen(text)) > 0 ? 0 : 1;
}

/* Every byte value, without a newline at the end. */
static int say_bytes(void)
{
	for (int i = 0; i < 256; i++)
		putchar(i);
	fputs("to standard error", stderr);
	return 0;
}

static int say_much(void)
{
	for (int i = 0; i < 20000; i++)
		printf("line %d\n", i);
	return 0;
}

static int say_arguments(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		printf("%s\n", argv[i]);
	for (const char *const *name = (const char *const[]){ "HOST", "EDU", "NVME", NULL }; *name; name++) {
		char variable[32];

		snprintf(variable, sizeof(variable), "VIOMMU_TEST_%s", *name);
		printf("%s=%s\n", variable, getenv(variable) ? getenv(variable) : "");
	}
	return getchar() == EOF ? 0 : 1;
}

/* A process that keeps its parent's files open, and that SIGTERM does not end. */
static int leave_a_child(void)
{
	pid_t child = fork();

	if (!child) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		for (;;)
			pause();
	}
	return child < 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "exit"))
		return argc > 2 ? atoi(argv[2]) : 0;
	if (!strcmp(what, "abort"))
		abort();
	if (!strcmp(what, "hang"))
		for (;;)
			pause();
	/*
	 * A null pointer dereference in the kernel, by the system request "crash", which some
	 * kernels lack.
	 */
	if (!strcmp(what, "crash-kernel"))
		return access("/proc/sysrq-trigger", W_OK) ? 77 : write_to("/proc/sysrq-trigger", "c");
	/* The kernel log of a WARN_ON(). */
	if (!strcmp(what, "warn-kernel"))
		return write_to("/dev/kmsg", "WARNING: CPU: 0 PID: 1 at drivers/iommu/nowhere.c:1");
	/* Reports of data races: one of the kernel's own, and one in a module of ours. */
	if (!strcmp(what, "race-kernel"))
		return write_to("/dev/kmsg", "BUG: KCSAN: data-race in its / own") || write_to("/dev/kmsg", " own+0x1/0x2") ||
		       write_to("/dev/kmsg", "==================================================================") ||
		       write_to("/dev/kmsg", "BUG: KCSAN: data-race in one / other") || write_to("/dev/kmsg", " one+0x1/0x2 [viommu]") ||
		       write_to("/dev/kmsg", "==================================================================");
	if (!strcmp(what, "power-off"))
		return reboot(RB_POWER_OFF);
	if (!strcmp(what, "bytes"))
		return say_bytes();
	if (!strcmp(what, "much"))
		return say_much();
	if (!strcmp(what, "arguments"))
		return say_arguments(argc, argv);
	if (!strcmp(what, "child"))
		return leave_a_child();
	fprintf(stderr, "misbehave: unknown: %s\n", what);
	return 1;
}
