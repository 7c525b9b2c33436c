/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/slab.h>

#include "words.h"

static struct kmem_cache *chunks;

int words_module_init(void)
{
	chunks = kmem_cache_create("viommu_words", sizeof(struct words_chunk), 0, SLAB_ACCOUNT, NULL);
	return chunks ? 0 : -ENOMEM;
}

void words_module_exit(void)
{
	kmem_cache_destroy(chunks);
}

void words_init(struct words *table)
{
	*table = (struct words){};
	xa_init_flags(&table->chunks, XA_FLAGS_ACCOUNT);
}

void words_destroy(struct words *table)
{
	struct words_chunk *chunk;
	unsigned long number;

	xa_for_each (&table->chunks, number, chunk)
		kmem_cache_free(chunks, chunk);
	xa_destroy(&table->chunks);
}

struct words_chunk *words_search(struct words *table, unsigned long number)
{
	struct words_chunk *chunk = xa_load(&table->chunks, number);

	if (chunk)
		table->last = chunk;
	return chunk;
}

static struct words_chunk *add(struct words *table, unsigned long number)
{
	struct words_chunk *chunk = kmem_cache_zalloc(chunks, GFP_KERNEL);

	if (!chunk)
		return NULL;
	if (xa_err(xa_store(&table->chunks, number, chunk, GFP_KERNEL))) {
		kmem_cache_free(chunks, chunk);
		return NULL;
	}
	chunk->number = number;
	table->last = chunk;
	return chunk;
}

/* Keeps an empty chunk in place of the one that was kept. */
static void keep(struct words *table, struct words_chunk *chunk)
{
	struct words_chunk *old = table->empty;

	table->empty = chunk;
	if (!old)
		return;
	xa_erase(&table->chunks, old->number);
	if (table->last == old)
		table->last = chunk;
	kmem_cache_free(chunks, old);
}

int words_set(struct words *table, unsigned long index, unsigned long word)
{
	struct words_chunk *chunk = words_chunk(table, index);
	unsigned long *place;

	if (!chunk && word)
		chunk = add(table, index / WORDS_CHUNK);
	if (!chunk)
		return word ? -ENOMEM : 0;
	place = &chunk->words[index % WORDS_CHUNK];
	if (word && !*place && !chunk->used++ && table->empty == chunk)
		table->empty = NULL;
	if (!word && *place && !--chunk->used)
		keep(table, chunk);
	*place = word;
	return 0;
}

unsigned long words_next(struct words *table, unsigned long *index, unsigned long last)
{
	unsigned long number = *index / WORDS_CHUNK;
	struct words_chunk *chunk = table->last && table->last->number == number ? table->last : NULL;

	if (!chunk)
		chunk = xa_find(&table->chunks, &number, last / WORDS_CHUNK, XA_PRESENT);
	for (; chunk; chunk = xa_find_after(&table->chunks, &number, last / WORDS_CHUNK, XA_PRESENT)) {
		unsigned long at = chunk->number == *index / WORDS_CHUNK ? *index % WORDS_CHUNK : 0;

		for (; at < WORDS_CHUNK; at++) {
			if (!chunk->words[at])
				continue;
			*index = chunk->number * WORDS_CHUNK + at;
			table->last = chunk;
			return *index <= last ? chunk->words[at] : 0;
		}
	}
	return 0;
}
