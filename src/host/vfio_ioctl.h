/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls of the kernel that return what they found or a negative errno, and that a signal does not
 * end.
 */
#ifndef VIOMMU_HOST_VFIO_IOCTL_H
#define VIOMMU_HOST_VFIO_IOCTL_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

static inline int vfio_ioctl(int fd, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

/* Some take a number, or nothing, where others take an address. */
static inline int vfio_ioctl_number(int fd, unsigned long request, unsigned long number)
{
	int result;

	do
		result = ioctl(fd, request, number);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

static inline int vfio_open(const char *path)
{
	int fd;

	do
		fd = open(path, O_RDWR | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

#endif
