/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IBM publishes no description of these tables. Linux has the origin of the next table, its length
 * (TL) and offset (TF) in quarters, the type (TT) of the table that holds an entry, and the invalid
 * bit. Levels: 0 page, 1 segment, 2 to 4 region third to first.
 */
#include "zpci/tables.h"

#include "qemu.h"

#define IOTA_TRANSLATES 0x800u
#define IOTA_TYPE(iota) ((unsigned int)((iota) >> 2) & 7u)
#define IOTA_TYPE_BITS	0x1cu
#define ORIGIN_REGION	(~UINT64_C(0xfff))
#define ORIGIN_SEGMENT	(~UINT64_C(0x7ff))
#define ENTRY_INVALID	0x20u
#define ENTRY_TYPE(e)	((unsigned int)((e) >> 2) & 3u)
/* names a frame instead of a table; in segment and region third tables */
#define ENTRY_FRAME	0x400u
#define ENTRY_OFFSET(e) ((unsigned int)((e) >> 6) & 3u)
#define ENTRY_LENGTH(e) ((unsigned int)(e)&3u)
#define QUARTER		512u
#define REGION_ENTRIES	2048u
#define PAGE_ENTRIES	256u

/* Leaves are left to QEMU's walk. */
static struct table_entry entry_of(const struct table_layout *layout, unsigned int level, uint64_t value)
{
	struct table_entry entry = { .kind = TABLE_NOTHING };

	(void)layout;
	if (!level || value & ENTRY_INVALID || ENTRY_TYPE(value) != level - 1 || (level <= 2 && value & ENTRY_FRAME))
		return entry;
	entry.kind = TABLE_NEXT;
	if (level == 1) {
		entry.address = value & ORIGIN_SEGMENT;
		entry.last = PAGE_ENTRIES - 1;
	} else {
		entry.address = value & ORIGIN_REGION;
		entry.first = ENTRY_OFFSET(value) * QUARTER;
		entry.last = ENTRY_LENGTH(value) * QUARTER + QUARTER - 1;
	}
	return entry;
}

const struct table_layout zpci_layout = { .entry = entry_of, .shift = { 12, 20, 31, 42, 53 } };

bool zpci_layout_root(uint64_t iota, struct table_root *root)
{
	unsigned int type = IOTA_TYPE(iota);

	if ((iota & ~ORIGIN_REGION & ~(uint64_t)IOTA_TYPE_BITS) != IOTA_TRANSLATES || type > 3)
		return false;
	*root = (struct table_root){ .table = iota & ORIGIN_REGION, .level = type + 1, .last = REGION_ENTRIES - 1 };
	return true;
}

void zpci_look(struct tables *tables, uint64_t iota, uint64_t first, uint64_t last)
{
	struct table_root root;
	unsigned int bits;

	if (!zpci_layout_root(iota, &root) || first > last)
		return;
	/*
	 * IOVA bits above the root's reach are ignored. A range that wraps around counts as
	 * everything. At worst that reads too much.
	 */
	bits = zpci_layout.shift[root.level] + 11u;
	if (bits < 64) {
		uint64_t mask = (UINT64_C(1) << bits) - 1;
		bool round = last - first >= mask || (first & mask) > (last & mask);

		first = round ? 0 : first & mask;
		last = round ? mask : last & mask;
	}
	tables_walk(tables, &zpci_layout, &root, first, last, NULL);
}

#define PERM_READ  1u
#define PERM_WRITE 2u

/* The only designation that QEMU walks: T = 1, DT = region third, and only the origin. */
#define IOTA_REGION_THIRD 0x804u

/* Tables full of errors would need one query for each page of the aperture. */
#define QUESTIONS_MAX (UINT64_C(1) << 22)

/*
 * The walk answers for one IOVA: a leaf, or no leaf and the range of the invalid entry, or an
 * error. The answer holds for the entry's aligned span around the IOVA. The next query is for the
 * IOVA after it. The range of an error is unknown, and counts as one page. Errors and invalid
 * entries both mean that a page does not translate.
 */
bool zpci_ask_walk(uint64_t iota, uint64_t first, uint64_t last, struct stretch *answers)
{
	uint64_t iova = first & ~(CAPTURE_PAGE_SIZE - 1), questions = 0;

	last |= CAPTURE_PAGE_SIZE - 1;
	runs_clear(&answers->runs);
	if (!s390_guest_io_table_walk || (iota & ~ORIGIN_REGION) != IOTA_REGION_THIRD)
		return false;
	answers->first = iova;
	answers->last = last;
	for (;;) {
		struct qemu_zpci_entry entry = { .len = CAPTURE_PAGE_SIZE };
		uint16_t error = s390_guest_io_table_walk(iota, iova, &entry);
		uint64_t span = CAPTURE_PAGE_SIZE - 1, end;

		if (++questions > QUESTIONS_MAX)
			return false;
		/* A span that is not a power of two is ignored. */
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
