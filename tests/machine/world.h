/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of a guest whose tables are written at random: places that are shown to the VM as
 * slots, whole or in part. It knows no format of tables.
 *
 *   GPA 0             64 KiB
 *   GPA 1 MiB         256 KiB, and right after it
 *   GPA 1.25 MiB      64 KiB in a slot of its own
 *   GPA 2^40          64 KiB that devices may read only
 *   GPA 2^64 - 64 KiB 64 KiB
 *
 * A large world has two more, in which there is a whole block of 1 MiB:
 *
 *   GPA 2 MiB         1.5 MiB, and right after it
 *   GPA 3.5 MiB       128 KiB in a slot of its own
 *
 * Memory begins as entries that are invalid at each level. What an input has written is undone
 * after it. A process has worlds of one byte order.
 */
#ifndef TESTS_MACHINE_WORLD_H
#define TESTS_MACHINE_WORLD_H

#include <viommu/viommu.h>

#include "fake_tracker.h"
#include "input.h"
#include "naive.h"

#define PAGE	     UINT64_C(4096)
#define WORLD_PLACES 7
#define WORLD_PAGES  (544u + WORLD_PLACES)
#define WORLD_WRITES 65536

struct world_place {
	uint64_t gpa;
	uint64_t bytes;
	uint32_t prot;
	unsigned char *memory;
	uint64_t slot_gpa; /* the part of the place that a slot covers */
	uint64_t slot_bytes;
	bool shown;
	/* its removal failed: the slot is there, and nothing new may be established in it */
	bool leaving;
};

struct world {
	struct world_place place[WORLD_PLACES];
	unsigned int places;
	struct naive_slot slot[WORLD_PLACES];
	struct naive_memory memory; /* the parts covered by slots, for the reference */
	unsigned char *arena;
	bool little;			/* the guest's byte order */
	struct fake_tracker *tracker;	/* is notified of each store; may be NULL */
	uint32_t written[WORLD_WRITES]; /* offsets of doublewords */
	unsigned int writes;
};

/*
 * The same object for every input, in its initial state, with all places hidden. With gaps, places
 * that are adjacent in GPA are not adjacent in host memory.
 */
struct world *world_begin(bool little, bool large, bool gaps);
void world_end(struct world *world);

/* Adds all places but one (WORLD_PLACES: all) as slots of a new VM. */
void world_show(struct world *world, struct viommu_vm *vm, unsigned int but);

/* Removes a place's slot, or adds it. tight: the addition may fail at the budget. */
void world_toggle(struct world *world, struct viommu_vm *vm, unsigned int place, bool tight);

/* Called after a place's slot was added or removed. */
void world_update(struct world *world);
struct viommu_slot world_slot(const struct world *world, unsigned int place);
bool world_leaving(const struct world *world);

/*
 * Memory that a slot covers or could cover; NULL where there is none. Its pages have numbers below
 * WORLD_PAGES, others WORLD_PAGES.
 */
unsigned char *world_at(struct world *world, uint64_t gpa);
unsigned int world_page(const struct world *world, uint64_t gpa);
uint64_t world_load(struct world *world, uint64_t gpa);
void world_store(struct world *world, uint64_t gpa, uint64_t value);

/* Makes an entry invalid at each level. */
void world_invalidate(struct world *world, uint64_t gpa);

/* The same for the n-th quarter of the written entries. */
void world_wipe(struct world *world, unsigned int n);

/* The address of the n-th 16 KiB of a small world's memory. For larger n, GPAs without memory. */
uint64_t world_unit(unsigned int n);

/* Reads a page from an input, as one byte. */
uint64_t world_take_page(struct input *input);

#endif
