/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tables_zpci.h"

#include <viommu/zpci.h>

#include <string.h>

#include "machine.h"

#define KIB	UINT64_C(1024)
#define MIB	UINT64_C(0x100000)
#define INVALID UINT64_C(0x420) /* at each level */

/* A domain's registration. PBA and PAL need not be whole pages. */
struct registration {
	struct naive_tables naive;
	uint64_t pba, pal;
};

static const struct registration *of(const struct machine_tables *tables)
{
	return (const struct registration *)(const void *)tables->format;
}

static const unsigned int shift[NAIVE_LEVELS] = { 12, 20, 31, 42, 53 };
static const unsigned int hot[3] = { 0, 1, 2047 };

/* The tables of a level in a large world, from 3 MiB on, shared by several paths. */
static uint64_t take_home(const struct world *world, unsigned int level, unsigned int n)
{
	if (world->places < WORLD_PLACES)
		return world_unit(4 + n % 16) + (level ? 0 : n / 16 % 8 * 2 * KIB);
	return 3 * MIB + (level ? ((level - 1) * 7 + n % 7) * 16 * KIB : 28 * 16 * KIB + n % 16 * 2 * KIB);
}

static uint64_t take_table(struct input *input, unsigned int level)
{
	unsigned int byte = input_byte(input);
	uint64_t gpa = world_unit(byte & 63);

	/* Page tables are small and adjacent. Other tables may be at odd pages. */
	return gpa + (level ? (byte >> 6) * PAGE : (byte >> 6) * 2 * KIB);
}

static unsigned int take_index(struct input *input)
{
	static const unsigned int telling[16] = { 0, 1, 2, 3, 63, 64, 127, 128, 254, 255, 511, 512, 1024, 1536, 2046, 2047 };
	unsigned int byte = input_byte(input);

	return telling[byte & 15] + (byte >> 4);
}

uint64_t zpci_take_iova(struct input *input)
{
	unsigned int levels = input_byte(input);
	uint64_t iova = 0;

	if ((levels & 7) >= NAIVE_LEVELS)
		return input_take(input, 8);
	for (unsigned int level = 0; level <= (levels & 7); level++)
		iova += (uint64_t)take_index(input) << shift[level];
	/*
	 * The first or the last byte of a page, or one within; or Linux's default, from 4 GiB on.
	 */
	if (levels & 0x08)
		iova |= 0xfff;
	if (levels & 0x10)
		iova |= 0x123;
	if (levels & 0x20)
		iova += UINT64_C(1) << 32;
	return iova;
}

void zpci_write(struct world *world, struct input *input)
{
	unsigned int byte = input_byte(input);
	unsigned int level = (byte & 7) % NAIVE_LEVELS;
	uint64_t table = take_table(input, level);
	uint64_t at = table + 8 * (uint64_t)(take_index(input) & (level ? 2047 : 255));
	uint64_t number, large = byte & 0x80 ? 2 * MIB : 0;

	switch (byte >> 3 & 15) {
	case 0:
	case 1:
	case 2:
		/* A table that is full. */
		world_store(world, at, take_table(input, level ? level - 1 : 0) | (level > 1 ? (uint64_t)(level - 1) << 2 | 3 : 0));
		break;
	case 3:
		/* A table that is partly full. */
		number = take_table(input, level ? level - 1 : 0) | (level > 1 ? (uint64_t)(level - 1) << 2 : 0);
		world_store(world, at, number | (input_take(input, 1) & 0xc3));
		break;
	case 4:
	case 5:
	case 6:
		/* A page, or a frame of pages. */
		number = world_take_page(input) + large;
		world_store(world, at, level ? (number & ~UINT64_C(0xfffff)) | 0x400 : number);
		break;
	case 7:
		world_store(world, at, (world_take_page(input) + large) | (level ? 0x600 : 0x200));
		break;
	case 8:
	case 9:
		/* Many pages in a row, contiguous or all the same page. */
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
			world_store(world, at + 8 * i, INVALID);
		break;
	case 14:
		/* The same value in all entries. */
		number = take_table(input, level ? level - 1 : 0) | (level > 1 ? (uint64_t)(level - 1) << 2 | 3 : 0);
		for (unsigned int i = 0; i < (level ? 2048 : 256); i++)
			world_store(world, table + 8 * (uint64_t)i, number);
		break;
	default:
		world_store(world, at, input_take(input, 8));
		break;
	}
}

