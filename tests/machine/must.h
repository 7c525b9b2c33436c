/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzers, and trials that a test shares with a fuzzer, print a finding and abort. libFuzzer and
 * AFL++ recognize that as a finding.
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

/* Aborts unless the condition holds. */
#define fuzz_must(condition)                                         \
	do {                                                         \
		if (!(condition))                                    \
			fuzz_wrong("does not hold: %s", #condition); \
	} while (0)

#endif
