/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shadow of AMD's tables for host translations. */
#include "format/amdv1.h"

#define VIOMMU_FORMAT amdv1
#include "format/walk.h"
#include "core/shadow/refresh.h"
