/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/memory.h"

void *memory_alloc(struct memory *memory, size_t bytes, size_t align)
{
	port_word used = __atomic_load_n(&memory->used, __ATOMIC_RELAXED);
	port_word peak;
	void *p;

	do {
		if (bytes > memory->limit || used > memory->limit - bytes)
			return NULL;
	} while (!__atomic_compare_exchange_n(&memory->used, &used, used + bytes, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	p = port_alloc(bytes, align);
	if (!p) {
		__atomic_sub_fetch(&memory->used, bytes, __ATOMIC_RELAXED);
		return NULL;
	}
	used += bytes;
	peak = __atomic_load_n(&memory->peak, __ATOMIC_RELAXED);
	while (used > peak && !__atomic_compare_exchange_n(&memory->peak, &peak, used, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return p;
}

void memory_free(struct memory *memory, void *p, size_t bytes, size_t align)
{
	if (!p)
		return;
	__atomic_sub_fetch(&memory->used, bytes, __ATOMIC_RELAXED);
	port_free(p, bytes, align);
}
