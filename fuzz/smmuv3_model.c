/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Registers, queues, commands and streams of the model; smmuv3_walk.c has the translation. */
#include "smmuv3_model.h"

#include <string.h>

static uint64_t field(uint64_t word, unsigned int high, unsigned int low)
{
	return word >> low & (UINT64_MAX >> (63 - (high - low)));
}

static bool flag(uint64_t word, unsigned int bit)
{
	return word >> bit & 1;
}

bool model_load(const struct model_smmu *smmu, uint64_t gpa, uint64_t *words, unsigned int number)
{
	for (unsigned int i = 0; i < 8 * number; i++) {
		const unsigned char *byte = naive_byte(smmu->memory, gpa + i, NULL);

		if (!byte)
			return false;
		if (i % 8 == 0)
			words[i / 8] = 0;
		words[i / 8] |= (uint64_t)*byte << 8 * (i % 8);
	}
	return true;
}

static bool fail(struct model_stream *stream, unsigned int event, uint64_t fetch)
{
	stream->kind = MODEL_FAULTY;
	stream->event = event;
	stream->fetch = fetch;
	return false;
}

static uint64_t aligned(uint64_t address, unsigned int bits)
{
	return bits < 64 ? address >> bits << bits : 0;
}

/* Sections 3.3 and 5.1. */
bool model_find_entry(const struct model_smmu *smmu, struct model_stream *stream, uint64_t *at)
{
	unsigned int log2size = (unsigned int)field(smmu->strtab_cfg, 5, 0), split = (unsigned int)field(smmu->strtab_cfg, 10, 6), bits;
	uint64_t base = field(smmu->strtab_base, 51, 6) << 6, descriptor, span, index;

	if ((uint64_t)stream->sid >> (log2size < smmu->sid_bits ? log2size : smmu->sid_bits))
		return fail(stream, 0x02, 0);
	if (field(smmu->strtab_cfg, 17, 16) != 1) {
		*at = aligned(base, 6 + log2size) + 64 * (uint64_t)stream->sid;
		return true;
	}
	split = split == 8 || split == 10 ? split : 6;
	bits = log2size > split ? log2size - split + 3 : 3;
	base = aligned(base, bits > 6 ? bits : 6) + 8 * (uint64_t)(stream->sid >> split);
	if (!model_load(smmu, base, &descriptor, 1))
		return fail(stream, 0x03, base);
	span = field(descriptor, 4, 0);
	index = stream->sid % (1u << split);
	if (span == 0 || span > split + 1 || index >= UINT64_C(1) << (span - 1))
		return fail(stream, 0x02, 0);
	*at = aligned(field(descriptor, 51, 6) << 6, (unsigned int)span - 1 + 6) + 64 * index;
	return true;
}

static unsigned int model_address_bits(const struct model_smmu *smmu)
{
	static const unsigned int bits[] = { 32, 36, 40, 42, 44, 48, 52 };

	return bits[smmu->oas];
}

static bool is_size(uint64_t tsz)
{
	return tsz >= 16 && tsz <= 39;
}

/*
 * Section 5.4.1, and A where TERM_MODEL is 1; ENDI (where there are tables), HA, HD and S belong to
 * features that are absent.
 */
