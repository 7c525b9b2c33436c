/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The plugin as QEMU loads it. docs/recording.md and docs/live.md describe its use. Each guest IOMMU
 * has a folder here; QEMU's target says which one the guest has.
 */
#include <string.h>

#include "arguments.h"
#include "observer.h"
#include "qemu_plugin_api.h"
#include "timing.h"

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

/* Callbacks are given a pointer's worth of data, in which the address of a block must fit. */
_Static_assert(sizeof(void *) == 8, "the plugin is for hosts of 64 bits");

static const struct observer_ops *const guests[] = { &zpci_observer_ops, &smmuv3_observer_ops };

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_plugin_info *info, int argc, char **argv)
{
	static struct arguments arguments;
	size_t i;

	timing_start();
	for (i = 0; info->system_emulation && i < sizeof(guests) / sizeof(guests[0]); i++) {
		if (strcmp(info->target_name, guests[i]->target))
			continue;
		return arguments_parse(&arguments, argc, argv) ? -1 : observer_start(guests[i], &arguments, id, info);
	}
	return arguments_complain("this plugin watches whole machines of s390x and aarch64, and not ", info->target_name);
}
