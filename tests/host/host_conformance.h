/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The promises of host.h to the core, tested on any host. A host's test defines how to make one,
 * and runs the suite on it.
 *
 * The suite compares with a model that is as plain as it can be: an array with one element for each
 * page.
 */
#ifndef HOST_CONFORMANCE_H
#define HOST_CONFORMANCE_H

#include "host/host.h"

struct conformance_subject {
	const char *name;
	int (*create)(struct viommu_host **out);
	/*
	 * The arguments of device_create() for one device, and for a second one; without a second
	 * one that is NULL, and its tests are skipped. The soft host takes anything.
	 */
	const void *device;
	const void *second_device;
	bool any_device;
	bool pinned; /* guest memory is to be pinned whole */
	/*
	 * Memory that the suite may map, in bytes: at least 16 MiB. With 3 GiB or more, pages of 1
	 * GiB are tried as well. Few of its pages are touched.
	 */
	uint64_t arena_bytes;
	/*
	 * The translation of an IOVA by a device that is attached to the space: 0 or -ENOENT. The
	 * probe may map and unmap pages of its own, far from all others. NULL: the host's lookup is
	 * used.
	 */
	int (*probe)(struct host_space *space, struct host_device *device, uint64_t iova, unsigned char **hva, uint32_t *prot);
	/* Called before a device that was probed is destroyed; may be NULL. */
	void (*forget)(struct host_device *device);
	bool costly; /* to probe, so that fewer pages are, and there are fewer random operations */
};

/* Runs the suite; returns how many tests failed. */
int host_conformance(const struct conformance_subject *subject);

/* Counted memory for a space, with a limit that tests set. */
struct counted_memory {
	struct host_memory memory;
	uint64_t allocations; /* ever */
	uint64_t pieces;      /* now */
	uint64_t bytes;	      /* now */
	uint64_t fail_after;  /* so many allocations from now succeed, UINT64_MAX: all */
};
void counted_memory_init(struct counted_memory *counted);

#endif
