/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of stage 1 as a guest writes them (4K granule, IOVAs of 39 bits: a table of 1 GiB entries
 * at the top), and devices that access memory through them. tests/reference/naive_arm64.h reads the
 * tables for comparison.
 */
#ifndef TESTS_SMMUV3_TABLES_H
#define TESTS_SMMUV3_TABLES_H

#include "rig.h"

struct tables {
	struct rig *rig;
	uint64_t root;
	uint64_t next; /* address of the next table */
};

/*
 * Entries: 1 | 2 for a table or a page, 1 for a block; access flag, nG, unprivileged accesses
 * allowed.
 */
#define E_PAGE	UINT64_C(0xc43)
#define E_BLOCK UINT64_C(0xc41)
#define E_TABLE UINT64_C(0x3)
#define E_RO	UINT64_C(0x80)

/* An empty top table; tables below it are allocated behind it. */
void tables_init(struct tables *tables, struct rig *rig, uint64_t root);

/*
 * The address of the entry for iova at a level (0: a page, 1: 2 MiB, 2: 1 GiB). Missing tables are
 * made.
 */
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

/*
 * The result of viommu_translate() alone, and that of a device model, which reports misses to the
 * SMMU: 0, or the SMMU's answer.
 */
bool user_has(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva);
int user_access(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva);

#define assert_reaches(user, iova, gpa, access)	 user_assert_reaches(user, iova, gpa, access, __FILE__, __LINE__)
#define assert_refused(user, iova, access, type) user_assert_refused(user, iova, access, type, __FILE__, __LINE__)
/*
 * The IOVA is reached now, with a miss or without; or it is not, and there is this event, 0 for
 * none.
 */
void user_assert_reaches(struct user *user, uint64_t iova, uint64_t gpa, uint32_t access, const char *file, int line);
void user_assert_refused(struct user *user, uint64_t iova, uint32_t access, unsigned int type, const char *file, int line);

/*
 * The reference's reading of a context descriptor's tables for an IOVA: true if an unprivileged
 * access of this kind reaches memory.
 */
bool tables_naive(const struct rig *rig, const uint64_t cd[8], uint64_t iova, uint32_t access, uint64_t *gpa);

/* The host address of guest memory; NULL where there is none. */
const uint8_t *rig_hva(const struct rig *rig, uint64_t gpa);

#endif
