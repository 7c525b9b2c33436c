/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stream's configuration: its stream table entry (IHI 0070, sections 3.3 and 5.2) and the context
 * descriptor that the entry names (section 5.4), read and judged.
 *
 * Each doubleword is loaded once, and judged on the copy; at most one level 1 descriptor, one entry
 * and one context descriptor are read. An illegal configuration yields the event that an SMMU
 * raises for it (section 7.3), in the order in which an SMMU finds it.
 */
#include "context.h"
#include "smmuv3.h"

static void faulty(struct smmuv3_stream *stream, uint32_t event, uint64_t fetch)
{
	stream->kind = VIOMMU_SMMUV3_STREAM_FAULTY;
	stream->event = event;
	stream->fetch = fetch;
}

/* A table is aligned to its size, 2^bits bytes: lower bits of its address are ignored. */
static uint64_t align(uint64_t address, unsigned int bits)
{
	return bits < 64 ? address & ~((UINT64_C(1) << bits) - 1) : 0;
}

/*
 * The address of a stream's entry, in a table of two levels (section 5.1). False: there is none,
 * and stream says why.
 */
static bool find_in_two_levels(struct viommu_smmuv3 *smmu, uint32_t sid, unsigned int log2size, uint64_t *ste, struct smmuv3_stream *stream)
{
	unsigned int split = STRTAB_CFG_SPLIT(smmu->reg[REG_STRTAB_BASE_CFG]), span, size;
	uint64_t address, descriptor;

	/* Reserved values of SPLIT are as 6. */
	if (split != 8 && split != 10)
		split = 6;
	size = log2size > split + 3 ? log2size - split + 3 : 6;
	address = align(smmu->reg[REG_STRTAB_BASE] & STRTAB_BASE_ADDRESS, size) + (uint64_t)(sid >> split) * 8;
	if (!guest_memory_load(&smmu->iommu.memory, address, &descriptor, 1)) {
		faulty(stream, VIOMMU_SMMUV3_F_STE_FETCH, address);
		return false;
	}
	span = (unsigned int)(descriptor & L1STD_SPAN);
	sid &= (1u << split) - 1;
	/*
	 * A Span of 0 names no table, larger ones than the split allows are reserved; else there
	 * are 2^(Span - 1) entries.
	 */
	if (!span || span > split + 1 || sid >> (span - 1)) {
		faulty(stream, VIOMMU_SMMUV3_C_BAD_STREAMID, 0);
		return false;
	}
	*ste = align(descriptor & L1STD_L2PTR, span - 1 + 6) + (uint64_t)sid * STE_BYTES;
	return true;
}

static bool find_ste(struct viommu_smmuv3 *smmu, uint32_t sid, uint64_t *ste, struct smmuv3_stream *stream)
{
	unsigned int log2size = STRTAB_CFG_LOG2SIZE(smmu->reg[REG_STRTAB_BASE_CFG]);

	/*
	 * The alignment is by LOG2SIZE as it is, also where there are fewer StreamIDs (section
	 * 6.3.24).
	 */
	if (log2size < smmu->config.sid_bits && (uint64_t)sid >> log2size) {
		faulty(stream, VIOMMU_SMMUV3_C_BAD_STREAMID, 0);
		return false;
	}
	/* Reserved values of FMT are as that of a linear table. */
	if (STRTAB_CFG_FMT(smmu->reg[REG_STRTAB_BASE_CFG]) == STRTAB_FMT_TWO_LEVELS)
		return find_in_two_levels(smmu, sid, log2size, ste, stream);
	*ste = align(smmu->reg[REG_STRTAB_BASE] & STRTAB_BASE_ADDRESS, log2size + 6) + (uint64_t)sid * STE_BYTES;
	return true;
}

/*
 * Stage 1 of an entry (section 5.2). Fields of features that are absent are ignored: S1CDMax, S1Fmt
 * and S1DSS without substreams, STRW without EL2, PRIVCFG and INSTCFG without ATTR_PERMS_OVR.
 */
static bool is_legal_stage1(const struct viommu_smmuv3 *smmu, const uint64_t ste[STE_WORDS])
{
	return !(ste[1] & STE1_S1STALLD) && !(ste[0] & STE0_S1CONTEXTPTR & ~smmu->iommu.last_address);
}

