/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "naive_x86.h"

/* All bits above the highest translated one are copies of that. */
static bool is_canonical(uint64_t iova, unsigned int bits)
{
	uint64_t above = iova >> (bits - 1);

	return above == 0 || above == UINT64_MAX >> (bits - 1);
}

struct x86_answer naive_x86_walk(const struct naive_memory *memory, const struct x86_tables *tables, uint64_t iova)
{
	static const unsigned int lowest_bit[] = { 12, 21, 30, 39, 48 };
	struct x86_answer answer = { .outcome = X86_NOT_CANONICAL, .level = tables->levels - 1, .entry_at = UINT64_MAX };
	uint64_t table = tables->root;
	bool user = true, writable = true;

	if (!is_canonical(iova, tables->levels == 5 ? 57 : 48))
		return answer;
	for (unsigned int level = tables->levels; level-- > 0;) {
		uint64_t address, covered = UINT64_C(1) << lowest_bit[level];

		answer.level = level;
		answer.entry = 0;
		answer.entry_at = table + (iova >> lowest_bit[level]) % 512 * 8;
		answer.outcome = X86_NO_TABLE;
		if (!naive_load_little(memory, answer.entry_at, &answer.entry))
			return answer;
		answer.outcome = X86_NOT_PRESENT;
		if (answer.entry % 2 == 0)
			return answer;
		answer.outcome = X86_IS_RESERVED;
		if (answer.entry >> 63 && !tables->nxe)
			return answer;
		address = answer.entry % (UINT64_C(1) << 52) / 4096 * 4096;
		writable &= answer.entry >> 1 & 1;
		user &= answer.entry >> 2 & 1;
		if (level == 0 || answer.entry >> 7 & 1) {
			if (level > 2)
				return answer;
			/* Bit 12 of a large page is PAT. */
			if (level && address % covered / 8192)
				return answer;
			answer.outcome = X86_IS_PAGE;
			answer.readable = user;
			answer.writable = user && writable;
			answer.address = address / covered * covered + iova % covered;
			return answer;
		}
		table = address;
	}
	return answer;
}
