/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The core's host in a kernel: a space is a struct iommu_domain. Containers and nested HWPTs of
 * iommufd use it, and differ in where a domain comes from, which IOVAs are reserved, and how pages
 * are pinned.
 */
#ifndef VIOMMU_LINUX_SPACE_H
#define VIOMMU_LINUX_SPACE_H

#include <viommu/vm.h>

#include "host/host.h"

struct iommu_domain;
struct page;

/* A user's struct viommu_host has the address of `host` in its ops. */
struct space_ops {
	struct host_ops host; /* SPACE_HOST_OPS, and what is done with devices */

	/*
	 * The domain of the space that is being created: nothing is mapped in it. *coherent: all
	 * accesses of devices are.
	 */
	struct iommu_domain *(*alloc_domain)(struct viommu_host *host, bool *coherent);
	/* No IOTLB has anything of it. NULL: it is not the space's, and is emptied instead. */
	void (*free_domain)(struct iommu_domain *domain);
	/* Whether an IOVA of first..last is reserved. */
	bool (*reserves)(struct viommu_host *host, u64 first, u64 last);

	/*
	 * Pages of a mapping, from an offset on: at least one and at most `number`, pinned for a
	 * translation. Returns how many, or a negative errno. name: what put() knows each page by.
	 * Both are NULL where the pages stay pinned by themselves for as long as the core knows of
	 * the memory.
	 */
	long (*get)(struct viommu_host *host, const struct host_mapping *mapping, u64 offset, unsigned long number, struct page **pages);
	unsigned long (*name)(u64 gpa, struct page *page);
	void (*put)(struct viommu_host *host, const unsigned long *names, unsigned long number);
};

int domain_space_create(struct viommu_host *host, struct host_vm *guest, u64 first, u64 last, const struct host_memory *memory, struct host_space **out);
void domain_space_destroy(struct host_space *space);
int domain_space_map(struct host_space *space, const struct host_mapping *mapping);
int domain_space_unmap(struct host_space *space, u64 first, u64 last);
int domain_space_flush(struct host_space *space);

#define SPACE_HOST_OPS                                                                                                                    \
	.space_create = domain_space_create, .space_destroy = domain_space_destroy, .map = domain_space_map, .unmap = domain_space_unmap, \
	.flush = domain_space_flush

/*
 * A VM of the core's whose domains are on a host of spaces: refreshes let others run after a few
 * thousand entries, and messages go to the kernel's log.
 */
int space_vm_create(enum viommu_pin_policy pin, struct viommu_vm **out);
/* Its host. The IOVAs that it translates are for the user to fill in. */
void space_host_init(struct viommu_host *host, const struct space_ops *ops);

/* The domain that alloc_domain() has returned, and its *coherent. */
struct iommu_domain *space_domain(struct host_space *space);
bool space_is_coherent(struct host_space *space);

#endif
