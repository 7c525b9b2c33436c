/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "register_pages.h"

#include "tables.h"

static uint64_t key_of(uint64_t address)
{
	return (address >> REGISTER_PAGE_SHIFT) + 1;
}

static size_t set_of(uint64_t key)
{
	return tables_mix(key) & (REGISTER_PAGE_SETS - 1);
}

bool register_pages_have(const struct register_pages *pages, uint64_t address)
{
	uint64_t key = key_of(address);
	const uint64_t *set = pages->pages[set_of(key)];
	unsigned int i;

	for (i = 0; i < REGISTER_PAGE_WAYS; i++) {
		if (__atomic_load_n(&set[i], __ATOMIC_RELAXED) == key)
			return true;
	}
	return false;
}

void register_pages_add(struct register_pages *pages, uint64_t address)
{
	uint64_t key = key_of(address), none;
	uint64_t *set = pages->pages[set_of(key)];
	unsigned int i;

	for (i = 0; i < REGISTER_PAGE_WAYS; i++) {
		none = 0;
		if (__atomic_compare_exchange_n(&set[i], &none, key, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) || none == key)
			return;
	}
	__atomic_store_n(&set[key % REGISTER_PAGE_WAYS], key, __ATOMIC_RELAXED);
}

void register_pages_forget(struct register_pages *pages, uint64_t address)
{
	uint64_t key = key_of(address), found;
	uint64_t *set = pages->pages[set_of(key)];
	unsigned int i;

	for (i = 0; i < REGISTER_PAGE_WAYS; i++) {
		found = key;
		__atomic_compare_exchange_n(&set[i], &found, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}
