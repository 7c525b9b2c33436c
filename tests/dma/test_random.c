/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random guests (life.h): with functions of their own, with devices that share a domain, and with a
 * pin budget that is too small.
 */
#include "cases.h"
#include "life.h"

static void functions(struct rig_config config, uint64_t seed, uint64_t operations)
{
	life_live(&config, seed, operations, -1);
}

static void shared(struct rig_config config, uint64_t seed, uint64_t operations)
{
	config.shared = true;
	life_live(&config, seed, operations, -1);
}

static void short_budget(struct rig_config config, uint64_t seed, uint64_t operations)
{
	config.pin_budget = 150 * PAGE;
	life_live(&config, seed, operations, -1);
}

/* QEMU takes longer to emulate some processors than others. */
#if defined(__s390x__) || defined(__aarch64__)
#define OPERATIONS 500
#else
#define OPERATIONS 1000
#endif

static const struct dma_case cases[] = {
	{ .name = "functions", .run = functions, .nvmes = 2, .edu = true, .operations = OPERATIONS },
	{ .name = "shared", .run = shared, .nvmes = 2, .operations = OPERATIONS },
	{ .name = "short budget", .run = short_budget, .nvmes = 2, .pin = "refresh", .not_kernel = true, .operations = OPERATIONS },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
