// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Replaces QEMU and the plugin in tests of `viommu live`: finds the board in the -plugin argument
 * like the plugin, and executes the words before it in order.
 *
 *   plugin          prints the -plugin argument
 *   attach          reports on the board that the guest runs
 *   smmuv3          reports that the guest has an SMMUv3; vtd, amdvi and virtio: another IOMMU
 *   function=FH     a function with a registered aperture, or a stream
 *   gone=FH         the function was unplugged
 *   refresh=N       N refreshes that map, N that unmap, one of everything; with times and checks
 *   disagree=TEXT   one disagreement, with its message
 *   event=TEXT      a message
 *   print=TEXT      prints a line; ^ in it is an escape character
 *   flood=N         prints N long lines
 *   wait=FIFO       waits until another process has opened FIFO for writing and closed it again
 *   echo            echoes the input, character by character, up to a '.'
 *   stubborn        ignores SIGTERM from here on
 *   hang            waits for a signal
 *   raise=N         sends itself a signal
 *   exit=N          ends with this status
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "live/board.h"

static struct live_board *board;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "fake-qemu: %s\n", what);
	exit(70);
}

/* The board's path ends at a comma: the command's paths contain none. */
static void open_board(const char *argument)
{
	const char *path = strstr(argument, ",board="), *why = NULL;
	char *end, copy[256];

	if (!path)
		fail("no board= in the -plugin argument");
	snprintf(copy, sizeof(copy), "%s", path + strlen(",board="));
	end = strchr(copy, ',');
	if (end)
		*end = '\0';
	if (live_board_open(copy, false, &board, &why))
		fail(why);
}

static void attach(void)
{
	struct live_numbers *numbers = &board->numbers;

	live_set(&numbers->pid, (uint64_t)getpid());
	live_set(&numbers->started, now_ns());
	live_set(&numbers->guest_bytes, UINT64_C(512) << 20);
	live_set(&numbers->checking, 1);
	for (unsigned int i = 0; i < LIVE_ORACLES; i++)
		live_set(&numbers->available[i], i != LIVE_DATA);
	live_histogram_add(&numbers->overhead, 20);
	live_set(&numbers->guest, LIVE_GUEST_RUNNING);
}

static struct live_function *find_function(uint64_t fh)
{
	struct live_function *list = board->numbers.functions;
	unsigned int i;

	for (i = 0; i < LIVE_FUNCTIONS - 1 && list[i].state != LIVE_FUNCTION_FREE && list[i].fh != fh; i++)
		;
	live_set(&list[i].fh, fh);
	return &list[i];
}

static void add_function(uint64_t fh)
{
	struct live_function *function = find_function(fh);

	live_set(&function->fid, 0x10);
	memcpy(function->name, "disk", 5);
	live_set(&function->registered, 1);
	live_set(&function->pba, UINT64_C(0x100000000));
	live_set(&function->pal, UINT64_C(0x11fffffff));
	live_set(&function->iota, UINT64_C(0x1234000) | 3);
	live_set(&function->levels, 3);
	live_set(&function->state, LIVE_FUNCTION_ENABLED);
}

static void time_refresh(enum live_kind kind, uint64_t ns)
{
	live_add(&board->numbers.refreshes[kind], 1);
	live_add(&board->numbers.functions[0].refreshes[kind], 1);
	live_histogram_add(&board->numbers.times[kind][LIVE_LIBRARY], ns);
	live_histogram_add(&board->numbers.times[kind][LIVE_QEMU_WALKER], ns * 8);
	live_histogram_add(&board->numbers.times[kind][LIVE_QEMU_WHOLE], ns * 30);
}

