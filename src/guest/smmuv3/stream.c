/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the guest has configured for a stream: its stream table entry (IHI 0070, sections 3.3 and 5.2) and the context descriptor that this names (section 5.4),
 * read and judged.
 *
 * What holds: each doubleword is loaded once, and judged on the copy; at most one level 1 descriptor, one entry and one context descriptor are read. What
 * cannot be is the event that an access gets (section 7.3), in the order in which an SMMU would find it.
 */
#include "context.h"
#include "memory.h"
#include "smmuv3.h"

static void faulty(struct smmuv3_stream *stream, uint32_t event, uint64_t fetch)
{
	stream->kind = VIOMMU_SMMUV3_STREAM_FAULTY;
	stream->event = event;
	stream->fetch = fetch;
}

/* An address is aligned to the size of what it names, of 2^bits bytes: what is below is ignored. */
static uint64_t align(uint64_t address, unsigned int bits)
{
	return address & ~((UINT64_C(1) << bits) - 1);
}

/* Where a stream's entry is, in a table of two levels (section 5.1). False: there is none, and stream says why. */
static bool find_in_two_levels(struct viommu_smmuv3 *smmu, uint32_t sid, unsigned int bits, uint64_t *ste, struct smmuv3_stream *stream)
{
	const struct smmuv3_registers *registers = &smmu->registers;
	unsigned int split = registers->strtab_cfg >> 6 & 0x1f, span, size;
	uint64_t address, descriptor;

	/* Reserved values of SPLIT are as 6. */
	if (split != 8 && split != 10)
		split = 6;
	size = bits > split + 3 ? bits - split + 3 : 6;
	address = align(registers->strtab_base & STRTAB_BASE_ADDRESS, size) + (uint64_t)(sid >> split) * 8;
	if (!smmuv3_load(smmu->vm, address, &descriptor, 1)) {
		faulty(stream, F_STE_FETCH, address);
		return false;
	}
	span = (unsigned int)(descriptor & L1STD_SPAN);
	sid &= (1u << split) - 1;
	/* A Span of 0 names no table, larger ones than the split allows are reserved; else there are 2^(Span - 1) entries. */
	if (!span || span > split + 1 || sid >> (span - 1)) {
		faulty(stream, C_BAD_STREAMID, 0);
		return false;
	}
	*ste = align(descriptor & L1STD_L2PTR, span - 1 + 6) + (uint64_t)sid * STE_BYTES;
	return true;
}

static bool find_ste(struct viommu_smmuv3 *smmu, uint32_t sid, uint64_t *ste, struct smmuv3_stream *stream)
{
	const struct smmuv3_registers *registers = &smmu->registers;
	unsigned int bits = registers->strtab_cfg & 0x3f;

	if (bits > smmu->config.sid_bits)
		bits = smmu->config.sid_bits;
	if ((uint64_t)sid >> bits) {
		faulty(stream, C_BAD_STREAMID, 0);
		return false;
	}
	/* Reserved values of FMT are as that of a linear table. */
	if ((registers->strtab_cfg >> 16 & 3) == 1)
		return find_in_two_levels(smmu, sid, bits, ste, stream);
	*ste = align(registers->strtab_base & STRTAB_BASE_ADDRESS, bits + 6) + (uint64_t)sid * STE_BYTES;
	return true;
}

/* Stage 1 as this SMMU has it: no substreams, no stalls, one StreamWorld; and no data that are read as instructions. */
static bool stage1_is_possible(const struct viommu_smmuv3 *smmu, const uint64_t ste[STE_WORDS])
{
	if (STE0_S1CDMAX(ste[0]) || STE1_STRW(ste[1]) || ste[1] & STE1_S1STALLD)
		return false;
	return !(smmu->idr[1] & IDR1_ATTR_PERMS_OVR) || STE1_INSTCFG(ste[1]) != INSTCFG_INSTRUCTION;
}

static void read_stage1(const struct viommu_smmuv3_device *device, const uint64_t ste[STE_WORDS], struct smmuv3_stream *stream)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	const struct smmuv3_context_limits limits = { .least_tsz = CD_TSZ_LEAST, .aborts = smmu->idr[0] & IDR0_TERM_MODEL };

	stream->kind = VIOMMU_SMMUV3_STREAM_STAGE1;
	if (smmu->idr[1] & IDR1_ATTR_PERMS_OVR && STE1_PRIVCFG(ste[1]) == PRIVCFG_PRIVILEGED)
		stream->flags = VIOMMU_SMMUV3_PRIVILEGED;
	stream->cd_gpa = ste[0] & STE0_S1CONTEXTPTR;
	/* Hardware reads the descriptor itself, when it likes, and says itself what is wrong with it. */
	if (device->hardware) {
		stream->ste[0] = STE0_V | STE_CONFIG_S1 << STE0_CONFIG_SHIFT | stream->cd_gpa;
		stream->ste[1] = ste[1] & STE1_S1_CACHING;
		return;
	}
	if (!smmuv3_load(smmu->vm, stream->cd_gpa, stream->cd, CD_WORDS))
		faulty(stream, F_CD_FETCH, stream->cd_gpa);
	else if (!smmuv3_cd_is_legal(stream->cd[0], &limits))
		faulty(stream, C_BAD_CD, 0);
}

static void bypass(struct smmuv3_stream *stream)
{
	stream->kind = VIOMMU_SMMUV3_STREAM_BYPASS;
	stream->ste[0] = STE0_V | STE_CONFIG_BYPASS << STE0_CONFIG_SHIFT;
}

void smmuv3_stream_read(const struct viommu_smmuv3_device *device, struct smmuv3_stream *stream)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	uint64_t ste[STE_WORDS], address;
	unsigned int config;

	*stream = (struct smmuv3_stream){ .kind = VIOMMU_SMMUV3_STREAM_ABORT };
	/* Section 3.11: until the SMMU is enabled, GBPA says what becomes of accesses. */
	if (!(smmu->registers.cr0 & CR0_SMMUEN)) {
		if (!(smmu->registers.gbpa & GBPA_ABORT))
			bypass(stream);
		return;
	}
	if (!find_ste(smmu, device->sid, &address, stream))
		return;
	if (!smmuv3_load(smmu->vm, address, ste, STE_WORDS)) {
		faulty(stream, F_STE_FETCH, address);
		return;
	}
	if (!(ste[0] & STE0_V)) {
		faulty(stream, C_BAD_STE, 0);
		return;
	}
	config = STE0_CONFIG(ste[0]);
	if (config == STE_CONFIG_BYPASS)
		bypass(stream);
	else if (config == STE_CONFIG_S1 && stage1_is_possible(smmu, ste))
		read_stage1(device, ste, stream);
	else if (config & STE_CONFIG_BYPASS) /* stage 2, or what stage1_is_possible() refused; without this bit: abort */
		faulty(stream, C_BAD_STE, 0);
}
