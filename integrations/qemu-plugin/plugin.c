/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The plugin as QEMU loads it. docs/recording.md and docs/live.md tell how to use it. What is watched, and how, is a matter of the guest's IOMMU, each of
 * which has a folder here.
 */
#include <string.h>

#include "arguments.h"
#include "qemu_plugin_api.h"
#include "smmuv3/callbacks.h"
#include "timing.h"
#include "zpci/callbacks.h"

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

/* Callbacks are given a pointer's worth of data, where the address of a block has to fit in. */
_Static_assert(sizeof(void *) == 8, "the plugin is for hosts of 64 bits");

/* By QEMU's names of targets. */
static const struct {
	const char *target;
	int (*watch)(qemu_plugin_id_t id, const struct qemu_plugin_info *info, const struct arguments *arguments);
} guests[] = {
	{ "s390x", zpci_watch },
	{ "aarch64", smmuv3_watch },
};

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_plugin_info *info, int argc, char **argv)
{
	static struct arguments arguments;
	size_t i;

	timing_start();
	for (i = 0; info->system_emulation && i < sizeof(guests) / sizeof(guests[0]); i++) {
		if (strcmp(info->target_name, guests[i].target))
			continue;
		return arguments_parse(&arguments, argc, argv) ? -1 : guests[i].watch(id, info, &arguments);
	}
	return arguments_complain("this plugin watches whole machines of s390x and aarch64, and not ", info->target_name);
}
