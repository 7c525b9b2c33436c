/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs: page after page goes in, calls to the host come out, as few as there can be. A run of
 * mappings is contiguous in IOVA, in GPA and in host memory (and in the file behind it) with the
 * same rights; a run of removals is contiguous in IOVA.
 *
 * A host that cannot split removes only whole mappings, and maps nothing over what is mapped: so it
 * is with type1 v2 (-EINVAL, -EEXIST) and with iommufd (-ENOENT, -EEXIST). So what is merged there
 * is only what the guest itself made valid together (merge), and a removal is first widened to
 * whole mappings (widen), whose other parts the owner maps again, some of them at once (removed).
 */
#ifndef VIOMMU_CORE_RUNS_H
#define VIOMMU_CORE_RUNS_H

#include "host/host.h"

/* The owner's part, for one kind of host. */
struct runs_ops {
	uint64_t most; /* bytes of a run of mappings */
	/*
	 * Widens a removal to whole mappings, or makes it empty (first > last). NULL where the host
	 * splits.
	 */
	void (*widen)(void *ctx, uint64_t *first, uint64_t *last);
	/* first..last was removed, and from..to with it: 0, or -EIO. NULL where the host splits. */
	int (*removed)(void *ctx, uint64_t first, uint64_t last, uint64_t from, uint64_t to);
	/* The host took a run in more than one mapping: another one begins here. */
	void (*begins)(void *ctx, uint64_t first);
	/* The host refused to map this range, which is not mapped. */
	void (*refused)(void *ctx, uint64_t first, uint64_t last, int error);
};

struct runs {
	struct host_space *space;
	const struct runs_ops *ops;
	void *ctx;
	bool merge;

	bool mapping;
	struct host_mapping map;
	bool unmapping;
	uint64_t unmap_first;
	uint64_t unmap_last;

	bool unflushed; /* something was removed, and not flushed yet */
	int error;	/* of a removal */
	uint64_t maps;	/* calls */
	uint64_t unmaps;
};

/* Adds IOVAs first..last at hva; true if a new run begins there. */
bool runs_map(struct runs *runs, const struct host_mapping *page);
void runs_unmap(struct runs *runs, uint64_t first, uint64_t last);

/* Hand on what is not handed on yet. */
void runs_end_map(struct runs *runs);
void runs_end_unmap(struct runs *runs);

#endif
