/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reference for AMD's I/O page tables for host translations, as plain as naive.h: the translation
 * of one IOVA. Written from the AMD I/O Virtualization Technology (IOMMU) Specification (48882,
 * "I/O Page Tables for Host Translations"). It shares no code and no header with the library.
 */
#ifndef TESTS_REFERENCE_NAIVE_AMDV1_H
#define TESTS_REFERENCE_NAIVE_AMDV1_H

#include "naive.h"

/* All but the first are an IO_PAGE_FAULT. */
enum amdv1_outcome {
	AMDV1_IS_PAGE, /* possibly without rights */
	AMDV1_NOT_PRESENT,
	AMDV1_TOO_HIGH,	   /* the IOVA exceeds the top table */
	AMDV1_SKIPPED,	   /* ... or has bits set in a skipped level */
	AMDV1_BAD_LEVEL,   /* an invalid Next Level */
	AMDV1_IS_RESERVED, /* reserved bits, or an invalid page size */
	AMDV1_NO_TABLE,	   /* no memory */
};

struct amdv1_answer {
	enum amdv1_outcome outcome;
	bool readable, writable; /* IS_PAGE */
	uint64_t address;	 /* IS_PAGE: of the IOVA itself */
	/* level of the entry that decided, as AMD counts: 1 has pages of 4 KiB */
	unsigned int amd_level;
	uint64_t entry_at; /* UINT64_MAX before any entry */
	uint64_t entry;
};

/* mode: 1 to 6, the level of the top table. */
struct amdv1_answer naive_amdv1_walk(const struct naive_memory *memory, uint64_t table, unsigned int mode, bool readable, bool writable, uint64_t iova);

#endif
