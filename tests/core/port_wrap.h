/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wraps port_alloc(): counts allocations, and lets one fail. A test that links it passes
 * -Wl,--wrap=port_alloc,--wrap=port_free to the linker.
 */
#ifndef TESTS_CORE_PORT_WRAP_H
#define TESTS_CORE_PORT_WRAP_H

#include <stddef.h>
#include <stdint.h>

struct port_wrap {
	uint64_t allocs;      /* calls that returned memory */
	uint64_t outstanding; /* of these, not freed */
	uint64_t bytes;	      /* of the memory that is not freed */
	/* the fail_at-th call from now on, counted from 1, returns NULL; 0: none */
	uint64_t fail_at;
};

/* Written by one thread at a time. */
extern struct port_wrap port_wrap;

void *__real_port_alloc(size_t bytes, size_t align);
void *__wrap_port_alloc(size_t bytes, size_t align);
void __real_port_free(void *memory, size_t bytes, size_t align);
void __wrap_port_free(void *memory, size_t bytes, size_t align);

#endif
