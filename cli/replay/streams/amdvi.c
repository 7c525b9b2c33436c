// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Captures of AMD-Vi, and the view of a device's tables. */
#include "format/amdv1.h"

#include <viommu/amdvi_spec.h>

#define VIOMMU_FORMAT	  amdv1
#define TREE_IOMMU	  replay_amdvi
#define TREE_GUEST	  CAPTURE_AMDVI
#define TREE_TAIL	  VIOMMU_AMDVI_CMD_TAIL
#define TREE_TAIL_NAME	  "CMD_TAIL"
#define TREE_CONTROL	  VIOMMU_AMDVI_CONTROL
#define TREE_CONTROL_NAME "CONTROL"
#include "tree.h"
