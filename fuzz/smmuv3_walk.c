/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The result of a stream's access without any cache: sections 3.4 and 7.3, and naive_arm64.h for
 * tables.
 */
#include "smmuv3_model.h"

static bool flag(uint64_t word, unsigned int bit)
{
	return word >> bit & 1;
}

struct arm64_answer model_walk(const struct model_smmu *smmu, const struct model_context *context, uint64_t iova)
{
	struct arm64_tables tables = naive_arm64_context(context->cd, smmu->oas, flag(iova, 55));

	return naive_arm64_walk(smmu->memory, &tables, naive_arm64_untagged(context->cd, iova));
}

unsigned int model_hardware_walk(const struct model_smmu *smmu, const uint64_t cd[8], uint64_t iova, struct arm64_answer *answer, unsigned int *granule)
{
	struct arm64_tables tables;

	if (!model_is_legal(smmu, cd[0]))
		return 0x0a;
	for (unsigned int upper = 0; upper < 2; upper++) {
		tables = naive_arm64_context(cd, smmu->hardware_oas, upper);
		if (naive_arm64_walk(smmu->memory, &tables, upper ? UINT64_MAX : 0).outcome == ARM64_BAD_CONTEXT)
			return 0x0a;
	}
	tables = naive_arm64_context(cd, smmu->hardware_oas, flag(iova, 55));
	*answer = naive_arm64_walk(smmu->memory, &tables, naive_arm64_untagged(cd, iova));
	*granule = tables.granule;
	return naive_arm64_event(answer->outcome);
}

/* The number of entries that a walk of everything meets; a leaf counts as its pages of 4 KiB. */
static uint64_t count(const struct model_smmu *smmu, const struct arm64_tables *tables, uint64_t table, unsigned int entries, unsigned int level, uint64_t most)
{
	unsigned int granule_bits = tables->granule == 4 ? 12 : tables->granule == 16 ? 14 : 16;
	uint64_t number = entries, entry;

	for (unsigned int i = 0; i < entries && number <= most; i++) {
		if (!model_load(smmu, table + 8 * (uint64_t)i, &entry, 1) || !(entry & 1))
			continue;
		if (level < 3 && entry & 2)
			number += count(smmu, tables, (entry & UINT64_C(0xffffffffffff)) >> granule_bits << granule_bits, 1u << (granule_bits - 3), level + 1,
					most - number);
		else
			number += UINT64_C(1) << (granule_bits - 12 + (3 - level) * (granule_bits - 3));
	}
	return number;
}

uint64_t model_entries(const struct model_smmu *smmu, const struct model_context *context, uint64_t most)
{
	uint64_t number = 0;

	for (unsigned int upper = 0; upper < 2; upper++) {
		struct arm64_tables tables = naive_arm64_context(context->cd, smmu->oas, upper);
		unsigned int granule_bits = tables.granule == 4 ? 12 : tables.granule == 16 ? 14 : 16, bits = 64 - (upper ? tables.t1sz : tables.t0sz), level;
		unsigned int low;

		if (upper ? tables.epd1 : tables.epd0)
			continue;
		/* The level of the top table. */
		for (level = 3, low = granule_bits; bits > low + granule_bits - 3; low += granule_bits - 3)
			level--;
		number += count(smmu, &tables, (upper ? tables.ttb1 : tables.ttb0) >> (bits - low + 3) << (bits - low + 3), 1u << (bits - low), level, most);
	}
	return number;
}

static struct model_access error_with(const struct model_stream *stream, unsigned int event, uint64_t kind, uint64_t iova, uint64_t fetch)
{
	return (struct model_access){ .end = MODEL_ENDS_IN_ERROR,
				      .event = true,
				      .record = { event | (uint64_t)stream->sid << 32, kind, iova, fetch & UINT64_C(0xffffffffffff8) } };
}

/* The faults of stage 1, which the descriptor controls: R (bit 45) records, A (bit 46) aborts. */
static struct model_access stage1_fault(const struct model_stream *stream, unsigned int event, uint64_t kind, uint64_t iova)
{
	struct model_access access = error_with(stream, event, kind | UINT64_C(2) << 40, iova, 0);

	access.event = flag(stream->cd[0], 45);
	if (!flag(stream->cd[0], 46))
		access.end = MODEL_READS_ZEROS;
	return access;
}

static struct model_access in_memory(const struct model_smmu *smmu, uint64_t gpa, bool writes)
{
	bool writable = false;

	/* Without memory, or with memory that is read-only, the SMMU has done its part. */
	if (!naive_byte(smmu->memory, gpa, &writable) || (writes && !writable))
		return (struct model_access){ .end = MODEL_ENDS_IN_ERROR };
	return (struct model_access){ .end = MODEL_REACHES, .gpa = gpa };
}

static struct model_access in_stage1(const struct model_smmu *smmu, const struct model_stream *stream, uint64_t iova, bool reads, bool writes)
{
	struct model_context *context = model_context_of((struct model_smmu *)smmu, stream);
	struct arm64_answer answer = model_walk(smmu, context, iova);
	uint64_t kind = writes ? 0 : UINT64_C(1) << 35;

	switch (answer.outcome) {
	case ARM64_IS_PAGE:
		if ((reads && !answer.readable) || (writes && !answer.writable))
			return stage1_fault(stream, 0x13, kind, iova);
		return in_memory(smmu, answer.address, writes);
	case ARM64_NO_TABLE:
		return error_with(stream, naive_arm64_event(answer.outcome), kind | UINT64_C(1) << 40, iova, answer.entry_at);
	default:
		return stage1_fault(stream, naive_arm64_event(answer.outcome), kind, iova);
	}
}

struct model_access model_access(const struct model_smmu *smmu, const struct model_stream *stream, uint64_t iova, bool reads, bool writes)
{
	static const unsigned int oas_bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	struct model_access access = { .end = MODEL_ENDS_IN_ERROR };

	switch (stream->kind) {
	case MODEL_FAULTY:
		access = error_with(stream, stream->event, 0, 0, stream->fetch);
		access.event = stream->event != 0x02 || flag(smmu->cr2, 1);
		return access;
	case MODEL_BYPASS:
		if (iova >> oas_bits[smmu->oas])
			return flag(smmu->cr0, 0) ? error_with(stream, 0x11, UINT64_C(2) << 40 | (writes ? 0 : UINT64_C(1) << 35), iova, 0) : access;
		return in_memory(smmu, iova, writes);
	case MODEL_STAGE1:
		return in_stage1(smmu, stream, iova, reads, writes);
	default:
		return access;
	}
}
