/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A table of words by index, most of which are 0. In memory are the chunks of it that have a word
 * which is not 0, and the one that became empty last: a word that is set and cleared by turns takes
 * no allocation. A chunk is found without a search while it is the one of the call before.
 *
 * Calls for one table are made by one thread at a time.
 */
#ifndef VIOMMU_LINUX_WORDS_H
#define VIOMMU_LINUX_WORDS_H

#include <linux/xarray.h>

#define WORDS_CHUNK 64ul

struct words_chunk {
	unsigned long number;
	unsigned int used; /* words that are not 0 */
	unsigned long words[WORDS_CHUNK];
};

struct words {
	struct xarray chunks;
	struct words_chunk *last;
	struct words_chunk *empty; /* the one that is kept, or NULL */
};

void words_init(struct words *table);
void words_destroy(struct words *table);

struct words_chunk *words_search(struct words *table, unsigned long number);

/* The chunk of an index, or NULL. */
static inline struct words_chunk *words_chunk(struct words *table, unsigned long index)
{
	unsigned long number = index / WORDS_CHUNK;

	return table->last && table->last->number == number ? table->last : words_search(table, number);
}

static inline unsigned long words_get(struct words *table, unsigned long index)
{
	const struct words_chunk *chunk = words_chunk(table, index);

	return chunk ? chunk->words[index % WORDS_CHUNK] : 0;
}

/* 0 or -ENOMEM; 0 where the word is 0 or was not 0 before. */
int words_set(struct words *table, unsigned long index, unsigned long word);

/* The first word from *index to last that is not 0, with its index; or 0. */
unsigned long words_next(struct words *table, unsigned long *index, unsigned long last);

/* The module's. */
int words_module_init(void);
void words_module_exit(void);

#endif
