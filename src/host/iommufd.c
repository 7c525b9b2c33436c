/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <viommu/vfio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/iommufd.h"
#include "host/vfio_ioctl.h"
#include "port/sized.h"

#define IOMMU_FILE "/dev/iommu"

/*
 * Closing its file unbinds a device, and blocks it. One whose file is the caller's stays bound
 * until the caller closes it, and reaches nothing.
 */
static void close_device(struct iommufd_device *device)
{
	if (device->named.address[0] && device->fd >= 0)
		close(device->fd);
	iommufd_put(iommufd_host(device->device.host)->fd, device->empty);
	free(device);
}

static int open_file(struct iommufd_device *device, const struct vfio_why *why)
{
	struct vfio_found found;
	int error = vfio_find_device(device->named.address, &found, why);

	if (error)
		return error;
	if (!found.cdev[0])
		return vfio_say(why, -ENOENT, "%s has no character device: the kernel was built without CONFIG_VFIO_DEVICE_CDEV; the host type1 needs none",
				device->named.address);
	device->fd = vfio_open(found.cdev);
	return device->fd < 0 ? vfio_say(why, device->fd, "%s: %s", found.cdev, strerror(-device->fd)) : 0;
}

static int bind(const struct iommufd_host *host, struct iommufd_device *device, const struct vfio_why *why)
{
	struct vfio_abi_bind_iommufd call = { .size = sizeof(call), .iommufd = host->fd };
	const char *text = vfio_named_text(&device->named), *hint = "";
	int error;

	device->id = device->named.bound_id;
	if (device->id)
		return host->own_fd ? vfio_say(why, -EINVAL, "a device that is bound already needs the iommufd that it is bound to: iommu_fd") : 0;
	error = vfio_ioctl(device->fd, VFIO_ABI_BIND_IOMMUFD, &call);
	device->id = call.out_id;
	if (error == -EPERM)
		hint = "; are all devices of its IOMMU group bound to VFIO drivers? Without interrupt remapping it needs iommufd.allow_unsafe_interrupts=1, "
		       "too";
	if (error == -EINVAL)
		hint = "; a device that another process has through its group, or that is bound already, cannot be bound";
	return error ? vfio_say(why, error, "%s cannot be bound to the iommufd (VFIO_DEVICE_BIND_IOMMUFD): %s%s", text, strerror(-error), hint) : 0;
}

/* With the host's lock. */
static int open_device(struct iommufd_host *host, const struct vfio_named *named, struct iommufd_device **out, struct iommufd_info *info,
		       const struct vfio_why *why)
{
	struct iommufd_device *device = calloc(1, sizeof(*device));
	int error = 0;

	if (!device)
		return -ENOMEM;
	device->device.host = &host->host;
	device->named = *named;
	device->fd = named->device_fd;
	if (named->address[0])
		error = open_file(device, why);
	if (!error)
		error = bind(host, device, why);
	if (!error)
		error = iommufd_ask(host->fd, device, info, why);
	/* The host's capabilities must hold for each device. */
	if (!error && !ranges_cover(&info->usable, &host->usable))
		error = vfio_say(why, -ERANGE, "%s cannot translate all IOVAs that this host's other devices can", vfio_named_text(named));
	if (error) {
		close_device(device);
		return error;
	}
	device->group = vfio_group_of(device->fd);
	device->next = host->devices;
	host->devices = device;
	*out = device;
	return 0;
}

/* With the host's lock: the device is not found any more. */
static void unlink_device(struct iommufd_host *host, const struct iommufd_device *device)
{
	struct iommufd_device **at = &host->devices;

	while (*at != device)
		at = &(*at)->next;
	*at = device->next;
}

/* With the host's lock: a device that was destroyed, and whose last user has left. */
static void end_device(struct iommufd_host *host, struct iommufd_device *device)
{
	unlink_device(host, device);
	close_device(device);
}

/* With the host's lock. */
static void forget(struct iommufd_host *host, struct iommufd_device *device)
{
	iommufd_put(host->fd, device->vdevice);
	device->vdevice = 0;
	device->has_guest_id = false;
	device->gone = true;
	if (!device->users)
		end_device(host, device);
}

