/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Event records, and the queue that they go to. */
#ifndef VIOMMU_GUEST_SMMUV3_EVENT_H
#define VIOMMU_GUEST_SMMUV3_EVENT_H

#include "smmuv3.h"

/* Without locks: puts a record about a device's stream into the event queue, if it can be had there. */
void smmuv3_record(struct viommu_smmuv3_device *device, uint64_t record[EVENT_WORDS]);

#endif
