/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "virtio/mappings.h"

#include <string.h>

#include "virtio/spec.h"

static bool add(struct mappings *mappings, const struct mapping *mapping)
{
	size_t at = mappings->count;

	if (!LIST_FITS(mappings))
		return false;
	while (at && mappings->list[at - 1].first > mapping->first)
		at--;
	memmove(&mappings->list[at + 1], &mappings->list[at], (mappings->count - at) * sizeof(*mappings->list));
	mappings->list[at] = *mapping;
	mappings->count++;
	return true;
}

/* A request that would split a mapping is refused, so that mappings go as a whole. */
static void remove_range(struct mappings *mappings, const uint32_t *domain, uint64_t first, uint64_t last)
{
	size_t i, kept = 0;

	for (i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->list[i];

		if ((!domain || mapping->domain == *domain) && mapping->first >= first && mapping->last <= last)
			continue;
		mappings->list[kept++] = *mapping;
	}
	mappings->count = kept;
}

bool mappings_apply(struct mappings *mappings, const struct capture_request *request)
{
	struct mapping mapping = { .domain = request->domain, .first = request->first, .last = request->last, .gpa = request->gpa };

	if (request->type == CAPTURE_UNMAP)
		remove_range(mappings, &request->domain, request->first, request->last);
	if (request->type != CAPTURE_MAP)
		return true;
	mapping.prot = (request->flags & MAP_READ ? CAPTURE_R : 0) | (request->flags & MAP_WRITE ? CAPTURE_W : 0);
	return add(mappings, &mapping);
}

void mappings_clear(struct mappings *mappings, const uint32_t *domain)
{
	remove_range(mappings, domain, 0, UINT64_MAX);
}

void mappings_collect(const struct mappings *mappings, uint32_t domain, const struct guest_ram *ram, struct runs *runs)
{
	size_t i;

	for (i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->list[i];
		uint64_t bytes = mapping->last - mapping->first;

		/* What begins and ends in memory; all else leads to registers. */
		if (mapping->domain == domain && bytes < ram->bytes && guest_ram_has(ram, mapping->gpa) && guest_ram_has(ram, mapping->gpa + bytes) &&
		    mapping->prot)
			runs_add(runs, mapping->first, mapping->gpa, mapping->prot, bytes / CAPTURE_PAGE_SIZE + 1);
	}
}
