/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SMMUv3's part of a replay. A guest does not announce entries that become valid. So a recorded
 * answer is compared by accesses like those of a VMM's device model, and a miss is looked up in the
 * guest's tables.
 */
#ifndef VIOMMU_CLI_SMMUV3_H
#define VIOMMU_CLI_SMMUV3_H

#include <viommu/smmuv3.h>

#include "common/smmuv3_registers.h"
#include "replay/replay.h"

enum smmuv3_instruction {
	SMMUV3_WRITE_CMDQ_PROD,
	SMMUV3_WRITE_CR0,
	SMMUV3_WRITE_GBPA,
	SMMUV3_WRITE_GERRORN,
	SMMUV3_WRITE_OTHER,
	SMMUV3_KICK,
	SMMUV3_INSTRUCTIONS,
};

/* replay_function->own. */
struct smmuv3_stream {
	struct viommu_smmuv3_device *device;
	struct viommu_reader *reader;
};

/* The last known counts of a domain. */
struct smmuv3_domain {
	uint32_t asid;
	uint64_t ttb[2];
	uint64_t established, released;
};

/* replay->own: the SMMU, and the effects of the last operation. */
struct smmuv3 {
	struct viommu_smmuv3 *smmu;
	uint32_t output_bits;
	struct smmuv3_domain domains[REPLAY_MAX_FUNCTIONS];
	unsigned int domain_count;
	uint64_t counted_pages; /* mapped in these */
	uint64_t commands;
	uint64_t refreshes;
	uint32_t error; /* CMDQ_CONS.ERR, if this operation set it */
};

static inline struct smmuv3 *smmuv3_of(const struct replay *replay)
{
	return replay->own;
}

static inline struct smmuv3_stream *smmuv3_stream_of(const struct replay_function *function)
{
	return function->own;
}

extern const struct replay_iommu replay_smmuv3;

/* machine.c: adds the pages that came and went since the last call to the counts. */
void smmuv3_count_pages(struct replay *replay);
/* Whether an earlier stream has the same domain. */
bool smmuv3_shares(const struct replay *replay, unsigned int number);

/* operation.c */
extern const struct replay_instruction smmuv3_instructions[SMMUV3_INSTRUCTIONS];
unsigned int smmuv3_instruction_of(const struct capture_record *record);
void smmuv3_operation(struct replay *replay);
/* compare.c */
void smmuv3_compare(struct replay *replay, const struct replay_expected *expected);
int smmuv3_miss(struct replay *replay, struct replay_function *function, const struct viommu_fault *fault);
uint64_t smmuv3_shortages(const struct replay *replay);
bool smmuv3_excuses(struct replay *replay, uint64_t iova, uint64_t shortages);
/* view.c */
void smmuv3_view(struct replay *replay, const struct replay_function *function, struct view *view);
/* print.c */
void smmuv3_print_ops(const struct replay *replay);
void smmuv3_print_json(const struct replay *replay, void *object);
void smmuv3_print_operation(const struct replay *replay);
void smmuv3_print_summary(const struct replay_counts *counts);

#endif
