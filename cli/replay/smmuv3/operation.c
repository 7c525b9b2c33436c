// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Operations of an SMMUv3: a vCPU's store is carried out as a monitor does it, and what the SMMU did for it is told by its counters. A kick changes nothing:
 * what the device may then reach is asked by the oracle that follows.
 */
#include "smmuv3.h"

#include <errno.h>
#include <string.h>

#include "guest/smmuv3/spec.h"

static struct viommu_smmuv3_info info_of(struct replay *replay)
{
	struct viommu_smmuv3_info info = { .size = sizeof(info) };

	viommu_smmuv3_info(replay->smmu, &info);
	return info;
}

static void store(struct replay *replay, struct replay_operation *operation)
{
	const struct capture_write *write = &operation->record.write;
	struct viommu_smmuv3_info before = info_of(replay);
	double begin = replay_now();

	operation->err = viommu_smmuv3_write(replay->smmu, write->offset, write->bytes, write->value);
	replay->counts.library_seconds += replay_now() - begin;

	struct viommu_smmuv3_info after = info_of(replay);
	operation->outcome = operation->err ? REPLAY_REFUSED : REPLAY_DONE;
	operation->commands = after.commands - before.commands;
	operation->refreshes = after.refreshes - before.refreshes;
	/* The queue stops at an error, so that there is one at most. */
	if (after.errors != before.errors)
		operation->error = (after.cmdq_cons & CMDQ_CONS_ERR) >> CMDQ_CONS_ERR_SHIFT;
	replay->counts.commands += operation->commands;
	replay->counts.invalidations += after.invalidations - before.invalidations;
	replay->counts.configurations += after.configs - before.configs;
	replay->counts.refreshes += operation->refreshes;
	replay->counts.command_errors += after.errors - before.errors;
	replay->counts.insufficient_resources += after.insufficient - before.insufficient;
}

void smmuv3_operation(struct replay *replay)
{
	struct replay_operation *operation = &replay->operation;

	if (operation->record.kind == CAPTURE_WRITE) {
		store(replay, operation);
	} else {
		struct capture_oracle of = { .sid = operation->record.kick.sid };
		operation->function = replay->iommu->asked(replay, &of);
		operation->err = operation->function ? 0 : -ENODEV;
		operation->outcome = operation->err ? REPLAY_REFUSED : REPLAY_DONE;
	}
	replay->counts.operations++;
	replay->counts.answers[operation->instruction].count++;
	smmuv3_count_pages(replay);
	if (operation->outcome == REPLAY_REFUSED) {
		replay->counts.refused++;
		replay_disagree(replay, "the library would not carry it out: %s",
				operation->err == -ENODEV ? "no device has this StreamID" : strerror(-operation->err));
	}
}
