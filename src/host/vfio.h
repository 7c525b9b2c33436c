/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VFIO devices as the system shows them: which group, driver and files belong to a PCI address; and
 * messages about what is wrong. For the hosts that drive the kernel, and for the command's probe.
 *
 * Nothing here opens a device or changes anything. Where things are found is Linux's:
 * Documentation/ABI/testing/sysfs-bus-pci, sysfs-kernel-iommu_groups and sysfs-devices-vfio-dev,
 * Documentation/driver-api/vfio.rst.
 */
#ifndef VIOMMU_HOST_VFIO_H
#define VIOMMU_HOST_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where words about a failure go. They are cut to bytes, and end in a zero. */
struct vfio_why {
	char *text; /* may be NULL */
	size_t bytes;
};

/* Writes the message and returns error. why may be NULL. */
int vfio_say(const struct vfio_why *why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

enum { VFIO_ADDRESS_BYTES = 16, VFIO_NAME_BYTES = 64 };

/* A PCI function. */
struct vfio_found {
	char address[VFIO_ADDRESS_BYTES]; /* in full: "0000:00:05.0" */
	char driver[VFIO_NAME_BYTES];	  /* "vfio-pci"; "" if it is bound to none */
	/* "/dev/vfio/7", whether it exists or not; "" where there is no group */
	char group_file[VFIO_NAME_BYTES];
	/* "/dev/vfio/devices/vfio0"; "" if the kernel has made none */
	char cdev[VFIO_NAME_BYTES];
	int32_t group; /* its IOMMU group; -1: it is behind no IOMMU */
	bool vfio;     /* the driver is one of VFIO's */
};

/*
 * Brings an address into its full form, in lower case; the domain may be left out, and is 0 then.
 * 0, or -EINVAL.
 */
int vfio_address(const char *text, char address[VFIO_ADDRESS_BYTES]);

/*
 * Looks a function up. 0; -EINVAL (no address); -ENODEV (there is no such function). What it lacks
 * to be a VFIO device is no error here.
 */
int vfio_find(const char *address, struct vfio_found *found, const struct vfio_why *why);

/*
 * The same, but -ENODEV, with what to do about it, where it is bound to no VFIO driver or behind no
 * IOMMU.
 */
int vfio_find_device(const char *address, struct vfio_found *found, const struct vfio_why *why);

/*
 * The IOMMU group of a device, by its own character device; -1 if that is not known: an older
 * kernel, or sysfs is not to be seen.
 */
int32_t vfio_group_of(int fd);

#endif
