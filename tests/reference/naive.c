/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk of naive.h. Masks of an entry's bits are those of Linux (pci_dma.h). The bit numbers of
 * the Principles of Operation, where bit 0 is the most significant one, are beside them. Each rule
 * is in one place, and nothing is fast.
 */
#include "naive.h"

#include <stddef.h>

/* The anchor, IOTA: bit 52 translation is enabled, bits 59-61 designation type. */
#define ANCHOR_T      UINT64_C(0x800)
#define ANCHOR_ORIGIN (~UINT64_C(0xfff))

/*
 * Region- and segment-table entries: bit 53 format control, bit 54 protection, bits 56-57 table
 * offset, bit 58 invalid, bits 60-61 type, bits 62-63 length.
 */
#define FORMAT_CONTROL UINT64_C(0x400)
#define PROTECTION     UINT64_C(0x200)
#define INVALID	       UINT64_C(0x20)

/* Page-table entries: bit 53 invalid, bit 54 protection. */
#define PAGE_INVALID UINT64_C(0x400)

const unsigned char *naive_byte(const struct naive_memory *memory, uint64_t gpa, bool *writable)
{
	for (unsigned int i = 0; i < memory->count; i++) {
		const struct naive_slot *slot = &memory->slots[i];

		if (gpa >= slot->gpa && gpa - slot->gpa < slot->bytes) {
			if (writable)
				*writable = slot->writable;
			return slot->memory + (gpa - slot->gpa);
		}
	}
	return NULL;
}

bool naive_load(const struct naive_memory *memory, uint64_t gpa, uint64_t *value)
{
	/*
	 * An entry is aligned, so its 8 bytes are in one page, and a page is in one slot or in
	 * none.
	 */
	const unsigned char *byte = naive_byte(memory, gpa, NULL);

	if (!byte)
		return false;
	*value = 0;
	for (unsigned int i = 0; i < 8; i++)
		*value = *value << 8 | byte[i];
	return true;
}

bool naive_load_little(const struct naive_memory *memory, uint64_t gpa, uint64_t *value)
{
	*value = 0;
	for (unsigned int i = 0; i < 8; i++) {
		const unsigned char *byte = naive_byte(memory, gpa + i, NULL);

		if (!byte)
			return false;
		*value |= (uint64_t)*byte << 8 * i;
	}
	return true;
}

int naive_top_level(uint64_t iota, bool qemu)
{
	if (!(iota & ANCHOR_T))
		return -1;
	if (qemu && (iota >> 2 & 7) != 1)
		return -1;
	switch (iota >> 2 & 7) {
	case 0:
		return 1; /* segment-table origin */
	case 1:
		return 2; /* region-third-table origin */
	case 2:
		return 3; /* region-second-table origin */
	case 3:
		return 4; /* region-first-table origin */
	default:
		return -1; /* frames, and the undocumented I/O formats */
	}
}

uint64_t naive_top_table(uint64_t iota)
{
	return iota & ANCHOR_ORIGIN;
}

unsigned int naive_index(uint64_t iova, unsigned int level)
{
	switch (level) {
	case 0:
		return (unsigned int)(iova >> 12 & 0xff); /* page index, bits 44-51 */
	case 1:
		return (unsigned int)(iova >> 20 & 0x7ff); /* segment index, bits 33-43 */
	case 2:
		return (unsigned int)(iova >> 31 & 0x7ff); /* region-third index, bits 22-32 */
	case 3:
		return (unsigned int)(iova >> 42 & 0x7ff); /* region-second index, bits 11-21 */
	default:
		return (unsigned int)(iova >> 53 & 0x7ff); /* region-first index, bits 0-10 */
	}
}

bool naive_within(uint64_t region_entry, unsigned int next_index)
{
	unsigned int quarter = next_index / 512;
	unsigned int offset = (unsigned int)(region_entry >> 6 & 3);
	unsigned int length = (unsigned int)(region_entry & 3);

	return quarter >= offset && quarter <= length;
}

uint64_t naive_next_table(uint64_t entry, unsigned int level, bool qemu)
{
	if (level == 1)
		return entry & ~UINT64_C(0x7ff); /* bits 0-52 */
	if (qemu)
		return entry & ~UINT64_C(0x3fff); /* bits 0-49: ZPCI_RTE_ADDR_MASK */
	return entry & ~UINT64_C(0xfff);	  /* bits 0-51 */
}

static enum naive_verdict judge_page_entry(uint64_t entry, bool qemu)
{
	if (qemu && entry == 0)
		return NAIVE_IS_ZERO;
	if (entry & PAGE_INVALID)
		return NAIVE_IS_INVALID;
	if (qemu && (entry & ~UINT64_C(0xfff)) == 0)
		return NAIVE_IS_BAD_TYPE; /* QEMU reports address 0 like a wrong type */
	return NAIVE_IS_PAGE;
}

static enum naive_verdict judge_segment_entry(uint64_t entry, bool qemu)
{
	if (qemu && entry == 0)
		return NAIVE_IS_ZERO;
	if (entry & INVALID)
		return NAIVE_IS_INVALID;
	if ((entry >> 2 & 3) != 0)
		return NAIVE_IS_BAD_TYPE;
	/*
	 * QEMU treats address 0 as empty. (Of a frame it tests more bits than the frame's address
	 * has. This is not imitated.)
	 */
	if (entry & FORMAT_CONTROL)
		return qemu && (entry & ~UINT64_C(0xfffff)) == 0 ? NAIVE_IS_BAD_TYPE : NAIVE_IS_SEGMENT;
	return qemu && (entry & ~UINT64_C(0x7ff)) == 0 ? NAIVE_IS_BAD_TYPE : NAIVE_IS_TABLE;
}

