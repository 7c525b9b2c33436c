/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cases.h"

#include <argp.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernel.h"

#define MOST_RUNS 64
#define MOST_NVME 4

struct run {
	const struct dma_case *test;
	struct rig_config config;
	char name[128];
};

static struct run runs[MOST_RUNS];
static size_t runs_number;
static char *nvme[MOST_NVME];
static size_t nvme_number;
static char *edu;

static const char *only_host, *only_pin, *only_case;
static uint64_t seed = 1;
static uint64_t operations;

static const struct argp_option options[] = {
	{ "host", 'h', "HOST", 0, "type1, iommufd or kernel alone", 0 },
	{ "pin", 'p', "POLICY", 0, "refresh or guest alone", 0 },
	{ "case", 'c', "NAME", 0, "this case alone", 0 },
	{ "seed", 's', "NUMBER", 0, "where random numbers begin (1)", 0 },
	{ "operations", 'n', "NUMBER", 0, "how many of them in a case that is random", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case 'h':
		only_host = argument;
		return 0;
	case 'p':
		only_pin = argument;
		return 0;
	case 'c':
		only_case = argument;
		return 0;
	case 's':
		seed = strtoull(argument, NULL, 0);
		return 0;
	case 'n':
		operations = strtoull(argument, NULL, 0);
		return 0;
	default:
		(void)state;
		return ARGP_ERR_UNKNOWN;
	}
}

/* Devices from the environment, which outlives the program. */
static void find_devices(void)
{
	char *names = getenv("VIOMMU_TEST_NVME");
	char *name;

	for (name = names ? strtok(names, " ") : NULL; name && nvme_number < MOST_NVME; name = strtok(NULL, " "))
		nvme[nvme_number++] = name;
	names = getenv("VIOMMU_TEST_EDU");
	edu = names ? strtok(names, " ") : NULL;
}

static void one_process(void **state)
{
	const struct run *run = *state;
	const int64_t before = kernel_pinned_pages();
	int64_t after;
	pid_t child;
	int status;

	/* The last case may have changed them. */
	kernel_entry_limit(KERNEL_ENTRY_LIMIT);
	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		run->test->run(run->config, seed, operations ? operations : run->test->operations);
		fflush(stdout);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		fail_msg("ended by signal %d, seed %" PRIu64, WTERMSIG(status), seed);
	if (WEXITSTATUS(status))
		fail_msg("see above, seed %" PRIu64, seed);
	after = kernel_pinned_pages();
	if (after != before)
		fail_msg("the kernel has %" PRId64 " pages pinned, %" PRId64 " before", after, before);
}

static void add_run(const struct dma_case *test, const char *host, enum viommu_pin_policy pin)
{
	struct run *run = &runs[runs_number];
	const char *policy = pin == VIOMMU_PIN_GUEST ? "guest" : "refresh";

	if ((only_host && strcmp(only_host, host)) || (only_pin && strcmp(only_pin, policy)) || (only_case && strcmp(only_case, test->name)))
		return;
	if ((test->host && strcmp(test->host, host)) || (test->pin && strcmp(test->pin, policy)) || !kernel_has_host(host))
		return;
	if (test->not_kernel && !strcmp(host, "kernel"))
		return;
#ifdef __s390x__
	if (test->harmless_only)
		return;
#endif
	if (test->nvmes > nvme_number || runs_number == MOST_RUNS)
		return;
	run->test = test;
	run->config = (struct rig_config){ .host = host, .pin = pin, .units = test->nvmes };
	for (unsigned int i = 0; i < test->nvmes; i++)
		run->config.address[i] = nvme[i];
	if (test->edu && edu)
		run->config.address[run->config.units++] = edu;
	snprintf(run->name, sizeof(run->name), "%s (%s, pin %s)", test->name, host, policy);
	runs_number++;
}

int cases_main(int argc, char **argv, const struct dma_case *cases, size_t number)
{
	const struct argp argp = { .options = options, .parser = parse };
	const char *const hosts[] = { "type1", "iommufd", "kernel" };
	struct CMUnitTest tests[MOST_RUNS] = { 0 };

	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return 1;
	find_devices();
	/*
	 * QEMU's AMD-Vi isolates no interrupts. The other hosts' parameters are on the command
	 * line.
	 */
	kernel_write("/sys/module/viommu/parameters/allow_unsafe_interrupts", "Y");
	for (size_t i = 0; i < number; i++) {
		for (size_t h = 0; h < sizeof(hosts) / sizeof(hosts[0]); h++) {
			add_run(&cases[i], hosts[h], VIOMMU_PIN_ON_REFRESH);
			add_run(&cases[i], hosts[h], VIOMMU_PIN_GUEST);
		}
	}
	if (!runs_number) {
		printf("nothing to run: no such host, case, or devices\n");
		return 1;
	}
	for (size_t i = 0; i < runs_number; i++) {
		tests[i].name = runs[i].name;
		tests[i].test_func = one_process;
		tests[i].initial_state = &runs[i];
	}
	return _cmocka_run_group_tests("dma", tests, runs_number, NULL, NULL);
}
