/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host for tests whose hardware walks a guest's own tables (host.h, nest_...): an SMMUv3 with
 * both stages. It caches each context descriptor and each translation until a command invalidates
 * it, and reads all others from guest memory when they are needed. So a missing invalidation shows
 * at the first access that it concerns.
 *
 * tests/reference/naive_arm64.h reads the tables. The mock has no spaces that the library would
 * have to fill.
 */
#ifndef TESTS_CORE_MOCK_SMMU_H
#define TESTS_CORE_MOCK_SMMU_H

#include <viommu/domain.h>
#include <viommu/smmuv3.h>

#include "host/host.h"

enum smmu_call {
	SMMU_GUEST_CREATE,
	SMMU_GUEST_ADD,
	SMMU_GUEST_REMOVE,
	SMMU_CREATE,
	SMMU_INVALIDATE,
	SMMU_CONTEXT,
	SMMU_SET_ID,
	SMMU_ATTACH,
	SMMU_DETACH,
	SMMU_REPLACE,
	SMMU_EVENT,
	SMMU_CALLS
};

#define SMMU_SLOTS   8u
#define SMMU_SPACES  64u
#define SMMU_DEVICES 16u
#define SMMU_TLB     4096u
#define SMMU_EVENTS  8u

struct mock_smmu;

struct smmu_space {
	struct host_space space;
	bool used;
	uint64_t ste[2];
};

struct smmu_device {
	struct host_device device;
	bool used, has_id;
	uint32_t id;
	struct smmu_space *space; /* NULL: detached */
	bool has_cd;		  /* a descriptor is kept */
	uint64_t cd[8];
};

struct smmu_translation {
	unsigned int asid;
	uint64_t iova; /* of the page, like gpa; without a tag */
	uint64_t gpa;
	bool readable, writable;
	unsigned int granule, level; /* KiB, and Arm's number of the level of the leaf */
	bool stale;		     /* set by tests: must be invalidated as soon as there is a space */
};

struct smmu_event {
	uint64_t record[4]; /* in the CPU's byte order; zeros: no record, but others were lost */
	bool lost;
};

struct mock_smmu {
	struct viommu_host host;
	struct viommu_smmuv3_hw_info info; /* the host's capabilities */
	struct {
		struct host_guest guest;
		bool there;
		struct host_slot slot[SMMU_SLOTS];
		unsigned int slots;
	} guest; /* of one VM */
	struct smmu_space space[SMMU_SPACES];
	struct smmu_device device[SMMU_DEVICES];
	struct smmu_translation tlb[SMMU_TLB];
	unsigned int translations;
	struct smmu_event event[SMMU_EVENTS];
	unsigned int events;
	bool lost;
	int event_fd; /* -1 before the first attach */

	uint64_t calls[SMMU_CALLS];
	uint64_t command[2]; /* the last one, SMMU_INVALIDATE (TLBI) or SMMU_CONTEXT (CFGI_CD) */
	uint64_t breaches;

	/*
	 * The at-th call of a kind from now on, counted from 1, fails with this errno. for_good:
	 * all calls after it fail, too. 0: no call fails.
	 */
	struct {
		unsigned int at;
		bool for_good;
		int error;
	} fail[SMMU_CALLS];
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
