/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/vfio_group.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#include "host/vfio_ioctl.h"

#define CONTAINER_FILE "/dev/vfio/vfio"

int vfio_container_open(const char *module, const struct vfio_why *why)
{
	int fd = vfio_open(CONTAINER_FILE), version;

	if (fd == -ENOENT || fd == -ENODEV)
		return vfio_say(why, -ENOENT, "this kernel offers no VFIO containers (%s: %s): load %s, or try the host iommufd", CONTAINER_FILE, strerror(-fd),
				module);
	if (fd < 0)
		return vfio_say(why, fd, "%s: %s", CONTAINER_FILE, strerror(-fd));
	version = vfio_ioctl_number(fd, VFIO_GET_API_VERSION, 0);
	if (version != VFIO_API_VERSION) {
		close(fd);
		return vfio_say(why, -ENOSYS, "%s speaks version %d of VFIO, and this library version %d", CONTAINER_FILE, version, VFIO_API_VERSION);
	}
	return fd;
}

int vfio_group_open(const struct vfio_found *found, const struct vfio_why *why)
{
	int fd = vfio_open(found->group_file);

	if (fd == -EBUSY)
		return vfio_say(why, -EBUSY, "%s: another process has it, and with it the devices in IOMMU group %d", found->group_file, (int)found->group);
	return fd < 0 ? vfio_say(why, fd, "%s: %s", found->group_file, strerror(-fd)) : fd;
}

int vfio_group_enter(int group, int container, bool given, const char *text, bool *set, const struct vfio_why *why)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int error = vfio_ioctl(group, VFIO_GROUP_GET_STATUS, &status);

	if (error < 0)
		return vfio_say(why, error, "the group of %s does not answer (VFIO_GROUP_GET_STATUS): %s", text, strerror(-error));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return vfio_say(why, -EPERM,
				"not all devices in the IOMMU group of %s are bound to VFIO drivers (or to none): a device in use would share its translations",
				text);
	if (status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET)
		return given ? 0 : vfio_say(why, -EBUSY, "the group of %s is in a container already, which was not given", text);
	error = vfio_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
	if (error < 0)
		return vfio_say(why, error, "the group of %s cannot be put into a container (VFIO_GROUP_SET_CONTAINER): %s%s", text, strerror(-error),
				error == -EPERM ? "; see the kernel's log: the container's driver does not take it" : "");
	*set = true;
	return 0;
}

int vfio_group_device(int group, const char *address, const struct vfio_why *why)
{
	/* The kernel reads it, and takes an address that it may write. */
	char name[VFIO_ADDRESS_BYTES];
	int fd;

	memcpy(name, address, sizeof(name));
	fd = vfio_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	return fd < 0 ? vfio_say(why, fd, "the group of %s does not give the device (VFIO_GROUP_GET_DEVICE_FD): %s", address, strerror(-fd)) : fd;
}
