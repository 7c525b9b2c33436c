/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A device's configuration: from its source ID through the root table and the context table to its
 * tables, in legacy mode (D51397, section 3.4) and, by the PASID of requests without PASID, in
 * scalable mode.
 *
 * Each doubleword is loaded once, and judged on the copy; at most one entry of each structure is
 * read. An illegal configuration yields the fault that hardware records for it, in the order in
 * which hardware finds it. FPD of the entries on the way suppresses that, except where a structure
 * could not be read.
 */
#include "vtd.h"

struct walk {
	struct viommu_vtd *vtd;
	uint32_t source_id;
	struct vtd_context context;
	struct guest_config config;
};

static void faulty(struct walk *walk, uint32_t reason)
{
	walk->context.kind = VIOMMU_VTD_CONTEXT_FAULTY;
	walk->context.reason = reason;
}

static bool load(struct walk *walk, uint64_t gpa, uint64_t *words, unsigned int number, uint32_t reason)
{
	if (guest_memory_load(&walk->vtd->iommu.memory, gpa, words, number))
		return true;
	walk->context.silent = false;
	faulty(walk, reason);
	return false;
}

/* Reasons of an entry that is not present, and of reserved fields in one that is. */
static bool judge(struct walk *walk, uint64_t word, uint64_t reserved, uint32_t absent, uint32_t illegal)
{
	if (word & ENTRY_P && !reserved)
		return true;
	faulty(walk, word & ENTRY_P ? illegal : absent);
	return false;
}

/* An address beyond the guest's physical ones has reserved bits. */
static uint64_t beyond(const struct walk *walk, uint64_t word)
{
	return word & ENTRY_ADDRESS & ~walk->vtd->last_output;
}

static void take_tables(struct walk *walk, enum viommu_vtd_context kind, uint64_t word, unsigned int levels, uint32_t flags)
{
	walk->context.kind = kind;
	walk->config.target = GUEST_TARGET_TABLES;
	walk->config.context = walk->context.domain_id;
	walk->config.key[KEY_ROOT] = word & ENTRY_ADDRESS;
	walk->config.key[KEY_LEVELS] = levels;
	walk->config.key[KEY_FLAGS] = flags;
}

static void take_pass_through(struct walk *walk)
{
	walk->context.kind = VIOMMU_VTD_CONTEXT_PASS_THROUGH;
	walk->config.target = GUEST_TARGET_DIRECT;
}

/* Levels by the field AW; 0: an address width that is not supported. */
static unsigned int levels_of(const struct walk *walk, unsigned int aw)
{
	return aw && walk->vtd->reg[REG_CAP] & CAP_SAGAW(aw) && 30 + 9 * aw <= walk->vtd->config.address_bits ? aw + 2 : 0;
}

static void read_legacy(struct walk *walk, uint64_t root)
{
	uint64_t word[2];
	unsigned int levels;

	if (!load(walk, root + (walk->source_id >> 8) * ROOT_BYTES, word, 2, VIOMMU_VTD_FR_ROOT_ACCESS) ||
	    !judge(walk, word[0], (word[0] & ROOT_RESERVED) | beyond(walk, word[0]) | word[1], VIOMMU_VTD_FR_ROOT_ABSENT, VIOMMU_VTD_FR_ROOT_RESERVED) ||
	    !load(walk, (word[0] & ENTRY_ADDRESS) + (walk->source_id & 0xff) * CONTEXT_BYTES, word, 2, VIOMMU_VTD_FR_CONTEXT_ACCESS))
		return;
	walk->context.silent = word[0] & ENTRY_FPD;
	walk->context.domain_id = CONTEXT1_DID(word[1]);
	if (!judge(walk, word[0], (word[0] & CONTEXT0_RESERVED) | beyond(walk, word[0]) | (word[1] & CONTEXT1_RESERVED), VIOMMU_VTD_FR_CONTEXT_ABSENT,
		   VIOMMU_VTD_FR_CONTEXT_RESERVED))
		return;
	levels = levels_of(walk, CONTEXT1_AW(word[1]));
	if (levels && CONTEXT0_TT(word[0]) == TT_SECOND_STAGE)
		take_tables(walk, VIOMMU_VTD_CONTEXT_SECOND_STAGE, word[0], levels, 0);
	else if (levels && CONTEXT0_TT(word[0]) == TT_PASS_THROUGH)
		take_pass_through(walk);
	else
		faulty(walk, VIOMMU_VTD_FR_CONTEXT_INVALID);
}

