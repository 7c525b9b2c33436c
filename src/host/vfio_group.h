/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* VFIO's groups and containers, for the hosts that use these. */
#ifndef VIOMMU_HOST_VFIO_GROUP_H
#define VIOMMU_HOST_VFIO_GROUP_H

#include "host/vfio.h"

/* A file, or a negative errno. module: which part of the kernel is missing where there is none. */
int vfio_container_open(const char *module, const struct vfio_why *why);
int vfio_group_open(const struct vfio_found *found, const struct vfio_why *why);

/*
 * Sees to it that a group is in a container. *set: by this call. given: the container is the
 * caller's, and may have the group already. text names the device.
 */
int vfio_group_enter(int group, int container, bool given, const char *text, bool *set, const struct vfio_why *why);

/* The device of a group by its address: a file, or a negative errno. */
int vfio_group_device(int group, const char *address, const struct vfio_why *why);

#endif
