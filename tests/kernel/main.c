/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * viommu_test.ko: the library's own test programs, run when the module is loaded. The log has a
 * plan ("1..N"), a point for each test, and at last how many there were. Loading it fails where a
 * test has.
 *
 * Kbuild gives the programs: PROGRAMS is X(main_NAME, "FOLDER/NAME") for each.
 */
#define pr_fmt(format) "viommu_test: " format

#include <linux/module.h>

#include "runner.h"

static char *only;
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "Run the programs alone whose names contain this");

#define X(function, name) int function(int argc, char **argv);
PROGRAMS
#undef X

static const struct {
	int (*run)(int argc, char **argv);
	const char *name;
} programs[] = {
#define X(function, name) { function, name },
	PROGRAMS
#undef X
};

static bool chosen(const char *name)
{
	return !only || strstr(name, only);
}

static void run(bool counting)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		char *arguments[] = { (char *)programs[i].name, NULL };

		if (!chosen(programs[i].name))
			continue;
		if (counting)
			runner_count();
		else
			runner_begin(programs[i].name);
		programs[i].run(1, arguments);
	}
}

static int __init begin(void)
{
	run(true);
	pr_info("1..%u\n", runner_tests);
	run(false);
	pr_info("# %u of %u tests were run, %u failed\n", runner_points, runner_tests, runner_failed);
	return runner_failed || !runner_tests || runner_points != runner_tests ? -EPROTO : 0;
}

static void __exit end(void)
{
}

module_init(begin);
module_exit(end);

MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("The tests of libviommu");
