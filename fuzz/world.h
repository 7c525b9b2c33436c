/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest that the fuzzers of the shadow and of the guest IOMMUs write: half a MiB of memory in five places, which are shown to the VM as slots or not, and
 * tables anywhere in it. An input says with few bytes what real tables look like (an entry of this table names that table), and with some more whatever else;
 * what does so here writes zPCI's tables.
 *
 *   GPA 0             64 KiB
 *   GPA 1 MiB         256 KiB, and right after it
 *   GPA 1.25 MiB      64 KiB in a slot of its own
 *   GPA 2^40          64 KiB that devices may read only
 *   GPA 2^64 - 64 KiB 64 KiB
 *
 * Memory begins as entries that are invalid at every level. What an input has written is taken back after it. A process has worlds of one byte order.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <viommu/viommu.h>

#include "input.h"
#include "naive.h"

#define PAGE	     UINT64_C(4096)
#define WORLD_PLACES 5
#define WORLD_BYTES  (512u << 10)
#define WORLD_PAGES  (WORLD_BYTES / 4096u)
#define WORLD_WRITES 8192

struct world_place {
	uint64_t gpa;
	uint64_t bytes;
	uint32_t prot;
	unsigned char *memory;
	bool shown;
	bool leaving; /* its removal failed: it is there, and nothing new may be established in it */
};

struct world {
	struct world_place place[WORLD_PLACES];
	struct naive_slot slot[WORLD_PLACES];
	struct naive_memory memory; /* what is shown, for the reference */
	unsigned char *arena;
	bool little;			/* the guest's byte order */
	uint32_t written[WORLD_WRITES]; /* offsets of doublewords */
	unsigned int writes;
};

/* The same one for every input: places hidden, memory as in the beginning. */
struct world *world_begin(bool little);
void world_end(struct world *world);

/* Called after a place was shown or hidden. */
void world_update(struct world *world);
struct viommu_slot world_slot(const struct world *world, unsigned int place);
bool world_leaving(const struct world *world);

/* Memory that a slot shows or could show; NULL where there is none. Pages of it have numbers below WORLD_PAGES, others WORLD_PAGES. */
unsigned char *world_at(struct world *world, uint64_t gpa);
unsigned int world_page(const struct world *world, uint64_t gpa);
uint64_t world_load(struct world *world, uint64_t gpa);
void world_store(struct world *world, uint64_t gpa, uint64_t value);

/* Where the n-th 16 KiB of the memory are; above that, GPAs without any. */
uint64_t world_unit(unsigned int n);

/* Numbers that an input names with few bytes: where a table may be, a page, an IOVA, an index. */
uint64_t world_take_table(struct input *input, unsigned int level);
uint64_t world_take_page(struct input *input);
uint64_t world_take_iova(struct input *input);

/* An input writes an entry, or a few. */
void world_write(struct world *world, struct input *input);

/* An input says how something is registered: a translation anchor. */
uint64_t world_take_iota(struct input *input);

#endif
