/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Watching an arm64 guest.
 */
#ifndef VIOMMU_WATCH_SMMUV3_CALLBACKS_H
#define VIOMMU_WATCH_SMMUV3_CALLBACKS_H

#include "arguments.h"
#include "qemu_plugin_api.h"

/* Asks QEMU for what is needed of such a guest. 0, or -1 after complaining. The arguments are to stay. */
int smmuv3_watch(qemu_plugin_id_t id, const struct qemu_plugin_info *info, const struct arguments *arguments);

#endif
