/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shadow of Arm's stage 1 tables with a granule of 4 KiB. */
#include "format/arm64_4k.h"

#define VIOMMU_FORMAT arm64_4k
#include "format/walk.h"
#include "core/shadow/refresh.h"