uint64_t zpci_take_iota(struct input *input)
{
	unsigned int byte = input_byte(input);

	if (byte & 0x80)
		return input_take(input, 8);
	return take_table(input, 4) | 0x800 | (uint64_t)(byte & 7) << 2;
}

static bool zpci_take(struct machine *machine, struct input *input, bool honest, struct machine_tables *tables)
{
	struct registration *registration = (struct registration *)(void *)tables->format;
	unsigned int range = input_byte(input), top;
	uint64_t iota = zpci_take_iota(input);

	/* A table among those of its level. */
	if (honest) {
		top = machine->qemu ? 2 : 1 + (iota >> 2 & 3);
		iota = take_home(machine->world, top, (unsigned int)iota >> 14) | 0x800 | (uint64_t)(top - 1) << 2;
	}
	*registration = (struct registration){ .naive = { .iota = iota, .qemu = machine->qemu } };
	switch (range & 3) {
	case 0:
		registration->pba = UINT64_C(1) << 32;
		registration->pal = registration->pba + UINT64_C(0x7fffffff);
		break;
	case 1:
		registration->pal = UINT64_MAX;
		break;
	case 2:
		registration->pal = (UINT64_C(1) << (20 + (range >> 2) % 44)) - 1;
		break;
	default:
		registration->pba = zpci_take_iova(input);
		registration->pal = registration->pba + zpci_take_iova(input);
		break;
	}
	tables->first = registration->naive.pba = registration->pba & ~UINT64_C(0xfff);
	tables->last = registration->naive.pal = registration->pal | 0xfff;
	return naive_top_level(iota, machine->qemu) >= 0 && !(iota & 0x7e3) && tables->first <= tables->last;
}

static int zpci_create(struct machine *machine, const struct machine_tables *tables, struct viommu_refresh_result *result, struct viommu_domain **domain)
{
	const struct registration *registration = of(tables);
	struct viommu_zpci_ioat ioat = { .size = sizeof(ioat), .flags = machine->qemu ? VIOMMU_ZPCI_IOAT_QEMU : 0 };

	ioat.iota = registration->naive.iota;
	ioat.pba = registration->pba;
	ioat.pal = registration->pal;
	return viommu_domain_create(machine->vm, machine->host, VIOMMU_DOMAIN_ZPCI, &ioat, result, domain);
}

/* In a large world: the tables of the path, and copies of them. */
static uint64_t zpci_take_iova_of(const struct machine *machine, const struct machine_tables *tables, struct input *input)
{
	uint64_t iova = zpci_take_iova(input);
	int top = naive_top_level(of(tables)->naive.iota, of(tables)->naive.qemu);
	uint64_t reach;

	if (machine->world->places < WORLD_PLACES || iova >> 63 || top < 0 || top == 4)
		return iova;
	reach = (UINT64_C(1) << (shift[top] + 11)) - 1;
	return (iova & reach) + (tables->first & ~reach);
}

/* Replaces a frame of 1 MiB by a page table with the same pages, or the reverse. */
static void rewrite_segment(struct world *world, uint64_t gpa, uint64_t table, bool qemu)
{
	uint64_t old = world_load(world, gpa), protection = old & 0x200, page;

	if (naive_judge(old, 1, qemu) == NAIVE_IS_SEGMENT) {
		for (uint64_t i = 0; i < 256; i++)
			world_store(world, table + 8 * i, ((old & ~(MIB - 1)) + i * PAGE) | (table & 0x800 ? protection : 0));
		world_store(world, gpa, table | (table & 0x800 ? 0 : protection));
	} else if (naive_judge(old, 1, qemu) == NAIVE_IS_TABLE) {
		page = world_load(world, naive_next_table(old, 1, qemu));
		world_store(world, gpa, (page & ~(MIB - 1)) | 0x400 | ((old | page) & 0x200));
	}
}

