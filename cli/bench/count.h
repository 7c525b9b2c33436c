/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The library's use of memory and system calls.
 *
 * Memory is counted where the library asks for it: in this program the linker puts the functions of
 * count.c between the library and port_alloc() and port_free() (--wrap in meson.build). So the
 * bytes that were asked for are counted, without the overhead of the C library's allocator.
 *
 * System calls are counted by the kernel, which stops a traced child at each.
 */
#ifndef VIOMMU_CLI_BENCH_COUNT_H
#define VIOMMU_CLI_BENCH_COUNT_H

#include <stdint.h>

struct bench_count {
	uint64_t allocations; /* so far */
	uint64_t bytes;	      /* not freed yet */
};

struct bench_count bench_count(void);

/*
 * The number of system calls that fn makes, in a copy of this process; a negative errno value if
 * they cannot be counted here, or if fn returned one. The caller does not see effects of fn.
 */
int64_t bench_system_calls(int (*fn)(void *ctx), void *ctx);

#endif
