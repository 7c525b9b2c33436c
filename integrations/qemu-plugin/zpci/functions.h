/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The PCI functions that the guest uses, and the answers of CLP (call logical processor) about
 * them.
 *
 * Answers of CLP are stored when they are seen. Results of an operation (a new handle, a
 * registration) are stored when the operation has succeeded.
 */
#ifndef VIOMMU_WATCH_ZPCI_FUNCTIONS_H
#define VIOMMU_WATCH_ZPCI_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"

#define FUNCTION_MAX	256u
#define FUNCTION_GROUPS 256u

#define CLP_BLOCK_BYTES 4096u

struct function {
	struct capture_function told; /* as CLP answered the guest, with the recorded handle */
	bool announced;		      /* it is recorded */
	uint8_t group;
	bool registered; /* registration: */
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

/* The function with this current or former handle. NULL if there is none. */
struct function *functions_find(struct functions *functions, uint32_t fh);

/* The recorded function with this FID. NULL if there is none. */
struct function *functions_find_announced(struct functions *functions, uint32_t fid);

/* Like functions_find(), with a new function if there is none. NULL if there are too many. */
struct function *functions_get(struct functions *functions, uint32_t fh);

void function_register(struct function *function, const struct capture_mpcifc *mpcifc);

/*
 * CLP has ended: reads its answer from the block with request and response. true if it was a
 * successful Set PCI Function. *clp is set then.
 */
bool functions_end_clp(struct functions *functions, const uint8_t *bytes, size_t count, struct capture_clp *clp);

/* Records a function before the first operation with this handle. */
struct capture_function function_describe(const struct functions *functions, const struct function *function, uint32_t fh);

#endif