/* Consecutive frames for consecutive pages. */
static void write_pages(struct world *world, struct input *input, uint64_t table)
{
	unsigned int begin = input_byte(input), count = 1 + input_byte(input) % 40, kind = input_byte(input);
	uint64_t frame = world_take_page(input);

	if (kind & 0x80)
		frame += 2 * MIB;
	for (uint64_t i = 0; i < count && begin + i < 256; i++)
		world_store(world, table + 8 * (begin + i),
			    (frame + ((kind & 15) == 0 ? 0 : i * PAGE)) | ((kind >> 4 & 3) == 0 ? 0x400 : 0) | ((kind & 7) == 1 ? 0x200 : 0));
}

static uint64_t take_link(struct world *world, struct input *input, unsigned int level, bool qemu)
{
	unsigned int kind = input_byte(input);
	uint64_t entry;

	if (level == 1 && (kind & 7) == 7)
		return ((world_take_page(input) + (kind & 0x80 ? 2 * MIB : 0)) & ~(MIB - 1)) | 0x400 | (kind & 0x40 ? 0x200 : 0);
	entry = take_home(world, level - 1, kind >> 3);
	if (level > 1)
		entry |= (uint64_t)(level - 1) << 2 | (!qemu && (kind & 7) == 1 ? input_byte(input) & 0xc3 : 3);
	if ((kind & 7) == 2)
		entry |= 0x200;
	/* Ignored bits. */
	return (kind & 7) == 3 ? entry | 0x110 : entry;
}

static void zpci_map(struct machine *machine, const struct machine_tables *tables, struct input *input)
{
	struct world *world = machine->world;
	bool qemu = of(tables)->naive.qemu;
	unsigned int level = (unsigned int)naive_top_level(of(tables)->naive.iota, qemu);
	uint64_t table = naive_top_table(of(tables)->naive.iota), bounds = 3;

	for (; level > 0; level--) {
		unsigned int byte = input_byte(input), index = byte < 192 ? hot[byte % 3] : byte < 224 ? byte & 31 : take_index(input);
		enum naive_verdict verdict;
		uint64_t entry, gpa;

		for (unsigned int attempt = 0; attempt < 4 && !naive_within(bounds, index & 2047); attempt++)
			index += 512;
		gpa = table + 8 * (uint64_t)(index & 2047);
		entry = world_load(world, gpa);
		verdict = naive_judge(entry, level, qemu);
		if (level == 1 && (byte & 0x1c) == 0x1c) {
			rewrite_segment(world, gpa, take_home(world, 0, input_byte(input)), qemu);
			return;
		}
		if (verdict == NAIVE_IS_SEGMENT && byte & 0x40)
			return;
		if (verdict != NAIVE_IS_TABLE || !naive_byte(&world->memory, naive_next_table(entry, level, qemu), NULL)) {
			entry = take_link(world, input, level, qemu);
			world_store(world, gpa, entry);
			if (naive_judge(entry, level, qemu) != NAIVE_IS_TABLE)
				return;
		}
		bounds = level > 1 ? entry : 3;
		table = naive_next_table(entry, level, qemu);
	}
	write_pages(world, input, table);
}

static struct naive_answer zpci_walk(const struct naive_memory *memory, const struct machine_tables *tables, uint64_t iova)
{
	return naive_walk(memory, &of(tables)->naive, iova);
}

static void zpci_find(const struct naive_memory *memory, const struct machine_tables *tables, uint64_t first, uint64_t last, const struct model_limits *limits,
		      struct model_found *found)
{
	model_find(memory, &of(tables)->naive, first, last, limits, found);
}

const struct machine_format machine_zpci = {
	.ample = { .entries = 400000, .pages = 12000 },
	.refresh_entries = 16384,
	.valid = 0x400,
	.take = zpci_take,
	.create = zpci_create,
	.take_iova = zpci_take_iova_of,
	.write = zpci_write,
	.map = zpci_map,
	.walk = zpci_walk,
	.find = zpci_find,
};
