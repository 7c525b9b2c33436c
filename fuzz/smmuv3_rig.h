/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An SMMU of the library and the model's, and the comparisons after each call:
 *
 * - Registers, interrupts, counters, and the configuration of each stream are equal.
 * - Each page that a stream reaches is in memory, and in the tables now, or the model's TLB may
 *   still have it (smmuv3_model.h).
 * - A device reaches the pages that its stream reports, and nothing where it reports nothing. The
 *   host holds nothing else, and nothing waits for a flush.
 * - A stream that needs a target has one, shared with all that are configured alike, unless there
 *   is a reason why not.
 * - Each reached page is charged once, or everything where a stream bypasses.
 *
 * In some inputs hardware walks the tables of some streams (mock_smmu.h). Then
 *
 * - the hardware has the entry that commands made the library read, and reads a descriptor again
 *   after a command that names the stream;
 * - it keeps no translation that an invalidation has named since it was read, whatever failed; but
 *   nothing can use its translations while there is no space;
 * - an access ends as the model's walk by the cached descriptor, or as a cached translation; memory
 *   that is in no slot now is not reached;
 * - its event records arrive in the guest's event queue like those of the library;
 * - a stream without a space, since the host failed, gets one by the next CMD_SYNC for which the
 *   host succeeds;
 * - everything is charged from the first such device on.
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
	bool excused;		  /* from being attached: something failed or was short then */
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
	enum rig_pinned pinned; /* all guest memory is pinned for good */
	uint64_t syncs;		/* CMD_SYNCs before this call */
	struct viommu_smmuv3 *smmu;
	struct model_smmu *model;
	struct rig_stream stream[STREAMS];
	bool tight;	   /* the budget may be met, or the host's limit */
	bool failing;	   /* a call to the host fails in this call */
	bool full;	   /* more is mapped than is compared */
	unsigned int irqs; /* in this call, bit n: number n */
	unsigned int irq_calls;
};

/* After a call of the library. */
void rig_check(struct rig *rig);

/*
 * For streams whose tables hardware walks: the check after a call; an access; the transfer of
 * recorded events; and a record that hardware would not make.
 */
void rig_check_hardware(struct rig *rig);
void rig_access_hardware(struct rig *rig, unsigned int n, uint64_t iova, uint32_t access);
void rig_take_events(struct rig *rig);
void rig_record_anything(struct rig *rig, struct input *input);

/* The model's invalidations. */
void rig_invalidated(void *ctx, const uint64_t command[2], bool by_address);

/* The library's queue must have the model's next event. */
void rig_expect_record(struct rig *rig, uint64_t at, const uint64_t record[4]);

/* Whether the contents of a context's tables may be more than fits. */
bool rig_is_large(struct rig *rig, const struct model_context *context);

#endif
