/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shadow of s390's tables. */
#include "format/zpci.h"

#define VIOMMU_FORMAT zpci
#include "format/walk.h"
#include "core/shadow/refresh.h"
