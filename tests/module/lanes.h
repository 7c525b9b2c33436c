/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ways to make a device's translations true to a guest's tables, side by side: each has a device, a
 * guest and the guest's tables of its own.
 */
#ifndef TESTS_MODULE_LANES_H
#define TESTS_MODULE_LANES_H

#include <viommu/vfio.h>
#include <viommu/viommu.h>

#include "iommufd_rig.h"
#include "rig.h"

struct lane;

struct way {
	const char *name;
	/* 0, with the device attached to a domain of all the tables; or a negative errno: the
	 * kernel has no such way. */
	int (*begin)(struct lane *lane, const char *address);
	/* 0, or a negative errno. result: how many pages changed, of ways that say it. */
	int (*refresh)(struct lane *lane, uint64_t first, uint64_t bytes, struct viommu_refresh_result *result);
	void (*end)(struct lane *lane);
	bool counts;
	/* For ways of the library. */
	int (*create_host)(const struct viommu_vfio_config *config, struct viommu_host **out);
};

struct lane {
	const struct way *way;
	bool pinned; /* all of the guest's memory, and not what tables name */
	union {
		struct rig rig;
		struct nest_rig nest; /* begins with it */
	};
	uint32_t domain; /* or HWPT */
	struct viommu_host *host;
	struct viommu_vm *vm;
	struct viommu_device *device;
	struct viommu_domain *viommu;
	char why[256];
};

/* The module by its ioctls, and as nested HWPTs of iommufd; the library's hosts. */
enum { WAY_MODULE, WAY_NEST, WAY_KERNEL, WAY_TYPE1, WAY_IOMMUFD, WAYS };
extern const struct way ways[WAYS];

#endif
