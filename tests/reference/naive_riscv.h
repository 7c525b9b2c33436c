/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reference for RISC-V's page tables, as plain as naive.h: the translation of one IOVA. Written
 * from the RISC-V Privileged Architecture ("Virtual Address Translation Process", "Guest-Page
 * Faults" and what they refer to; Svnapot, Svpbmt, Svadu). It shares no code and no header with the
 * library.
 */
#ifndef TESTS_REFERENCE_NAIVE_RISCV_H
#define TESTS_REFERENCE_NAIVE_RISCV_H

#include "naive.h"

/*
 * The specification has one page fault for all but the first and the last. The reference
 * distinguishes the rules.
 */
enum riscv_outcome {
	RISCV_IS_PAGE, /* possibly without rights */
	RISCV_NOT_VALID,
	RISCV_NOT_CANONICAL, /* the IOVA is too large */
	RISCV_NO_LEAF,	     /* a pointer in the lowest table */
	RISCV_IS_RESERVED,   /* reserved bits, encodings, a misaligned superpage */
	RISCV_NOT_ACCESSED,  /* A is 0 */
	RISCV_NO_TABLE,	     /* access fault: no memory */
};

struct riscv_tables {
	unsigned int levels; /* 3, 4, 5: Sv39, Sv48, Sv57 */
	bool second_stage;   /* Sv39x4, Sv48x4, Sv57x4 */
	uint64_t ppn;
	bool supervisor; /* with SUM */
	bool pbmt;
	bool adue;
};

struct riscv_answer {
	enum riscv_outcome outcome;
	bool readable, writable; /* IS_PAGE */
	uint64_t address;	 /* IS_PAGE: of the IOVA itself */
	unsigned int level;	 /* of the entry that decided */
	uint64_t entry_at;	 /* UINT64_MAX before any entry */
	uint64_t entry;
};

struct riscv_answer naive_riscv_walk(const struct naive_memory *memory, const struct riscv_tables *tables, uint64_t iova);

#endif
