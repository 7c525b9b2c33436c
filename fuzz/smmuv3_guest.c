/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "smmuv3_guest.h"

#define L2_TABLES   UINT64_C(0x118000)
#define CONTEXTS_AT UINT64_C(0x4000)
#define TOP_TABLES  UINT64_C(0x120000)

#define PLAIN	  UINT64_C(0x443) /* a page: access flag, for all */
#define BLOCK	  UINT64_C(0x441)
#define READ_ONLY UINT64_C(0x80)

static const unsigned int telling[16] = { 0, 1, 2, 3, 7, 8, 15, 16, 63, 64, 127, 255, 256, 510, 511, 0 };

/*
 * One of the first places of the memory, most of which honest guests use, or any; aligned to 4 KiB.
 */
static uint64_t take_place(struct input *input)
{
	unsigned int byte = input_byte(input);

	return world_unit(byte & 63) + (byte >> 6) * PAGE;
}

/* One of few tables, so that paths meet: the honest guest's first. */
static uint64_t take_table(struct input *input)
{
	unsigned int byte = input_byte(input);

	return byte & 0x80 ? take_place(input) : TOP_TABLES + (byte & 31) * PAGE;
}

static unsigned int take_index(struct input *input)
{
	unsigned int byte = input_byte(input);

	return (telling[byte & 15] + (byte >> 4)) & 511;
}

uint64_t guest_take_iova(struct input *input)
{
	static const unsigned int shift[4] = { 12, 21, 30, 39 };
	unsigned int kind = input_byte(input), levels = kind & 3;
	uint64_t iova = 0;

	if (kind & 4)
		return input_take(input, 8);
	for (unsigned int level = 0; level <= levels; level++)
		iova += (uint64_t)take_index(input) << shift[level];
	/* The ends of 16K and 64K pages; in the upper half. */
	iova += (uint64_t)(kind >> 4 & 3) << 14;
	if (kind & 8)
		iova |= UINT64_C(0xffff000000000000);
	return iova | (kind & 0x40 ? 0xff8 : 0);
}

static uint64_t take_entry(struct input *input, unsigned int kind)
{
	unsigned int byte;

	switch (kind) {
	case 0:
	case 1:
		return take_table(input) | 3;
	case 2: /* a table with restrictions */
		byte = input_byte(input);
		return take_table(input) | 3 | (uint64_t)(byte & 7) << 59 | (uint64_t)(byte >> 3) << 5;
	case 3:
	case 4:
	case 5:
		return take_place(input) | PLAIN;
	case 6:
		return take_place(input) | PLAIN | READ_ONLY;
	case 7: /* a page with other attributes */
		byte = (unsigned int)input_take(input, 2);
		return take_place(input) | 3 | (byte & 0xffc);
	case 8:
		return BLOCK | (uint64_t)(input_byte(input) & 3) << 21;
	case 9: /* a block with other attributes, from anywhere */
		return input_take(input, 6) << 12 | (input_take(input, 2) & 0xffd) | 1;
	case 10:
		return 0;
	default:
		return input_take(input, 8);
	}
}

void guest_write_table(struct world *world, struct input *input)
{
	unsigned int kind = input_byte(input), number;
	uint64_t at = take_table(input) + 8 * (uint64_t)take_index(input), entry;

	switch (kind & 15) {
	case 12: /* pages in a row, contiguous or always the same */
		number = input_byte(input);
		entry = take_place(input) | PLAIN;
		for (uint64_t i = 0; i <= number % 64; i++)
			world_store(world, at + 8 * i, entry + (number & 0x80 ? 0 : i * PAGE));
		break;
	case 13:
		number = input_byte(input);
		for (uint64_t i = 0; i <= number % 64; i++)
			world_store(world, at + 8 * i, 0);
		break;
	case 14:
		world_store(world, at, world_load(world, at) ^ UINT64_C(1) << (input_byte(input) & 63));
		break;
	case 15: /* the same entry everywhere */
		entry = take_entry(input, input_byte(input) & 15);
		for (uint64_t i = 0; i < 512; i++)
			world_store(world, (at & ~(PAGE - 1)) + 8 * i, entry);
		break;
	default:
		world_store(world, at, take_entry(input, kind & 15));
		break;
	}
}

