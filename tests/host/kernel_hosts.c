/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "kernel_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/iommufd.h"

const struct viommu_vfio_device one = { .size = sizeof(one), .device_fd = -1, .group_fd = -1, .container_fd = -1, .address = FAKE_ONE };
const struct viommu_vfio_device two = { .size = sizeof(two), .device_fd = -1, .group_fd = -1, .container_fd = -1, .address = FAKE_TWO };
const struct viommu_vfio_device short_one = { .size = sizeof(one), .device_fd = -1, .group_fd = -1, .container_fd = -1, .address = "00:05.0" };

char why[1024];

int create_with(create_host *create, const struct viommu_vfio_device *device, struct viommu_host **out)
{
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .device = device, .why = why, .why_bytes = sizeof(why) };

	memset(why, 'x', sizeof(why));
	return create(&config, out);
}

/* Overrides the default for the CPU. */
static int create_as(const struct viommu_vfio_config *config, bool each, struct viommu_host **out)
{
	int error = viommu_host_iommufd_create(config, out);

	if (!error)
		iommufd_host(*out)->apart = each;
	return error;
}

static int create_together(const struct viommu_vfio_config *config, struct viommu_host **out)
{
	return create_as(config, false, out);
}

static int create_apart(const struct viommu_vfio_config *config, struct viommu_host **out)
{
	return create_as(config, true, out);
}

const struct kind type1 = { "type1", viommu_host_type1_create };
const struct kind iommufd = { "iommufd", create_together };
const struct kind apart = { "iommufd", create_apart };

const struct kind *kind_of(void **state)
{
	return (const struct kind *)*state;
}

bool reaches(const struct fixture *f, struct host_device *device, uint64_t iova)
{
	unsigned char *hva;
	uint32_t prot;

	return !fake_dma(f->ops->device_fd(device), iova, &hva, &prot);
}

int use_arena(void **state)
{
	static const struct conformance_subject subject = { .arena_bytes = 16 * MIB };

	arena_use(&subject);
	return arena_setup(state);
}

int with_type1(void **state)
{
	*state = (void *)(uintptr_t)&type1;
	return 0;
}

int with_iommufd(void **state)
{
	*state = (void *)(uintptr_t)&iommufd;
	return 0;
}

int with_apart(void **state)
{
	*state = (void *)(uintptr_t)&apart;
	return 0;
}
