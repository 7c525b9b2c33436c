/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "naive_vtdss.h"

static unsigned int index_of(uint64_t iova, unsigned int level)
{
	switch (level) {
	case 0:
		return iova >> 12 & 0x1ff;
	case 1:
		return iova >> 21 & 0x1ff;
	case 2:
		return iova >> 30 & 0x1ff;
	case 3:
		return iova >> 39 & 0x1ff;
	case 4:
		return iova >> 48 & 0x1ff;
	default:
		return (unsigned int)(iova >> 57);
	}
}

static bool bit(uint64_t entry, unsigned int n)
{
	return entry >> n & 1;
}

struct vtdss_answer naive_vtdss_walk(const struct naive_memory *memory, uint64_t table, unsigned int levels, uint64_t iova)
{
	static const uint64_t reach[] = { 0, 0, 0, UINT64_C(1) << 39, UINT64_C(1) << 48, UINT64_C(1) << 57, 0 };
	struct vtdss_answer answer = { .outcome = VTDSS_TOO_HIGH, .readable = true, .writable = true, .level = levels - 1, .entry_at = UINT64_MAX };

	if (reach[levels] && iova >= reach[levels])
		return answer;
	for (unsigned int level = levels - 1;; level--) {
		uint64_t entry;
		uint64_t address;

		answer.level = level;
		answer.entry_at = table + 8 * (uint64_t)index_of(iova, level);
		answer.entry = 0;
		if (!naive_load_little(memory, answer.entry_at, &entry)) {
			answer.outcome = VTDSS_NO_TABLE;
			return answer;
		}
		answer.entry = entry;
		/* Not present: neither bit 0 (read) nor bit 1 (write). */
		if (!bit(entry, 0) && !bit(entry, 1)) {
			answer.outcome = VTDSS_NOTHING;
			return answer;
		}
		answer.readable &= bit(entry, 0);
		answer.writable &= bit(entry, 1);
		/* Bits 51-12. */
		address = entry << 12 >> 24 << 12;
		if (level == 0) {
			answer.outcome = VTDSS_PAGE;
			answer.address = address + iova % 4096;
			return answer;
		}
		/* Bit 7: a page of 2 MiB or 1 GiB. Its lower address bits are reserved. */
		if (bit(entry, 7) && level <= 2) {
			uint64_t bytes = level == 1 ? UINT64_C(0x200000) : UINT64_C(0x40000000);

			answer.outcome = address % bytes ? VTDSS_RESERVED : VTDSS_PAGE;
			answer.address = address + iova % bytes;
			return answer;
		}
		/* In an entry that names a table, bits 7, 11 and 62 are reserved. */
		if (bit(entry, 7) || bit(entry, 11) || bit(entry, 62)) {
			answer.outcome = VTDSS_RESERVED;
			return answer;
		}
		table = address;
	}
}
