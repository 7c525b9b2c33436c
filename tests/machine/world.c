/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "world.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define KIB   UINT64_C(1024)
#define MIB   UINT64_C(0x100000)
#define SMALL 5u /* places of a small world */

static const struct world_place layout[WORLD_PLACES] = {
	{ .gpa = 0, .bytes = 64 * KIB, .prot = VIOMMU_RW },
	{ .gpa = MIB, .bytes = 256 * KIB, .prot = VIOMMU_RW },
	{ .gpa = MIB + 256 * KIB, .bytes = 64 * KIB, .prot = VIOMMU_RW },
	{ .gpa = UINT64_C(1) << 40, .bytes = 64 * KIB, .prot = VIOMMU_READ },
	{ .gpa = 0 - 64 * KIB, .bytes = 64 * KIB, .prot = VIOMMU_RW },
	{ .gpa = 2 * MIB, .bytes = MIB + 512 * KIB, .prot = VIOMMU_RW },
	{ .gpa = 3 * MIB + 512 * KIB, .bytes = 128 * KIB, .prot = VIOMMU_RW },
};

static void put(const struct world *world, unsigned char *bytes, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> (world->little ? 8 * i : 56 - 8 * i));
}

/*
 * zPCI's tables are big-endian. Their entries have an invalid bit, at a place that depends on the
 * level, and garbage beside it. Arm's invalid entries are 0.
 */
static void put_nothing(const struct world *world, size_t offset)
{
	uint64_t garbage = (offset + 1) * UINT64_C(0x9e3779b97f4a7c15);

	put(world, world->arena + offset, world->little ? 0 : (garbage ^ garbage >> 29) | 0x420);
}

struct world *world_begin(bool little, bool large, bool gaps)
{
	static struct world world;
	unsigned char *memory;

	if (!world.arena) {
		world.little = little;
		world.arena = mmap(NULL, WORLD_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		fuzz_must(world.arena != MAP_FAILED);
		for (size_t at = 0; at < WORLD_PAGES * PAGE; at += 8)
			put_nothing(&world, at);
	}
	memory = world.arena;
	memcpy(world.place, layout, sizeof(layout));
	world.places = large ? WORLD_PLACES : SMALL;
	world.tracker = NULL;
	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		world.place[i].memory = memory;
		world.place[i].slot_gpa = world.place[i].gpa;
		world.place[i].slot_bytes = world.place[i].bytes;
		memory += world.place[i].bytes + (gaps ? PAGE : 0);
	}
	world_update(&world);
	return &world;
}

void world_end(struct world *world)
{
	for (unsigned int i = 0; i < world->writes; i++)
		put_nothing(world, world->written[i]);
	world->writes = 0;
}

void world_update(struct world *world)
{
	world->memory.slots = world->slot;
	world->memory.count = 0;
	for (unsigned int i = 0; i < world->places; i++) {
		const struct world_place *place = &world->place[i];

		if (place->shown)
			world->slot[world->memory.count++] = (struct naive_slot){
				.gpa = place->slot_gpa,
				.bytes = place->slot_bytes,
				.memory = place->memory + (place->slot_gpa - place->gpa),
				.writable = place->prot == VIOMMU_RW,
			};
	}
}

struct viommu_slot world_slot(const struct world *world, unsigned int place)
{
	const struct world_place *from = &world->place[place];

	return (struct viommu_slot){
		.size = sizeof(struct viommu_slot),
		.prot = from->prot,
		.gpa = from->slot_gpa,
		.bytes = from->slot_bytes,
		.hva = from->memory + (from->slot_gpa - from->gpa),
		.fd = -1,
	};
}

void world_show(struct world *world, struct viommu_vm *vm, unsigned int but)
{
	for (unsigned int i = 0; i < world->places; i++) {
		struct viommu_slot slot = world_slot(world, i);

		if (i != but)
			world->place[i].shown = !viommu_slot_add(vm, &slot);
	}
	world_update(world);
}

void world_toggle(struct world *world, struct viommu_vm *vm, unsigned int place, bool tight)
{
	struct viommu_slot slot = world_slot(world, place);
	bool shown = world->place[place].shown;
	int error = shown ? viommu_slot_remove(vm, slot.gpa) : viommu_slot_add(vm, &slot);

	fuzz_must(!error || (!shown && ((error == -EDQUOT && tight) || error == -ENOSPC)));
	world->place[place].shown = !shown && !error;
	world_update(world);
}

bool world_leaving(const struct world *world)
{
	for (unsigned int i = 0; i < world->places; i++)
		if (world->place[i].leaving)
			return true;
	return false;
}

unsigned char *world_at(struct world *world, uint64_t gpa)
{
	for (unsigned int i = 0; i < world->places; i++)
		if (gpa - world->place[i].gpa < world->place[i].bytes)
			return world->place[i].memory + (gpa - world->place[i].gpa);
	return NULL;
}

unsigned int world_page(const struct world *world, uint64_t gpa)
{
	for (unsigned int i = 0; i < world->places; i++)
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

/* The address of a doubleword to write; NULL: none. */
static unsigned char *writable_at(struct world *world, uint64_t gpa)
{
	unsigned char *bytes = world_at(world, gpa & ~UINT64_C(7));

	if (!bytes || world->writes == WORLD_WRITES)
		return NULL;
	world->written[world->writes++] = (uint32_t)(bytes - world->arena);
	return bytes;
}

void world_store(struct world *world, uint64_t gpa, uint64_t value)
{
	unsigned char *bytes = writable_at(world, gpa);

	if (bytes)
		put(world, bytes, value);
	fake_tracker_stored(world->tracker, gpa & ~UINT64_C(7), 8);
}

void world_invalidate(struct world *world, uint64_t gpa)
{
	unsigned char *bytes = world_at(world, gpa & ~UINT64_C(7));

	if (bytes)
		put_nothing(world, (size_t)(bytes - world->arena));
	fake_tracker_stored(world->tracker, gpa & ~UINT64_C(7), 8);
}

void world_wipe(struct world *world, unsigned int n)
{
	for (unsigned int i = 0; i < world->writes; i++)
		if (i % 4 == n)
			put_nothing(world, world->written[i]);
	for (unsigned int i = 0; i < world->places; i++)
		fake_tracker_stored(world->tracker, world->place[i].gpa, world->place[i].bytes);
}

uint64_t world_unit(unsigned int n)
{
	for (unsigned int i = 0; i < SMALL; i++) {
		unsigned int units = (unsigned int)(layout[i].bytes / (16 * KIB));

		if (n < units)
			return layout[i].gpa + n * 16 * KIB;
		n -= units;
	}
	return (UINT64_C(1) << 41) + n * 16 * KIB;
}

uint64_t world_take_page(struct input *input)
{
	unsigned int number = input_byte(input);

	return world_unit(number / 4) + number % 4 * PAGE;
}
