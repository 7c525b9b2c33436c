/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The soft host's tables, in VT-d's second-stage format. */
#include "host/soft.h"

#define VIOMMU_FORMAT vtdss
#include "format/vtdss.h"
#include "host/table.h"
