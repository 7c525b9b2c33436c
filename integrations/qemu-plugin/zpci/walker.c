/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk answers for one IOVA: a leaf, or that there is none and how much the invalid entry
 * covers, or an error. The answer holds for the entry's aligned span around the IOVA; the next
 * question is for the IOVA behind it. An error does not say what it covers, and counts for one page.
 * Errors and invalid entries both mean that a page does not translate.
 */
#include "zpci/walker.h"

#define PERM_READ  1u
#define PERM_WRITE 2u

/* The only designation that QEMU walks: T = 1, DT = region third, and nothing but the origin. */
#define IOTA_ORIGIN	  (~UINT64_C(0xfff))
#define IOTA_REGION_THIRD 0x804u

/* Tables that are full of errors would take one question for each page of the aperture. */
#define QUESTIONS_MAX (UINT64_C(1) << 22)

bool walker_ask(uint64_t iota, uint64_t first, uint64_t last, struct stretch *answers)
{
	uint64_t iova = first & ~(CAPTURE_PAGE_SIZE - 1), questions = 0;

	last |= CAPTURE_PAGE_SIZE - 1;
	runs_clear(&answers->runs);
	if (!qemu_has(QEMU_WALK) || (iota & ~IOTA_ORIGIN) != IOTA_REGION_THIRD)
		return false;
	answers->first = iova;
	answers->last = last;
	for (;;) {
		struct qemu_zpci_entry entry = { .len = CAPTURE_PAGE_SIZE };
		uint16_t error = s390_guest_io_table_walk(iota, iova, &entry);
		uint64_t span = CAPTURE_PAGE_SIZE - 1, end;

		if (++questions > QUESTIONS_MAX)
			return false;
		/* A span that is not a power of two is of no use. */
		if (!error && entry.len > CAPTURE_PAGE_SIZE && !(entry.len & (entry.len - 1)))
			span = entry.len - 1;
		end = (iova | span) < last ? iova | span : last;
		if (!error && entry.perm & PERM_READ)
			runs_add(&answers->runs, iova, entry.translated_addr + (iova & span), entry.perm & PERM_WRITE ? CAPTURE_RW : CAPTURE_R,
				 (end - iova) / CAPTURE_PAGE_SIZE + 1);
		if (end == last)
			return !answers->runs.lost;
		iova = end + 1;
	}
}
