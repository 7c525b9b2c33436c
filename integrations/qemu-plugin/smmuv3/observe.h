/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes observations of a guest with an SMMUv3 out of the stores of its vCPUs to devices' registers. Each function may be called from any vCPU's thread, without
 * QEMU's lock.
 */
#ifndef VIOMMU_WATCH_SMMUV3_OBSERVE_H
#define VIOMMU_WATCH_SMMUV3_OBSERVE_H

#include "observation.h"

struct smmu_observer;

/* NULL if memory is short, or QEMU's functions are not there. The watchers are to stay. */
struct smmu_observer *smmu_observer_create(struct watcher *const *watchers, size_t count);

/* A vCPU has stored a value to an address behind which there is no memory. The device has acted. */
void smmu_observe_store(struct smmu_observer *observer, uint64_t address, unsigned int bytes, uint64_t value);

/* Where a vCPU's virtual address leads: false if it is not registers (any more). In its thread. */
bool smmu_observe_walk(struct smmu_observer *observer, unsigned int vcpu, uint64_t address, uint64_t *physical);

void smmu_observe_idle(struct smmu_observer *observer);
void smmu_observer_finish(struct smmu_observer *observer);

#endif
