/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Devices, inside. */
#ifndef VIOMMU_CORE_DEVICE_H
#define VIOMMU_CORE_DEVICE_H

#include "core/attachment.h"
#include "core/vm.h"
#include "host/host.h"

struct viommu_device {
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct host_device *host_device;
	struct list in_vm;
	bool has_id; /* that hardware and the guest know it by; under the VM's lock */
	struct attachment self;
	struct list pasids; /* attachments; under the VM's lock */
	/* Of the guest IOMMU that the device belongs to, if any. */
	int (*fault)(void *ctx, const struct viommu_fault *fault);
	void *fault_ctx;
};

/*
 * With the VM's lock held. find: NULL if there is none. get: made if there is none; 0, -EOPNOTSUPP
 * or -EINVAL (the host's PASIDs), or -ENOMEM.
 */
struct attachment *device_find_attachment(struct viommu_device *device, uint32_t pasid);
int device_get_attachment(struct viommu_device *device, uint32_t pasid, struct attachment **out);

/*
 * Before the device has readers: what takes a fault of the device's access. It is called without
 * locks and outside of readers' sections. It returns 0 (translate again), DEVICE_FAULT_IGNORED (the
 * access ends without an error: loads yield zeros, stores are ignored) or a negative errno.
 */
#define DEVICE_FAULT_IGNORED 1
void device_set_fault(struct viommu_device *device, int (*fault)(void *ctx, const struct viommu_fault *fault), void *ctx);

/* reader.c. With the VM's lock held: frees a reader, which is in the list of its attachment. */
void reader_free(struct viommu_reader *reader);

#endif
