/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB    UINT64_C(1024)
#define MIB    UINT64_C(0x100000)
#define GIB    UINT64_C(0x40000000)
#define PAGE   UINT64_C(4096)
#define BIT(n) (UINT64_C(1) << (n))

static const unsigned int shift[NAIVE_LEVELS] = { 12, 20, 31, 42, 53 };
static const unsigned int entries[NAIVE_LEVELS] = { 256, 2048, 2048, 2048, 2048 };

/* splitmix64: any seed will do, neighbouring ones too. */
uint64_t world_draw(struct world *world)
{
	uint64_t z = world->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned int world_below(struct world *world, unsigned int bound)
{
	return (unsigned int)(world_draw(world) % bound);
}

bool world_chance(struct world *world, unsigned int percent)
{
	return world_below(world, 100) < percent;
}

unsigned char *world_memory(struct world *world, uint64_t gpa)
{
	for (unsigned int i = 0; i < WORLD_PLACES; i++)
		if (gpa >= world->place[i].gpa && gpa - world->place[i].gpa < world->place[i].bytes)
			return world->place[i].memory + (gpa - world->place[i].gpa);
	return NULL;
}

static void store(struct world *world, uint64_t gpa, uint64_t value)
{
	unsigned char *bytes = world_memory(world, gpa);

	if (!bytes)
		return;
	for (int i = 7; i >= 0; i--) {
		bytes[i] = (unsigned char)value;
		value >>= 8;
	}
	fake_tracker_stored(world->tracker, gpa, 8);
}

static uint64_t load(struct world *world, uint64_t gpa)
{
	const unsigned char *bytes = world_memory(world, gpa);
	uint64_t value = 0;

	for (int i = 0; bytes && i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Invalid as an entry of any level. */
static uint64_t draw_garbage(struct world *world)
{
	return world_draw(world) | 0x420;
}

static void rebuild(struct world *world)
{
	world->memory.slots = world->slot;
	world->memory.count = 0;
	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		const struct world_place *place = &world->place[i];

		if (place->present)
			world->slot[world->memory.count++] = (struct naive_slot){
				.gpa = place->slot_gpa,
				.bytes = place->slot_bytes,
				.memory = place->memory + (place->slot_gpa - place->gpa),
				.writable = place->writable,
			};
	}
}

void world_choose_slot(struct world *world, struct world_place *place)
{
	unsigned int pages = (unsigned int)(place->bytes / PAGE);

	place->slot_gpa = place->gpa;
	place->slot_bytes = place->bytes;
	if (world_chance(world, 25)) {
		unsigned int skip = world_below(world, pages);

		place->slot_gpa += skip * PAGE;
		place->slot_bytes = (1 + world_below(world, pages - skip)) * PAGE;
	}
	/* The memory at 2^40 is the one that mostly cannot be written. */
	place->writable = place->gpa == BIT(40) ? world_chance(world, 10) : world_chance(world, 90);
}

void world_show(struct world *world, struct world_place *place, bool present)
{
	place->present = present;
	rebuild(world);
}

/* Whole memory first: mostly what is invalid as an entry of any level, with pages in between that are zero, fresh table or random. */
static void fill_memory(struct world *world)
{
	static const uint64_t odd[] = { 0, 0x20, 0x400 };
	unsigned int kind = 4;

	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		for (uint64_t at = 0; at < world->place[i].bytes; at += 8) {
			if (at % PAGE == 0)
				kind = world_chance(world, 95) ? 4 : world_below(world, 4);
			store(world, world->place[i].gpa + at, kind < 3 ? odd[kind] : kind == 3 ? world_draw(world) : draw_garbage(world));
		}
	}
}

static uint64_t draw_home(struct world *world, unsigned int level)
{
	const struct world_place *place = &world->place[world_below(world, WORLD_PLACES)];
	uint64_t align = level == 0 ? 2 * KIB : world->qemu || world_chance(world, 75) ? 16 * KIB : PAGE;

	/* Mostly in the larger places: what is in a small one goes with it. */
	if (world_chance(world, 70))
		place = &world->place[1 + world_below(world, 2)];
	return (place->gpa + world_draw(world) % place->bytes) & ~(align - 1);
}

static void make_homes(struct world *world)
{
	static const unsigned int levels[WORLD_HOMES] = { 4, 4, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1 };

	for (unsigned int i = 0; i < WORLD_HOMES; i++) {
		struct world_home *home = &world->home[i];

		home->level = levels[i];
		home->gpa = draw_home(world, home->level);
		for (unsigned int index = 0; index < entries[home->level]; index++)
			store(world, home->gpa + 8 * index, home->level == 0 ? 0x400 : 0x20);
	}
}

void world_init(struct world *world, uint64_t seed, unsigned int hostility, bool qemu)
{
	static const struct {
		uint64_t gpa, bytes;
	} places[WORLD_PLACES] = {
		{ 0, 128 * KIB },
		{ MIB, 2 * MIB },	/* two whole frames of 1 MiB */
		{ 3 * MIB, 640 * KIB }, /* the begin of a third one */
		{ 2 * GIB - 8 * KIB, 16 * KIB },
		{ 4 * GIB + 4 * KIB, 64 * KIB },
		{ BIT(40), 256 * KIB },
		{ BIT(40) + 256 * KIB, 64 * KIB },
		{ UINT64_MAX - 128 * KIB + 1, 128 * KIB }, /* the end of the address space */
	};
	uint64_t bytes = 0;
	uint64_t at = 0;

	memset(world, 0, sizeof(*world));
	world->state = seed;
	world->hostility = hostility;
	world->qemu = qemu;
	for (unsigned int i = 0; i < WORLD_PLACES; i++)
		bytes += places[i].bytes + PAGE;
	world->arena = aligned_alloc(PAGE, (size_t)bytes);
	if (!world->arena) {
		fprintf(stderr, "the test is out of memory\n");
		exit(1);
	}
	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		struct world_place *place = &world->place[i];

		place->gpa = places[i].gpa;
		place->bytes = places[i].bytes;
		place->memory = world->arena + at;
		/* Neighbours in guest memory are neighbours here too, or not. */
		at += place->bytes + (world_chance(world, 50) ? PAGE : 0);
	}
	for (unsigned int level = 0; level < NAIVE_LEVELS; level++) {
		unsigned int *hot = world->hot[level];

		hot[0] = 0;
		hot[1] = 1;
		hot[2] = entries[level] - 1;
		hot[3] = entries[level] / 4 - world_below(world, 2);
		hot[4] = world_below(world, entries[level]);
		hot[5] = (hot[4] + 1) % entries[level];
	}
	fill_memory(world);
	make_homes(world);
	rebuild(world);
	for (unsigned int i = 0; i < 200; i++)
		world_write(world);
}

