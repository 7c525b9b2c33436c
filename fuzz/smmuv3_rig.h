/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An SMMU of the library beside the model's, and what is compared after each call:
 *
 *  - registers, interrupts, counters, and what is configured for each stream are the model's;
 *  - each page that a stream reaches is in memory that there is, and the tables say so now, or the model's TLB may still have it (smmuv3_model.h);
 *  - a device reaches what its stream reports, and nothing where it reports nothing; the host holds nothing else, and nothing waits for a flush;
 *  - a stream that wants a target has one, with all that are configured alike, unless there is a reason why not;
 *  - what is charged is what is reached, each page once, or everything where a stream bypasses.
 *
 * In some inputs hardware walks the tables of some streams (mock_smmu.h). Then
 *
 *  - it is handed the entry that commands made the library read, and reads what it kept of a descriptor anew after a command that names the stream;
 *  - it keeps no translation that an invalidation named since it was read, whatever failed; but nobody can use what it keeps while there is no space;
 *  - an access ends as the model's walk by the descriptor that is kept, or as a translation that is kept; what is not in a slot now is not reached;
 *  - what it recorded comes into the guest's event queue as what the library records does;
 *  - a stream that has no space, since the host failed, gets one by the next CMD_SYNC that finds it willing;
 *  - everything is charged from the first such device on.
 */
#ifndef FUZZ_SMMUV3_RIG_H
#define FUZZ_SMMUV3_RIG_H

#include <viommu/smmuv3.h>

#include "mock_host.h"
#include "mock_smmu.h"
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

enum rig_pinned { RIG_NOT_PINNED, RIG_MAYBE_PINNED, RIG_PINNED };

struct rig {
	struct world *world;
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct mock_host *mock; /* NULL: the host is soft */
	struct mock_smmu *hard; /* NULL: there is no hardware that walks tables */
	enum rig_pinned pinned; /* that everything is, for good */
	uint64_t syncs;		/* CMD_SYNCs before this call */
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

/* Of streams whose tables hardware walks: after a call; an access; what hardware recorded is taken, and something recorded that it would not. */
void rig_check_hardware(struct rig *rig);
void rig_access_hardware(struct rig *rig, unsigned int n, uint64_t iova, uint32_t access);
void rig_take_events(struct rig *rig);
void rig_record_anything(struct rig *rig, struct input *input);

/* The model's invalidations. */
void rig_invalidated(void *ctx, const uint64_t command[2], bool by_address);

/* What the model's next event should be is in the library's queue. */
void rig_expect_record(struct rig *rig, uint64_t at, const uint64_t record[4]);

/* Whether what a context's tables hold may be more than fits. */
bool rig_is_large(struct rig *rig, const struct model_context *context);

#endif
