/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An SMMU of the library beside the model's, and what is compared after each call:
 *
 *  - registers, interrupts, counters, and what is configured for each stream are the model's;
 *  - each page that a stream reaches is in memory that there is, and the tables say so now, or the model's TLB may still have it (smmuv3_model.h);
 *  - a device reaches what its stream reports, and nothing where it reports nothing; the host holds nothing else, and nothing waits for a flush;
 *  - a stream that wants a target has one, with all that are configured alike, unless there is a reason why not;
 *  - what is charged is what is reached, each page once, or everything where a stream bypasses.
 */
#ifndef FUZZ_SMMUV3_RIG_H
#define FUZZ_SMMUV3_RIG_H

#include <viommu/smmuv3.h>

#include "mock_host.h"
#include "smmuv3_model.h"
#include "world.h"

#define REFRESH_ENTRIES UINT64_C(16384)
#define SHADOW_BYTES	UINT64_C(0x100000)
#define REMEMBERED	8u

struct rig_stream {
	struct viommu_smmuv3_device *device;
	struct viommu_reader *reader;
	bool attached;		  /* at the end of the last call */
	bool excused;		  /* from being attached: something failed, or was short, when it should have been */
	uint64_t was[REMEMBERED]; /* IOVAs that it reached once */
	unsigned int wases;
};

struct rig {
	struct world *world;
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct mock_host *mock; /* NULL: the host is soft */
	struct viommu_smmuv3 *smmu;
	struct model_smmu *model;
	struct rig_stream stream[STREAMS];
	bool tight;	   /* the budget may be met, or the host's limit */
	bool failing;	   /* a call to the host is to fail in this call */
	bool full;	   /* more is mapped than is looked at */
	unsigned int irqs; /* that came, bit n: number n */
	unsigned int irq_calls;
};

/* After a call of the library. */
void rig_check(struct rig *rig);

/* Whether what a context's tables hold may be more than fits. */
bool rig_is_large(struct rig *rig, const struct model_context *context);

#endif
