/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_KERNEL_RUNNER_H
#define TESTS_KERNEL_RUNNER_H

/* The tests of the programs whose main() is called from here on are counted, and none is run. */
void runner_count(void);
/* From here on they are run. `program` is in each point's description. */
void runner_begin(const char *program);

extern unsigned int runner_tests;  /* that were counted */
extern unsigned int runner_points; /* that were written: passed, failed and skipped */
extern unsigned int runner_failed;

#endif
