/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The watcher that runs the library's SMMU beside QEMU's, and compares.
 */
#ifndef VIOMMU_WATCH_SMMUV3_CHECKER_H
#define VIOMMU_WATCH_SMMUV3_CHECKER_H

#include "arguments.h"
#include "observation.h"

/* NULL if that fails, with a message on stderr. The arguments are to stay. */
struct watcher *smmu_checker_create(const struct arguments *arguments);

#endif
