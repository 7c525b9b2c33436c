/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shadow of the tables of x86-64. */
#include "format/x86_64.h"

#define VIOMMU_FORMAT x86_64
#include "format/walk.h"
#include "core/shadow/refresh.h"
