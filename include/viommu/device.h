/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A device that the guest was given. From its creation it is blocked: it reaches nothing until it
 * is attached to a domain (domain.h) of the same VM and host, and again after it was detached. It
 * is attached to one at the most; attaching it to another moves it. Each of its PASIDs is attached
 * in the same way, on its own.
 */
#ifndef VIOMMU_DEVICE_H
#define VIOMMU_DEVICE_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Makes a device on a host for a VM. data says which one, in the host's own terms: NULL for soft, a
 * struct viommu_vfio_device (vfio.h) for type1 and iommufd; it is copied. 0; -ENOMEM; -EINVAL (data
 * of no known size, or the host takes other data); -EEXIST (the host has made a device of it
 * already); -ERANGE (it cannot translate all IOVAs that the host's caps name); where the kernel was
 * asked for it, the negative errno that the kernel gave.
 */
VIOMMU_API int viommu_device_create(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_device **out);

/*
 * Detaches and destroys a device with its readers. Never fails; the caller sees to it that no
 * reader is in use. NULL is allowed.
 */
VIOMMU_API void viommu_device_destroy(struct viommu_device *device);

/*
 * Takes a device, or one of its PASIDs, from whatever it is attached to, nothing included. When
 * this returns it reaches nothing, and no reader of it is inside a translation. 0, or -EIO where
 * the host refused: it is then still attached.
 */
VIOMMU_API int viommu_device_detach(struct viommu_device *device, uint32_t pasid);

#ifdef __cplusplus
}
#endif
#endif
