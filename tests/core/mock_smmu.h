/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host for tests whose hardware walks a guest's own tables (host.h, nest_...): an SMMUv3 with
 * both stages. It caches each context descriptor and each translation until a command invalidates
 * it, and reads all others from guest memory when they are needed. So a missing invalidation shows
 * at the first access that it concerns.
 *
 * tests/reference/naive_arm64.h reads the tables. Guest memory, spaces, devices, failures and
 * breaches are the mock host's, of which this is an extension. It has no spaces that the library
 * would have to fill.
 */
#ifndef TESTS_CORE_MOCK_SMMU_H
#define TESTS_CORE_MOCK_SMMU_H

#include <viommu/domain.h>
#include <viommu/smmuv3.h>

#include "mock_host.h"

#define SMMU_DEVICES 16u
#define SMMU_TLB     4096u
#define SMMU_EVENTS  8u

struct smmu_space {
	struct mock_space mock;
	uint64_t ste[2];
};

struct smmu_device {
	struct mock_device mock;
	bool has_id;
	uint32_t id;
	bool has_cd; /* a descriptor is kept */
	uint64_t cd[8];
};

/* NULL: detached. */
static inline const struct smmu_space *smmu_space_of(const struct smmu_device *device)
{
	return (const struct smmu_space *)(const void *)device->mock.space;
}

struct smmu_translation {
	unsigned int asid;
	uint64_t iova; /* of the page, like gpa; without a tag */
	uint64_t gpa;
	bool readable, writable;
	unsigned int granule, level; /* KiB, and Arm's number of the level of the leaf */
	/* set by tests: must be invalidated as soon as there is a space */
	bool stale;
};

struct smmu_event {
	uint64_t record[4]; /* in the CPU's byte order; zeros: no record, but others were lost */
	bool lost;
};

struct mock_smmu {
	struct mock_host mock;
	struct viommu_smmuv3_hw_info info; /* the host's capabilities */
	struct mock_guest *guest;	   /* of one VM; NULL: none */
	struct smmu_device *device[SMMU_DEVICES];
	struct smmu_translation tlb[SMMU_TLB];
	unsigned int translations;
	struct smmu_event event[SMMU_EVENTS];
	unsigned int events;
	bool lost;
	int event_fd;	     /* -1 before the first attach */
	uint64_t command[2]; /* the last one, MOCK_INVALIDATE (TLBI) or MOCK_CONTEXT (CFGI_CD) */
};

/* Creates it with these as SMMU_IDR0 to SMMU_IDR5. */
struct mock_smmu *mock_smmu_create(const uint32_t idr[6]);
/* The features of QEMU's SMMU, and ASIDs of 16 bits. */
extern const uint32_t mock_smmu_idr[6];

/* The numbers of attached devices, and of spaces. */
unsigned int mock_smmu_attached(const struct mock_smmu *smmu);
unsigned int mock_smmu_spaces(const struct mock_smmu *smmu);

/* The device with this ID of the guest's, NULL if there is none. */
struct smmu_device *mock_smmu_find(struct mock_smmu *smmu, uint32_t id);

/*
 * An access of a device: the host memory that it reaches, or NULL. *event is the event that stage 1
 * raises (Arm IHI 0070, section 7.3: 0x09 to 0x0b, 0x10 to 0x13), 0 if there is none.
 */
unsigned char *mock_smmu_access(struct mock_smmu *smmu, struct smmu_device *device, uint64_t iova, uint32_t access, unsigned int *event);

#endif
