// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * IOMMU groups (/sys/kernel/iommu_groups) and the devices in them, and PCI devices that are in
 * none. A group is given to VFIO as a whole: a device in it whose driver does DMA on the kernel's
 * behalf keeps all of it (Linux, Documentation/driver-api/vfio.rst).
 */
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_FOLDER "/sys/kernel/iommu_groups"
#define PCI_FOLDER    "/sys/bus/pci/devices"

struct reading {
	struct probe *probe;
	char folder[PATH_MAX]; /* of a group's devices */
	int32_t group;
};

/*
 * Drivers that leave the device's DMA to VFIO. VFIO's own variants have "vfio" in their names, and
 * since Linux 6.1 create a folder vfio-dev.
 */
static bool is_vfio_driver(const char *driver)
{
	return strstr(driver, "vfio") && strcmp(driver, "vfio") != 0;
}

static void take_cdev(void *ctx, const char *name)
{
	struct probe_device *device = ctx;

	if (!strncmp(name, "vfio", 4) && strlen(name) < sizeof(device->cdev))
		probe_printable(device->cdev, sizeof(device->cdev), name);
}

static void read_text(const struct probe *probe, const char *device, const char *file, char *text, size_t bytes)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s", device, file);

	*text = '\0';
	if (length > 0 && length < PATH_MAX)
		probe_line(&probe->tree, path, text, bytes);
}

static uint32_t read_hex(const struct probe *probe, const char *device, const char *file)
{
	char text[PROBE_NAME];
	char *end;

	read_text(probe, device, file, text, sizeof(text));
	unsigned long value = strtoul(text, &end, 16);
	return end == text || *end || value > UINT32_MAX ? 0 : (uint32_t)value;
}

/*
 * Drivers that bind a device without using its DMA (Linux: driver_managed_dma in struct pci_driver,
 * and pci-stub).
 */
static bool leaves_dma_alone(const struct probe_device *device)
{
	return !*device->driver || device->vfio || !strcmp(device->driver, "pci-stub") || (device->bridge && !strcmp(device->driver, "pcieport"));
}

static void read_device(const struct probe *probe, const char *folder, struct probe_device *device)
{
	char path[PATH_MAX], subsystem[PROBE_NAME];

	if (snprintf(path, sizeof(path), "%s/driver", folder) < PATH_MAX)
		probe_link(&probe->tree, path, device->driver, sizeof(device->driver));
	if (snprintf(path, sizeof(path), "%s/subsystem", folder) < PATH_MAX && probe_link(&probe->tree, path, subsystem, sizeof(subsystem)))
		device->pci = !strcmp(subsystem, "pci");
	if (snprintf(path, sizeof(path), "%s/vfio-dev", folder) < PATH_MAX)
		probe_each(&probe->tree, path, take_cdev, device);
	uint32_t vendor = read_hex(probe, folder, "vendor"), model = read_hex(probe, folder, "device");
	if (vendor)
		snprintf(device->ids, sizeof(device->ids), "%04x:%04x", vendor & 0xffff, model & 0xffff);
	device->class = read_hex(probe, folder, "class") & 0xffffff;
	read_text(probe, folder, "function_id", device->function_id, sizeof(device->function_id));
	device->vfio = *device->driver && (*device->cdev || is_vfio_driver(device->driver));
	device->bridge = device->class >> 16 == 0x06;
	device->in_the_way = !leaves_dma_alone(device);
}

static void add_device(void *ctx, const char *name)
{
	struct reading *reading = ctx;
	struct probe_devices *all = &reading->probe->devices;
	char path[PATH_MAX];

	if (strlen(name) >= PROBE_NAME || !probe_path(path, reading->folder, name, ""))
		return;
	if (all->device_count == PROBE_DEVICES) {
		all->cut = true;
		return;
	}
	struct probe_device *device = &all->devices[all->device_count];
	*device = (struct probe_device){ .group = reading->group };
	strcpy(device->address, name);
	read_device(reading->probe, path, device);
	all->device_count++;
}

