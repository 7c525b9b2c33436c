/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* arm64_64k: Arm's tables of stage 1 with the granule of 64 KiB. arm64.h says what they are. */
#ifndef VIOMMU_FORMAT_ARM64_64K_H
#define VIOMMU_FORMAT_ARM64_64K_H

#define ARM64_FORMAT  arm64_64k
#define ARM64_GRANULE 16
#include "format/arm64.h"

#endif
