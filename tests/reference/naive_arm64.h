/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reference for stage 1 of Arm's VMSAv8-64, as plain as naive.h: the translation of one IOVA.
 * Written from the Arm Architecture Reference Manual (DDI 0487, chapter D8). It shares no code and
 * no header with the library. Fields of an SMMU's context descriptor have their names in the CPU's
 * TCR_EL1.
 *
 * Without FEAT_LPA2 and FEAT_HAFDBS. The top byte of the IOVA takes part in the walk. With FEAT_LPA
 * and FEAT_LVA for the granule of 64 KiB. Blocks of 4 TiB, which belong to FEAT_LPA, need an output
 * size of 52 bits.
 */
#ifndef TESTS_REFERENCE_NAIVE_ARM64_H
#define TESTS_REFERENCE_NAIVE_ARM64_H

#include "naive.h"

enum arm64_outcome {
	ARM64_IS_PAGE,	   /* it translates, possibly without rights */
	ARM64_TRANSLATION, /* Translation fault */
	ARM64_ACCESS_FLAG, /* Access flag fault */
	ARM64_SIZE,	   /* Address size fault */
	ARM64_NO_TABLE,	   /* external abort of the walk: no memory */
	ARM64_BAD_CONTEXT, /* an invalid context: it has no translation */
};

struct arm64_tables {
	unsigned int granule; /* in KiB: 4, 16, 64 */
	unsigned int ips;     /* as encoded, 0 to 7 */
	uint64_t ttb0, ttb1;
	unsigned int t0sz, t1sz;
	bool epd0, epd1; /* EPD: there are no such tables */
	bool affd;	 /* no Access flag faults */
	bool had0, had1; /* no hierarchical permissions */
	bool privileged;
};

struct arm64_answer {
	enum arm64_outcome outcome;
	bool readable, writable; /* IS_PAGE */
	uint64_t address;	 /* IS_PAGE: of the IOVA itself */
	/*
	 * level of the entry that decided, as Arm counts: 3 has pages. TRANSLATION before any
	 * entry: the level where the walk would begin
	 */
	unsigned int arm_level;
	unsigned int level; /* the same level as the library counts */
	uint64_t entry_at;  /* UINT64_MAX before any entry */
	uint64_t entry;
};

/*
 * The tables that a context descriptor names for one half of the addresses (Arm IHI 0070, section
 * 5.4), for an SMMU with this OAS encoding. A granule of 0 is a reserved one. The descriptor does
 * not say whether accesses are privileged.
 */
struct arm64_tables naive_arm64_context(const uint64_t cd[8], unsigned int oas, bool upper);

/*
 * The IOVA that the tables of a descriptor translate. Where TBI0 or TBI1 is 1 for its half, bits
 * 63:56 are replaced by bit 55 (Arm IHI 0070, section 5.4).
 */
uint64_t naive_arm64_untagged(const uint64_t cd[8], uint64_t iova);

struct arm64_answer naive_arm64_walk(const struct naive_memory *memory, const struct arm64_tables *tables, uint64_t iova);

/* The lowest bit of an IOVA that selects an entry of a level's table. */
unsigned int naive_arm64_index_bit(unsigned int granule, unsigned int arm_level);

/*
 * The SMMUv3 event for an outcome (Arm IHI 0070, section 7.3). 0 for a page, whatever its rights.
 * Not for BAD_CONTEXT.
 */
unsigned int naive_arm64_event(enum arm64_outcome outcome);

#endif