/* Hardware reads the descriptor at any time, and reports itself what is wrong with it. */
static void read_hardware_stage1(const uint64_t ste[STE_WORDS], struct guest_config *config)
{
	config->key[0] = STE0_V | STE_CONFIG_S1 << STE0_CONFIG_SHIFT | (ste[0] & STE0_S1CONTEXTPTR);
	config->key[1] = ste[1] & STE1_S1_CACHING;
}

static void read_descriptor(struct viommu_smmuv3 *smmu, struct smmuv3_stream *stream, struct guest_config *config)
{
	const struct smmuv3_context_limits limits = {
		.least_tsz = CD_TSZ_LEAST,
		.aborts = smmu->reg[REG_IDR0] & IDR0_TERM_MODEL,
		.short_asids = !(smmu->reg[REG_IDR0] & IDR0_ASID16),
	};

	if (!guest_memory_load(&smmu->iommu.memory, stream->cd_gpa, config->key, CD_WORDS))
		faulty(stream, VIOMMU_SMMUV3_F_CD_FETCH, stream->cd_gpa);
	else if (!smmuv3_cd_is_legal(config->key[0], &limits))
		faulty(stream, VIOMMU_SMMUV3_C_BAD_CD, 0);
	config->context = CD0_ASID(config->key[0]);
}

static void read_stream(struct viommu_smmuv3_device *device, struct smmuv3_stream *stream, struct guest_config *config)
{
	struct viommu_smmuv3 *smmu = smmuv3_of(device->guest.iommu);
	uint64_t ste[STE_WORDS], address;
	unsigned int what;

	/* Section 3.11: until the SMMU is enabled, GBPA decides. */
	if (!(smmu->reg[REG_CR0] & CR0_SMMUEN)) {
		if (!(smmu->reg[REG_GBPA] & GBPA_ABORT))
			stream->kind = VIOMMU_SMMUV3_STREAM_BYPASS;
		return;
	}
	if (!find_ste(smmu, device->guest.id.id, &address, stream))
		return;
	if (!guest_memory_load(&smmu->iommu.memory, address, ste, STE_WORDS)) {
		faulty(stream, VIOMMU_SMMUV3_F_STE_FETCH, address);
		return;
	}
	what = STE0_CONFIG(ste[0]);
	if (!(ste[0] & STE0_V)) {
		faulty(stream, VIOMMU_SMMUV3_C_BAD_STE, 0);
	} else if (what == STE_CONFIG_BYPASS) {
		stream->kind = VIOMMU_SMMUV3_STREAM_BYPASS;
	} else if (what == STE_CONFIG_S1 && is_legal_stage1(smmu, ste)) {
		stream->kind = VIOMMU_SMMUV3_STREAM_STAGE1;
		stream->cd_gpa = ste[0] & STE0_S1CONTEXTPTR;
		if (device->guest.hardware)
			read_hardware_stage1(ste, config);
		else
			read_descriptor(smmu, stream, config);
	} else if (what & STE_CONFIG_BYPASS) {
		/* Stage 2, or an illegal stage 1. Without this bit: abort. */
		faulty(stream, VIOMMU_SMMUV3_C_BAD_STE, 0);
	}
}

void smmuv3_configure(struct guest_device *guest)
{
	struct viommu_smmuv3_device *device = smmuv3_device_of(guest);
	struct smmuv3_stream stream = { .kind = VIOMMU_SMMUV3_STREAM_ABORT };
	struct guest_config config = { .target = GUEST_TARGET_NONE };

	read_stream(device, &stream, &config);
	/* Hardware is given an entry for bypass, too. */
	if (stream.kind == VIOMMU_SMMUV3_STREAM_STAGE1 || (stream.kind == VIOMMU_SMMUV3_STREAM_BYPASS && guest->hardware))
		config.target = GUEST_TARGET_TABLES;
	else if (stream.kind == VIOMMU_SMMUV3_STREAM_BYPASS)
		config.target = GUEST_TARGET_DIRECT;
	if (stream.kind == VIOMMU_SMMUV3_STREAM_BYPASS && guest->hardware)
		config.key[0] = STE0_V | STE_CONFIG_BYPASS << STE0_CONFIG_SHIFT;
	port_lock(&guest->iommu->lock);
	device->stream = stream;
	guest->config = config;
	port_unlock(&guest->iommu->lock);
}
