/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The look at a stream's structures. This shares no code with the library: it decides which pages QEMU and the library are asked for, and what the library
 * overlooked, this would overlook with it. It needs not judge, for QEMU does: a page is one if there is a valid leaf, whatever the rights above it are.
 *
 * Structures are those of IHI 0070, chapter 5; tables those of the VMSAv8-64 (ARM DDI 0487, section D8.3), with granules of 4, 16 and 64 KiB and addresses of
 * 48 bits.
 *
 * What holds, whatever the guest has written: each doubleword is loaded once in a look, and both reported and followed by that value; depth is bounded by the
 * format; a look ends after TABLES_MAX tables, loops included.
 */
#include "tables.h"

#include <endian.h>

#include <viommu/types.h>

#include "guest/smmuv3/spec.h"

#define TABLES_MAX 65536u
#define LAST_LEVEL 3u
#define OUTPUT_TOP ((UINT64_C(1) << 48) - 1)

#define STRTAB_LOG2SIZE(config)	 ((config)&0x3fu)
#define STRTAB_SPLIT(config)	 ((config) >> 6 & 0x1fu)
#define STRTAB_TWO_LEVEL(config) (((config) >> 16 & 3u) == 1)

#define ENTRY_VALID    UINT64_C(1)
#define ENTRY_TABLE    UINT64_C(2) /* in the last level: a page */
#define LEAF_READ_ONLY (UINT64_C(1) << 7)

void tables_report(struct tables *tables, uint64_t gpa, uint64_t value)
{
	struct copy *copy = copies_find(&tables->copies, gpa >> COPY_SHIFT);
	unsigned int i = (unsigned int)(gpa / 8 % COPY_ENTRIES);

	if (value == (copy ? copy->raw[i] : 0))
		return;
	tables->changed = true;
	if (!copy)
		copy = copies_get(&tables->copies, gpa >> COPY_SHIFT);
	/* Report first: what could not be reported must not count as reported. */
	if (!copy || changes_add(&tables->changes, gpa, value)) {
		tables->lost = true;
		return;
	}
	copy->raw[i] = value;
}

/* Loads a doubleword, and reports it if it has changed. */
static bool load(struct tables *tables, uint64_t gpa, uint64_t *value)
{
	uint64_t raw;

	if (!guest_ram_load(tables->ram, gpa, &raw))
		return false;
	*value = le64toh(raw);
	tables_report(tables, gpa, *value);
	return true;
}

static bool load_words(struct tables *tables, uint64_t gpa, uint64_t *words, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!load(tables, gpa + i * 8, &words[i]))
			return false;
	}
	return true;
}

static unsigned int shift_of(unsigned int granule, unsigned int level)
{
	return granule + (LAST_LEVEL - level) * (granule - 3);
}

static void add_leaf(struct tables *tables, struct pages *pages, uint64_t iova, uint64_t gpa, uint64_t bytes, uint64_t entry)
{
	uint32_t prot = entry & LEAF_READ_ONLY ? VIOMMU_READ : VIOMMU_RW;
	const struct guest_ram *ram = tables->ram;
	uint64_t at;

	/* Registers of other devices, to which messages of interrupts go, are no memory. */
	for (at = 0; at < bytes; at += VIOMMU_PAGE_SIZE) {
		if (gpa + at < ram->gpa || gpa + at - ram->gpa >= ram->bytes)
			continue;
		if (!pages_add(pages, iova + at, gpa + at, prot)) {
			tables->lost = true;
			return;
		}
	}
}

