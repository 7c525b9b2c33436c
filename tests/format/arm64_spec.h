/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the descriptions of Arm's tables share (DDI 0487, D8.3, "Translation table descriptor formats"): the fields of stage 1's descriptors that lie at the
 * same bits with each granule. Those of the address do not, and stand in each description. A control word is TSZ, and IPS << 6; 0x200 is TTB1, 0x400 AFFD,
 * 0x800 HAD, 0x1000 privileged.
 */
#ifndef ARM64_SPEC_H
#define ARM64_SPEC_H

#include "format_spec.h"

/* NSTable; APTable[1], APTable[0]; UXNTable and PXNTable; ignored and RES0. Below the address: ignored; not a block; valid. */
#define ARM64_TABLE_BITS(level, block)                                                                                                                         \
	{ level, SPEC_TABLE, 63, 63, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 62, 62, SPEC_PROT, VIOMMU_READ }, { level, SPEC_TABLE, 61, 61, SPEC_PROT, 0 },    \
		{ level, SPEC_TABLE, 60, 59, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 58, 48, SPEC_NOTHING, 0 }, { level, SPEC_TABLE, 11, 2, SPEC_NOTHING, 0 }, \
		{ level, SPEC_TABLE, 1, 1, SPEC_BECOMES, block },                                                                                              \
	{                                                                                                                                                      \
		level, SPEC_TABLE, 0, 0, SPEC_BECOMES, FORMAT_INVALID                                                                                          \
	}

/*
 * Ignored; PBHA or ignored; software's; UXN, PXN, contiguous; DBM, GP, RES0. Below the address: nG; AF; SH; AP[2]; AP[1]; NS; AttrIndx; the type; valid.
 */
#define ARM64_LEAF_BITS(level, other)                                                                                                                      \
	{ level, SPEC_LEAF, 63, 59, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 58, 55, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 54, 52, SPEC_NOTHING, 0 },       \
		{ level, SPEC_LEAF, 51, 48, SPEC_NOTHING, 0 }, { level, SPEC_LEAF, 11, 11, SPEC_NOTHING, 0 },                                              \
		{ level, SPEC_LEAF, 10, 10, SPEC_BECOMES, FORMAT_BAD_ACCESS }, { level, SPEC_LEAF, 9, 8, SPEC_NOTHING, 0 },                                \
		{ level, SPEC_LEAF, 7, 7, SPEC_PROT, VIOMMU_READ }, { level, SPEC_LEAF, 6, 6, SPEC_PROT, 0 }, { level, SPEC_LEAF, 5, 2, SPEC_NOTHING, 0 }, \
		{ level, SPEC_LEAF, 1, 1, SPEC_BECOMES, other },                                                                                           \
	{                                                                                                                                                  \
		level, SPEC_LEAF, 0, 0, SPEC_BECOMES, FORMAT_INVALID                                                                                       \
	}

/* Zeros. With bit 0 alone: a block at 0 without an access flag, where there are blocks, or reserved. */
#define ARM64_INVALID_BITS(level, valid)                       \
	{ level, SPEC_INVALID, 63, 1, SPEC_NOTHING, 0 },       \
	{                                                      \
		level, SPEC_INVALID, 0, 0, SPEC_BECOMES, valid \
	}

/* Level 0 where the granule is larger than 4 KiB: parts of a leaf, in no memory. */
#define ARM64_PART_BITS                                                                                                                        \
	{ 0, SPEC_LEAF, 63, 52, SPEC_NOTHING, 0 }, { 0, SPEC_LEAF, 51, 12, SPEC_ADDRESS, 0 }, { 0, SPEC_LEAF, 11, 8, SPEC_NOTHING, 0 },        \
		{ 0, SPEC_LEAF, 7, 7, SPEC_PROT, VIOMMU_READ }, { 0, SPEC_LEAF, 6, 6, SPEC_PROT, 0 }, { 0, SPEC_LEAF, 5, 1, SPEC_NOTHING, 0 }, \
		{ 0, SPEC_LEAF, 0, 0, SPEC_BECOMES, FORMAT_INVALID }, ARM64_INVALID_BITS(0, FORMAT_LEAF)

/* An entry under a context of its own. */
struct arm64_case {
	uint64_t control;
	struct spec_entry entry;
};

/* With which TSZ the top table is one of a level. */
struct arm64_tsz {
	unsigned int first, last, level;
};

#endif