static void refresh(unsigned int count)
{
	struct live_numbers *numbers = &board->numbers;

	for (unsigned int i = 0; i < count; i++) {
		time_refresh(LIVE_MAP, 100 + i % 50);
		time_refresh(LIVE_UNMAP, 80 + i % 50);
	}
	time_refresh(LIVE_WHOLE, 20000);
	if (numbers->iommu != LIVE_ZPCI) {
		live_add(&numbers->writes, count + 10);
		live_add(&numbers->invalidations, count + 1);
		live_add(&numbers->configs, 5);
		live_add(&numbers->kicks, count);
	} else {
		live_add(&numbers->rpcits, 2 * count + 1);
		live_add(&numbers->rpcits_done, 2 * count + 1);
	}
	live_add(&numbers->established, count);
	live_add(&numbers->released, count);
	live_add(&numbers->checks[LIVE_WALKER], count);
	live_add(&numbers->checks[LIVE_ANSWER], 2 * count + 1);
	live_set(&numbers->mapped_pages, 24);
	live_set(&numbers->mapped_pages_peak, 2048);
	live_set(&numbers->pinned_bytes, 24 * 4096);
	live_set(&numbers->pinned_bytes_peak, 40 * 4096);
}

static void print_line(const char *text)
{
	for (; *text; text++)
		putchar(*text == '^' ? '\033' : *text);
	printf("\r\n");
}

static void wait_for(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		fail("cannot open what it is to wait for");
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
}

static void echo(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '.') {
		printf("<%02x>", (unsigned char)byte);
		fflush(stdout);
	}
	printf("\r\n");
}

static void act(const char *word, const char *value, const char *argument)
{
	unsigned int number = (unsigned int)strtoul(value, NULL, 0);

	if (!strcmp(word, "plugin"))
		print_line(argument);
	else if (!strcmp(word, "attach"))
		attach();
	else if (!strcmp(word, "smmuv3"))
		live_set(&board->numbers.iommu, LIVE_SMMUV3);
	else if (!strcmp(word, "vtd"))
		live_set(&board->numbers.iommu, LIVE_VTD);
	else if (!strcmp(word, "amdvi"))
		live_set(&board->numbers.iommu, LIVE_AMDVI);
	else if (!strcmp(word, "virtio"))
		live_set(&board->numbers.iommu, LIVE_VIRTIO);
	else if (!strcmp(word, "function"))
		add_function(number);
	else if (!strcmp(word, "gone"))
		live_set(&find_function(number)->state, LIVE_FUNCTION_UNPLUGGED);
	else if (!strcmp(word, "refresh"))
		refresh(number);
	else if (!strcmp(word, "disagree")) {
		live_add(&board->numbers.checks[LIVE_WALKER], 1);
		live_add(&board->numbers.disagreements[LIVE_WALKER], 1);
		live_ring_write(&board->ring, LIVE_DISAGREEMENT, now_ns(), value);
	} else if (!strcmp(word, "unread")) {
		live_set(&board->numbers.available[LIVE_DATA], 1);
		live_set(&board->numbers.blocks_expected, 1024);
		live_set(&board->numbers.blocks_seen, 1024 - number);
		live_add(&board->numbers.checks[LIVE_DATA], 1024 - number);
		live_add(&board->numbers.skipped[LIVE_DATA], number);
	} else if (!strcmp(word, "event"))
		live_ring_write(&board->ring, LIVE_EVENT, now_ns(), value);
	else if (!strcmp(word, "print"))
		print_line(value);
	else if (!strcmp(word, "flood")) {
		for (unsigned int i = 0; i < number; i++)
			printf("%u%0900d\n", i, 0);
	} else if (!strcmp(word, "wait"))
		wait_for(value);
	else if (!strcmp(word, "echo"))
		echo();
	else if (!strcmp(word, "stubborn"))
		signal(SIGTERM, SIG_IGN);
	else if (!strcmp(word, "hang"))
		pause();
	else if (!strcmp(word, "raise"))
		raise((int)number);
	else if (!strcmp(word, "exit"))
		exit((int)number);
	else
		fail("does not know this word");
}

int main(int argc, char **argv)
{
	const char *argument = NULL;

	for (int i = 1; i + 1 < argc; i++) {
		if (!strcmp(argv[i], "-plugin"))
			argument = argv[i + 1];
	}
	if (!argument)
		fail("there is no -plugin");
	open_board(argument);
	for (int i = 1; i < argc && strcmp(argv[i], "-plugin") != 0; i++) {
		char *value = strchr(argv[i], '=');

		if (value)
			*value++ = '\0';
		act(argv[i], value ? value : "", argument);
		fflush(stdout);
	}
	live_set(&board->numbers.guest, LIVE_GUEST_ENDED);
	return 0;
}