static void write_entry(struct world *world, struct input *input, uint64_t at)
{
	unsigned int kind = input_byte(input);
	uint64_t first = 0xb | (CONTEXTS_AT + 64 * (kind >> 4 & 3)), second = 0;

	switch (kind & 15) {
	case 0:
		first = 0x9;
		break;
	case 1:
		first = 0x1;
		break;
	case 2:
		first = (uint64_t)(kind >> 4);
		break;
	case 3:
		first = 0xb | take_place(input);
		break;
	case 4: /* PRIVCFG: ignored */
		second = UINT64_C(3) << 48;
		break;
	case 5:
		first ^= UINT64_C(1) << (input_byte(input) & 63);
		break;
	case 6:
		second = UINT64_C(1) << (input_byte(input) & 63);
		break;
	case 7:
		first = input_take(input, 8);
		second = input_take(input, 8);
		break;
	default:
		break;
	}
	world_store(world, at, first);
	world_store(world, at + 8, second);
}

void guest_write_stream(struct world *world, const struct model_smmu *smmu, struct input *input)
{
	unsigned int byte = input_byte(input), split = smmu->strtab_cfg >> 6 & 31;
	struct model_stream stream = { .sid = smmu->stream[byte & 3].sid };
	uint64_t at;

	if (byte & 0x80) {
		/* The descriptor of level 1. */
		split = split == 8 || split == 10 ? split : 6;
		at = (smmu->strtab_base & UINT64_C(0xfffffffffffc0)) + 8 * (uint64_t)(stream.sid >> split);
		world_store(world, at, byte & 0x40 ? input_take(input, 8) : (L2_TABLES + PAGE * (byte >> 4 & 3)) | (input_byte(input) & 31));
		return;
	}
	if (!model_find_entry(smmu, &stream, &at) || byte & 0x40)
		at = take_place(input);
	write_entry(world, input, at);
}

/* As Linux writes it: V, AA64, R, A, EPD1 and 4K, with one field or another changed. */
static uint64_t plain_context(unsigned int asid, unsigned int tsz)
{
	return tsz | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(5) << 32 | UINT64_C(1) << 41 | UINT64_C(3) << 45 | (uint64_t)asid << 48;
}

void guest_write_context(struct world *world, struct input *input)
{
	static const unsigned int sizes[4] = { 25, 16, 34, 39 };
	unsigned int byte = input_byte(input), kind = input_byte(input);
	uint64_t at = CONTEXTS_AT + 64 * (byte & 3), first = plain_context(1 + (byte >> 2 & 1), sizes[byte >> 4 & 3]), second, third = 0;

	second = take_table(input);
	switch (kind & 15) {
	case 0:
		first ^= UINT64_C(1) << (input_byte(input) & 63);
		break;
	case 1: /* both halves, TG1 of any kind */
		first = (first & ~(UINT64_C(1) << 30)) | (first & 63) << 16 | (uint64_t)(kind >> 4 & 3) << 22;
		third = take_table(input);
		break;
	case 2:
	case 3: /* TG0 */
		first |= (uint64_t)(kind >> 4 & 3) << 6;
		break;
	case 4: /* IPS, R, A, AFFD */
		first ^= (uint64_t)(kind >> 4 & 7) << 32 | (uint64_t)(input_byte(input) & 0xf) << 45 | (uint64_t)(kind >> 7) << 35;
		break;
	case 5: /* no hierarchical permissions */
		second |= 2;
		break;
	case 6:
		second = input_take(input, 8);
		break;
	case 7:
		first = input_take(input, 8);
		break;
	case 8: /* an ASID of more than 8 bits */
		first |= UINT64_C(1) << (56 + (kind >> 4 & 7));
		break;
	default:
		break;
	}
	if (byte & 0x80)
		at = take_place(input);
	world_store(world, at, first);
	world_store(world, at + 8, second);
	world_store(world, at + 16, third);
}

static uint64_t take_range(struct input *input, uint64_t *second)
{
	unsigned int byte = input_byte(input), number = input_byte(input);

	/* TG, TTL, Leaf; NUM and SCALE. */
	*second = (guest_take_iova(input) & ~UINT64_C(0xfff)) | (uint64_t)(byte & 3) << 10 | (uint64_t)(byte >> 2 & 3) << 8 | (byte >> 4 & 1);
	return (uint64_t)(number & 31) << 12 | (uint64_t)(number >> 5 | (byte >> 5 & 3) << 3) << 20;
}

