/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Context descriptors (IHI 0070, section 5.4): judged, and taken apart into tables. */
#ifndef VIOMMU_GUEST_SMMUV3_CONTEXT_H
#define VIOMMU_GUEST_SMMUV3_CONTEXT_H

#include <viommu/smmuv3.h>

#include "core/composition.h"
#include "format/smmuv3.h"

/* The features of an SMMU that decide whether a descriptor is legal. */
struct smmuv3_context_limits {
	unsigned int least_tsz; /* IDR5.VAX: 16 for IOVAs of 48 bits, 12 for 52 */
	bool aborts;		/* IDR0.TERM_MODEL: CD.A has to be 1 */
	bool short_asids;	/* IDR0.ASID16 is 0: ASIDs have 8 bits */
};

/*
 * Whether a descriptor is legal (section 5.4.1), and asks for nothing that is unsupported:
 * docs/smmuv3.md lists that.
 */
bool smmuv3_cd_is_legal(uint64_t cd0, const struct smmuv3_context_limits *limits);

/*
 * The tables of a legal descriptor, ascending: TTB0's, TTB1's, both or none. Returns how many there
 * are. The format refuses sizes and roots that it does not have. output_size: IDR5.OAS, as encoded
 * there; a larger CD.IPS counts as that.
 */
unsigned int smmuv3_cd_tables(const uint64_t cd[CD_WORDS], uint32_t flags, unsigned int output_size, struct guest_tables tables[2]);

#endif
