/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest IOMMU's part of a picture, for one of its functions: names, apertures, and tables.
 *
 * Tables are found like in a walk: from the root downwards, in the memory of the capture, each
 * table once however many entries name it. A table below a malformed entry, or in no memory, is not
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
	uint64_t table, control;						    /* as in struct format_designation */
	void (*walk)(struct view_tables *tables, const struct view_aperture *from); /* NULL: there are no tables */
};

struct view {
	char name[40];
	char state[64];
	const char *idle; /* why it has no aperture; NULL if it has one */
	bool direct;	  /* nothing is translated by tables */
	unsigned int count;
	struct view_aperture apertures[VIEW_APERTURES]; /* in ascending order */
	char root[200];					/* where its tables begin, or what takes their place */
};

/* For tables_walk.h. */
struct view_tables {
	struct guest *guest;
	FILE *to;   /* a line of JSON for each table */
	void *seen; /* tsearch(3) */
	unsigned int count;
	uint64_t entries; /* that may still be looked at */
	bool incomplete;  /* not everything was looked at, or memory ran out */
};

/*
 * A table: level 0 is the lowest; whole: all of it is read, not only the part for an aperture.
 * False if there is no need to read it.
 */
bool view_tables_note(struct view_tables *tables, unsigned int level, uint64_t first, uint64_t last, bool whole);
/*
 * Loads an entry as it is in memory. False if there is no memory, or no entry may be looked at any
 * more.
 */
bool view_tables_load(struct view_tables *tables, uint64_t gpa, uint64_t *raw);

/* Writes the tables of a view. False if not all of them were found. */
bool view_tables_put(struct guest *guest, const struct view *view, FILE *to);

#endif