/* A PCI device that is in no group. */
static void add_ungrouped(void *ctx, const char *name)
{
	struct reading *reading = ctx;
	char path[PATH_MAX];

	if (probe_path(path, PCI_FOLDER, name, "/iommu_group") && probe_exists(&reading->probe->tree, path))
		return;
	uint32_t before = reading->probe->devices.device_count;
	add_device(ctx, name);
	if (reading->probe->devices.device_count > before)
		reading->probe->devices.devices[before].pci = true;
}

static void add_group(void *ctx, const char *name)
{
	struct probe *probe = ctx;
	struct probe_devices *all = &probe->devices;
	struct reading reading = { .probe = probe, .group = (int32_t)all->group_count };
	char path[PATH_MAX], text[PROBE_NAME];

	if (strlen(name) >= PROBE_NAME || !probe_path(reading.folder, GROUPS_FOLDER, name, "/devices"))
		return;
	if (all->group_count == PROBE_GROUPS) {
		all->cut = true;
		return;
	}
	struct probe_group *group = &all->groups[all->group_count++];
	*group = (struct probe_group){ .first = all->device_count };
	strcpy(group->name, name);
	if (probe_path(path, GROUPS_FOLDER, name, "/type"))
		probe_line(&probe->tree, path, group->type, sizeof(group->type));
	if (probe_path(path, GROUPS_FOLDER, name, "/name") && probe_line(&probe->tree, path, text, sizeof(text)))
		group->no_iommu = !strcmp(text, "vfio-noiommu");
	probe_each(&probe->tree, reading.folder, add_device, &reading);
	group->count = all->device_count - group->first;
}

int probe_read_devices(struct probe *probe)
{
	struct probe_devices *all = &probe->devices;
	struct reading ungrouped = { .probe = probe, .folder = PCI_FOLDER, .group = -1 };

	all->groups = calloc(PROBE_GROUPS, sizeof(*all->groups));
	all->devices = calloc(PROBE_DEVICES, sizeof(*all->devices));
	if (!all->groups || !all->devices)
		return -ENOMEM;
	probe_each(&probe->tree, GROUPS_FOLDER, add_group, probe);
	probe_each(&probe->tree, PCI_FOLDER, add_ungrouped, &ungrouped);
	return 0;
}

/* Lines are "0x00000000fee00000 0x00000000feefffff msi". */
void probe_reserved(const struct probe_tree *tree, const struct probe_group *group, struct probe_reserved reserved[PROBE_RESERVED], uint32_t *count)
{
	char path[PATH_MAX];
	char *rest = NULL, *text = NULL;

	*count = 0;
	if (probe_path(path, GROUPS_FOLDER, group->name, "/reserved_regions"))
		text = probe_load(tree, path, 65536);
	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line && *count < PROBE_RESERVED; line = strtok_r(NULL, "\n", &rest)) {
		struct probe_reserved *region = &reserved[*count];
		char *end;
		region->first = strtoull(line, &end, 16);
		if (end == line || *end != ' ')
			continue;
		line = end;
		region->last = strtoull(line, &end, 16);
		if (end == line || *end != ' ' || region->last < region->first)
			continue;
		probe_printable(region->type, sizeof(region->type), end + 1);
		++*count;
	}
	free(text);
}

/*
 * The kind of a device (PCI Code and ID Assignment Specification, "Class Codes"). A user reads it
 * before taking the device from its driver.
 */
const char *probe_class_name(uint32_t class)
{
	static const struct {
		uint32_t mask, class;
		const char *name;
	} names[] = {
		{ 0xffff00, 0x010800, "NVMe" },	   { 0xff0000, 0x010000, "storage" },	    { 0xff0000, 0x020000, "network" },
		{ 0xff0000, 0x030000, "display" }, { 0xff0000, 0x040000, "multimedia" },    { 0xff0000, 0x050000, "memory" },
		{ 0xff0000, 0x060000, "bridge" },  { 0xff0000, 0x070000, "communication" }, { 0xff0000, 0x080000, "system" },
		{ 0xffff00, 0x0c0300, "USB" },	   { 0xff0000, 0x0c0000, "serial bus" },    { 0xff0000, 0x120000, "accelerator" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((class & names[i].mask) == names[i].class)
			return names[i].name;
	}
	return "";
}
