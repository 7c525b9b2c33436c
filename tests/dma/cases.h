/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The main program of tests with devices: each case runs for each available host, with each pin
 * policy, in a process of its own, after whose end the kernel must have nothing pinned.
 *
 * Devices are those of the test host (its environment names them, tests/vm/run-in-host): NVMes
 * first, as a case needs, then an edu where there is one.
 */
#ifndef TESTS_DMA_CASES_H
#define TESTS_DMA_CASES_H

#include "rig.h"

struct dma_case {
	const char *name;
	/*
	 * Ends the process at an error. config has host, policy and devices; the case may change
	 * its copy.
	 */
	void (*run)(struct rig_config config, uint64_t seed, uint64_t operations);
	unsigned int nvmes;  /* to use */
	bool edu;	     /* use one if there is one */
	const char *host;    /* only on this one; NULL: both */
	const char *pin;     /* only with this policy, "refresh" or "guest"; NULL: both */
	bool harmless_only;  /* only if a stopped access does not stop the device */
	uint64_t operations; /* the default */
};

int cases_main(int argc, char **argv, const struct dma_case *cases, size_t number);

#endif
