/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests the promises of host.h to the core on any host. A host's test describes how to create the
 * host, and runs the suite on it.
 *
 * The model is as plain as possible: an array with one element for each page.
 */
#ifndef HOST_CONFORMANCE_H
#define HOST_CONFORMANCE_H

#include "host/host.h"

struct conformance_subject {
	const char *name;
	int (*create)(struct viommu_host **out);
	/*
	 * The arguments of device_create() for one device, and for a second one. Without a second
	 * one, that is NULL and its tests are skipped. The soft host accepts anything.
	 */
	const void *device;
	const void *second_device;
	bool any_device;
	bool pinned; /* all guest memory is pinned */
	/*
	 * Memory that the suite may map, in bytes: at least 16 MiB. With 3 GiB or more, the suite
	 * also tests pages of 1 GiB. It touches few of its pages.
	 */
	uint64_t arena_bytes;
	/*
	 * A device's translation of an IOVA while it is attached to the space: 0 or -ENOENT. The
	 * probe may map and unmap pages of its own, far from all others. NULL: the suite uses the
	 * host's lookup.
	 */
	int (*probe)(struct host_space *space, struct host_device *device, uint64_t iova, unsigned char **hva, uint32_t *prot);
	/* Called before a probed device is destroyed; may be NULL. */
	void (*forget)(struct host_device *device);
	bool costly; /* Probing is slow: probe fewer pages, and do fewer random operations. */
};

/* Runs the suite. Returns the number of failed tests. */
int host_conformance(const struct conformance_subject *subject);

/* Memory of a space: counted, with a limit that tests set. */
struct counted_memory {
	struct host_memory memory;
	uint64_t allocations; /* in total */
	uint64_t pieces;      /* present */
	uint64_t bytes;	      /* present */
	uint64_t fail_after;  /* number of allocations that succeed from now on, UINT64_MAX: all */
};
void counted_memory_init(struct counted_memory *counted);

#endif
