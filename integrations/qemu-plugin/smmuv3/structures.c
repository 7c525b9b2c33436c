/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "smmuv3/structures.h"

#include "smmuv3/spec.h"

/* Levels count upwards from the pages: level 0 is Arm's level 3. */
#define LEVELS 4u

struct arm_layout {
	struct table_layout layout; /* first: the argument of entry_of() */
	unsigned int granule;	    /* bits */
};

static struct table_entry entry_of(const struct table_layout *layout, unsigned int level, uint64_t value)
{
	unsigned int granule = ((const struct arm_layout *)(const void *)layout)->granule;
	struct table_entry entry = { .kind = TABLE_NOTHING };

	if (!DESCRIPTOR_VALID(value) || (!level && !DESCRIPTOR_TABLE(value)))
		return entry;
	if (!level || !DESCRIPTOR_TABLE(value)) {
		entry.kind = TABLE_LEAF;
		entry.address = FIELD(value, OUTPUT_BITS - 1, layout->shift[level]);
		entry.prot = DESCRIPTOR_READ_ONLY(value) ? CAPTURE_R : CAPTURE_RW;
		return entry;
	}
	entry.kind = TABLE_NEXT;
	entry.address = FIELD(value, OUTPUT_BITS - 1, granule);
	entry.last = (1u << (granule - 3)) - 1;
	return entry;
}

/* One half of a context descriptor: TTB, the size of its input addresses, and the granule. */
static void walk_half(struct tables *tables, struct stream *stream, uint64_t ttb, unsigned int tsz, unsigned int granule, uint64_t iova)
{
	struct arm_layout arm = { .layout = { .entry = entry_of }, .granule = granule };
	struct table_root root = { .table = FIELD(ttb, OUTPUT_BITS - 1, 4), .iova = iova };
	unsigned int bits = 64 - tsz, level;

	if (!granule || tsz < TSZ_LEAST || tsz > TSZ_MOST)
		return;
	for (level = 0; level < LEVELS; level++)
		arm.layout.shift[level] = (uint8_t)(granule + level * (granule - 3));
	while (root.level < LEVELS - 1 && bits > arm.layout.shift[root.level] + (granule - 3))
		root.level++;
	root.last = (1u << (bits - arm.layout.shift[root.level])) - 1;
	tables_walk(tables, &arm.layout, &root, 0, UINT64_MAX, &stream->valid);
}

/* CD.TG0 and CD.TG1 have different encodings; 0: reserved. */
static const unsigned int granules_0[] = { 12, 16, 14, 0 }, granules_1[] = { 0, 14, 12, 16 };

/* The address of the stream's entry. */
static bool find_entry(struct tables *tables, const struct stream_table *root, uint32_t sid, uint64_t *gpa)
{
	unsigned int split = STRTAB_SPLIT(root->config), bits = STRTAB_SIZE(root->config);
	uint64_t base = STRTAB_ADDRESS(root->base), l1;

	if (bits < 32 && sid >> bits)
		return false;
	if (STRTAB_FORMAT(root->config) != STRTAB_TWO_LEVEL) {
		*gpa = base + sid * (uint64_t)STRUCTURE_BYTES;
		return true;
	}
	if (!tables_load(tables, base + (sid >> split) * UINT64_C(8), &l1, 1) || !L1_SPAN(l1))
		return false;
	sid &= (1u << split) - 1;
	*gpa = L1_POINTER(l1) + sid * (uint64_t)STRUCTURE_BYTES;
	return !((uint64_t)sid >> (L1_SPAN(l1) - 1));
}

bool structures_look(struct tables *tables, const struct stream_table *root, struct stream *stream)
{
	uint64_t gpa, ste[STRUCTURE_WORDS], cd[STRUCTURE_WORDS];

	stream->translates = false;
	runs_clear(&stream->valid);
	tables->lost = false;
	if (!find_entry(tables, root, stream->pci.requester, &gpa) || !tables_load(tables, gpa, ste, STRUCTURE_WORDS) || !STE_VALID(ste[0]) ||
	    STE_CFG(ste[0]) != STE_STAGE_1)
		return !tables->lost;
	if (!tables_load(tables, STE_CONTEXT(ste[0]), cd, STRUCTURE_WORDS) || !CD_VALID(cd[0]))
		return !tables->lost;
	stream->translates = true;
	stream->domain = CD_ASID_OF(cd[0]);
	stream->granule = granules_0[CD_TG0_OF(cd[0])];
	if (!CD_EPD0_OF(cd[0]))
		walk_half(tables, stream, cd[1], CD_T0SZ_OF(cd[0]), granules_0[CD_TG0_OF(cd[0])], 0);
	if (!CD_EPD1_OF(cd[0]))
		walk_half(tables, stream, cd[2], CD_T1SZ_OF(cd[0]), granules_1[CD_TG1_OF(cd[0])], ~UINT64_C(0) << (64 - CD_T1SZ_OF(cd[0])));
	return !tables->lost;
}
