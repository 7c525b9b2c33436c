/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "naive_arm64.h"

/* x<high:low>, as in Arm's pseudocode. */
static uint64_t bits(uint64_t x, unsigned int high, unsigned int low)
{
	return x >> low & UINT64_MAX >> (63 - (high - low));
}

static bool bit(uint64_t x, unsigned int n)
{
	return bits(x, n, n);
}

/* D8.2.8 to D8.2.10, "translation table properties at each lookup level". */
unsigned int naive_arm64_index_bit(unsigned int granule, unsigned int arm_level)
{
	static const unsigned int with_4k[] = { 39, 30, 21, 12 };
	static const unsigned int with_16k[] = { 47, 36, 25, 14 };
	static const unsigned int with_64k[] = { 0, 42, 29, 16 };

	return granule == 4 ? with_4k[arm_level] : granule == 16 ? with_16k[arm_level] : with_64k[arm_level];
}

/* The level at which a walk begins: "determining stage 1 initial lookup level". */
static unsigned int initial_level(unsigned int granule, unsigned int tsz)
{
	if (granule == 4)
		return tsz <= 24 ? 0 : tsz <= 33 ? 1 : 2;
	if (granule == 16)
		return tsz <= 16 ? 0 : tsz <= 27 ? 1 : tsz <= 38 ? 2 : 3;
	return tsz <= 21 ? 1 : tsz <= 34 ? 2 : 3;
}

/* Level 3 is level 0 of the library for pages of 4 KiB, otherwise level 1. */
static unsigned int our_level(unsigned int granule, unsigned int arm_level)
{
	return 3 - arm_level + (granule == 4 ? 0 : 1);
}

/* The address in a descriptor of a table (low: the granule's bits), page or block. */
static uint64_t address_in(unsigned int granule, uint64_t entry, unsigned int low)
{
	uint64_t address = bits(entry, 47, low) << low;

	if (granule == 64)
		address += bits(entry, 15, 12) << 48;
	return address;
}

static unsigned int output_size(unsigned int granule, unsigned int ips)
{
	switch (ips) {
	case 0:
		return 32;
	case 1:
		return 36;
	case 2:
		return 40;
	case 3:
		return 42;
	case 4:
		return 44;
	case 5:
		return 48;
	case 6:
		return granule == 64 ? 52 : 48;
	default:
		return 0;
	}
}

static bool is_beyond(uint64_t address, unsigned int size)
{
	return bits(address, 63, size) != 0;
}

static bool has_blocks(unsigned int granule, unsigned int arm_level, unsigned int size)
{
	if (arm_level == 2)
		return true;
	if (arm_level == 1)
		return granule == 4 || (granule == 64 && size == 52);
	return false;
}

struct arm64_tables naive_arm64_context(const uint64_t cd[8], unsigned int oas, bool upper)
{
	static const unsigned int tg0[4] = { 4, 64, 16, 0 }, tg1[4] = { 0, 16, 4, 64 };
	unsigned int ips = (unsigned int)bits(cd[0], 34, 32);

	return (struct arm64_tables){
		.granule = upper ? tg1[bits(cd[0], 23, 22)] : tg0[bits(cd[0], 7, 6)],
		.ips = ips < oas ? ips : oas,
		.ttb0 = bits(cd[1], 51, 4) << 4,
		.ttb1 = bits(cd[2], 51, 4) << 4,
		.t0sz = (unsigned int)bits(cd[0], 5, 0),
		.t1sz = (unsigned int)bits(cd[0], 21, 16),
		.epd0 = bit(cd[0], 14),
		.epd1 = bit(cd[0], 30),
		.affd = bit(cd[0], 35),
		.had0 = bit(cd[1], 1),
		.had1 = bit(cd[2], 1),
	};
}

uint64_t naive_arm64_untagged(const uint64_t cd[8], uint64_t iova)
{
	bool upper = bit(iova, 55);

	if (!bit(cd[0], upper ? 39 : 38))
		return iova;
	return upper ? iova | UINT64_C(0xff) << 56 : iova & ~(UINT64_C(0xff) << 56);
}