/*
 * With the host's lock. A device that was destroyed, and is in use for another VM still, is found
 * by its address, and can be taken again. The file of one that was given may be another device's by
 * now.
 */
static struct iommufd_device *find(struct iommufd_host *host, const struct vfio_named *named)
{
	struct iommufd_device *device = host->devices;

	while (device && (!vfio_named_same(&device->named, named) || (device->gone && !named->address[0])))
		device = device->next;
	return device;
}

/*
 * With the host's lock: this device, or the next one that was not destroyed; NULL: there is none.
 */
static struct iommufd_device *usable_device(struct iommufd_device *device)
{
	while (device && device->gone)
		device = device->next;
	return device;
}

/*
 * Without the host's lock, as it may pin all of a VM's memory: other VMs do not wait for it. A
 * device that is destroyed meanwhile is closed by its last user.
 */
int iommufd_hwpt_any(struct iommufd_host *host, uint32_t ioas, uint32_t *id)
{
	struct iommufd_device *device, *next;
	int error = -ENODEV;

	*id = 0;
	port_lock(&host->lock);
	for (device = usable_device(host->devices); device && error && error != -ENOMEM; device = next) {
		device->users++;
		port_unlock(&host->lock);
		error = iommufd_hwpt_alloc(host->fd, device->id, ioas, 0, id);
		port_lock(&host->lock);
		next = usable_device(device->next);
		if (!--device->users && device->gone)
			end_device(host, device);
	}
	port_unlock(&host->lock);
	return error;
}

static void iommufd_device_destroy(struct host_device *device)
{
	struct iommufd_host *host = iommufd_host(device->host);

	port_lock(&host->lock);
	forget(host, iommufd_device(device));
	port_unlock(&host->lock);
}

static int iommufd_device_create(struct viommu_host *any, struct host_vm *vm, const void *data, struct host_device **out)
{
	struct iommufd_host *host = iommufd_host(any);
	struct iommufd_info info = { 0 };
	struct iommufd_device *device;
	struct vfio_named named;
	int error = vfio_named_take(&named, data, false, NULL);

	if (error)
		return error;
	port_lock(&host->lock);
	device = find(host, &named);
	if (!device)
		error = open_device(host, &named, &device, &info, NULL);
	else if (!device->held && !device->gone)
		error = -EEXIST;
	if (!error)
		device->held = device->gone = false;
	port_unlock(&host->lock);
	ranges_free(&info.usable);
	if (!error && (error = iommufd_vm_pin(iommufd_vm(vm))))
		iommufd_device_destroy(&device->device);
	if (!error)
		*out = &device->device;
	return error;
}

static int iommufd_device_fd(const struct host_device *device)
{
	return ((const struct iommufd_device *)(const void *)device)->fd;
}

static void iommufd_destroy(struct viommu_host *any)
{
	struct iommufd_host *host = iommufd_host(any);

	while (host->devices)
		forget(host, host->devices);
	if (host->own_fd && host->fd >= 0)
		close(host->fd);
	ranges_free(&host->usable);
	port_lock_destroy(&host->lock);
	free(host);
}

static const struct host_ops iommufd_ops = {
	.vm_create = iommufd_vm_create,
	.vm_destroy = iommufd_vm_destroy,
	.slot_add = iommufd_vm_add_slot,
	.slot_remove = iommufd_vm_remove_slot,
	.space_create = iommufd_space_create,
	.space_destroy = iommufd_space_destroy,
	.map = iommufd_space_map,
	.unmap = iommufd_space_unmap,
	.flush = iommufd_space_flush,
	.trim = iommufd_space_trim,
	.device_create = iommufd_device_create,
	.device_destroy = iommufd_device_destroy,
	.device_fd = iommufd_device_fd,
	.attach = iommufd_space_attach,
	.detach = iommufd_space_detach,
	.replace = iommufd_space_replace,
	.nest_create = iommufd_nest_create,
	.nest_invalidate = iommufd_nest_invalidate,
	.device_set_id = iommufd_device_set_id,
	.nest_fd = iommufd_nest_fd,
	.nest_event = iommufd_nest_event,
	.destroy = iommufd_destroy,
};

