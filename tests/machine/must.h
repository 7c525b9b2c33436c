/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the fuzzers find wrong, and trials that a test and a fuzzer share, they say, and abort: that
 * is what libFuzzer and AFL++ take for a finding.
 */
#ifndef TESTS_MACHINE_MUST_H
#define TESTS_MACHINE_MUST_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define fuzz_wrong(...)                                         \
	do {                                                    \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
		fprintf(stderr, __VA_ARGS__);                   \
		fputc('\n', stderr);                            \
		abort();                                        \
	} while (0)

/* What must be so. */
#define fuzz_must(condition)                                         \
	do {                                                         \
		if (!(condition))                                    \
			fuzz_wrong("does not hold: %s", #condition); \
	} while (0)

#endif
