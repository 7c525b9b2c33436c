/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's tables, found as a walk finds them: from where the guest says that they begin downwards, in the memory that the capture has filled, each table
 * once however many entries name it. What is beneath a malformed entry, or where the guest has no memory, is not there.
 */
#ifndef VIOMMU_CLI_SVG_TABLES_H
#define VIOMMU_CLI_SVG_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/guest.h"

#define SVG_TABLE_LEVELS 5

struct svg_table {
	uint64_t first, last; /* GPA: the part of it that exists */
	unsigned int level;   /* 0: the lowest */
	bool whole;	      /* all of it was looked at, not just the part that the registered range uses */
};

struct svg_tables {
	struct svg_table *tables; /* a hash table; those with last = 0 are free */
	unsigned int capacity;	  /* a power of two, or 0 */
	unsigned int count;
	uint64_t by_level[SVG_TABLE_LEVELS];
	uint64_t entries; /* that may still be looked at */
	bool incomplete;  /* there is more than was looked at, or than memory could be had for */
};

/* By which format's rules tables are read; SVG_ZPCI_QEMU: as QEMU does. */
enum svg_format { SVG_ZPCI, SVG_ZPCI_QEMU, SVG_ARM64_4K, SVG_ARM64_16K, SVG_ARM64_64K };

/* Where tables begin, and the IOVAs that they are used for. */
struct svg_root {
	enum svg_format format;
	uint64_t table, control; /* as in struct format_anchor */
	uint64_t first, last;
};

/* svg_tables_begin() makes them none; each svg_tables_find() adds those of a root; svg_tables_free() frees them. */
void svg_tables_begin(struct svg_tables *tables);
void svg_tables_find(struct svg_tables *tables, struct guest *guest, const struct svg_root *root);
void svg_tables_free(struct svg_tables *tables);

/* tables.c, for the walks: notes a table. False if there is no need to look at what is in it. */
bool svg_tables_note(struct svg_tables *tables, const struct svg_table *table);
/* Loads an entry as it is in memory. False if there is no memory, or no entry may be looked at any more. */
bool svg_tables_load(struct svg_tables *tables, struct guest *guest, uint64_t gpa, uint64_t *raw);

#endif
