/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to the tests of type1 and iommufd on a fake kernel: its devices, and ways to make hosts of
 * them.
 */
#ifndef KERNEL_HOSTS_H
#define KERNEL_HOSTS_H

#include <viommu/vfio.h>

#include "fake_kernel.h"
#include "host_fixture.h"

extern const struct viommu_vfio_device one, two;
extern const struct viommu_vfio_device short_one; /* the same as one, in other words */

/* The last message of a host's creation. */
extern char why[1024];

typedef int create_host(const struct viommu_vfio_config *config, struct viommu_host **out);
int create_with(create_host *create, const struct viommu_vfio_device *device, struct viommu_host **out);

/* The hosts; iommufd in the way of s390, too, where each device has an IOAS of its own. */
struct kind {
	const char *name;
	create_host *create;
};
extern const struct kind type1, iommufd, apart;

/* Setups, which make one of them the test's state. */
int with_type1(void **state);
int with_iommufd(void **state);
int with_apart(void **state);
const struct kind *kind_of(void **state);

/* A group's: memory for tests that have no suite's. */
int use_arena(void **state);

bool reaches(const struct fixture *f, struct host_device *device, uint64_t iova);

#endif
