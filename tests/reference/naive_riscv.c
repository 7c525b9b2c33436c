/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "naive_riscv.h"

static uint64_t field(uint64_t x, unsigned int high, unsigned int low)
{
	return x << (63 - high) >> (63 - high + low);
}

/* VPN[level]; at the top of a second stage it is two bits wider. */
static uint64_t vpn(const struct riscv_tables *tables, uint64_t iova, unsigned int level)
{
	unsigned int low = 12 + 9 * level, wider = tables->second_stage && level == tables->levels - 1 ? 2 : 0;

	return field(iova, low + 8 + wider, low);
}

/* Stage 1: bits above the highest are copies of it. Stage 2: they are 0. */
static bool is_canonical(const struct riscv_tables *tables, uint64_t iova)
{
	unsigned int bits = 12 + 9 * tables->levels;
	uint64_t above;

	if (tables->second_stage)
		return iova >> (bits + 2) == 0;
	above = iova >> (bits - 1);
	return above == 0 || above == UINT64_MAX >> (bits - 1);
}

/* Whether a page table entry has reserved bits or a reserved encoding, at any level. */
static bool is_reserved(const struct riscv_tables *tables, uint64_t pte)
{
	uint64_t pbmt = field(pte, 62, 61);

	if (field(pte, 60, 54))
		return true;
	return tables->pbmt ? pbmt == 3 : pbmt != 0;
}

struct riscv_answer naive_riscv_walk(const struct naive_memory *memory, const struct riscv_tables *tables, uint64_t iova)
{
	struct riscv_answer answer = { .outcome = RISCV_NOT_CANONICAL, .level = tables->levels - 1, .entry_at = UINT64_MAX };
	uint64_t a = tables->ppn * 4096;

	if (!is_canonical(tables, iova))
		return answer;
	for (unsigned int i = tables->levels - 1;; i--) {
		uint64_t pte = 0;
		bool v, r, w, x, u, d;

		answer.level = i;
		answer.entry_at = a + 8 * vpn(tables, iova, i);
		answer.entry = 0;
		answer.outcome = RISCV_NO_TABLE;
		if (!naive_load_little(memory, answer.entry_at, &pte))
			return answer;
		answer.entry = pte;
		v = field(pte, 0, 0);
		r = field(pte, 1, 1);
		w = field(pte, 2, 2);
		x = field(pte, 3, 3);
		u = field(pte, 4, 4);
		d = field(pte, 7, 7);
		answer.outcome = RISCV_NOT_VALID;
		if (!v)
			return answer;
		answer.outcome = RISCV_IS_RESERVED;
		if (is_reserved(tables, pte) || (w && !r))
			return answer;
		if (!r && !x) {
			/* In a pointer, D, A, U, N and PBMT are reserved. */
			answer.outcome = i == 0 ? RISCV_NO_LEAF : RISCV_IS_RESERVED;
			if (i == 0 || u || d || field(pte, 6, 6) || field(pte, 63, 61))
				return answer;
			a = field(pte, 53, 10) * 4096;
			continue;
		}
		/* NAPOT: only 64 KiB, at the lowest level. */
		if (field(pte, 63, 63) && (i > 0 || field(pte, 13, 10) != 8))
			return answer;
		answer.outcome = RISCV_NOT_ACCESSED;
		if (!field(pte, 6, 6) && !tables->adue)
			return answer;
		answer.outcome = RISCV_IS_RESERVED;
		if (i > 0 && field(pte, 10 + 9 * i - 1, 10))
			return answer;
		answer.outcome = RISCV_IS_PAGE;
		/*
		 * The offset in a superpage has more bits. In a NAPOT page, the IOVA supplies four
		 * bits of the PPN.
		 */
		answer.address = field(pte, 53, 10) * 4096 + iova % (UINT64_C(1) << (12 + 9 * i));
		if (field(pte, 63, 63))
			answer.address = field(pte, 53, 14) * 65536 + iova % 65536;
		answer.readable = r && (u || tables->supervisor);
		answer.writable = answer.readable && w && (d || tables->adue);
		return answer;
	}
}
