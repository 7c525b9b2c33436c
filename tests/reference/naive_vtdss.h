/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reference for second-stage tables of VT-d, as plain as naive.h: the translation of one IOVA.
 * Written from the specification ("Second-Stage Translation", figures of the second-stage paging
 * entries). It shares no code with the library. The first editions of the specification have the
 * address width of 64 bits, with a sixth level.
 */
#ifndef TESTS_REFERENCE_NAIVE_VTDSS_H
#define TESTS_REFERENCE_NAIVE_VTDSS_H

#include "naive.h"

enum vtdss_outcome { VTDSS_PAGE, VTDSS_NOTHING, VTDSS_TOO_HIGH, VTDSS_RESERVED, VTDSS_NO_TABLE };

struct vtdss_answer {
	enum vtdss_outcome outcome;
	bool readable, writable;
	uint64_t address;
	unsigned int level;
	uint64_t entry_at;
	uint64_t entry;
};

/* levels: 3 to 6. */
struct vtdss_answer naive_vtdss_walk(const struct naive_memory *memory, uint64_t table, unsigned int levels, uint64_t iova);

#endif
