/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libviommu: nested I/O translation for virtual machines. Everything but the guest IOMMUs, which
 * have a header each (zpci.h, smmuv3.h, vtd.h, amdvi.h, virtio.h).
 */
#ifndef VIOMMU_H
#define VIOMMU_H

#include <viommu/types.h>
#include <viommu/vm.h>
#include <viommu/hosts.h>
#include <viommu/device.h>
#include <viommu/domain.h>
#include <viommu/mapped.h>
#include <viommu/nesting.h>
#include <viommu/reader.h>
#include <viommu/tracking.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of the library that runs, "major.minor.patch" (VIOMMU_VERSION_MAJOR in types.h). A
 * constant string.
 */
VIOMMU_API const char *viommu_version(void);

#ifdef __cplusplus
}
#endif
#endif
