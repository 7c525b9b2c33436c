/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <viommu/vfio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/type1.h"
#include "host/vfio_group.h"
#include "port/sized.h"

static void close_device(struct type1_host *host, struct type1_device *device)
{
	/*
	 * First the device, then what its group is in: the kernel lets a group leave its container
	 * only when none of its devices is open.
	 */
	if (device->named.address[0] && device->fd >= 0)
		close(device->fd);
	if (device->group)
		type1_group_put(host, device->group);
	free(device);
}

/* With the host's lock. */
static int open_device(struct type1_host *host, const struct vfio_named *named, struct type1_device **out, struct type1_info *info, const struct vfio_why *why)
{
	struct type1_device *device;
	struct vfio_found found;
	int error = named->address[0] ? vfio_find_device(named->address, &found, why) : 0;

	if (error)
		return error;
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->device.host = &host->host;
	device->named = *named;
	device->fd = named->device_fd;
	error = type1_group_get(host, named, &found, &device->group, info, why);
	if (!error && named->address[0]) {
		device->fd = vfio_group_device(device->group->fd, named->address, why);
		error = device->fd < 0 ? device->fd : 0;
	}
	/*
	 * The host's capabilities must hold for each device. A group that it
	 * has already was measured when it came.
	 */
	if (!error && info->usable.number && !ranges_cover(&info->usable, &host->usable))
		error = vfio_say(why, -ERANGE, "%s cannot translate all IOVAs that this host's other devices can", vfio_named_text(named));
	if (error) {
		close_device(host, device);
		return error;
	}
	device->next = host->devices;
	host->devices = device;
	*out = device;
	return 0;
}

static void forget(struct type1_host *host, struct type1_device *device)
{
	struct type1_device **at = &host->devices;

	while (*at != device)
		at = &(*at)->next;
	*at = device->next;
	close_device(host, device);
}

static struct type1_device *find(struct type1_host *host, const struct vfio_named *named)
{
	struct type1_device *device = host->devices;

	while (device && !vfio_named_same(&device->named, named))
		device = device->next;
	return device;
}

static int type1_device_create(struct viommu_host *any, struct host_vm *vm, const void *data, struct host_device **out)
{
	struct type1_host *host = type1_host(any);
	struct type1_info info = { 0 };
	struct type1_device *device;
	struct vfio_named named;
	int error = vfio_named_take(&named, data, true, NULL);

	(void)vm;
	if (error)
		return error;
	port_lock(&host->lock);
	device = find(host, &named);
	if (!device)
		error = open_device(host, &named, &device, &info, NULL);
	else if (!device->held)
		error = -EEXIST;
	if (!error) {
		device->held = false;
		*out = &device->device;
	}
	port_unlock(&host->lock);
	ranges_free(&info.usable);
	return error;
}

static void type1_device_destroy(struct host_device *device)
{
	struct type1_host *host = type1_host(device->host);

	port_lock(&host->lock);
	forget(host, type1_device(device));
	port_unlock(&host->lock);
}

static int type1_device_fd(const struct host_device *device)
{
	return ((const struct type1_device *)(const void *)device)->fd;
}

static void type1_destroy(struct viommu_host *any)
{
	struct type1_host *host = type1_host(any);

	while (host->devices)
		forget(host, host->devices);
	ranges_free(&host->usable);
	port_lock_destroy(&host->lock);
	free(host);
}

static const struct host_ops type1_ops = {
	.space_create = type1_space_create,
	.space_destroy = type1_space_destroy,
	.map = type1_map,
	.unmap = type1_unmap,
	.flush = type1_flush,
	.trim = type1_trim,
	.device_create = type1_device_create,
	.device_destroy = type1_device_destroy,
	.device_fd = type1_device_fd,
	.attach = type1_attach,
	.detach = type1_detach,
	.destroy = type1_destroy,
};

/* Takes over what the first device's container can do. */
static int describe(struct type1_host *host, struct type1_info *info, const struct vfio_why *why)
{
	if (!info->usable.number || !(info->page_sizes & (VIOMMU_PAGE_SIZE | (VIOMMU_PAGE_SIZE - 1))))
		return vfio_say(why, -EOPNOTSUPP, "the IOMMU has no pages of 4 KiB (page sizes %#llx)", (unsigned long long)info->page_sizes);
	host->usable = info->usable;
	memset(&info->usable, 0, sizeof(info->usable));
	host->host.usable = host->usable.range;
	host->host.usable_number = host->usable.number;
	host->host.caps = (struct viommu_host_caps){
		.size = sizeof(host->host.caps),
		.name = "type1",
		/* Smaller pages than the library's own are of no use to it. */
		.page_sizes = (info->page_sizes & ~(VIOMMU_PAGE_SIZE - 1)) | VIOMMU_PAGE_SIZE,
		.first = host->usable.range[0].first,
		.last = host->usable.range[host->usable.number - 1].last,
		.entry_limit = info->entry_limit,
	};
	return 0;
}

int viommu_host_type1_create(const struct viommu_vfio_config *given, struct viommu_host **out)
{
	struct viommu_vfio_config config;
	struct type1_info info = { 0 };
	struct type1_device *device;
	struct type1_host *host;
	struct vfio_named named;
	struct vfio_why why;
	int error;

	if (!sized_in(&config, sizeof(config), VIOMMU_VFIO_CONFIG_SIZE_V0, given))
		return -EINVAL;
	why = (struct vfio_why){ .text = config.why, .bytes = config.why_bytes };
	vfio_say(&why, 0, "%s", "");
	if (config.iommu_fd >= 0)
		return vfio_say(&why, -EINVAL, "type1 has no use for an iommufd");
	error = vfio_named_take(&named, config.device, true, &why);
	if (error)
		return error;
	host = calloc(1, sizeof(*host));
	if (!host)
		return vfio_say(&why, -ENOMEM, "no memory");
	host->host.ops = &type1_ops;
	port_lock_init(&host->lock);
	error = open_device(host, &named, &device, &info, &why);
	if (!error) {
		device->held = true;
		error = describe(host, &info, &why);
	}
	ranges_free(&info.usable);
	if (error) {
		type1_destroy(&host->host);
		return error;
	}
	*out = &host->host;
	return 0;
}