/* A PASID table entry of requests without PASID. */
static void read_pasid(struct walk *walk, const uint64_t word[PASID_WORDS])
{
	bool first = PASID0_PGTT(word[0]) == PGTT_FIRST;
	uint64_t reserved = (word[0] & PASID0_RESERVED) | (word[1] & PASID1_RESERVED);
	unsigned int levels;

	for (unsigned int i = 3; i < PASID_WORDS; i++)
		reserved |= word[i];
	reserved |= first ? (word[2] & PASID2_RESERVED) | beyond(walk, word[2]) : beyond(walk, word[0]);
	if (!judge(walk, word[0], reserved, VIOMMU_VTD_FR_SM_PASID_ABSENT, VIOMMU_VTD_FR_SM_PASID_RESERVED))
		return;
	walk->context.domain_id = PASID1_DID(word[1]);
	levels = levels_of(walk, PASID0_AW(word[0]));
	if (PASID0_PGTT(word[0]) == PGTT_SECOND && levels)
		take_tables(walk, VIOMMU_VTD_CONTEXT_SECOND_STAGE, word[0], levels, 0);
	else if (PASID0_PGTT(word[0]) == PGTT_PASS_THROUGH)
		take_pass_through(walk);
	else if (first && walk->vtd->reg[REG_ECAP] & ECAP_FSTS && PASID2_FSPM(word[2]) <= (walk->vtd->reg[REG_CAP] & CAP_FS5LP ? 1u : 0u))
		take_tables(walk, VIOMMU_VTD_CONTEXT_FIRST_STAGE, word[2], 4 + PASID2_FSPM(word[2]),
			    VIOMMU_VTD_TABLES_FIRST_STAGE | (word[2] & PASID2_NXE ? VIOMMU_VTD_TABLES_NXE : 0));
	else
		faulty(walk, VIOMMU_VTD_FR_SM_PASID_INVALID);
}

static void read_scalable(struct walk *walk, uint64_t root)
{
	uint64_t word[PASID_WORDS];
	uint32_t pasid, directory;

	/* The upper doubleword is for devices 16 to 31. */
	if (!load(walk, root + (walk->source_id >> 8) * ROOT_BYTES + (walk->source_id >> 7 & 1) * 8, word, 1, VIOMMU_VTD_FR_SM_ROOT_ACCESS) ||
	    !judge(walk, word[0], (word[0] & ROOT_RESERVED) | beyond(walk, word[0]), VIOMMU_VTD_FR_SM_ROOT_ABSENT, VIOMMU_VTD_FR_SM_ROOT_RESERVED) ||
	    !load(walk, (word[0] & ENTRY_ADDRESS) + (walk->source_id & 0x7f) * SM_CONTEXT_BYTES, word, SM_CONTEXT_WORDS, VIOMMU_VTD_FR_SM_CONTEXT_ACCESS))
		return;
	walk->context.silent = word[0] & ENTRY_FPD;
	if (!judge(walk, word[0], (word[0] & SM_CONTEXT0_RESERVED) | beyond(walk, word[0]) | (word[1] & SM_CONTEXT1_RESERVED) | word[2] | word[3],
		   VIOMMU_VTD_FR_SM_CONTEXT_ABSENT, VIOMMU_VTD_FR_SM_CONTEXT_RESERVED))
		return;
	pasid = SM_CONTEXT1_RID_PASID(word[1]);
	directory = pasid >> PASID_INDEX_BITS;
	if (directory >= 128u << SM_CONTEXT0_PDTS(word[0])) {
		faulty(walk, VIOMMU_VTD_FR_SM_RID_PASID);
		return;
	}
	if (!load(walk, (word[0] & ENTRY_ADDRESS) + directory * UINT64_C(8), word, 1, VIOMMU_VTD_FR_SM_DIRECTORY_ACCESS))
		return;
	walk->context.silent |= (word[0] & ENTRY_FPD) != 0;
	if (!judge(walk, word[0], (word[0] & DIRECTORY_RESERVED) | beyond(walk, word[0]), VIOMMU_VTD_FR_SM_DIRECTORY_ABSENT,
		   VIOMMU_VTD_FR_SM_DIRECTORY_RESERVED) ||
	    !load(walk, (word[0] & ENTRY_ADDRESS) + (pasid & ((1u << PASID_INDEX_BITS) - 1)) * PASID_BYTES, word, PASID_WORDS, VIOMMU_VTD_FR_SM_PASID_ACCESS))
		return;
	walk->context.silent |= (word[0] & ENTRY_FPD) != 0;
	read_pasid(walk, word);
}

static void read_context(struct walk *walk)
{
	const uint64_t *reg = walk->vtd->reg;
	uint64_t root = reg[REG_ROOT];

	if (!(reg[REG_GSTS] & VIOMMU_VTD_GCMD_TE)) {
		walk->context.kind = VIOMMU_VTD_CONTEXT_DISABLED;
		walk->config.target = GUEST_TARGET_DIRECT;
		return;
	}
	walk->context.scalable = RTADDR_TTM(root) == TTM_SCALABLE && reg[REG_ECAP] & ECAP_SMTS;
	if (walk->context.scalable)
		read_scalable(walk, root & ENTRY_ADDRESS);
	else if (RTADDR_TTM(root) == TTM_LEGACY)
		read_legacy(walk, root & ENTRY_ADDRESS);
	else
		faulty(walk, VIOMMU_VTD_FR_MODE);
}

void vtd_configure(struct guest_device *device)
{
	struct walk walk = { .vtd = vtd_of(device->iommu), .source_id = guest_device_id(device), .config = { .target = GUEST_TARGET_NONE } };

	read_context(&walk);
	port_lock(&device->iommu->lock);
	vtd_device_of(device)->context = walk.context;
	device->config = walk.config;
	port_unlock(&device->iommu->lock);
}
