/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The device that the user named, copied once. */
#ifndef VIOMMU_HOST_VFIO_NAMED_H
#define VIOMMU_HOST_VFIO_NAMED_H

#include <viommu/vfio.h>

#include "host/vfio.h"

struct vfio_named {
	int32_t device_fd; /* -1: named by its address */
	int32_t group_fd;
	int32_t container_fd;
	uint32_t bound_id;		  /* 0: not bound by the user */
	char address[VFIO_ADDRESS_BYTES]; /* in full; "" where it is named by file descriptors */
};

/*
 * data is a struct viommu_vfio_device. 0, or -EINVAL: of no known size, names nothing or in both
 * ways, or gives other file descriptors than this host takes: with_group says that a group's
 * belongs to a device's.
 */
int vfio_named_take(struct vfio_named *named, const void *data, bool with_group, const struct vfio_why *why);
bool vfio_named_same(const struct vfio_named *one, const struct vfio_named *other);

/* For messages: the address, or what stands for it. */
const char *vfio_named_text(const struct vfio_named *named);

#endif
