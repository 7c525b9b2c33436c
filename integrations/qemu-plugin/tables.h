/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's IOMMU structures in memory: changes since they were last read, and the pages that the
 * tables map. One walk serves all architectures. A layout interprets an entry.
 *
 * Layouts are written from the architectures' documents and share no code with the library's
 * formats. So the comparison with QEMU finds an entry that the library misreads.
 *
 * The state keeps the reported values, which begin as zeros. A reader that begins with zeros and
 * applies all changes has the structures as the guest had them at each operation.
 */
#ifndef VIOMMU_WATCH_TABLES_H
#define VIOMMU_WATCH_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_ram.h"
#include "lists.h"

#define TABLE_LEVELS 6u

/* Limits of a walk that collects leaves. Beyond them it ends with `lost`. */
#define TABLES_MAX	65536u
#define TABLE_PAGES_MAX (UINT64_C(1) << 20) /* 4 GiB */

struct table_entry {
	enum { TABLE_NOTHING = 0, TABLE_LEAF, TABLE_NEXT } kind;
	uint64_t address; /* of the leaf's memory, or of the next table */
	uint32_t prot;	  /* CAPTURE_* */
	/* Indexes of the next table. */
	unsigned int first;
	unsigned int last;
	/* A leaf that several entries name together: bits of its size; 0: one entry is the leaf. */
	unsigned int bits;
};

/* Level 0 has only leaves. An entry of a level covers 2^shift bytes. */
struct table_layout {
	struct table_entry (*entry)(const struct table_layout *layout, unsigned int level, uint64_t value);
	uint8_t shift[TABLE_LEVELS];
};

struct table_root {
	uint64_t table;
	unsigned int level;
	unsigned int first; /* its indexes */
	unsigned int last;
	uint64_t iova; /* of index 0 */
};

struct tables {
	const struct guest_ram *ram;
	bool big_endian;
	struct changes changes; /* changes that have not been handed on */
	bool changed;		/* a change was found since this was cleared */
	bool lost;		/* something was not read, or not stored */
	struct tables_state *state;
};

/* false if memory is short. */
bool tables_init(struct tables *tables, const struct guest_ram *ram, bool big_endian);
void tables_finish(struct tables *tables);

/* Loads doublewords once, and reports those that have changed. false outside memory. */
bool tables_load(struct tables *tables, uint64_t gpa, uint64_t *values, unsigned int count);

/*
 * Reads every entry that takes part in translating the IOVAs first..last. A table whose entry has
 * changed is reported as a whole. Adds the leaves in main memory to *leaves. If leaves is NULL,
 * each part of a table is read once, so that loops and repeated tables cost nothing.
 */
void tables_walk(struct tables *tables, const struct table_layout *layout, const struct table_root *root, uint64_t first, uint64_t last, struct runs *leaves);

/*
 * Calls fn for each entry on the path to an IOVA, highest level first. readable: the entry is in
 * memory.
 */
void tables_path(const struct tables *tables, const struct table_layout *layout, const struct table_root *root, uint64_t iova,
		 void (*fn)(void *ctx, unsigned int level, uint64_t gpa, bool readable, uint64_t value), void *ctx);

/* Takes the pending changes. The caller frees their list. */
struct changes tables_take_changes(struct tables *tables);

/* Hashes a key to a word. The factor is 2^64 divided by the golden ratio. */
static inline size_t tables_mix(uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

#endif
