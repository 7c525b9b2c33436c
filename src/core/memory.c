/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/memory.h"

void *memory_alloc(struct memory *memory, size_t bytes, size_t align)
{
	port_word used = port_load_relaxed(&memory->used);
	port_word peak;
	void *p;

	do {
		if (bytes > memory->limit || used > memory->limit - bytes)
			return NULL;
	} while (!port_cmpxchg_relaxed(&memory->used, &used, used + bytes));
	p = port_alloc(bytes, align);
	if (!p) {
		port_sub_relaxed(&memory->used, bytes);
		return NULL;
	}
	used += bytes;
	peak = port_load_relaxed(&memory->peak);
	while (used > peak && !port_cmpxchg_relaxed(&memory->peak, &peak, used))
		;
	return p;
}

void memory_free(struct memory *memory, void *p, size_t bytes, size_t align)
{
	if (!p)
		return;
	port_sub_relaxed(&memory->used, bytes);
	port_free(p, bytes, align);
}