void world_free(struct world *world)
{
	free(world->arena);
}

static unsigned int draw_index(struct world *world, unsigned int level)
{
	if (level == 0 && world_chance(world, 50))
		return world_below(world, 256);
	/* The fewer there are, the more often a way through all levels exists. */
	if (world_chance(world, 70))
		return world->hot[level][world_below(world, level > 1 ? 2 : 3)];
	if (world_chance(world, 90))
		return world->hot[level][world_below(world, WORLD_HOT)];
	return world_below(world, entries[level]);
}

/* Where a table of a level may be. */
static uint64_t draw_table(struct world *world, unsigned int level)
{
	if (world_chance(world, world->hostility)) {
		if (world_chance(world, 40))
			return world->home[world_below(world, WORLD_HOMES)].gpa;
		if (world_chance(world, 70))
			return draw_home(world, level);
		return world_draw(world) & ~(level ? PAGE - 1 : 2 * KIB - 1);
	}
	for (;;) {
		const struct world_home *home = &world->home[world_below(world, WORLD_HOMES)];

		if (home->level == level)
			return home->gpa;
	}
}

static uint64_t draw_frame(struct world *world)
{
	const struct world_place *place = &world->place[world_below(world, WORLD_PLACES)];

	if (world_chance(world, world->hostility / 2))
		return world_draw(world) & ~(PAGE - 1);
	/* A few pages are named more often, so that pins are shared. */
	if (world_chance(world, 30))
		return place->gpa + world_below(world, 4) * PAGE;
	return place->gpa + world_draw(world) % place->bytes / PAGE * PAGE;
}

