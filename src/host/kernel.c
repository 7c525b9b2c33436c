/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/kernel.h"

#include <viommu/vfio.h>

#include <errno.h>
#include <linux/vfio.h>
#include <linux/vfio_viommu.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/vfio_group.h"
#include "host/vfio_ioctl.h"
#include "host/vfio_named.h"
#include "port/sized.h"

/* A container is a VM's, and the device's file comes after it. */
static int take_address(char address[VFIO_ADDRESS_BYTES], const void *data, const struct vfio_why *why)
{
	struct vfio_named named;
	int error = vfio_named_take(&named, data, true, why);

	if (!error && !named.address[0])
		error = vfio_say(why, -EINVAL, "the host kernel takes a device by its address alone, and opens its files itself");
	memcpy(address, named.address, VFIO_ADDRESS_BYTES);
	return error;
}

/* With the host's lock. */
static int find_group(struct kernel_host *host, const struct vfio_found *found, struct kernel_group **out, const struct vfio_why *why)
{
	struct kernel_group *group = host->groups;

	while (group && group->number != (uint32_t)found->group)
		group = group->next;
	if (!group) {
		int fd = vfio_group_open(found, why);

		if (fd < 0)
			return fd;
		group = calloc(1, sizeof(*group));
		if (!group) {
			close(fd);
			return -ENOMEM;
		}
		group->number = (uint32_t)found->group;
		group->fd = fd;
		group->next = host->groups;
		host->groups = group;
	}
	*out = group;
	return 0;
}

/* With the host's lock: the device's group is the VM's from here on, and counts one device more. */
static int claim(struct kernel_host *host, const char *address, const struct vfio_found *found, struct kernel_vm *vm, struct kernel_group **out)
{
	int error;

	for (const struct kernel_device *device = host->devices; device; device = device->next)
		if (!strcmp(device->address, address))
			return -EEXIST;
	error = find_group(host, found, out, NULL);
	if (error)
		return error;
	if ((*out)->vm && (*out)->vm != vm)
		return -EBUSY;
	(*out)->vm = vm;
	(*out)->devices++;
	return 0;
}

/* With the VM's lock. */
static int open_device(struct kernel_vm *vm, struct kernel_device *device)
{
	int error = kernel_vm_join(vm, device->group);

	if (error)
		return error;
	device->fd = vfio_group_device(device->group->fd, device->address, NULL);
	return device->fd < 0 ? device->fd : 0;
}

static int create_device(struct kernel_vm *vm, struct kernel_device *device, const struct vfio_found *found)
{
	struct kernel_host *host = kernel_host(device->device.host);
	int error;

	port_lock(&vm->lock);
	port_lock(&host->lock);
	error = claim(host, device->address, found, vm, &device->group);
	port_unlock(&host->lock);
	if (!error) {
		error = open_device(vm, device);
		port_lock(&host->lock);
		if (error) {
			device->group->devices--;
		} else {
			device->next = host->devices;
			host->devices = device;
			if (!strcmp(device->address, host->first))
				device->group->held = false;
		}
		port_unlock(&host->lock);
		kernel_vm_settle(vm);
	}
	port_unlock(&vm->lock);
	return error;
}

static int kernel_device_create(struct viommu_host *host, struct host_vm *vm, const void *data, struct host_device **out)
{
	struct kernel_device *device = calloc(1, sizeof(*device));
	struct vfio_found found;
	int error;

	if (!device)
		return -ENOMEM;
	device->device.host = host;
	error = take_address(device->address, data, NULL);
	if (!error)
		error = vfio_find_device(device->address, &found, NULL);
	if (!error)
		error = create_device(kernel_vm(vm), device, &found);
	if (error) {
		free(device);
		return error;
	}
	*out = &device->device;
	return 0;
}

static void kernel_device_destroy(struct host_device *any)
{
	struct kernel_device *device = kernel_device(any), **at;
	struct kernel_host *host = kernel_host(any->host);
	struct kernel_vm *vm = device->group->vm;

	/* A group leaves its container only when none of its devices is open. */
	close(device->fd);
	port_lock(&vm->lock);
	port_lock(&host->lock);
	for (at = &host->devices; *at != device; at = &(*at)->next)
		;
	*at = device->next;
	device->group->devices--;
	port_unlock(&host->lock);
	kernel_vm_settle(vm);
	port_unlock(&vm->lock);
	free(device);
}

static int kernel_device_fd(const struct host_device *device)
{
	return ((const struct kernel_device *)(const void *)device)->fd;
}

static void kernel_destroy(struct viommu_host *any)
{
	struct kernel_host *host = kernel_host(any);

	while (host->devices) {
		struct kernel_device *device = host->devices;

		host->devices = device->next;
		close(device->fd);
		free(device);
	}
	while (host->groups) {
		struct kernel_group *group = host->groups;

		host->groups = group->next;
		close(group->fd);
		free(group);
	}
	ranges_free(&host->usable);
	port_lock_destroy(&host->lock);
	free(host);
}

