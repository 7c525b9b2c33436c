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
 * struct viommu_vfio_device (vfio.h) for others; it is copied. 0; -ENOMEM; -EINVAL (data of unknown
 * size, or the host takes other data); -EEXIST (the host has made a device of it already); -ERANGE
 * (it cannot translate all IOVAs that the host's caps name); kernel: -EOPNOTSUPP, -EBUSY (vfio.h);
 * where the kernel was asked for it, the negative errno that the kernel gave.
 */
VIOMMU_API int viommu_device_create(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_device **out);

/*
 * Detaches and destroys a device with its readers. Never fails; the caller sees to it that no
 * reader is in use. NULL is allowed.
 */
VIOMMU_API void viommu_device_destroy(struct viommu_device *device);

/*
 * Has fn called when translations of a device, or of one of its PASIDs, were taken away: for a user
 * that keeps some outside the library (the IOTLB of a vhost device, a VFIO container of the VMM's).
 * After IOVAs first..last (inclusive) were reported, what was looked up before they were is not to
 * be used any more; looking up again tells what there is now.
 *
 * A range is reported before the call that took it away returns: after the host's flush, and after
 * the readers that were inside have left. Ranges of one flush are merged into a few, and may be
 * wider than what was taken away. When the device is detached, attached elsewhere, or destroyed
 * while attached, all IOVAs are reported. New translations are not reported. Where hardware walks
 * the guest's tables (nesting.h), nothing but an attach or a detach is seen, and reported.
 *
 * fn is called with locks of the library held, from whichever thread called the library: it must
 * not call it. fn NULL ends it; when that call has returned, the fn before is not running. 0;
 * -ENOMEM; -EOPNOTSUPP, -EINVAL (of a PASID, as viommu_reader_create()). Not between
 * viommu_reader_enter() and viommu_reader_leave().
 */
VIOMMU_API int viommu_device_set_notifier(struct viommu_device *device, uint32_t pasid, void (*fn)(void *ctx, uint64_t first, uint64_t last), void *ctx);

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