bool model_is_legal(const struct model_smmu *smmu, uint64_t cd0)
{
	static const unsigned int absent[] = { 42, 43, 44 };

	for (unsigned int i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (flag(cd0, absent[i]))
			return false;
	if (flag(cd0, 15) && !(flag(cd0, 14) && flag(cd0, 30)))
		return false;
	if (smmu->short_asids && field(cd0, 63, 56))
		return false;
	if (!flag(cd0, 31) || !flag(cd0, 41) || (smmu->hardware && !flag(cd0, 46)))
		return false;
	if (!flag(cd0, 14) && (!is_size(field(cd0, 5, 0)) || field(cd0, 7, 6) == 3))
		return false;
	return flag(cd0, 30) || (is_size(field(cd0, 21, 16)) && field(cd0, 23, 22) != 0);
}

struct model_context *model_context_of(struct model_smmu *smmu, const struct model_stream *stream)
{
	struct model_context *context;

	for (context = smmu->context; context < smmu->context + CONTEXTS; context++)
		if (context->used && !memcmp(context->cd, stream->cd, sizeof(stream->cd)))
			return context;
	for (context = smmu->context; context->used; context++)
		;
	context->used = true;
	memcpy(context->cd, stream->cd, sizeof(stream->cd));
	context->pages = 0;
	return context;
}

static void read_descriptor(struct model_smmu *smmu, struct model_stream *stream, const uint64_t ste[8])
{
	const struct model_context *context;

	stream->cd_at = field(ste[0], 51, 6) << 6;
	if (stream->hardware) {
		stream->kind = MODEL_STAGE1;
		stream->ste[0] = stream->cd_at | 5 << 1 | 1;
		/*
		 * S1CIR, S1COR and S1CSH are the guest's; S1STALLD is the host's, where it is not
		 * ignored.
		 */
		stream->ste[1] = field(ste[1], 7, 2) << 2 | (uint64_t)smmu->stalls << 27;
		return;
	}
	if (!model_load(smmu, stream->cd_at, stream->cd, 8)) {
		fail(stream, 0x09, stream->cd_at);
		return;
	}
	if (!model_is_legal(smmu, stream->cd[0])) {
		fail(stream, 0x0a, 0);
		return;
	}
	stream->kind = MODEL_STAGE1;
	context = model_context_of(smmu, stream);
	/* TTB0, TTB1 beyond the output size. */
	for (unsigned int upper = 0; upper < 2; upper++)
		if (model_walk(smmu, context, upper ? UINT64_MAX : 0).outcome == ARM64_BAD_CONTEXT) {
			fail(stream, 0x0a, 0);
			stream->late = true;
		}
}

/* Reads the whole configuration of a stream. */
static void configure(struct model_smmu *smmu, struct model_stream *stream)
{
	uint64_t at, ste[8];
	unsigned int config;

	if (!stream->plugged)
		return;
	*stream = (struct model_stream){ .plugged = true, .hardware = stream->hardware, .sid = stream->sid, .ste = { 4 << 1 | 1 }, .read_anew = true };
	if (!flag(smmu->cr0, 0)) {
		stream->kind = flag(smmu->gbpa, 20) ? MODEL_ABORT : MODEL_BYPASS;
		return;
	}
	if (!model_find_entry(smmu, stream, &at))
		return;
	if (!model_load(smmu, at, ste, 8)) {
		fail(stream, 0x03, at);
		return;
	}
	config = (unsigned int)field(ste[0], 3, 1);
	if (!flag(ste[0], 0))
		fail(stream, 0x04, 0);
	else if (config < 4)
		stream->kind = MODEL_ABORT;
	else if (config == 4)
		stream->kind = MODEL_BYPASS;
	else if (config > 5 || flag(ste[1], 27) || field(ste[0], 51, 6) << 6 >> model_address_bits(smmu))
		fail(stream, 0x04, 0);
	else
		read_descriptor(smmu, stream, ste);
}

static void configure_all(struct model_smmu *smmu)
{
	for (unsigned int i = 0; i < STREAMS; i++)
		configure(smmu, &smmu->stream[i]);
}

void model_plug(struct model_smmu *smmu, unsigned int n)
{
	smmu->stream[n].plugged = true;
	configure(smmu, &smmu->stream[n]);
}

void model_reset(struct model_smmu *smmu)
{
	smmu->cr0 = smmu->cr1 = smmu->cr2 = smmu->irq_ctrl = smmu->gerror = smmu->gerrorn = smmu->strtab_cfg = 0;
	smmu->gbpa = smmu->reset_abort ? 1u << 20 : 0;
	smmu->strtab_base = smmu->cmdq_base = smmu->eventq_base = 0;
	smmu->cmdq_prod = smmu->cmdq_cons = smmu->eventq_prod = smmu->eventq_cons = 0;
	smmu->irqs = 0;
	configure_all(smmu);
}

static void raise_error(struct model_smmu *smmu, unsigned int bit)
{
	if (flag(smmu->gerror ^ smmu->gerrorn, bit))
		return;
	smmu->gerror ^= 1u << bit;
	if (flag(smmu->irq_ctrl, 0))
		smmu->irqs |= 1u << 2;
}

bool model_names(const uint64_t command[2], unsigned int granule, unsigned int level, uint64_t iova)
{
	unsigned int granule_bits = granule == 4 ? 12 : granule == 16 ? 14 : 16;
	unsigned int tg = (unsigned int)field(command[1], 11, 10), ttl = (unsigned int)field(command[1], 9, 8);
	uint64_t size = UINT64_C(1) << (granule_bits + (3 - level) * (granule_bits - 3)), leaf = iova & ~(size - 1);
	uint64_t first = aligned(command[1], 12), bytes = 4096, last;

	/*
	 * The guest may state the granule and level of the range; where they are wrong, the command
	 * need not have an effect.
	 */
	if (tg) {
		if (granule_bits != 10 + 2 * tg)
			return false;
		bytes = (field(command[0], 16, 12) + 1) << field(command[0], 24, 20) << granule_bits;
	}
	/* There are no leaves at level 1 with 16K: this TTL counts as none. */
	if (tg && ttl && ttl != level && !(tg == 2 && ttl == 1))
		return false;
	last = first + (bytes - 1) < first ? UINT64_MAX : first + (bytes - 1);
	return leaf <= last && leaf + (size - 1) >= first;
}

/*
 * One page in use: for each level at which its leaf was, does the invalidation name an address that
 * the leaf translates? Global entries are invalidated by address whatever the ASID (section
 * 4.4.2.4), others by their own.
 */
static void hit(struct model_context *context, struct model_kept *page, const uint64_t command[2])
{
	unsigned int granule = naive_arm64_context(context->cd, 0, flag(page->iova, 55)).granule;
	unsigned int opcode = (unsigned int)field(command[0], 7, 0);
	bool by_address = opcode == 0x12 || opcode == 0x13, by_asid = opcode == 0x11 || opcode == 0x12;
	bool same = field(context->cd[0], 63, 48) == field(command[0], 63, 48);

	for (unsigned int level = 0; level < 4; level++) {
		if (by_address && !model_names(command, granule, level, page->iova))
			continue;
		if (!by_asid || same)
			page->levels &= (uint8_t) ~(1u << level);
		if (opcode != 0x11)
			page->levels &= (uint8_t) ~(GLOBAL << level);
	}
}

static void invalidate(struct model_smmu *smmu, const uint64_t command[2])
{
	unsigned int opcode = (unsigned int)field(command[0], 7, 0);

	for (unsigned int i = 0; i < CONTEXTS; i++)
		for (unsigned int n = 0; smmu->context[i].used && n < smmu->context[i].pages; n++)
			hit(&smmu->context[i], &smmu->context[i].kept[n], command);
	if (smmu->invalidated)
		smmu->invalidated(smmu->ctx, command, opcode == 0x12 || opcode == 0x13);
}

/* Chapter 4. The error of a command that is refused, or 0. */
static unsigned int execute(struct model_smmu *smmu, const uint64_t command[2])
{
	unsigned int opcode = (unsigned int)field(command[0], 7, 0), ignored = 1;

	switch (opcode) {
	case 0x01:
	case 0x02:
		return flag(command[0], 10);
	case 0x03:
	case 0x04:
	case 0x05:
	case 0x06:
		if (flag(command[0], 10))
			return 1;
		smmu->configs++;
		ignored = opcode == 0x04 ? (unsigned int)field(command[1], 4, 0) + 1 : 0;
		for (unsigned int i = 0; i < STREAMS; i++)
			if (smmu->stream[i].sid >> (ignored & 31) == field(command[0], 63, 32) >> ignored || ignored == 32)
				configure(smmu, &smmu->stream[i]);
		return 0;
	case 0x12:
	case 0x13:
		smmu->invalidations++;
		/* Without RIL, TG, TTL, NUM and SCALE are ignored. */
		if (smmu->older) {
			const uint64_t one[2] = { command[0] & ~UINT64_C(0x1f1f000), command[1] & ~UINT64_C(0xf00) };

			invalidate(smmu, one);
			return 0;
		}
		/* There are no leaves at level 1 with 16K: this TTL counts as none. */
		if (field(command[1], 11, 10) && (!field(command[1], 9, 8) || field(command[1], 11, 8) == 9) && !field(command[0], 16, 12) &&
		    !field(command[0], 24, 20))
			return 1;
		invalidate(smmu, command);
		return 0;
	case 0x10:
	case 0x11:
	case 0x30:
		smmu->invalidations++;
		invalidate(smmu, command);
		return 0;
	case 0x46:
		if (field(command[0], 13, 12) == 3)
			return 1;
		smmu->syncs++;
		if (field(command[0], 13, 12) == 1)
			smmu->irqs |= 1u << 1;
		return 0;
	default:
		return 1;
	}
}

/* Limits: 2^12 commands, 2^11 events. */
static unsigned int queue_bits(uint64_t base, unsigned int most)
{
	return field(base, 4, 0) > most ? most : (unsigned int)field(base, 4, 0);
}
#define COMMAND_BITS(smmu) queue_bits((smmu)->cmdq_base, 12)
#define EVENT_BITS(smmu)   queue_bits((smmu)->eventq_base, 11)

/*
 * The address of an index in a queue of 2^bits entries; the queue is aligned to its size, and
 * within the guest's addresses.
 */
static uint64_t queue_at(const struct model_smmu *smmu, uint64_t base, unsigned int bits, uint32_t index, unsigned int bytes_bits)
{
	unsigned int alignment = bits + bytes_bits > 5 ? bits + bytes_bits : 5;

	base = field(base, 51, 5) << 5 & ((UINT64_C(1) << model_address_bits(smmu)) - 1);
	return aligned(base, alignment) + ((uint64_t)(index % (1u << bits)) << bytes_bits);
}

/* Bits above the wrap bit read as zero. */
static void trim(struct model_smmu *smmu)
{
	smmu->cmdq_cons &= 0x7f000000 | ((2u << COMMAND_BITS(smmu)) - 1);
	smmu->eventq_prod &= 1u << 31 | ((2u << EVENT_BITS(smmu)) - 1);
}

static void consume(struct model_smmu *smmu)
{
	uint32_t round = 2u << COMMAND_BITS(smmu);

	while (flag(smmu->cr0, 3) && !flag(smmu->gerror ^ smmu->gerrorn, 0) && smmu->cmdq_prod % round != smmu->cmdq_cons % round) {
		uint64_t command[2];
		unsigned int error = 2;

		if (model_load(smmu, queue_at(smmu, smmu->cmdq_base, COMMAND_BITS(smmu), smmu->cmdq_cons, 4), command, 2))
			error = execute(smmu, command);
		if (error) {
			smmu->errors++;
			smmu->cmdq_cons = (smmu->cmdq_cons & ~0x7f000000u) | error << 24;
			raise_error(smmu, 0);
		} else {
			smmu->commands++;
			smmu->cmdq_cons = (smmu->cmdq_cons & 0x7f000000u) | (smmu->cmdq_cons + 1) % round;
		}
	}
}

static void store_half(uint64_t *reg, bool upper, uint32_t value, uint64_t mask)
{
	if (upper)
		*reg = ((uint64_t)value << 32 | (uint32_t)*reg) & mask;
	else
		*reg = (*reg >> 32 << 32 | value) & mask;
}

static void write_cr0(struct model_smmu *smmu, uint32_t value)
{
	uint32_t changed = (smmu->cr0 ^ value) & 0xd;

	smmu->cr0 = value & 0xd;
	if (flag(changed, 0))
		configure_all(smmu);
	consume(smmu);
}

void model_write(struct model_smmu *smmu, uint32_t offset, uint32_t value)
{
	bool enabled = flag(smmu->cr0, 0), events = flag(smmu->cr0, 2), commands = flag(smmu->cr0, 3);
	uint32_t acknowledged;

	switch (offset) {
	case 0x20:
		write_cr0(smmu, value);
		break;
	case 0x28:
		if (!enabled)
			smmu->cr1 = (smmu->cr1 & 0x3f) | (value & 0xfc0);
		if (!events && !commands)
			smmu->cr1 = (smmu->cr1 & 0xfc0) | (value & 0x3f);
		break;
	case 0x2c:
		if (!enabled)
			smmu->cr2 = value & 2;
		break;
	case 0x44:
		if (!flag(value, 31))
			break;
		smmu->gbpa = value & 0x1f0000;
		if (!enabled)
			configure_all(smmu);
		break;
	case 0x50:
		smmu->irq_ctrl = value & 5;
		break;
	case 0x64:
		acknowledged = (smmu->gerror ^ smmu->gerrorn) & (value ^ smmu->gerrorn);
		smmu->gerrorn ^= acknowledged;
		if (flag(acknowledged, 0))
			smmu->cmdq_cons &= ~0x7f000000u;
		consume(smmu);
		break;
	case 0x80:
	case 0x84:
		if (!enabled)
			store_half(&smmu->strtab_base, offset & 4, value, UINT64_C(0x400fffffffffffc0));
		break;
	case 0x88:
		if (!enabled)
			smmu->strtab_cfg = value & 0x307ff;
		break;
	case 0x90:
	case 0x94:
		if (!commands)
			store_half(&smmu->cmdq_base, offset & 4, value, UINT64_C(0x400fffffffffffff));
		break;
	case 0x98:
		smmu->cmdq_prod = value & 0xfffff;
		consume(smmu);
		break;
	case 0x9c:
		if (!commands)
			smmu->cmdq_cons = value & 0x7f0fffff;
		break;
	case 0xa0:
	case 0xa4:
		if (!events)
			store_half(&smmu->eventq_base, offset & 4, value, UINT64_C(0x400fffffffffffff));
		break;
	case 0x100a8:
		if (!events)
			smmu->eventq_prod = value & 0x800fffff;
		break;
	case 0x100ac:
		smmu->eventq_cons = value & 0x800fffff;
		break;
	default:
		break;
	}
	trim(smmu);
}

uint32_t model_read(const struct model_smmu *smmu, uint32_t offset)
{
	switch (offset) {
	/* HAD; with SMMUv3.2 FWB, RIL, and BBML 1, too (sections 3.21.1.1 and 6.3.4). */
	case 0x0c:
		return smmu->older ? 1u << 2 : 1u << 2 | 1u << 8 | 1u << 10 | 1u << 11;
	case 0x1c:
		return smmu->older ? 1 : 2;
	case 0x20:
	case 0x24:
		return smmu->cr0;
	case 0x28:
		return smmu->cr1;
	case 0x2c:
		return smmu->cr2;
	case 0x44:
		return smmu->gbpa;
	case 0x50:
	case 0x54:
		return smmu->irq_ctrl;
	case 0x60:
		return smmu->gerror;
	case 0x64:
		return smmu->gerrorn;
	case 0x80:
		return (uint32_t)smmu->strtab_base;
	case 0x84:
		return (uint32_t)(smmu->strtab_base >> 32);
	case 0x88:
		return smmu->strtab_cfg;
	case 0x90:
		return (uint32_t)smmu->cmdq_base;
	case 0x94:
		return (uint32_t)(smmu->cmdq_base >> 32);
	case 0x98:
		return smmu->cmdq_prod;
	case 0x9c:
		return smmu->cmdq_cons;
	case 0xa0:
		return (uint32_t)smmu->eventq_base;
	case 0xa4:
		return (uint32_t)(smmu->eventq_base >> 32);
	case 0x100a8:
		return smmu->eventq_prod;
	case 0x100ac:
		return smmu->eventq_cons;
	default:
		return 0;
	}
}

/* Not while EVENTQ_ABT_ERR is active (section 7.2.1). */
static bool is_recording(const struct model_smmu *smmu)
{
	return flag(smmu->cr0, 2) && !flag(smmu->gerror ^ smmu->gerrorn, 2);
}

bool model_record(struct model_smmu *smmu, uint64_t *at)
{
	uint32_t size = 1u << EVENT_BITS(smmu), ahead = (smmu->eventq_prod - smmu->eventq_cons) % (2 * size);
	bool writable;

	*at = queue_at(smmu, smmu->eventq_base, EVENT_BITS(smmu), smmu->eventq_prod, 5);
	if (!is_recording(smmu)) {
		/* Lost without a record. */
	} else if (ahead == size) {
		if (!flag(smmu->eventq_prod ^ smmu->eventq_cons, 31))
			smmu->eventq_prod ^= 1u << 31;
	} else if (!naive_byte(smmu->memory, *at, &writable) || !writable) {
		raise_error(smmu, 2);
	} else {
		if (flag(smmu->irq_ctrl, 2))
			smmu->irqs |= 1u << 0;
		smmu->eventq_prod = (smmu->eventq_prod & 1u << 31) | (smmu->eventq_prod + 1) % (2 * size);
		smmu->events++;
		return true;
	}
	smmu->events_lost++;
	return false;
}

bool model_record_hardware(struct model_smmu *smmu, const uint64_t record[4], bool lost, uint64_t *at)
{
	bool there = false;

	if (lost) {
		smmu->events_lost++;
		if (is_recording(smmu) && !flag(smmu->eventq_prod ^ smmu->eventq_cons, 31))
			smmu->eventq_prod ^= 1u << 31;
	}
	for (unsigned int i = 0; i < STREAMS; i++)
		there |= smmu->stream[i].plugged && smmu->stream[i].sid == record[0] >> 32;
	return there && record[0] & 0xff && model_record(smmu, at);
}
