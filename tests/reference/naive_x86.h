/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reference for the first-stage tables of VT-d, those of x86-64, as plain as naive.h: what does
 * one IOVA mean to a request with user privilege? Written from the specification ("First-Stage
 * Translation", figures of the first-stage paging entries), sharing no code and no header with the
 * library.
 */
#ifndef TESTS_REFERENCE_NAIVE_X86_H
#define TESTS_REFERENCE_NAIVE_X86_H

#include "naive.h"

enum x86_outcome { X86_IS_PAGE, X86_NOT_PRESENT, X86_NOT_CANONICAL, X86_IS_RESERVED, X86_NO_TABLE };

struct x86_tables {
	unsigned int levels; /* 4 or 5 */
	uint64_t root;
	bool nxe;
};

struct x86_answer {
	enum x86_outcome outcome;
	bool readable, writable; /* IS_PAGE; there may be no rights */
	uint64_t address;	 /* IS_PAGE: of the IOVA itself */
	unsigned int level;	 /* of the entry that decided */
	uint64_t entry_at;	 /* UINT64_MAX before any entry */
	uint64_t entry;
};

struct x86_answer naive_x86_walk(const struct naive_memory *memory, const struct x86_tables *tables, uint64_t iova);

#endif