static void take_command(const struct model_smmu *smmu, struct input *input, uint64_t command[2])
{
	unsigned int byte = input_byte(input);
	uint64_t sid = (uint64_t)smmu->stream[byte >> 4 & 3].sid << 32, asid = (uint64_t)(1 + (byte >> 4 & 1)) << 48;

	command[1] = 1;
	switch (byte & 15) {
	case 0:
	case 1:
		command[0] = 0x03 | sid;
		break;
	case 2:
		command[0] = 0x05 | sid;
		break;
	case 3:
		command[0] = 0x06 | sid;
		break;
	case 4:
		command[0] = 0x04 | sid;
		command[1] = byte & 0x80 ? 31 : input_byte(input);
		break;
	case 5:
		command[0] = 0x11 | asid;
		break;
	case 6:
	case 7:
	case 8:
		command[0] = 0x12 | asid | take_range(input, &command[1]);
		break;
	case 9:
		command[0] = 0x13 | take_range(input, &command[1]);
		break;
	case 10:
		command[0] = byte & 0x80 ? 0x10 : 0x30;
		break;
	case 11:
	case 12:
	case 13:
		command[0] = 0x46 | (uint64_t)(byte >> 4 & 3) << 12;
		break;
	case 14:
		command[0] = input_byte(input) | sid | (uint64_t)(byte >> 6) << 10;
		break;
	default:
		command[0] = input_take(input, 8);
		command[1] = input_take(input, 8);
		break;
	}
}

uint32_t guest_write_commands(struct world *world, const struct model_smmu *smmu, struct input *input)
{
	unsigned int number = input_byte(input) % 8 + 1, bits = (unsigned int)(smmu->cmdq_base & 31) > 12 ? 12 : (unsigned int)(smmu->cmdq_base & 31);
	uint32_t producer = smmu->cmdq_prod;

	for (unsigned int i = 0; i < number; i++, producer = (producer + 1) % (2u << bits)) {
		uint64_t at = (smmu->cmdq_base & UINT64_C(0xfffffffffffe0)) >> (bits + 4) << (bits + 4), command[2];

		at += (uint64_t)(producer % (1u << bits)) * 16;
		take_command(smmu, input, command);
		world_store(world, at, command[0]);
		world_store(world, at + 8, command[1]);
	}
	return producer;
}

static uint32_t take_offset(struct input *input)
{
	static const uint32_t known[16] = { 0x20, 0x20, 0x28, 0x2c, 0x44, 0x50, 0x64, 0x80, 0x88, 0x90, 0x98, 0x9c, 0xa0, 0x100a8, 0x100ac, 0x20 };
	unsigned int byte = input_byte(input);

	return byte & 0x80 ? (uint32_t)input_take(input, 3) % 0x20000 : known[byte & 15];
}

struct guest_store guest_take_store(const struct model_smmu *smmu, struct input *input)
{
	unsigned int kind = input_byte(input);
	struct guest_store store = { .offset = take_offset(input) & ~3u, .bytes = 4 };

	/*
	 * The present value with one byte changed; a place with a small number, as of queues and
	 * tables; a large number.
	 */
	switch (kind & 3) {
	case 0:
		store.value = model_read(smmu, store.offset) ^ input_byte(input);
		break;
	case 1:
		store.value = input_byte(input);
		break;
	case 2:
		store.value = take_place(input) | input_byte(input);
		break;
	default:
		store.value = input_take(input, 8);
		break;
	}
	if (kind & 4)
		store.value |= UINT64_C(1) << 31;
	if (!(store.offset & 7) && kind & 8)
		store.bytes = 8;
	if (store.bytes == 4)
		store.value = (uint32_t)store.value;
	return store;
}

void guest_begin_honestly(struct world *world, bool two_levels)
{
	static const uint32_t sids[STREAMS] = { 0, 1, 70, 300 };

	for (unsigned int n = 0; n < STREAMS; n++) {
		uint64_t entry = HONEST_STRTAB + 64 * (uint64_t)sids[n];

		if (two_levels) {
			world_store(world, HONEST_STRTAB + 8 * (uint64_t)(sids[n] >> 6), (L2_TABLES + PAGE * (sids[n] >> 6)) | 7);
			entry = L2_TABLES + PAGE * (sids[n] >> 6) + 64 * (uint64_t)(sids[n] & 63);
		}
		world_store(world, entry, 0xb | (CONTEXTS_AT + 64 * (n / 2)));
	}
	for (uint64_t n = 0; n < 2; n++) {
		uint64_t top = TOP_TABLES + 4 * PAGE * n;

		world_store(world, CONTEXTS_AT + 64 * n, plain_context(1 + (unsigned int)n, 25));
		world_store(world, CONTEXTS_AT + 64 * n + 8, top);
		world_store(world, top, (top + PAGE) | 3);
		world_store(world, top + PAGE, (top + 2 * PAGE) | 3);
		for (uint64_t i = 0; i < 8; i++)
			world_store(world, top + 2 * PAGE + 8 * i, (world_unit(20) + i * PAGE) | PLAIN);
	}
}
