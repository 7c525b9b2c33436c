/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/runs.h"

void runs_end_map(struct runs *runs)
{
	int error;

	if (!runs->mapping)
		return;
	runs->mapping = false;
	runs->maps++;
	error = runs->space->host->ops->map(runs->space, &runs->map);
	if (error)
		runs->refused(runs->ctx, runs->map.first, runs->map.last, error);
}

static bool continues(const struct host_mapping *run, const struct host_mapping *page)
{
	uint64_t bytes = page->first - run->first;

	return page->first == run->last + 1 && page->hva == run->hva + bytes && page->prot == run->prot && page->fd == run->fd &&
	       (run->fd < 0 || page->offset == run->offset + bytes);
}

bool runs_map(struct runs *runs, const struct host_mapping *page)
{
	if (runs->mapping && runs->merge && continues(&runs->map, page)) {
		runs->map.last = page->last;
		return false;
	}
	runs_end_map(runs);
	runs->map = *page;
	runs->mapping = true;
	return true;
}

void runs_end_unmap(struct runs *runs)
{
	int error;

	if (!runs->unmapping)
		return;
	runs->unmapping = false;
	if (runs->widen)
		runs->widen(runs->ctx, &runs->unmap_first, &runs->unmap_last);
	if (runs->unmap_first > runs->unmap_last)
		return;
	runs->unmaps++;
	runs->unflushed = true;
	error = runs->space->host->ops->unmap(runs->space, runs->unmap_first, runs->unmap_last);
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
