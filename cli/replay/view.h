/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest IOMMU's part of a picture, for one of its functions: names, apertures, and tables.
 *
 * Tables are found like in a walk: from the root downwards, in the capture's memory, each table
 * once, however many entries name it. A table below a malformed entry, or outside memory, is not
 * found.
 */
#ifndef VIOMMU_CLI_VIEW_H
#define VIOMMU_CLI_VIEW_H

#include "replay.h"

#define VIEW_APERTURES 2u

struct view_tables;

/* IOVAs, and the tables that translate them. */
struct view_aperture {
	const char *name;
	uint64_t first, last;
	/* see struct format_designation */
	uint64_t table, control;
	/* NULL: no tables */
	void (*walk)(struct view_tables *tables, const struct view_aperture *from);
};

struct view {
	char name[40];
	char state[64];
	const char *idle; /* why it has no aperture; NULL if it has one */
	bool direct;	  /* no tables translate */
	unsigned int count;
	struct view_aperture apertures[VIEW_APERTURES]; /* in ascending order */
	/* the address of its tables, or their replacement */
	char root[200];
};

/* For tables_walk.h. */
struct view_tables {
	struct guest *guest;
	FILE *to;   /* a line of JSON for each table */
	void *seen; /* tsearch(3) */
	unsigned int count;
	uint64_t entries; /* entries that may still be read */
	bool incomplete;  /* some entries were not read, or memory is short */
};

/*
 * A table. Level 0 is the lowest. whole: all of it is read, not only the part for an aperture.
 * False if it need not be read.
 */
bool view_tables_note(struct view_tables *tables, unsigned int level, uint64_t first, uint64_t last, bool whole);
/* Loads an entry. False outside memory, or at the limit of entries. */
bool view_tables_load(struct view_tables *tables, uint64_t gpa, uint64_t *raw);

/* Writes the tables of a view. False if not all of them were found. */
bool view_tables_put(struct guest *guest, const struct view *view, FILE *to);

#endif
