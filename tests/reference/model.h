/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A model of nested domains, on top of the naive walk: for each domain an ordered list of the pages
 * that a device can reach. A refresh throws the range's pages away and lists those that the tables
 * name now; everything that the library counts is counted from the lists.
 */
#ifndef TESTS_REFERENCE_MODEL_H
#define TESTS_REFERENCE_MODEL_H

#include "naive.h"

struct model_page {
	uint64_t iova;
	uint64_t gpa;
	bool writable;
};

bool model_same(const struct model_page *a, const struct model_page *b);

/* Ascending by IOVA. */
struct model_list {
	struct model_page *pages;
	uint64_t count;
	uint64_t room;
};

void model_list_free(struct model_list *list);
void model_list_add(struct model_list *list, struct model_page page);

/* Copies a list behind another one. */
void model_list_copy(struct model_list *to, const struct model_list *from);

/* The translations of a range, by the tables. */
struct model_found {
	struct model_list list;
	uint64_t unbacked;	   /* pages that are named and that the guest has no memory for */
	bool faulty;		   /* there is a malformed entry; then: */
	uint64_t fault_iova;	   /* the lowest IOVA of the range that has none but a malformed translation */
	struct naive_answer fault; /* and its walk */
	uint64_t entries;	   /* entries looked at */
	bool too_large;		   /* given up at a limit: the rest means nothing */
};

struct model_limits {
	uint64_t entries;
	uint64_t pages;
};

/*
 * Lists what first..last (pages: first is the first byte of one, last the last byte of one)
 * translates to, going down only where an entry is valid.
 */
void model_find(const struct naive_memory *memory, const struct naive_tables *tables, uint64_t first, uint64_t last, const struct model_limits *limits,
		struct model_found *found);
void model_found_free(struct model_found *found);

/* Widens a range to pages and clips it to an aperture. False where nothing is left. */
bool model_clip(uint64_t aperture_first, uint64_t aperture_last, uint64_t *first, uint64_t *last);

/*
 * The effect of a refresh of a (clipped) range on a domain's list, and how many pages are new or other
 * than before, and gone or other than before.
 */
void model_apply(struct model_list *list, uint64_t first, uint64_t last, const struct model_list *now, uint64_t *established, uint64_t *released);

/* The effect of the removal of a slot. */
void model_drop(struct model_list *list, uint64_t gpa, uint64_t bytes);

/* The page of an IOVA, NULL if it has none. */
const struct model_page *model_at(const struct model_list *list, uint64_t iova);

/* How many pages of guest memory the lists name, each counted once. */
uint64_t model_distinct(const struct naive_memory *memory, const struct model_list *const *lists, unsigned int count);

#endif