static uint64_t draw_segment_frame(struct world *world)
{
	static const uint64_t frame[] = { MIB, 2 * MIB, 0, 2 * MIB, 3 * MIB, 0, BIT(40), 2 * GIB - MIB, 4 * GIB, 5 * MIB };
	uint64_t at = frame[world_below(world, sizeof(frame) / sizeof(frame[0]))];

	return world_chance(world, 70) ? at : at | (world_draw(world) & 0xff800);
}

/* A valid entry, by the book but for hostility. */
static uint64_t draw_entry(struct world *world, unsigned int level)
{
	uint64_t entry;

	if (level == 0)
		entry = draw_frame(world);
	else if (level == 1 && world_chance(world, 15))
		entry = draw_segment_frame(world) | 0x400;
	else
		entry = draw_table(world, level - 1);
	if (level > 1) {
		entry |= (uint64_t)(level - 1) << 2 | 3;
		/* Some of the table's quarters only. */
		if (world_chance(world, world->qemu ? 2 : 20))
			entry = (entry & ~UINT64_C(3)) | (world_draw(world) & 0xc3);
	}
	if (world_chance(world, 15))
		entry |= 0x200;
	/* Bits without a meaning. */
	if (world_chance(world, 5))
		entry |= level == 0 ? world_draw(world) & 0x9ff : world_draw(world) & 0x110;
	if (world_chance(world, world->hostility / 4))
		entry ^= BIT(world_below(world, 12));
	return entry;
}

/* Page-table entries one after the other, for frames one after the other. */
static void write_pages(struct world *world, uint64_t table, unsigned int begin)
{
	unsigned int count = 1 + world_below(world, 40);
	uint64_t frame = draw_frame(world);
	uint64_t flags = world_chance(world, 15) ? 0x200 : world_chance(world, 25) ? 0x400 : 0;
	bool same = world_chance(world, 5);

	for (unsigned int i = 0; i < count && begin + i < entries[0]; i++)
		store(world, table + 8 * (begin + i), (frame + (same ? 0 : i * PAGE)) | flags);
}

void world_toggle(struct world *world, uint64_t entry_gpa)
{
	store(world, entry_gpa, load(world, entry_gpa) ^ 0x400);
}

void world_invalidate(struct world *world, uint64_t entry_gpa)
{
	store(world, entry_gpa, draw_garbage(world));
}

/* Says of a megabyte the same in the other way: a frame as a page table, a page table as a frame. */
static void rewrite_segment(struct world *world, uint64_t gpa)
{
	uint64_t old = load(world, gpa);

	if (naive_judge(old, 1, world->qemu) == NAIVE_IS_SEGMENT) {
		uint64_t table = draw_table(world, 0);
		uint64_t protection = old & 0x200;
		bool moved = world_chance(world, 50);

		for (unsigned int i = 0; i < entries[0]; i++)
			store(world, table + 8 * i, ((old & ~(MIB - 1)) + i * PAGE) | (moved ? protection : 0));
		store(world, gpa, table | (moved ? 0 : protection));
	} else if (naive_judge(old, 1, world->qemu) == NAIVE_IS_TABLE) {
		uint64_t page = load(world, naive_next_table(old, 1, world->qemu));

		store(world, gpa, (page & ~(MIB - 1)) | 0x400 | ((old | page) & 0x200));
	}
}

