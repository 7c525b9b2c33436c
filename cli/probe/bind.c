// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Obstacles between the chosen device and VFIO: its driver, others in its group, rights, firmware,
 * and the kernel's answer to opening it.
 */
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/*
 * Linux, Documentation/ABI/testing/sysfs-bus-pci: driver_override keeps every other driver away
 * from the device.
 */
static void bind_commands(struct probe_advice *advice, const struct probe_device *device)
{
	probe_command(advice, "modprobe vfio-pci");
	probe_command(advice, "echo vfio-pci > /sys/bus/pci/devices/%s/driver_override", device->address);
	if (*device->driver)
		probe_command(advice, "echo %s > /sys/bus/pci/devices/%s/driver/unbind", device->address, device->address);
	probe_command(advice, "echo %s > /sys/bus/pci/drivers_probe", device->address);
}

static void advise_binding(struct probe *probe, const struct probe_device *device)
{
	const char *class = probe_class_name(device->class);

	if (device->bridge) {
		probe_advice_add(probe, "bridge", true, "%s is a bridge, which cannot be given away.", device->address);
		return;
	}
	struct probe_advice *advice;
	if (*device->driver)
		advice = probe_advice_add(probe, "bind", true, "%s is bound to %s: bind it to vfio-pci. This machine then has no use of it any more%s%s%s.",
					  device->address, device->driver, *class ? " (" : "", class, *class ? ")" : "");
	else
		advice = probe_advice_add(probe, "bind", true, "%s is bound to no driver: bind it to vfio-pci.", device->address);
	bind_commands(advice, device);
}

static void advise_group(struct probe *probe, const struct probe_chosen *chosen)
{
	for (uint32_t i = 0; i < chosen->group->count; i++) {
		const struct probe_device *other = &probe->devices.devices[chosen->group->first + i];
		if (other == chosen->device || !other->in_the_way)
			continue;
		struct probe_advice *advice = probe_advice_add(probe, "bind-group", true,
							       "%s is in the same group, %s, and bound to %s: devices of a group can reach each other, so that "
							       "it must be bound to vfio-pci, too, or to no driver.",
							       other->address, chosen->group->name, other->driver);
		bind_commands(advice, other);
	}
}

static void advise_node(struct probe *probe, const char *node, enum probe_answer rights, bool needed)
{
	if (!*node || rights != PROBE_NO)
		return;
	struct probe_advice *advice = probe_advice_add(probe, "rights", needed, "You may not read and write %s.", node);
	probe_command(advice, "setfacl -m u:%" PRIu64 ":rw %s", probe->tree.uid, node);
}

/* The kernel's answer. */
static void advise_failure(struct probe *probe, const struct probe_host *host, const char *module, const char *node)
{
	struct probe_advice *advice;

	if (!host->tried || !host->error)
		return;
	switch (host->error) {
	case -EBUSY:
		advice = probe_advice_add(probe, "busy", !probe->chosen.ready, "%s: another process has the device.", host->name);
		probe_command(advice, "fuser -v %s", node);
		break;
	case -EPERM:
		advice = probe_advice_add(
			probe, "interrupts", !probe->chosen.ready,
			"%s: the kernel refuses. If this machine cannot remap interrupts, a device that is given away can send any interrupt. If "
			"you trust it with that, allow it.",
			host->name);
		probe_command(advice, "echo 1 > /sys/module/%s/parameters/allow_unsafe_interrupts", module);
		break;
	default:
		probe_advice_add(probe, "failed", !probe->chosen.ready, "%s: %s", host->name, host->why);
		break;
	}
}

void probe_advise_device(struct probe *probe)
{
	const struct probe_chosen *chosen = &probe->chosen;

	if (!chosen->group || chosen->group->no_iommu) {
		if (probe->machine.iommu_count || probe->devices.group_count)
			probe_advice_add(probe, "no-group", true, "%s is behind none of this machine's IOMMUs.", chosen->device->address);
		return;
	}
	for (uint32_t i = 0; i < chosen->reserved_count; i++) {
		if (!strcmp(chosen->reserved[i].type, "direct"))
			probe_advice_add(probe, "direct-region", true,
					 "Firmware wants %s to reach 0x%" PRIx64 "-0x%" PRIx64
					 " at all times (RMRR), and the kernel gives no such device away. Some "
					 "firmware has a setting for it.",
					 chosen->device->address, chosen->reserved[i].first, chosen->reserved[i].last);
	}
	if (!chosen->device->vfio)
		advise_binding(probe, chosen->device);
	advise_group(probe, chosen);
	if (!chosen->device->vfio)
		return;
	advise_node(probe, chosen->group_node, chosen->group_rights, !chosen->ready);
	advise_node(probe, chosen->cdev_node, chosen->cdev_rights, !chosen->ready);
	advise_failure(probe, &chosen->kernel, "viommu", chosen->group_node);
	advise_failure(probe, &chosen->type1, "vfio_iommu_type1", chosen->group_node);
	advise_failure(probe, &chosen->iommufd, "iommufd", chosen->cdev_node);
}
