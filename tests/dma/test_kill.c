/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kill -9 at any moment: a process runs a random guest (life.h) with devices that do DMA, and is
 * killed. Afterwards the kernel must have nothing pinned, and the next process gets the devices,
 * whatever the previous one did.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "kernel.h"
#include "life.h"

#define BIRTH_MS 400u	/* some are killed during their setup, which takes about as long */
#define LIFE_MS	 100u	/* others are killed at most this long after it */
#define CLEAN_MS 10000u /* the kernel may finish after it has reported the end of the process */
#define FOREVER	 UINT64_MAX

static void sleep_ms(unsigned int milliseconds)
{
	const struct timespec time = { .tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

static void check_clean(struct rig *rig, int64_t before)
{
	int64_t pinned = kernel_pinned_pages();

	for (unsigned int waited = 0; pinned != before && waited < CLEAN_MS; waited += 10) {
		sleep_ms(10);
		pinned = kernel_pinned_pages();
	}
	if (pinned != before)
		rig_fail(rig, "the kernel has %" PRId64 " pages pinned, %" PRId64 " before", pinned, before);
}

/* Runs a process and kills it after a while. Returns whether it had pinned anything. */
static bool live_and_die(struct rig *rig, const struct rig_config *config, uint64_t seed, bool early, int64_t before)
{
	const unsigned int after_ms = rig_below(rig, early ? BIRTH_MS : LIFE_MS);
	int begun[2];
	char byte;
	pid_t child;
	int status;
	bool pinned;

	rig_and(rig, "killed %u ms after it began to %s", after_ms, early ? "make all" : "live");
	if (pipe(begun) || (child = fork()) < 0)
		rig_fail(rig, "no process");
	if (!child)
		life_live(config, seed, FOREVER, begun[1]);
	close(begun[1]);
	if (!early && read(begun[0], &byte, 1) != 1)
		rig_fail(rig, "the process ended before it began");
	sleep_ms(after_ms);
	pinned = kernel_pinned_pages() > before;
	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
		rig_fail(rig, "the process ended by itself");
	close(begun[0]);
	return pinned;
}

static void killed(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig = { .config = &config, .draws = seed };
	const int64_t before = kernel_pinned_pages();
	unsigned int pinned = 0;

	fflush(stdout);
	for (uint64_t round = 0; round < operations; round++) {
		rig_doing(&rig, "round %" PRIu64, round);
		config.shared = round % 3 == 2;
		config.pin_budget = round % 3 == 1 && config.pin == VIOMMU_PIN_ON_REFRESH && strcmp(config.host, "kernel") ? 150 * PAGE : 0;
		pinned += live_and_die(&rig, &config, seed + round, round % 4 == 3, before);
		check_clean(&rig, before);
	}
	printf("# killed %" PRIu64 " times, %u of them with pages pinned\n", operations, pinned);
	if (pinned < operations / 2)
		rig_fail(&rig, "too few of them had anything pinned: this tests nothing");
	rig_doing(&rig, "after all that");
	config.shared = false;
	config.pin_budget = 0;
	life_live(&config, seed, 50, -1);
}

#ifdef __s390x__
#define TIMES 10
#else
#define TIMES 20
#endif

static const struct dma_case cases[] = {
	{ .name = "killed", .run = killed, .nvmes = 2, .operations = TIMES },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
