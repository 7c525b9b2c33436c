// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Captures of VT-d, and the view of a device's tables. */
#include "format/vtdss.h"

#include <viommu/vtd_spec.h>

#define VIOMMU_FORMAT	  vtdss
#define TREE_IOMMU	  replay_vtd
#define TREE_GUEST	  CAPTURE_VTD
#define TREE_TAIL	  VIOMMU_VTD_IQT
#define TREE_TAIL_NAME	  "IQT"
#define TREE_CONTROL	  VIOMMU_VTD_GCMD
#define TREE_CONTROL_NAME "GCMD"
#include "tree.h"
