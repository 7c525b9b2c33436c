/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/vfio_named.h"

#include <errno.h>
#include <string.h>

#include "port/sized.h"

int vfio_named_take(struct vfio_named *named, const void *data, bool with_group, const struct vfio_why *why)
{
	struct viommu_vfio_device device;

	if (!sized_in(&device, sizeof(device), VIOMMU_VFIO_DEVICE_SIZE_V0, data))
		return vfio_say(why, -EINVAL, "no device was named: a struct viommu_vfio_device, with its size, says which");
	*named = (struct vfio_named){
		.device_fd = device.device_fd, .group_fd = device.group_fd, .container_fd = device.container_fd, .bound_id = device.bound_id
	};
	if (device.reserved)
		return vfio_say(why, -EINVAL, "a member of struct viommu_vfio_device that is reserved is not 0");
	if (device.address) {
		if (device.device_fd >= 0 || device.group_fd >= 0 || device.container_fd >= 0 || device.bound_id)
			return vfio_say(why, -EINVAL, "%s is named by its address and by file descriptors: one of the two, please", device.address);
		if (vfio_address(device.address, named->address))
			return vfio_say(why, -EINVAL, "\"%s\" is no PCI address; one is like 0000:00:05.0", device.address);
		return 0;
	}
	if (device.device_fd < 0)
		return vfio_say(why, -EINVAL, "no device was named: neither by address nor by file descriptor");
	if (with_group && device.group_fd < 0)
		return vfio_say(why, -EINVAL, "type1 needs the file descriptor of the device's group beside the device's own");
	if (with_group && device.bound_id)
		return vfio_say(why, -EINVAL, "type1 takes no device that is bound to an iommufd");
	if (!with_group && (device.group_fd >= 0 || device.container_fd >= 0))
		return vfio_say(why, -EINVAL,
				"iommufd takes the file descriptor of a device alone, that of its /dev/vfio/devices/vfioN; no group, no container");
	return 0;
}

bool vfio_named_same(const struct vfio_named *one, const struct vfio_named *other)
{
	return one->address[0] ? !strcmp(one->address, other->address) : !other->address[0] && one->device_fd == other->device_fd;
}

const char *vfio_named_text(const struct vfio_named *named)
{
	return named->address[0] ? named->address : "the device given by its file descriptor";
}
