/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "world.h"

#include <string.h>
#include <sys/mman.h>

#define KIB	UINT64_C(1024)
#define MIB	UINT64_C(0x100000)
#define NOTHING UINT64_C(0x420) /* the invalid bits of all levels of zPCI's tables, which are big-endian; of Arm's it is 0 */

static const struct world_place layout[WORLD_PLACES] = {
	{ .gpa = 0, .bytes = 64 * KIB, .prot = VIOMMU_RW },
	{ .gpa = MIB, .bytes = 256 * KIB, .prot = VIOMMU_RW },
	{ .gpa = MIB + 256 * KIB, .bytes = 64 * KIB, .prot = VIOMMU_RW },
	{ .gpa = UINT64_C(1) << 40, .bytes = 64 * KIB, .prot = VIOMMU_READ },
	{ .gpa = 0 - 64 * KIB, .bytes = 64 * KIB, .prot = VIOMMU_RW },
};

static void put(const struct world *world, unsigned char *bytes, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> (world->little ? 8 * i : 56 - 8 * i));
}

static uint64_t nothing(const struct world *world)
{
	return world->little ? 0 : NOTHING;
}

struct world *world_begin(bool little)
{
	static struct world world;
	unsigned char *memory;

	if (!world.arena) {
		world.little = little;
		world.arena = mmap(NULL, WORLD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		fuzz_must(world.arena != MAP_FAILED);
		for (size_t at = 0; at < WORLD_BYTES; at += 8)
			put(&world, world.arena + at, nothing(&world));
	}
	memory = world.arena;
	memcpy(world.place, layout, sizeof(layout));
	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		world.place[i].memory = memory;
		memory += world.place[i].bytes;
	}
	world_update(&world);
	return &world;
}

void world_end(struct world *world)
{
	for (unsigned int i = 0; i < world->writes; i++)
		put(world, world->arena + world->written[i], nothing(world));
	world->writes = 0;
}

void world_update(struct world *world)
{
	world->memory.slots = world->slot;
	world->memory.count = 0;
	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		const struct world_place *place = &world->place[i];

		if (place->shown)
			world->slot[world->memory.count++] =
				(struct naive_slot){ .gpa = place->gpa, .bytes = place->bytes, .memory = place->memory, .writable = place->prot == VIOMMU_RW };
	}
}

struct viommu_slot world_slot(const struct world *world, unsigned int place)
{
	const struct world_place *from = &world->place[place];

	return (struct viommu_slot){
		.size = sizeof(struct viommu_slot), .prot = from->prot, .gpa = from->gpa, .bytes = from->bytes, .hva = from->memory, .fd = -1
	};
}

bool world_leaving(const struct world *world)
{
	for (unsigned int i = 0; i < WORLD_PLACES; i++)
		if (world->place[i].leaving)
			return true;
	return false;
}

unsigned char *world_at(struct world *world, uint64_t gpa)
{
	for (unsigned int i = 0; i < WORLD_PLACES; i++)
		if (gpa - world->place[i].gpa < world->place[i].bytes)
			return world->place[i].memory + (gpa - world->place[i].gpa);
	return NULL;
}

unsigned int world_page(const struct world *world, uint64_t gpa)
{
	for (unsigned int i = 0; i < WORLD_PLACES; i++)
		if (gpa - world->place[i].gpa < world->place[i].bytes)
			return (unsigned int)((size_t)(world->place[i].memory - world->arena) + (gpa - world->place[i].gpa)) / 4096u;
	return WORLD_PAGES;
}

uint64_t world_load(struct world *world, uint64_t gpa)
{
	const unsigned char *bytes = world_at(world, gpa);
	uint64_t value = 0;

	for (unsigned int i = 0; bytes && i < 8; i++)
		value = value << 8 | bytes[world->little ? 7 - i : i];
	return value;
}

void world_store(struct world *world, uint64_t gpa, uint64_t value)
{
	unsigned char *bytes = world_at(world, gpa & ~UINT64_C(7));

	if (!bytes || world->writes == WORLD_WRITES)
		return;
	world->written[world->writes++] = (uint32_t)(bytes - world->arena);
	put(world, bytes, value);
}

uint64_t world_unit(unsigned int n)
{
	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		unsigned int units = (unsigned int)(layout[i].bytes / (16 * KIB));

		if (n < units)
			return layout[i].gpa + n * 16 * KIB;
		n -= units;
	}
	return (UINT64_C(1) << 41) + n * 16 * KIB;
}

