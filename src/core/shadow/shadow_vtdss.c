/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shadow of VT-d's second-stage tables. */
#include "format/vtdss.h"

#define VIOMMU_FORMAT vtdss
#include "format/walk.h"
#include "core/shadow/refresh.h"
