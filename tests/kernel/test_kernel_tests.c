/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads the module viommu_test (/viommu_test.ko), which runs the library's test programs, and
 * writes what it says to the kernel's log: TAP. Each test of the plan has to be there, in order.
 *
 * usage: test-kernel-tests [PARAMETER=VALUE]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE "/viommu_test.ko"
#define PREFIX "viommu_test: "

static unsigned int plan, points, failed;
static bool in_order = true;

static void take(const char *text)
{
	bool bad = !strncmp(text, "not ok ", 7);
	unsigned int number;

	puts(text);
	fflush(stdout);
	if (sscanf(text, "1..%u", &number) == 1) {
		in_order &= !plan;
		plan = number;
	} else if (sscanf(text + (bad ? 4 : 0), "ok %u", &number) == 1) {
		in_order &= number == ++points;
		failed += bad;
	}
}

/*
 * A record of /dev/kmsg: "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT", newline. False when there is none, or
 * some were overwritten.
 */
static bool take_records(int kmsg)
{
	char record[8192];

	for (;;) {
		ssize_t n = read(kmsg, record, sizeof(record) - 1);
		char *text;

		if (n < 0)
			return errno == EAGAIN;
		record[n] = 0;
		text = strchr(record, ';');
		if (!text)
			continue;
		text++;
		text[strcspn(text, "\n")] = 0;
		if (!strncmp(text, PREFIX, strlen(PREFIX)))
			take(text + strlen(PREFIX));
	}
}

static int load(const char *parameters)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0)) {
		printf("# %s: %s\n", MODULE, strerror(errno));
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), status;
	struct pollfd fds = { .fd = kmsg, .events = POLLIN };
	bool complete = true;
	pid_t loader;

	if (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0)
		return 1;
	loader = fork();
	if (!loader)
		_exit(load(argc > 1 ? argv[1] : ""));
	while (loader > 0 && !waitpid(loader, &status, WNOHANG)) {
		poll(&fds, 1, 100);
		complete &= take_records(kmsg);
	}
	complete &= take_records(kmsg);
	if (!plan || points != plan || !in_order || !complete)
		printf("# the plan has %u tests, %u were seen%s%s\n", plan, points, in_order ? "" : ", not in order",
		       complete ? "" : ", and messages were lost");
	return loader < 0 || status || failed || !plan || points != plan || !in_order || !complete;
}
