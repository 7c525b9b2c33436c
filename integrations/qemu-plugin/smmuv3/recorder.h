/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The watcher that writes a capture of a guest with an SMMUv3.
 */
#ifndef VIOMMU_WATCH_SMMUV3_RECORDER_H
#define VIOMMU_WATCH_SMMUV3_RECORDER_H

#include "observation.h"

/* Creates the file. NULL if that fails, with a message on stderr. level: as capture_writer_open() takes it. */
struct watcher *smmu_recorder_create(const char *path, int level);

#endif
