/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The PCI functions that the guest was seen to use, and what its CLP (call logical processor) instructions told it, and us, about them.
 *
 * Two times matter. What CLP answers is noted when it is seen. What becomes of an operation (a new handle, a registration) is noted when the
 * operation is known to have succeeded.
 */
#ifndef VIOMMU_WATCH_FUNCTIONS_H
#define VIOMMU_WATCH_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"

#define FUNCTION_MAX	  256u
#define FUNCTION_GROUPS	  256u
#define FUNCTION_FH_INDEX 0x0000ffffu /* the part of a handle that stays the same */
#define FUNCTION_FH_ON	  0x80000000u /* the handle is that of an enabled function */

struct function {
	struct capture_function told; /* as the guest was told, and as a watcher is; fh is the handle that a watcher knows */
	bool announced;		      /* a watcher knows of it */
	uint8_t group;
	bool registered; /* there is a registration: */
	uint64_t iota;
	uint64_t pba;
	uint64_t pal;
};

struct functions {
	struct function list[FUNCTION_MAX];
	size_t count;
	struct function_group {
		bool known;
		bool refresh;
		bool relaxed;
		uint8_t dtsm;
		uint64_t msia;
	} groups[FUNCTION_GROUPS];
};

/* The function whose handle this is or was. NULL if there is none. */
struct function *functions_find(struct functions *functions, uint32_t fh);

/* The function that a watcher knows by this FID. NULL if there is none. */
struct function *functions_find_announced(struct functions *functions, uint32_t fid);

/* As functions_find(), with a new function if there is none. NULL if there are too many. */
struct function *functions_get(struct functions *functions, uint32_t fh);

/* A new registration, and the end of one. */
void function_register(struct function *function, uint64_t iota, uint64_t pba, uint64_t pal);
void function_deregister(struct function *function);

/* CLP Query PCI Function and Query PCI Function Group: request and response as the guest has them in its memory. */
void functions_note_query(struct functions *functions, const uint8_t *request, size_t request_bytes, const uint8_t *response, size_t response_bytes);
void functions_note_group(struct functions *functions, const uint8_t *request, size_t request_bytes, const uint8_t *response, size_t response_bytes);

/* What a watcher is to be told about a function before it is told of the first operation with this handle. */
struct capture_function function_describe(const struct functions *functions, const struct function *function, uint32_t fh);

#endif
