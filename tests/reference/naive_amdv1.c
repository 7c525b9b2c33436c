/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "naive_amdv1.h"

/* The bits of an IOVA that index a table of AMD's level. */
static const struct {
	unsigned int high, low;
} index_bits[] = { [1] = { 20, 12 }, [2] = { 29, 21 }, [3] = { 38, 30 }, [4] = { 47, 39 }, [5] = { 56, 48 }, [6] = { 63, 57 } };

static uint64_t field(uint64_t x, unsigned int high, unsigned int low)
{
	return x << (63 - high) >> (63 - high + low);
}

/*
 * Next Level 7: returns log2 of the page size. The lowest 0 bit of the address, from bit 12 on, is
 * worth half the size.
 */
static unsigned int encoded_size(uint64_t entry)
{
	unsigned int bit = 12;

	while (bit < 52 && field(entry, bit, bit))
		bit++;
	return bit + 1;
}

struct amdv1_answer naive_amdv1_walk(const struct naive_memory *memory, uint64_t table, unsigned int mode, bool readable, bool writable, uint64_t iova)
{
	struct amdv1_answer answer = { .outcome = AMDV1_TOO_HIGH, .readable = readable, .writable = writable, .amd_level = mode, .entry_at = UINT64_MAX };

	if (mode < 6 && iova >> (index_bits[mode].high + 1))
		return answer;
	for (unsigned int level = mode;;) {
		uint64_t entry = 0;
		unsigned int next, size;

		answer.amd_level = level;
		answer.entry_at = table + 8 * field(iova, index_bits[level].high, index_bits[level].low);
		answer.entry = 0;
		answer.outcome = AMDV1_NO_TABLE;
		if (!naive_load_little(memory, answer.entry_at, &entry))
			return answer;
		answer.entry = entry;
		answer.outcome = AMDV1_NOT_PRESENT;
		if (!field(entry, 0, 0))
			return answer;
		next = (unsigned int)field(entry, 11, 9);
		if (next == 0 || next == 7) {
			/*
			 * A page: not at level 6. It has at least the reach of an entry and at most
			 * that of a table.
			 */
			answer.outcome = AMDV1_BAD_LEVEL;
			if (level == 6)
				return answer;
			size = next == 0 ? index_bits[level].low : encoded_size(entry);
			answer.outcome = AMDV1_IS_RESERVED;
			if (field(entry, 58, 52) || size < index_bits[level].low || size > index_bits[level].high + 1 || size > 52)
				return answer;
			answer.outcome = AMDV1_IS_PAGE;
			answer.address = (field(entry, 51, 12) << 12 >> size << size) + iova % (UINT64_C(1) << size);
		} else {
			answer.outcome = AMDV1_BAD_LEVEL;
			if (next >= level)
				return answer;
			answer.outcome = AMDV1_IS_RESERVED;
			if (field(entry, 60, 52))
				return answer;
		}
		/* Bits 61 and 62 of each entry: the rights. */
		answer.readable &= field(entry, 61, 61);
		answer.writable &= field(entry, 62, 62);
		if (answer.outcome == AMDV1_IS_PAGE)
			return answer;
		answer.outcome = AMDV1_SKIPPED;
		if (next < level - 1 && field(iova, index_bits[level].low - 1, index_bits[next].high + 1))
			return answer;
		table = field(entry, 51, 12) << 12;
		level = next;
	}
}
