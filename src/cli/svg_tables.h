/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's tables, found as a walk finds them: from the registered anchor downwards, in the memory that the capture has filled, each table once however
 * many entries name it. What is beneath a malformed entry, or where the guest has no memory, is not there.
 */
#ifndef VIOMMU_CLI_SVG_TABLES_H
#define VIOMMU_CLI_SVG_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include <viommu/zpci.h>

#include "guest.h"

#define SVG_TABLE_LEVELS 5

struct svg_table {
	uint64_t first, last; /* GPA: the part of it that exists */
	unsigned int level;
	bool whole; /* all of it was looked at, not just the part that the registered range uses */
};

struct svg_tables {
	struct svg_table *tables; /* a hash table; those with last = 0 are free */
	unsigned int capacity;	  /* a power of two, or 0 */
	unsigned int count;
	uint64_t by_level[SVG_TABLE_LEVELS];
	uint64_t entries; /* that may still be looked at */
	bool incomplete;  /* there is more than was looked at, or than memory could be had for */
};

/* Fills in tables, which svg_tables_free() frees. qemu: entries are judged as QEMU does. */
void svg_tables_find(struct svg_tables *tables, struct guest *guest, const struct viommu_zpci_function_info *info, bool qemu);
void svg_tables_free(struct svg_tables *tables);

/* svg_tables.c, for the walks: notes a table. False if there is no need to look at what is in it. */
bool svg_tables_note(struct svg_tables *tables, const struct svg_table *table);
/* Loads an entry as it is in memory. False if there is no memory, or no entry may be looked at any more. */
bool svg_tables_load(struct svg_tables *tables, struct guest *guest, uint64_t gpa, uint64_t *raw);

#endif
