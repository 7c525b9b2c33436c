/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The main program of tests with devices. Each case runs for each available host and each pin
 * policy, in a process of its own. After its end the kernel must have nothing pinned.
 *
 * Devices are those of the test host (its environment names them, tests/vm/run-in-host): NVMes
 * first, as many as a case needs, then an edu if there is one.
 */
#ifndef TESTS_DMA_CASES_H
#define TESTS_DMA_CASES_H

#include "rig.h"

struct dma_case {
	const char *name;
	/*
	 * Ends the process after an error. config has host, policy and devices. The case may change
	 * its copy.
	 */
	void (*run)(struct rig_config config, uint64_t seed, uint64_t operations);
	unsigned int nvmes;  /* number of devices */
	bool edu;	     /* add an edu if there is one */
	const char *host;    /* only on this host; NULL: all */
	bool not_kernel;     /* the host kernel has no such domains, budget or figures */
	const char *pin;     /* only with this policy, "refresh" or "guest"; NULL: both */
	bool harmless_only;  /* only if the device survives a stopped access */
	uint64_t operations; /* the default */
};

int cases_main(int argc, char **argv, const struct dma_case *cases, size_t number);

#endif
