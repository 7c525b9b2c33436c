/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A model of nested domains on top of the naive walk: for each domain an ordered list of the pages
 * that a device can reach. A refresh discards the pages of the range, and lists those that the
 * tables name now. Everything that the library counts is counted from the lists.
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

/* Appends a copy of a list to another one. */
void model_list_copy(struct model_list *to, const struct model_list *from);

/* The translations of a range, as read from the tables. */
struct model_found {
	struct model_list list;
	uint64_t unbacked;	   /* named pages outside guest memory */
	bool faulty;		   /* there is a malformed entry; then: */
	uint64_t fault_iova;	   /* the lowest IOVA of the range with a malformed translation */
	struct naive_answer fault; /* and its walk */
	uint64_t entries;	   /* number of entries read */
	bool too_large;		   /* stopped at a limit: the rest has no meaning */
};

struct model_limits {
	uint64_t entries;
	uint64_t pages;
};

/*
 * Lists the translations of first..last, the first and the last byte of whole pages. It descends
 * only through valid entries.
 */
void model_find(const struct naive_memory *memory, const struct naive_tables *tables, uint64_t first, uint64_t last, const struct model_limits *limits,
		struct model_found *found);
void model_found_free(struct model_found *found);

/* Widens a range to pages and clips it to an aperture. False if the result is empty. */
bool model_clip(uint64_t aperture_first, uint64_t aperture_last, uint64_t *first, uint64_t *last);

/*
 * The effect of a refresh of a clipped range on a domain's list, and the numbers of pages that are
 * new or changed, and gone or changed.
 */
void model_apply(struct model_list *list, uint64_t first, uint64_t last, const struct model_list *now, uint64_t *established, uint64_t *released);

/* The effect of the removal of a slot. */
void model_drop(struct model_list *list, uint64_t gpa, uint64_t bytes);

/* The page of an IOVA, NULL if there is none. */
const struct model_page *model_at(const struct model_list *list, uint64_t iova);

/* The number of guest pages in the lists, each counted once. */
uint64_t model_distinct(const struct naive_memory *memory, const struct model_list *const *lists, unsigned int count);

#endif
