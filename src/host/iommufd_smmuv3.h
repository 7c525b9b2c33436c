/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_HOST_IOMMUFD_SMMUV3_H
#define VIOMMU_HOST_IOMMUFD_SMMUV3_H

#include "host/iommufd.h"

extern const struct iommufd_nest_type iommufd_smmuv3;

#endif