static enum naive_verdict judge_region_entry(uint64_t entry, unsigned int level, bool qemu)
{
	if (qemu && entry == 0)
		return NAIVE_IS_ZERO;
	if (entry & INVALID)
		return NAIVE_IS_INVALID;
	/* QEMU reports any table but a full one as an error, before it tests the type. */
	if (qemu && ((entry >> 6 & 3) != 0 || (entry & 3) != 3))
		return NAIVE_IS_BAD_LENGTH;
	/*
	 * Type 1 is a region-third table, 2 a region-second table, 3 a region-first table: the
	 * level minus one.
	 */
	if ((entry >> 2 & 3) != level - 1)
		return NAIVE_IS_BAD_TYPE;
	if (qemu && (entry & ~UINT64_C(0x3fff)) == 0)
		return NAIVE_IS_BAD_TYPE;
	/* A frame of 2 GiB. CPUs have them, I/O tables do not. QEMU ignores the bit. */
	if (!qemu && level == 2 && (entry & FORMAT_CONTROL))
		return NAIVE_IS_BAD_FORMAT;
	return NAIVE_IS_TABLE;
}

enum naive_verdict naive_judge(uint64_t entry, unsigned int level, bool qemu)
{
	if (level == 0)
		return judge_page_entry(entry, qemu);
	if (level == 1)
		return judge_segment_entry(entry, qemu);
	return judge_region_entry(entry, level, qemu);
}

/* The end of a walk: a page of 4096 bytes at gpa, if the guest has memory there. */
static void finish(const struct naive_memory *memory, struct naive_answer *answer, uint64_t gpa, bool writable)
{
	bool slot_writable = false;

	answer->gpa = gpa;
	if (!naive_byte(memory, gpa, &slot_writable)) {
		answer->outcome = NAIVE_LEAF_UNBACKED;
		return;
	}
	answer->outcome = NAIVE_PAGE;
	answer->writable = writable && slot_writable;
}

struct naive_answer naive_walk(const struct naive_memory *memory, const struct naive_tables *tables, uint64_t iova)
{
	struct naive_answer answer = { .outcome = NAIVE_OUTSIDE, .entry_gpa = UINT64_MAX };
	int top = naive_top_level(tables->iota, tables->qemu);
	uint64_t table = naive_top_table(tables->iota);
	bool writable = true;

	if (top < 0 || iova < tables->pba || iova > tables->pal)
		return answer;

	answer.top = (unsigned int)top;
	for (unsigned int level = (unsigned int)top;; level--) {
		/* IOVA bits above the top table are ignored: higher addresses are aliases. */
		uint64_t entry_gpa = table + 8 * (uint64_t)naive_index(iova, level);
		uint64_t entry = 0;

		answer.level = level;
		answer.entry_gpa = entry_gpa;
		answer.entry = 0;
		answer.path[level] = entry_gpa;
		if (!naive_load(memory, entry_gpa, &entry)) {
			answer.outcome = NAIVE_TABLE_UNBACKED;
			return answer;
		}
		answer.entry = entry;

		switch (naive_judge(entry, level, tables->qemu)) {
		case NAIVE_IS_INVALID:
			answer.outcome = NAIVE_NOTHING;
			return answer;
		case NAIVE_IS_BAD_TYPE:
			answer.outcome = NAIVE_TYPE;
			return answer;
		case NAIVE_IS_BAD_LENGTH:
			answer.outcome = NAIVE_LENGTH;
			return answer;
		case NAIVE_IS_BAD_FORMAT:
			answer.outcome = NAIVE_FORMAT;
			return answer;
		case NAIVE_IS_ZERO:
			answer.outcome = NAIVE_ZERO;
			return answer;
		case NAIVE_IS_PAGE:
			if (entry & PROTECTION)
				writable = false;
			finish(memory, &answer, entry & ~UINT64_C(0xfff), writable);
			return answer;
		case NAIVE_IS_SEGMENT:
			if (entry & PROTECTION)
				writable = false;
			finish(memory, &answer, (entry & ~UINT64_C(0xfffff)) + (iova & UINT64_C(0xff000)), writable);
			return answer;
		case NAIVE_IS_TABLE:
			break;
		}

		/* The protection bit of an upper entry holds for everything beneath it. */
		if (entry & PROTECTION)
			writable = false;
		if (level > 1 && !naive_within(entry, naive_index(iova, level - 1))) {
			answer.outcome = NAIVE_LENGTH;
			return answer;
		}
		table = naive_next_table(entry, level, tables->qemu);
	}
}

const char *naive_outcome_name(enum naive_outcome outcome)
{
	switch (outcome) {
	case NAIVE_PAGE:
		return "page";
	case NAIVE_NOTHING:
		return "nothing";
	case NAIVE_OUTSIDE:
		return "outside";
	case NAIVE_LEAF_UNBACKED:
		return "leaf unbacked";
	case NAIVE_TABLE_UNBACKED:
		return "table unbacked";
	case NAIVE_TYPE:
		return "type";
	case NAIVE_LENGTH:
		return "length";
	case NAIVE_FORMAT:
		return "format";
	case NAIVE_ZERO:
		return "zero";
	}
	return "?";
}