static const struct host_ops kernel_ops = {
	.vm_create = kernel_vm_create,
	.vm_destroy = kernel_vm_destroy,
	.slot_add = kernel_vm_add_slot,
	.slot_remove = kernel_vm_remove_slot,
	.compose = kernel_compose,
	.refresh = kernel_refresh,
	.vm_pinned = kernel_vm_pinned,
	.space_destroy = kernel_space_destroy,
	.flush = kernel_flush,
	.device_create = kernel_device_create,
	.device_destroy = kernel_device_destroy,
	.device_fd = kernel_device_fd,
	.attach = kernel_attach,
	.detach = kernel_detach,
	.destroy = kernel_destroy,
};

/* A group's ranges do not change: as many are written as there were. */
int kernel_ask(int container, uint32_t group, struct ranges *usable, const struct vfio_why *why)
{
	struct vfio_viommu_info info = { .argsz = sizeof(info), .group = group };
	struct vfio_viommu_range *ranges;
	int error = vfio_ioctl(container, VFIO_VIOMMU_INFO, &info);

	if (error)
		return vfio_say(why, error, "the module does not say what it can do (VFIO_VIOMMU_INFO): %s", strerror(-error));
	/* There may be none, and then calloc() may return NULL. */
	ranges = calloc((size_t)info.out_ranges + 1, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	info.ranges = info.out_ranges;
	info.ranges_uptr = (uint64_t)(uintptr_t)ranges;
	error = vfio_ioctl(container, VFIO_VIOMMU_INFO, &info);
	for (uint32_t i = 0; !error && i < info.ranges; i++)
		error = ranges_add(usable, ranges[i].first, ranges[i].last);
	free(ranges);
	if (!error && !usable->number)
		return vfio_say(why, -EOPNOTSUPP, "the IOMMU translates no page for group %u", group);
	return error ? vfio_say(why, error, "what the module says of itself cannot be understood (VFIO_VIOMMU_INFO): %s", strerror(-error)) : 0;
}

/* In a container of its own, which is left again: which VM's the group will be in is not known. */
static int try_group(struct kernel_host *host, struct kernel_group *group, int container, const struct vfio_why *why)
{
	bool set = false;
	int error;

	if (vfio_ioctl_number(container, VFIO_CHECK_EXTENSION, VFIO_VIOMMU_PAGED_IOMMU) <= 0)
		return vfio_say(why, -EOPNOTSUPP,
				"this kernel has no module viommu loaded: modprobe viommu (`./run module' builds it, linux/README.md); else take the host "
				"iommufd or type1");
	error = vfio_group_enter(group->fd, container, false, host->first, &set, why);
	if (error)
		return error;
	error = vfio_ioctl_number(container, VFIO_SET_IOMMU, VFIO_VIOMMU_PAGED_IOMMU);
	if (error < 0)
		vfio_say(why, error, "the container of %s does not take the module viommu for its driver (VFIO_SET_IOMMU): %s%s", host->first, strerror(-error),
			 error == -EPERM ? "; without interrupt remapping that needs viommu.allow_unsafe_interrupts=1" : "");
	else
		error = kernel_ask(container, group->number, &host->usable, why);
	vfio_ioctl_number(group->fd, VFIO_GROUP_UNSET_CONTAINER, 0);
	return error;
}

static int hold_first(struct kernel_host *host, const struct vfio_why *why)
{
	struct kernel_group *group;
	struct vfio_found found;
	int error = vfio_find_device(host->first, &found, why), container;

	if (error)
		return error;
	error = find_group(host, &found, &group, why);
	if (error)
		return error;
	group->held = true;
	container = vfio_container_open("vfio and viommu", why);
	if (container < 0)
		return container;
	error = try_group(host, group, container, why);
	close(container);
	return error;
}

static void describe(struct kernel_host *host)
{
	host->host.usable = host->usable.range;
	host->host.usable_number = host->usable.number;
	host->host.caps = (struct viommu_host_caps){
		.size = sizeof(host->host.caps),
		.name = "kernel",
		.split = true,
		.page_sizes = VIOMMU_PAGE_SIZE,
		.first = host->usable.range[0].first,
		.last = host->usable.range[host->usable.number - 1].last,
		.entry_limit = VIOMMU_NO_LIMIT,
	};
}

int viommu_host_kernel_create(const struct viommu_vfio_config *given, struct viommu_host **out)
{
	struct viommu_vfio_config config;
	struct kernel_host *host;
	struct vfio_why why;
	int error;

	if (!sized_in(&config, sizeof(config), VIOMMU_VFIO_CONFIG_SIZE_V0, given))
		return -EINVAL;
	why = (struct vfio_why){ .text = config.why, .bytes = config.why_bytes };
	vfio_say(&why, 0, "%s", "");
	if (config.iommu_fd >= 0)
		return vfio_say(&why, -EINVAL, "the host kernel has no use for an iommufd");
	host = calloc(1, sizeof(*host));
	if (!host)
		return vfio_say(&why, -ENOMEM, "no memory");
	host->host.ops = &kernel_ops;
	port_lock_init(&host->lock);
	error = take_address(host->first, config.device, &why);
	if (!error)
		error = hold_first(host, &why);
	if (error) {
		kernel_destroy(&host->host);
		return error;
	}
	describe(host);
	*out = &host->host;
	return 0;
}