/* One table, of 2^bits entries. */
static void walk(struct tables *tables, struct pages *pages, unsigned int granule, unsigned int level, unsigned int bits, uint64_t table, uint64_t iova)
{
	unsigned int shift = shift_of(granule, level), i;
	uint64_t address = OUTPUT_TOP & ~((UINT64_C(1) << granule) - 1);

	if (++tables->tables > TABLES_MAX) {
		tables->lost = true;
		return;
	}
	for (i = 0; i < 1u << bits && !tables->lost; i++) {
		uint64_t entry, below = iova + ((uint64_t)i << shift);

		if (!load(tables, table + i * UINT64_C(8), &entry))
			return;
		if (!(entry & ENTRY_VALID))
			continue;
		if (level == LAST_LEVEL ? entry & ENTRY_TABLE : !(entry & ENTRY_TABLE))
			add_leaf(tables, pages, below, entry & address & ~((UINT64_C(1) << shift) - 1), UINT64_C(1) << shift, entry);
		else if (level < LAST_LEVEL)
			walk(tables, pages, granule, level + 1, granule - 3, entry & address, below);
	}
}

/* One half of a descriptor: TTB, with the size of its input addresses and the granule. */
static void walk_half(struct tables *tables, struct pages *pages, uint64_t ttb, unsigned int tsz, unsigned int granule, uint64_t iova)
{
	unsigned int bits = 64 - tsz, level = LAST_LEVEL;

	if (!granule || tsz < CD_TSZ_LEAST || tsz > CD_TSZ_MOST)
		return;
	while (level && bits > shift_of(granule, level) + (granule - 3))
		level--;
	walk(tables, pages, granule, level, bits - shift_of(granule, level), ttb & CD_TTB & OUTPUT_TOP, iova);
}

/* CD.TG0 and TG1 code the granules differently. */
static unsigned int granule_0(unsigned int tg)
{
	return (const unsigned int[]){ 12, 16, 14, 0 }[tg];
}

static unsigned int granule_1(unsigned int tg)
{
	return (const unsigned int[]){ 0, 14, 12, 16 }[tg];
}

/* Where the stream's entry is. */
static bool find_ste(struct tables *tables, const struct stream_table *root, uint32_t sid, uint64_t *gpa)
{
	uint64_t base = root->base & STRTAB_BASE_ADDRESS, l1std;
	unsigned int split = STRTAB_SPLIT(root->config), bits = STRTAB_LOG2SIZE(root->config);

	if (bits < 32 && sid >> bits)
		return false;
	if (!STRTAB_TWO_LEVEL(root->config)) {
		*gpa = base + sid * UINT64_C(64);
		return true;
	}
	if (!load(tables, base + (sid >> split) * UINT64_C(8), &l1std) || !(l1std & L1STD_SPAN))
		return false;
	sid &= (1u << split) - 1;
	*gpa = (l1std & L1STD_L2PTR) + sid * UINT64_C(64);
	return !((uint64_t)sid >> ((l1std & L1STD_SPAN) - 1));
}

bool tables_look(struct tables *tables, const struct stream_table *root, uint32_t sid, struct stream_look *look)
{
	uint64_t gpa, ste[STE_WORDS], cd[CD_WORDS];

	look->translates = false;
	look->pages.count = 0;
	tables->tables = 0;
	tables->lost = false;
	if (!find_ste(tables, root, sid, &gpa) || !load_words(tables, gpa, ste, STE_WORDS) || !(ste[0] & STE0_V) || STE0_CONFIG(ste[0]) != STE_CONFIG_S1)
		return !tables->lost;
	if (!load_words(tables, ste[0] & STE0_S1CONTEXTPTR, cd, CD_WORDS) || !(cd[0] & CD0_V))
		return !tables->lost;
	look->translates = true;
	look->asid = CD0_ASID(cd[0]);
	look->granule = granule_0(CD0_TG0(cd[0]));
	look->ttb = cd[1] & CD_TTB;
	if (!(cd[0] & CD0_EPD0))
		walk_half(tables, &look->pages, cd[1], CD0_T0SZ(cd[0]), granule_0(CD0_TG0(cd[0])), 0);
	if (!(cd[0] & CD0_EPD1))
		walk_half(tables, &look->pages, cd[2], CD0_T1SZ(cd[0]), granule_1(CD0_TG1(cd[0])), ~UINT64_C(0) << (64 - CD0_T1SZ(cd[0])));
	return !tables->lost;
}
