/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <viommu/viommu.h>

const char *viommu_version(void)
{
	return VIOMMU_VERSION;
}