/* Takes over what the first device's IOMMU can do. */
static int describe(struct iommufd_host *host, struct iommufd_info *info, const struct vfio_why *why)
{
	if (!info->usable.number || info->alignment > VIOMMU_PAGE_SIZE)
		return vfio_say(why, -EOPNOTSUPP, "the IOMMU has no pages of 4 KiB (the smallest is %#llx)", (unsigned long long)info->alignment);
	host->usable = info->usable;
	memset(&info->usable, 0, sizeof(info->usable));
	host->empty_is_enoent = info->empty_is_enoent;
	host->host.usable = host->usable.range;
	host->host.usable_number = host->usable.number;
	host->host.caps = (struct viommu_host_caps){
		.size = sizeof(host->host.caps),
		.name = "iommufd",
		.dirty = info->dirty,
		/* The kernel uses larger pages where it can, but does not say which there are. */
		.page_sizes = VIOMMU_PAGE_SIZE,
		.first = host->usable.range[0].first,
		.last = host->usable.range[host->usable.number - 1].last,
		.entry_limit = VIOMMU_NO_LIMIT,
		.nests = info->nests ? VIOMMU_NESTS(info->nests->type) : 0,
		/* An IOAS of a device's own is for the device itself. */
		.pasid_bits = host->apart ? 0 : info->pasid_bits,
	};
	host->nests = info->nests;
	if (info->nests) {
		memcpy(host->nest_info, info->nest_info, sizeof(host->nest_info));
		host->host.nest = (struct host_nest){
			.type = info->nests->type,
			.entry_bytes = info->nests->entry_bytes,
			.event_bytes = info->nests->event_bytes,
			.info_bytes = info->nest_info_bytes,
			.info_least = info->nests->info_least,
			.info = host->nest_info,
		};
	}
	return 0;
}

static int open_iommufd(struct iommufd_host *host, int given, const struct vfio_why *why)
{
	host->fd = given;
	if (given >= 0)
		return 0;
	host->own_fd = true;
	host->fd = vfio_open(IOMMU_FILE);
	if (host->fd == -ENOENT || host->fd == -ENODEV)
		return vfio_say(why, -ENOENT,
				"this kernel has no iommufd (%s: %s): it was built without CONFIG_IOMMUFD, or the module iommufd is not loaded; "
				"the host type1 needs none",
				IOMMU_FILE, strerror(-host->fd));
	return host->fd < 0 ? vfio_say(why, host->fd, "%s: %s", IOMMU_FILE, strerror(-host->fd)) : 0;
}

int viommu_host_iommufd_create(const struct viommu_vfio_config *given, struct viommu_host **out)
{
	struct viommu_vfio_config config;
	struct iommufd_info info = { 0 };
	struct iommufd_device *device;
	struct iommufd_host *host;
	struct vfio_named named;
	struct vfio_why why;
	int error;

	if (!sized_in(&config, sizeof(config), VIOMMU_VFIO_CONFIG_SIZE_V0, given))
		return -EINVAL;
	why = (struct vfio_why){ .text = config.why, .bytes = config.why_bytes };
	vfio_say(&why, 0, "%s", "");
	error = vfio_named_take(&named, config.device, false, &why);
	if (error)
		return error;
	host = calloc(1, sizeof(*host));
	if (!host)
		return vfio_say(&why, -ENOMEM, "no memory");
	host->host.ops = &iommufd_ops;
#ifdef __s390__
	host->apart = true;
#endif
	port_lock_init(&host->lock);
	error = open_iommufd(host, config.iommu_fd, &why);
	if (!error)
		error = open_device(host, &named, &device, &info, &why);
	if (!error) {
		device->held = true;
		error = describe(host, &info, &why);
	}
	ranges_free(&info.usable);
	if (error) {
		iommufd_destroy(&host->host);
		return error;
	}
	*out = &host->host;
	return 0;
}