struct arm64_answer naive_arm64_walk(const struct naive_memory *memory, const struct arm64_tables *tables, uint64_t iova)
{
	unsigned int granule = tables->granule, granule_bits = granule == 4 ? 12 : granule == 16 ? 14 : 16;
	unsigned int size = output_size(granule, tables->ips);
	/* VA<55> selects the tables. */
	bool upper = bit(iova, 55);
	unsigned int tsz = upper ? tables->t1sz : tables->t0sz, top = 63 - tsz, begin = initial_level(granule, tsz);
	bool had = upper ? tables->had1 : tables->had0;
	uint64_t table = upper ? tables->ttb1 : tables->ttb0;
	struct arm64_answer answer = { .outcome = ARM64_BAD_CONTEXT, .arm_level = begin, .level = our_level(granule, begin), .entry_at = UINT64_MAX };
	bool for_all = true, for_writes = true;
	unsigned int alignment;

	if (upper ? tables->epd1 : tables->epd0) {
		answer.outcome = ARM64_TRANSLATION;
		return answer;
	}
	if (size == 0 || tsz > 39 || tsz < (granule == 64 ? 12 : 16) || is_beyond(table, size))
		return answer;
	/* All bits above the input size equal the select bit of the half. */
	for (unsigned int i = top + 1; i < 64; i++)
		if (bit(iova, i) != upper) {
			answer.outcome = ARM64_TRANSLATION;
			return answer;
		}
	/*
	 * The table has an entry of 8 bytes for each value of its index. It is aligned to its size,
	 * and with 52 bits to at least 64 bytes.
	 */
	alignment = top - naive_arm64_index_bit(granule, begin) + 1 + 3;
	if (size == 52 && alignment < 6)
		alignment = 6;
	table = table >> alignment << alignment;
	for (unsigned int arm_level = begin;; arm_level++) {
		unsigned int low = naive_arm64_index_bit(granule, arm_level),
			     high = arm_level == begin ? top : naive_arm64_index_bit(granule, arm_level - 1) - 1;
		uint64_t entry;

		answer.arm_level = arm_level;
		answer.level = our_level(granule, arm_level);
		answer.entry_at = table + 8 * bits(iova, high, low);
		answer.entry = 0;
		if (!naive_load_little(memory, answer.entry_at, &entry)) {
			answer.outcome = ARM64_NO_TABLE;
			return answer;
		}
		answer.entry = entry;
		if (!bit(entry, 0)) {
			answer.outcome = ARM64_TRANSLATION;
			return answer;
		}
		if (arm_level < 3 && bit(entry, 1)) {
			/* A table. */
			table = address_in(granule, entry, granule_bits);
			if (is_beyond(table, size)) {
				answer.outcome = ARM64_SIZE;
				return answer;
			}
			if (!had && bit(entry, 61))
				for_all = false;
			if (!had && bit(entry, 62))
				for_writes = false;
			continue;
		}
		/* 0b01 is a block, 0b11 at level 3 a page. */
		if (arm_level == 3 ? !bit(entry, 1) : !has_blocks(granule, arm_level, size)) {
			answer.outcome = ARM64_TRANSLATION;
			return answer;
		}
		answer.address = address_in(granule, entry, low);
		if (is_beyond(answer.address, size)) {
			answer.address = 0;
			answer.outcome = ARM64_SIZE;
			return answer;
		}
		if (!bit(entry, 10) && !tables->affd) {
			answer.address = 0;
			answer.outcome = ARM64_ACCESS_FLAG;
			return answer;
		}
		/* AP[1] allows unprivileged accesses. AP[2] forbids writes. */
		if (!bit(entry, 6))
			for_all = false;
		if (bit(entry, 7))
			for_writes = false;
		answer.readable = for_all || tables->privileged;
		answer.writable = answer.readable && for_writes;
		answer.address += bits(iova, low - 1, 0);
		answer.outcome = ARM64_IS_PAGE;
		return answer;
	}
}

unsigned int naive_arm64_event(enum arm64_outcome outcome)
{
	switch (outcome) {
	case ARM64_IS_PAGE:
		return 0;
	case ARM64_ACCESS_FLAG:
		return 0x12;
	case ARM64_SIZE:
		return 0x11;
	case ARM64_NO_TABLE:
		return 0x0b;
	default:
		return 0x10;
	}
}
