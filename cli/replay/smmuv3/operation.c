// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Operations of an SMMUv3: a vCPU's store is executed like in a VMM, and the SMMU's counters show
 * its effect. A kick changes nothing: the oracle that follows lists the pages that the device may
 * reach.
 */
#include "smmuv3.h"

#include <errno.h>
#include <string.h>

#include "guest/smmuv3/spec.h"

const struct replay_instruction smmuv3_instructions[SMMUV3_INSTRUCTIONS] = {
	[SMMUV3_WRITE_CMDQ_PROD] = { "WRITE.CMDQ_PROD", "CMDQ_PROD", false },
	[SMMUV3_WRITE_CR0] = { "WRITE.CR0", "CR0", true },
	[SMMUV3_WRITE_GBPA] = { "WRITE.GBPA", "GBPA", true },
	[SMMUV3_WRITE_GERRORN] = { "WRITE.GERRORN", "GERRORN", false },
	[SMMUV3_WRITE_OTHER] = { "WRITE.OTHER", "other registers", false },
	[SMMUV3_KICK] = { "KICK", "kicks", false },
};

unsigned int smmuv3_instruction_of(const struct capture_record *record)
{
	if (record->kind == CAPTURE_KICK)
		return SMMUV3_KICK;
	switch (record->write.offset) {
	case VIOMMU_SMMUV3_CR0:
		return SMMUV3_WRITE_CR0;
	case VIOMMU_SMMUV3_GBPA:
		return SMMUV3_WRITE_GBPA;
	case VIOMMU_SMMUV3_GERRORN:
		return SMMUV3_WRITE_GERRORN;
	case VIOMMU_SMMUV3_CMDQ_PROD:
		return SMMUV3_WRITE_CMDQ_PROD;
	default:
		return SMMUV3_WRITE_OTHER;
	}
}

static struct viommu_smmuv3_info info_of(struct replay *replay)
{
	struct viommu_smmuv3_info info = { .size = sizeof(info) };

	viommu_smmuv3_info(smmuv3_of(replay)->smmu, &info);
	return info;
}

static void store(struct replay *replay, struct replay_operation *operation)
{
	struct smmuv3 *smmu = smmuv3_of(replay);
	const struct capture_write *write = &operation->record.write;
	struct viommu_smmuv3_info before = info_of(replay);
	double begin = replay_now();

	operation->err = viommu_smmuv3_write(smmu->smmu, write->offset, write->bytes, write->value);
	replay->counts.library_seconds += replay_now() - begin;

	struct viommu_smmuv3_info after = info_of(replay);
	operation->outcome = operation->err ? REPLAY_REFUSED : REPLAY_DONE;
	smmu->commands = after.commands - before.commands;
	smmu->refreshes = after.refreshes - before.refreshes;
	/* The queue stops at an error, so there is at most one. */
	if (after.errors != before.errors)
		smmu->error = (after.cmdq_cons & CMDQ_CONS_ERR) >> CMDQ_CONS_ERR_SHIFT;
	replay->counts.commands += smmu->commands;
	replay->counts.invalidations += after.invalidations - before.invalidations;
	replay->counts.configurations += after.configs - before.configs;
	replay->counts.refreshes += smmu->refreshes;
	replay->counts.command_errors += after.errors - before.errors;
	replay->counts.insufficient_resources += after.insufficient - before.insufficient;
}

void smmuv3_operation(struct replay *replay)
{
	struct replay_operation *operation = &replay->operation;

	smmuv3_of(replay)->commands = smmuv3_of(replay)->refreshes = smmuv3_of(replay)->error = 0;
	if (operation->record.kind == CAPTURE_WRITE) {
		store(replay, operation);
	} else {
		struct capture_oracle of = { .sid = operation->record.kick.sid };
		operation->function = replay->iommu->asked(replay, &of);
		operation->err = operation->function ? 0 : -ENODEV;
		operation->outcome = operation->err ? REPLAY_REFUSED : REPLAY_DONE;
	}
	replay->counts.operations++;
	replay_answers_of(replay)->count++;
	smmuv3_count_pages(replay);
	if (operation->outcome == REPLAY_REFUSED) {
		replay->counts.refused++;
		replay_disagree(replay, "the library would not carry it out: %s",
				operation->err == -ENODEV ? "no device has this StreamID" : strerror(-operation->err));
	}
}
