/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "numbered.h"

#include <endian.h>

#define PAGE_BYTES 4096u

/* The number that fills a page. false if there is none. */
static bool number_of(const struct guest_ram *ram, uint64_t gpa, uint64_t *block)
{
	uint64_t first, raw, i;

	if (!guest_ram_load(ram, gpa, &first))
		return false;
	for (i = 8; i < PAGE_BYTES; i += 8) {
		if (!guest_ram_load(ram, gpa + i, &raw) || raw != first)
			return false;
	}
	*block = be64toh(first);
	return true;
}

bool numbered_released(struct numbered *numbered, const struct guest_ram *ram, uint64_t gpa, uint64_t *block, uint64_t *expected)
{
	if (!numbered->count || !number_of(ram, gpa, block) || *block < numbered->first || *block - numbered->first >= numbered->count)
		return false;
	*expected = numbered->first + numbered->next;
	if (*block == *expected)
		numbered->seen++;
	numbered->next = (*block - numbered->first + 1) % numbered->count;
	return true;
}

uint64_t numbered_missing(const struct numbered *numbered)
{
	if (!numbered->count)
		return 0;
	if (numbered->next)
		return numbered->count - numbered->next;
	return numbered->seen ? 0 : numbered->count;
}