void world_write(struct world *world)
{
	const struct world_home *home = &world->home[world_below(world, WORLD_HOMES)];
	uint64_t gpa = home->gpa + 8 * draw_index(world, home->level);
	uint64_t old = load(world, gpa);

	if (world_chance(world, world->hostility / 4)) {
		/* Anything, in the place of any entry, or with the rules of another level. */
		store(world, gpa, world_chance(world, 50) ? draw_entry(world, world_below(world, NAIVE_LEVELS)) : world_draw(world) & world_draw(world));
	} else if (home->level == 1 && world_chance(world, 10)) {
		rewrite_segment(world, gpa);
	} else if (home->level == 0 && world_chance(world, 40)) {
		write_pages(world, home->gpa, draw_index(world, 0));
	} else if (world_chance(world, home->level ? 35 : 20)) {
		/* Invalid: with garbage, or as Linux does it, with the address left as it was. */
		if (world_chance(world, 50))
			world_invalidate(world, gpa);
		else
			store(world, gpa, old | (home->level ? 0x20 : 0x400));
	} else if (world_chance(world, 10)) {
		store(world, gpa, old ^ 0x200);
	} else if (world_chance(world, 5)) {
		store(world, gpa, old ^ (home->level ? 0x20 : 0x400));
	} else if (world_chance(world, world->qemu ? 8 : 3)) {
		store(world, gpa, 0);
	} else {
		store(world, gpa, draw_entry(world, home->level));
	}
}

void world_map(struct world *world, const struct naive_tables *tables)
{
	unsigned int level = (unsigned int)naive_top_level(tables->iota, tables->qemu);
	uint64_t table = naive_top_table(tables->iota);
	uint64_t bounds = 3;

	for (; level > 0; level--) {
		unsigned int index = draw_index(world, level);
		uint64_t entry;

		for (unsigned int attempt = 0; attempt < 10 && !naive_within(bounds, index); attempt++)
			index = draw_index(world, level);
		entry = load(world, table + 8 * (uint64_t)index);
		if (naive_judge(entry, level, tables->qemu) == NAIVE_IS_SEGMENT && world_chance(world, 50))
			return;
		if (naive_judge(entry, level, tables->qemu) != NAIVE_IS_TABLE ||
		    !naive_byte(&world->memory, naive_next_table(entry, level, tables->qemu), NULL)) {
			entry = draw_entry(world, level);
			store(world, table + 8 * (uint64_t)index, entry);
			if (naive_judge(entry, level, tables->qemu) != NAIVE_IS_TABLE)
				return;
		}
		bounds = level > 1 ? entry : 3;
		table = naive_next_table(entry, level, tables->qemu);
	}
	write_pages(world, table, draw_index(world, 0));
}

void world_wipe(struct world *world)
{
	unsigned int level = world_below(world, NAIVE_LEVELS);

	for (unsigned int i = 0; i < WORLD_HOMES; i++)
		if (world->home[i].level == level)
			for (unsigned int index = 0; index < entries[level]; index++)
				store(world, world->home[i].gpa + 8 * index, level ? 0x20 : 0x400);
}

/* Everything that a top table of a level reaches, less one. */
static uint64_t reach(unsigned int level)
{
	return level == 4 ? UINT64_MAX : BIT(shift[level] + 11) - 1;
}

