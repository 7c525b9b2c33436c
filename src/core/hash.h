/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A hash table whose links live in its members, which have keys of 64 bits, each one once. It grows
 * as members come; where there is no memory to grow, lookups become slower. Guests choose keys, so
 * that where one lands also depends on an address of ours that they do not know. The buckets, two
 * pointers a member at the most, are counted against no limit; members are.
 */
#ifndef VIOMMU_CORE_HASH_H
#define VIOMMU_CORE_HASH_H

#include "port/port.h"

struct hash_link {
	struct hash_link *next;
	uint64_t key;
};

struct hash {
	struct hash_link **bucket; /* NULL: empty */
	unsigned int bits;
	uint64_t number;
};

/* The member with that key, or NULL. */
struct hash_link *hash_find(const struct hash *hash, uint64_t key);

/* False if there is no memory. */
bool hash_insert(struct hash *hash, struct hash_link *link, uint64_t key);

/* When it becomes empty, it needs no memory any more. */
void hash_remove(struct hash *hash, struct hash_link *link);

#endif
