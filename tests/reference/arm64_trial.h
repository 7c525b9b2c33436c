/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Trials of SMMUv3 domains, for a test that draws them and for a fuzzer: a context of any kind over tables that are written wildly, on the mock host. After each
 * refresh the domain's report, the mock host and naive_arm64.h, which shares no code with the library, say the same of what was refreshed, and the rest is as
 * before. What does not hold is said, and ends the program.
 */
#ifndef TESTS_REFERENCE_ARM64_TRIAL_H
#define TESTS_REFERENCE_ARM64_TRIAL_H

#include <stddef.h>

#include <viommu/viommu.h>
#include <viommu/smmuv3.h>

#include "mock_host.h"
#include "naive_arm64.h"

#define TRIAL_SLOT_BYTES UINT64_C(0x400000) /* one that may be written at 0, and above it one that may not */

struct trial_page {
	uint64_t iova;
	uint64_t gpa;
	uint32_t prot;
};

struct trial_list {
	struct trial_page *page;
	size_t pages;
	size_t room;
};

struct arm64_trial {
	/* A number below the bound, which is not 0: where all that is random comes from. */
	uint64_t (*draw)(void *ctx, uint64_t bound);
	void *ctx;
	bool whole; /* the host removes only whole mappings */

	struct viommu_vm *vm;
	struct mock_host *mock;
	unsigned char *memory;
	struct naive_slot slot[2];
	struct naive_memory naive;

	struct arm64_tables tables;
	struct viommu_domain *domain; /* NULL: it was too large to be created */
	struct viommu_device *device;
	struct mock_space *space;
	struct trial_list before, now;

	uint64_t refreshes, failures, established;
};

/* draw, ctx and whole are set. */
void arm64_trial_begin(struct arm64_trial *trial);
void arm64_trial_end(struct arm64_trial *trial);

/* Another context, and a domain over it; and its end, after which nothing may be charged. */
void arm64_trial_context(struct arm64_trial *trial);
void arm64_trial_context_end(struct arm64_trial *trial);

/* Some entries are written, and something is refreshed; now and then the host fails meanwhile. */
void arm64_trial_step(struct arm64_trial *trial);

/* The context descriptor of tables (IHI 0070, section 5.4), of an SMMU with addresses of 48 bits. */
struct viommu_smmuv3_stage1 arm64_stage1(const struct arm64_tables *tables);

/* Stores an entry as the guest does. */
void arm64_trial_store(struct arm64_trial *trial, uint64_t gpa, uint64_t entry);

#endif