uint64_t world_take_table(struct input *input, unsigned int level)
{
	unsigned int byte = input_byte(input);
	uint64_t gpa = world_unit(byte & 63);

	/* Page tables are small, and lie close together; other tables may lie at odd pages. */
	return gpa + (level ? (byte >> 6) * PAGE : (byte >> 6) * 2 * KIB);
}

uint64_t world_take_page(struct input *input)
{
	unsigned int number = input_byte(input);

	return world_unit(number / 4) + number % 4 * PAGE;
}

static unsigned int take_index(struct input *input)
{
	static const unsigned int telling[16] = { 0, 1, 2, 3, 63, 64, 127, 128, 254, 255, 511, 512, 1024, 1536, 2046, 2047 };
	unsigned int byte = input_byte(input);

	return telling[byte & 15] + (byte >> 4);
}

/* Indexes of some levels, or all 64 bits. */
uint64_t world_take_iova(struct input *input)
{
	static const unsigned int shift[NAIVE_LEVELS] = { 12, 20, 31, 42, 53 };
	unsigned int levels = input_byte(input);
	uint64_t iova = 0;

	if ((levels & 7) >= NAIVE_LEVELS)
		return input_take(input, 8);
	for (unsigned int level = 0; level <= (levels & 7); level++)
		iova += (uint64_t)take_index(input) << shift[level];
	/* The first or the last byte of a page, or one in between; or as Linux has it, from 4 GiB on. */
	if (levels & 0x08)
		iova |= 0xfff;
	if (levels & 0x10)
		iova |= 0x123;
	if (levels & 0x20)
		iova += UINT64_C(1) << 32;
	return iova;
}

void world_write(struct world *world, struct input *input)
{
	unsigned int byte = input_byte(input);
	unsigned int level = (byte & 7) % NAIVE_LEVELS;
	uint64_t table = world_take_table(input, level);
	uint64_t at = table + 8 * (uint64_t)(take_index(input) & (level ? 2047 : 255));
	uint64_t number;

	switch (byte >> 3 & 15) {
	case 0:
	case 1:
	case 2:
		/* A table that is full. */
		world_store(world, at, world_take_table(input, level ? level - 1 : 0) | (level > 1 ? (uint64_t)(level - 1) << 2 | 3 : 0));
		break;
	case 3:
		/* One that is not. */
		number = world_take_table(input, level ? level - 1 : 0) | (level > 1 ? (uint64_t)(level - 1) << 2 : 0);
		world_store(world, at, number | (input_take(input, 1) & 0xc3));
		break;
	case 4:
	case 5:
	case 6:
		/* A page, or a frame of pages. */
		world_store(world, at, level ? (world_take_page(input) & ~UINT64_C(0xfffff)) | 0x400 : world_take_page(input));
		break;
	case 7:
		world_store(world, at, world_take_page(input) | (level ? 0x600 : 0x200));
		break;
	case 8:
	case 9:
		/* Many pages in a row, contiguous or always the same. */
		number = input_take(input, 1);
		for (uint64_t page = world_take_page(input), i = 0; i <= number % 128; i++)
			world_store(world, at + 8 * i, page + (number & 128 ? 0 : i * PAGE));
		break;
	case 10:
		world_store(world, at, world_load(world, at) | (level ? 0x20 : 0x400));
		break;
	case 11:
		world_store(world, at, world_load(world, at) ^ (UINT64_C(1) << (input_byte(input) & 63)));
		break;
	case 12:
		world_store(world, at, 0);
		break;
	case 13:
		number = input_take(input, 1);
		for (uint64_t i = 0; i <= number; i++)
			world_store(world, at + 8 * i, NOTHING);
		break;
	case 14:
		/* The same entry everywhere. */
		number = world_take_table(input, level ? level - 1 : 0) | (level > 1 ? (uint64_t)(level - 1) << 2 | 3 : 0);
		for (unsigned int i = 0; i < (level ? 2048 : 256); i++)
			world_store(world, table + 8 * (uint64_t)i, number);
		break;
	default:
		world_store(world, at, input_take(input, 8));
		break;
	}
}

uint64_t world_take_iota(struct input *input)
{
	unsigned int byte = input_byte(input);

	if (byte & 0x80)
		return input_take(input, 8);
	return world_take_table(input, 4) | 0x800 | (uint64_t)(byte & 7) << 2;
}
