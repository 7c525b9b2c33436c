/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to the tests of type1 and iommufd on a fake kernel: its devices, and functions that create
 * hosts for them.
 */
#ifndef KERNEL_HOSTS_H
#define KERNEL_HOSTS_H

#include <viommu/vfio.h>

#include "fake_kernel.h"
#include "host_fixture.h"

extern const struct viommu_vfio_device one, two;
extern const struct viommu_vfio_device short_one; /* another name of the same device */

/* The last message of creating a host. */
extern char why[1024];

typedef int create_host(const struct viommu_vfio_config *config, struct viommu_host **out);
int create_with(create_host *create, const struct viommu_vfio_device *device, struct viommu_host **out);

/* The hosts. iommufd also with one IOAS for each device, as on s390. */
struct kind {
	const char *name;
	create_host *create;
};
extern const struct kind type1, iommufd, apart;

/* Setups: each makes one host the test's state. */
int with_type1(void **state);
int with_iommufd(void **state);
int with_apart(void **state);
const struct kind *kind_of(void **state);

/* A group's setup: memory for tests outside the suite. */
int use_arena(void **state);

bool reaches(const struct fixture *f, struct host_device *device, uint64_t iova);

#endif
