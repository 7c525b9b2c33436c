// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One device: its files, and the reports of the library's hosts that have opened it. Only a device
 * that is bound to a VFIO driver is opened, so that nothing is bound or loaded. A device that
 * another process uses yields -EBUSY.
 */
#include "probe.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void read_nodes(struct probe *probe, struct probe_chosen *chosen)
{
	char path[PATH_MAX];

	if (chosen->group && probe_path(path, "/dev/vfio", chosen->group->name, "")) {
		snprintf(chosen->group_node, sizeof(chosen->group_node), "%.63s", path);
		chosen->group_rights = probe_rights(&probe->tree, path);
	}
	if (*chosen->device->cdev && probe_path(path, "/dev/vfio/devices", chosen->device->cdev, "")) {
		snprintf(chosen->cdev_node, sizeof(chosen->cdev_node), "%.63s", path);
		chosen->cdev_rights = probe_rights(&probe->tree, path);
	}
}

/* True if no device in its group keeps the device from VFIO. */
static bool is_viable(const struct probe *probe)
{
	const struct probe_chosen *chosen = &probe->chosen;

	if (!chosen->group || chosen->group->no_iommu || !chosen->device->vfio)
		return false;
	for (uint32_t i = 0; i < chosen->group->count; i++) {
		if (probe->devices.devices[chosen->group->first + i].in_the_way)
			return false;
	}
	return true;
}

bool probe_choose(struct probe *probe, const char *address)
{
	struct probe_chosen *chosen = &probe->chosen;

	for (uint32_t i = 0; i < probe->devices.device_count && !chosen->device; i++) {
		const struct probe_device *device = &probe->devices.devices[i];
		if (device->pci && !strcmp(device->address, address))
			chosen->device = device;
	}
	if (!chosen->device)
		return false;
	chosen->group = chosen->device->group < 0 ? NULL : &probe->devices.groups[chosen->device->group];
	chosen->group_rights = chosen->cdev_rights = PROBE_UNKNOWN;
	read_nodes(probe, chosen);
	if (chosen->group)
		probe_reserved(&probe->tree, chosen->group, chosen->reserved, &chosen->reserved_count);
	chosen->kernel.name = "kernel";
	chosen->type1.name = "type1";
	chosen->iommufd.name = "iommufd";
	return true;
}

static void ask(struct probe_host *host, const char *address, int (*create)(const struct viommu_vfio_config *config, struct viommu_host **out))
{
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .device = &device };
	struct viommu_host *made;

	device.address = address;
	config.why = host->why;
	config.why_bytes = sizeof(host->why);
	host->tried = true;
	host->error = create(&config, &made);
	if (host->error) {
		if (!*host->why)
			snprintf(host->why, sizeof(host->why), "%s", strerror(-host->error));
		return;
	}
	*host->why = '\0';
	host->caps = (struct viommu_host_caps){ .size = sizeof(host->caps) };
	viommu_host_caps(made, &host->caps);
	host->range_count = viommu_host_ranges(made, host->ranges, PROBE_RANGES);
	viommu_host_destroy(made);
}

static void not_tried(struct probe_host *host, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void not_tried(struct probe_host *host, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(host->why, sizeof(host->why), format, args);
	va_end(args);
}

/* Whether a host can be queried. If not, stores the reason. */
static bool can_ask(const struct probe *probe, struct probe_host *host, const struct probe_interface *interface, const char *node, enum probe_answer rights)
{
	if (probe->tree.root)
		not_tried(host, "these are another machine's files");
	else if (!probe->chosen.group)
		not_tried(host, "the device is behind no IOMMU");
	else if (!probe->chosen.device->vfio)
		not_tried(host, "the device is bound to no VFIO driver");
	else if (!interface->usable)
		not_tried(host, "%s cannot be used here", interface->name);
	else if (rights == PROBE_UNKNOWN)
		not_tried(host, *node ? "there is no %s" : "the kernel has made no node for the device", node);
	else if (rights == PROBE_NO)
		not_tried(host, "you may not open %s", node);
	else
		return true;
	return false;
}

void probe_open(struct probe *probe)
{
	struct probe_chosen *chosen = &probe->chosen;
	const char *address = chosen->device->address;

	if (can_ask(probe, &chosen->kernel, &probe->module, chosen->group_node, chosen->group_rights))
		ask(&chosen->kernel, address, viommu_host_kernel_create);
	if (can_ask(probe, &chosen->type1, &probe->type1, chosen->group_node, chosen->group_rights))
		ask(&chosen->type1, address, viommu_host_type1_create);
	if (can_ask(probe, &chosen->iommufd, &probe->iommufd, chosen->cdev_node, chosen->cdev_rights))
		ask(&chosen->iommufd, address, viommu_host_iommufd_create);
	if (chosen->iommufd.tried && !chosen->iommufd.error && probe_has_smmuv3(&probe->machine))
		probe_ask_smmuv3(chosen->cdev_node, &chosen->smmuv3);
	if (probe->tree.root)
		chosen->ready = is_viable(probe) && (((probe->type1.usable || probe->module.usable) && chosen->group_rights == PROBE_YES) ||
						     (probe->iommufd.usable && chosen->cdev_rights == PROBE_YES));
	else
		chosen->ready = (chosen->kernel.tried && !chosen->kernel.error) || (chosen->type1.tried && !chosen->type1.error) ||
				(chosen->iommufd.tried && !chosen->iommufd.error);
}
