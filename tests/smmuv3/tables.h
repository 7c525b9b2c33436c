/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of stage 1 as a guest writes them (4K granule, IOVAs of 39 bits: a table of 1 GiB entries at the top), and devices that access memory through them.
 * What should be reached is asked of tests/reference/naive_arm64.h.
 */
#ifndef TESTS_SMMUV3_TABLES_H
#define TESTS_SMMUV3_TABLES_H

#include "rig.h"

struct tables {
	struct rig *rig;
	uint64_t root;
	uint64_t next; /* where the next table will be */
};

/* Entries: 1 | 2 for a table or a page, 1 for a block; access flag, nG, for unprivileged accesses too. */
#define E_PAGE	UINT64_C(0xc43)
#define E_BLOCK UINT64_C(0xc41)
#define E_TABLE UINT64_C(0x3)
#define E_RO	UINT64_C(0x80)

/* An empty top table; tables beneath it come from where it is on. */
void tables_init(struct tables *tables, struct rig *rig, uint64_t root);

/* Where the entry for iova is at a level (0: a page, 1: 2 MiB, 2: 1 GiB), whose tables are made where they are not there. */
uint64_t tables_entry(struct tables *tables, uint64_t iova, unsigned int level);
void tables_map(struct tables *tables, uint64_t iova, uint64_t gpa, uint64_t bits);
void tables_unmap(struct tables *tables, uint64_t iova);

/* A device with a reader. */
struct user {
	struct rig *rig;
	struct viommu_smmuv3_device *device;
	struct viommu_reader *reader;
};
void user_init(struct user *user, struct rig *rig, uint32_t sid);
void user_end(struct user *user);

/* What viommu_translate() alone says, and what a device model does, which asks the SMMU: 0, or what that answered. */
bool user_has(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva);
int user_access(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva);

#define assert_reaches(user, iova, gpa, access)	 user_assert_reaches(user, iova, gpa, access, __FILE__, __LINE__)
#define assert_refused(user, iova, access, type) user_assert_refused(user, iova, access, type, __FILE__, __LINE__)
/* It is reached now, as it was before or by asking; or it is not, and there is this event, 0 for none. */
void user_assert_reaches(struct user *user, uint64_t iova, uint64_t gpa, uint32_t access, const char *file, int line);
void user_assert_refused(struct user *user, uint64_t iova, uint32_t access, unsigned int type, const char *file, int line);

/* What a context descriptor's tables say of an IOVA now, by the reference: true if there is memory that an unprivileged access of this kind reaches. */
bool tables_naive(const struct rig *rig, const uint64_t cd[8], uint64_t iova, uint32_t access, uint64_t *gpa);

/* Where guest memory is; NULL where there is none. */
const uint8_t *rig_hva(const struct rig *rig, uint64_t gpa);

#endif
