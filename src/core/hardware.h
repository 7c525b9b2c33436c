/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Domains whose tables hardware walks. */
#ifndef VIOMMU_CORE_HARDWARE_H
#define VIOMMU_CORE_HARDWARE_H

#include <viommu/nesting.h>

#include "core/domain.h"

/*
 * data says to the host where the guest's tables are. What hardware kept of them before is still in
 * its caches: the caller invalidates. 0, -EINVAL, -EDQUOT, -ENOMEM, -ENOSPC or -EIO.
 */
int hardware_create(struct viommu_vm *vm, struct viommu_host *host, const struct host_nest_data *data, struct viommu_domain **out);

/*
 * Where a guest IOMMU takes the events of its devices. All functions are called with the VM's lock
 * for events held, and with no other lock; they call nothing here.
 */
struct nest_sink {
	struct list in_vm;
	uint32_t type; /* enum viommu_domain_type */
	void *ctx;
	/* A record, as hardware wrote it. False: it is of no device of this guest IOMMU's. */
	bool (*take)(void *ctx, const void *record);
	/* Before this, records were lost; which devices they were of is not known. */
	void (*lost)(void *ctx);
	/* All that there was has been taken: interrupts are due. */
	void (*deliver)(void *ctx);
};

void nest_sink_add(struct viommu_vm *vm, struct nest_sink *sink);
/* Waits for a call of it that is under way. */
void nest_sink_remove(struct viommu_vm *vm, struct nest_sink *sink);

#endif
