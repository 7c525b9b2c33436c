/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/hash.h"

#define FIRST_BITS 4u

static size_t bucket_bytes(unsigned int bits)
{
	return sizeof(struct hash_link *) << bits;
}

static size_t place(const struct hash *hash, unsigned int bits, uint64_t key)
{
	uint64_t mixed = key ^ (uint64_t)(uintptr_t)hash;

	/*
	 * Two rounds of multiply and fold: every bit of the key has a say in the ones that are
	 * left.
	 */
	mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return (size_t)(mixed >> (64 - bits));
}

struct hash_link *hash_find(const struct hash *hash, uint64_t key)
{
	struct hash_link *link;

	if (!hash->bucket)
		return NULL;
	link = hash->bucket[place(hash, hash->bits, key)];
	while (link && link->key != key)
		link = link->next;
	return link;
}

static bool resize(struct hash *hash, unsigned int bits)
{
	struct hash_link **bucket = port_alloc(bucket_bytes(bits), 0);

	if (!bucket)
		return false;
	for (size_t i = 0; hash->bucket && i < (size_t)1 << hash->bits; i++) {
		struct hash_link *next;

		for (struct hash_link *link = hash->bucket[i]; link; link = next) {
			struct hash_link **head = &bucket[place(hash, bits, link->key)];

			next = link->next;
			link->next = *head;
			*head = link;
		}
	}
	if (hash->bucket)
		port_free(hash->bucket, bucket_bytes(hash->bits), 0);
	hash->bucket = bucket;
	hash->bits = bits;
	return true;
}

bool hash_insert(struct hash *hash, struct hash_link *link, uint64_t key)
{
	struct hash_link **head;

	if (!hash->bucket) {
		if (!resize(hash, FIRST_BITS))
			return false;
	} else if (hash->number >> hash->bits) {
		(void)resize(hash, hash->bits + 1);
	}
	head = &hash->bucket[place(hash, hash->bits, key)];
	link->key = key;
	link->next = *head;
	*head = link;
	hash->number++;
	return true;
}

void hash_remove(struct hash *hash, struct hash_link *link)
{
	struct hash_link **at = &hash->bucket[place(hash, hash->bits, link->key)];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	if (--hash->number)
		return;
	port_free(hash->bucket, bucket_bytes(hash->bits), 0);
	hash->bucket = NULL;
}
