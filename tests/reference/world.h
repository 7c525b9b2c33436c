/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A hostile guest: a few MiB of memory in slots that come and go, tables that lie anywhere in it (also across the ends of slots and on top of each other), and
 * writes to entries that are valid often enough for translations to exist, and malformed in every way often enough for that to matter.
 *
 * Everything is drawn from one seed. Indexes are drawn from a few that each seed prefers, so that entries, ranges and IOVAs meet.
 */
#ifndef TESTS_REFERENCE_WORLD_H
#define TESTS_REFERENCE_WORLD_H

#include "fake_tracker.h"
#include "model.h"

#define WORLD_PLACES 8
#define WORLD_HOMES  30
#define WORLD_HOT    6

/* A range of GPA that has memory for good, of which a slot may show all or a part. */
struct world_place {
	uint64_t gpa;
	uint64_t bytes;
	unsigned char *memory;
	bool present; /* then: */
	bool writable;
	uint64_t slot_gpa;
	uint64_t slot_bytes;
};

/* Where a table is meant to be. */
struct world_home {
	uint64_t gpa;
	unsigned int level;
};

struct world {
	uint64_t state;
	unsigned int hostility; /* percent of writes that follow no rule */
	bool qemu;		/* region entries name full tables most of the time */
	struct world_place place[WORLD_PLACES];
	struct world_home home[WORLD_HOMES];
	unsigned int hot[NAIVE_LEVELS][WORLD_HOT];
	unsigned char *arena;
	struct naive_slot slot[WORLD_PLACES];
	struct naive_memory memory;   /* what is present, for the reference */
	struct fake_tracker *tracker; /* told of each store; may be NULL */
};

void world_init(struct world *world, uint64_t seed, unsigned int hostility, bool qemu);
void world_free(struct world *world);

uint64_t world_draw(struct world *world);
unsigned int world_below(struct world *world, unsigned int bound);
bool world_chance(struct world *world, unsigned int percent);

/* Decides what a slot at an absent place will show; it is absent until world_show(). */
void world_choose_slot(struct world *world, struct world_place *place);
void world_show(struct world *world, struct world_place *place, bool present);

/* The memory at gpa, also where no slot shows it now. NULL where there is none at all. */
unsigned char *world_memory(struct world *world, uint64_t gpa);

/* Writes one entry, or a few that belong together. */
void world_write(struct world *world);

/* Makes a way through the tables to some pages, as a guest does that maps them; what is malformed on the way is replaced. */
void world_map(struct world *world, const struct naive_tables *tables);

/* Makes an entry invalid, with garbage in its other bits. */
void world_invalidate(struct world *world, uint64_t entry_gpa);

/* Makes a page-table entry invalid if it is valid, and the other way round. */
void world_toggle(struct world *world, uint64_t entry_gpa);

/* Makes all entries of the tables of one level invalid. */
void world_wipe(struct world *world);

/* A registration: mostly one that names a table of its level. limit: the highest IOVA there is. */
void world_draw_tables(struct world *world, bool qemu, uint64_t limit, struct naive_tables *tables);

/* An IOVA that is more likely than others to be translated; near is a list to draw from sometimes. */
uint64_t world_draw_iova(struct world *world, const struct naive_tables *tables, const struct model_list *near);

/* A range for a refresh: any that a guest can name, the wrong ones included. */
void world_draw_range(struct world *world, const struct naive_tables *tables, const struct model_list *near, uint64_t *first, uint64_t *last);

#endif
