/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/runs.h"

#include "core/removed.h"
#include "port/port.h"

static bool is_shortage(int error)
{
	return error == -PORT_ENOMEM || error == -PORT_ENOSPC;
}

/*
 * A host that is short of something may still have room for a part of the run: as much of its
 * beginning as goes in, found by halving, is mapped, and only the rest is refused.
 */
static void map_parts(struct runs *runs, int error)
{
	struct host_mapping rest = runs->map, part = runs->map;

	for (;; runs->maps++, error = runs->space->ops->map(runs->space, &part)) {
		uint64_t pages = (part.last - part.first) / VIOMMU_PAGE_SIZE + 1;

		if (!error) {
			if (part.first != runs->map.first)
				runs->ops->begins(runs->ctx, part.first);
			if (part.last == rest.last)
				return;
			rest.first = part.last + 1;
			rest.gpa += pages * VIOMMU_PAGE_SIZE;
			rest.hva += pages * VIOMMU_PAGE_SIZE;
			rest.offset += pages * VIOMMU_PAGE_SIZE;
		} else if (pages == 1 || !is_shortage(error)) {
			runs->ops->refused(runs->ctx, rest.first, rest.last, error);
			return;
		} else {
			pages /= 2;
		}
		part = rest;
		if (part.last - part.first >= pages * VIOMMU_PAGE_SIZE)
			part.last = part.first + (pages * VIOMMU_PAGE_SIZE - 1);
	}
}

void runs_end_map(struct runs *runs)
{
	int error;

	if (!runs->mapping)
		return;
	runs->mapping = false;
	runs->maps++;
	error = runs->space->ops->map(runs->space, &runs->map);
	if (error)
		map_parts(runs, error);
}

static bool continues(const struct host_mapping *run, const struct host_mapping *page)
{
	uint64_t bytes = page->first - run->first;

	return page->first == run->last + 1 && page->hva == run->hva + bytes && page->gpa == run->gpa + bytes && page->prot == run->prot &&
	       page->fd == run->fd && (run->fd < 0 || page->offset == run->offset + bytes);
}

bool runs_map(struct runs *runs, const struct host_mapping *page)
{
	if (runs->mapping && runs->merge && page->last - runs->map.first < runs->ops->most && continues(&runs->map, page)) {
		runs->map.last = page->last;
		return false;
	}
	runs_end_map(runs);
	runs->map = *page;
	runs->mapping = true;
	return true;
}

static int unmap(struct runs *runs, uint64_t first, uint64_t last)
{
	runs->unmaps++;
	runs->unflushed = true;
	return space_unmap(runs->space, first, last);
}

static port_noinline int unmap_whole(struct runs *runs)
{
	uint64_t first = runs->unmap_first, last = runs->unmap_last;
	int error;

	runs->ops->widen(runs->ctx, &first, &last);
	if (first > last)
		return 0;
	error = unmap(runs, first, last);
	return error ? error : runs->ops->removed(runs->ctx, runs->unmap_first, runs->unmap_last, first, last);
}

void runs_end_unmap(struct runs *runs)
{
	int error;

	if (!runs->unmapping)
		return;
	runs->unmapping = false;
	error = runs->ops->widen ? unmap_whole(runs) : unmap(runs, runs->unmap_first, runs->unmap_last);
	if (error)
		runs->error = error;
}

void runs_unmap(struct runs *runs, uint64_t first, uint64_t last)
{
	if (runs->unmapping && first == runs->unmap_last + 1) {
		runs->unmap_last = last;
		return;
	}
	runs_end_unmap(runs);
	runs->unmap_first = first;
	runs->unmap_last = last;
	runs->unmapping = true;
}
