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
};

#endif
