// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's interfaces for translations: type1 (/dev/vfio/vfio), iommufd (/dev/iommu), and the
 * module viommu, which the host kernel uses in the place of type1. Whether the node of each exists,
 * and if not, the reason in modules and the kernel's
 * configuration.
 */
#include "probe.h"

#include <stdlib.h>
#include <string.h>

static void read_parameter(const struct probe_tree *tree, const char *path, char *text, size_t bytes)
{
	probe_line(tree, path, text, bytes);
}

static enum probe_answer read_flag(const struct probe_tree *tree, const char *path)
{
	char text[8];

	read_parameter(tree, path, text, sizeof(text));
	if (!*text)
		return PROBE_UNKNOWN;
	return *text == 'Y' || *text == '1' ? PROBE_YES : PROBE_NO;
}

static void read_interface(const struct probe *probe, struct probe_interface *interface)
{
	interface->present = probe_exists(&probe->tree, interface->node);
	interface->rights = probe_rights(&probe->tree, interface->node);
	for (unsigned int i = 0; i < PROBE_INTERFACE_PARTS && interface->modules[i].name; i++)
		interface->modules[i].state = probe_module(&probe->tree, &probe->kernel, interface->modules[i].name);
	for (unsigned int i = 0; i < PROBE_INTERFACE_PARTS && interface->options[i].name; i++)
		interface->options[i].value = probe_option(&probe->kernel, interface->options[i].name);
}

static enum probe_module state_of(const struct probe_interface *interface, const char *name)
{
	for (unsigned int i = 0; i < PROBE_INTERFACE_PARTS && interface->modules[i].name; i++) {
		if (!strcmp(interface->modules[i].name, name))
			return interface->modules[i].state;
	}
	return PROBE_MODULE_UNKNOWN;
}

/*
 * In memory, as far as is known: a built-in module without parameters appears only in a list that
 * may be missing.
 */
static bool is_running(enum probe_module state)
{
	return state == PROBE_MODULE_LOADED || state == PROBE_MODULE_BUILT_IN;
}

void probe_read_interfaces(struct probe *probe)
{
	char text[PROBE_NAME];

	probe->type1 = (struct probe_interface){
		.name = "type1",
		.node = "/dev/vfio/vfio",
		.modules = { { .name = "vfio" }, { .name = "vfio_iommu_type1" }, { .name = "vfio_pci" } },
		.options = { { .name = "VFIO" },
			     { .name = "VFIO_GROUP" },
			     { .name = "VFIO_CONTAINER" },
			     { .name = "VFIO_IOMMU_TYPE1" },
			     { .name = "VFIO_PCI" } },
	};
	read_interface(probe, &probe->type1);
	probe->type1.unsafe_interrupts = read_flag(&probe->tree, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	read_parameter(&probe->tree, "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", text, sizeof(text));
	cli_parse_count(text, &probe->type1.entry_limit);

	probe->iommufd = (struct probe_interface){
		.name = "iommufd",
		.node = "/dev/iommu",
		.modules = { { .name = "iommufd" }, { .name = "vfio" }, { .name = "vfio_pci" } },
		.options = { { .name = "IOMMUFD" },
			     { .name = "VFIO" },
			     { .name = "VFIO_DEVICE_CDEV" },
			     { .name = "IOMMUFD_VFIO_CONTAINER" },
			     { .name = "VFIO_PCI" } },
	};
	read_interface(probe, &probe->iommufd);
	probe->iommufd.unsafe_interrupts = read_flag(&probe->tree, "/sys/module/iommufd/parameters/allow_unsafe_interrupts");

	probe->module = (struct probe_interface){
		.name = "kernel",
		.node = "/dev/vfio/vfio",
		.modules = { { .name = "vfio" }, { .name = "viommu" }, { .name = "vfio_pci" } },
		.options = { { .name = "VFIO" }, { .name = "VFIO_GROUP" }, { .name = "VFIO_CONTAINER" }, { .name = "VFIO_PCI" } },
	};
	read_interface(probe, &probe->module);
	probe->module.unsafe_interrupts = read_flag(&probe->tree, "/sys/module/viommu/parameters/allow_unsafe_interrupts");
	probe->module.usable = probe->module.rights == PROBE_YES && is_running(state_of(&probe->module, "viommu"));

	/*
	 * iommufd may provide /dev/vfio/vfio itself (IOMMUFD_VFIO_CONTAINER), and then there is no
	 * module for type1.
	 */
	bool container = is_running(state_of(&probe->type1, "vfio_iommu_type1")) || probe_option(&probe->kernel, "IOMMUFD_VFIO_CONTAINER") == 'y';
	probe->type1.usable = probe->type1.rights == PROBE_YES && container;
	/* Without device files of its own, no VFIO device can be bound to iommufd. */
	probe->iommufd.usable = probe->iommufd.rights == PROBE_YES && !probe_option_is_off(probe_option(&probe->kernel, "VFIO_DEVICE_CDEV"));
}