void world_draw_tables(struct world *world, bool qemu, uint64_t limit, struct naive_tables *tables)
{
	unsigned int top = qemu ? 2 : 1 + world_below(world, 4);
	uint64_t span = reach(top);
	uint64_t a, b;

	memset(tables, 0, sizeof(*tables));
	tables->qemu = qemu;
	tables->iota = (draw_table(world, top) & ~(PAGE - 1)) | 0x800 | (uint64_t)(top - 1) << 2;
	tables->pba = 0;
	tables->pal = UINT64_MAX;
	a = world_draw_iova(world, tables, NULL) & ~(PAGE - 1);
	b = world_draw_iova(world, tables, NULL) | (PAGE - 1);
	switch (world_below(world, 6)) {
	case 0:
	case 1: /* all that the table reaches */
		tables->pal = span;
		break;
	case 2: /* some of it twice, at least; or from 4 GiB on */
		if (top == 4) {
			tables->pba = 4 * GIB;
			break;
		}
		tables->pba = span / 2 + 1;
		tables->pal = (tables->pba + span + span / 4) | (PAGE - 1);
		break;
	case 3: /* the end of the IOVAs */
		tables->pba = UINT64_MAX - span;
		break;
	case 4: /* from one entry to another */
		tables->pba = (a < b ? a : b) & span & ~(PAGE - 1);
		tables->pal = (a < b ? b : a) & span;
		tables->pal |= PAGE - 1;
		break;
	default: /* a few pages, or some MiB */
		tables->pba = a & span;
		tables->pal = tables->pba + ((world_draw(world) & (world_chance(world, 50) ? 0xfffff : 0xffffff)) | (PAGE - 1));
		break;
	}
	if (tables->pal > limit)
		tables->pal = limit;
	if (tables->pba > tables->pal)
		tables->pba = 0;
}

uint64_t world_draw_iova(struct world *world, const struct naive_tables *tables, const struct model_list *near)
{
	unsigned int top = (unsigned int)naive_top_level(tables->iota, tables->qemu);
	uint64_t iova = world_draw(world) & 0xfff;

	if (near && near->count && world_chance(world, 30)) {
		uint64_t page = near->pages[world_draw(world) % near->count].iova;

		/* There, or where the segment begins that it is in. */
		return (world_chance(world, 70) ? page : page & ~(MIB - 1)) + iova;
	}
	if (world_chance(world, 5))
		return world_draw(world);
	if (world_chance(world, 8))
		return (world_chance(world, 50) ? tables->pba : tables->pal) + (world_chance(world, 50) ? iova : -iova);
	for (unsigned int level = 0; level <= top; level++)
		iova |= (uint64_t)draw_index(world, level) << shift[level];
	/* In the part of the IOVAs where the aperture begins, or in the next one, where the same tables hold again. */
	if (top < 4)
		iova += tables->pba & ~reach(top);
	if (top < 4 && tables->pal - tables->pba > reach(top) / 2 && world_chance(world, 30))
		iova += reach(top) + 1;
	return iova;
}

void world_draw_range(struct world *world, const struct naive_tables *tables, const struct model_list *near, uint64_t *first, uint64_t *last)
{
	uint64_t iova = world_draw_iova(world, tables, near);
	uint64_t other = world_draw_iova(world, tables, near);
	uint64_t pages = 1 + world_below(world, 20);
	unsigned int kind = world_below(world, 100);

	*first = iova;
	if (kind < 25) { /* a page, or some bytes of it */
		*last = iova;
	} else if (kind < 50) { /* pages */
		*first = iova & ~(PAGE - 1);
		*last = *first + pages * PAGE - 1;
	} else if (kind < 65) { /* from the middle of something, any length */
		*last = iova + (world_draw(world) >> (18 + world_below(world, 34)));
	} else if (kind < 80) { /* from here to there */
		*first = iova < other ? iova : other;
		*last = iova < other ? other : iova;
	} else if (kind < 90) { /* all */
		*first = tables->pba;
		*last = tables->pal;
	} else if (kind < 93) { /* to the end, or from the beginning */
		*last = tables->pal;
	} else if (kind < 95) {
		*first = 0;
		*last = iova;
	} else if (kind < 97) {
		*first = 0;
		*last = UINT64_MAX;
	} else if (kind < 99) { /* across an end of the aperture */
		*first = tables->pba - pages * PAGE;
		*last = tables->pba + pages * PAGE;
		if (world_chance(world, 50)) {
			*first = tables->pal - pages * PAGE;
			*last = tables->pal + pages * PAGE;
		}
	} else { /* backwards, as likely as not */
		*last = other;
	}
	/* What ran over the end of the IOVAs ends there; what is still backwards is meant to be. */
	if (kind < 99 && *last < *first)
		*last = UINT64_MAX;
}
