/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mappings are in an array, sorted by IOVA; those that were removed and not flushed yet are in another one, for a device might still reach them.
 */
#include "host_whole.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

struct list {
	struct host_mapping *mappings;
	size_t count;
	size_t room;
};

struct whole_space {
	struct host_space space;
	struct list mapped;
	struct list unflushed;
	uint64_t first, last;
};

struct whole_host {
	struct viommu_host host;
	const char *broken;
	enum host_whole_failure failure;
	bool failed; /* ever: from then on the core cannot know which mappings there are */
};

static struct whole_host *host_of(struct host_space *space)
{
	return (struct whole_host *)(void *)space->host;
}

static void broken(struct host_space *space, const char *what)
{
	struct whole_host *host = host_of(space);

	if (!host->broken)
		host->broken = what;
}

static void insert(struct list *list, size_t at, const struct host_mapping *mapping)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->mappings = realloc(list->mappings, list->room * sizeof(*list->mappings));
		if (!list->mappings) {
			fprintf(stderr, "the test is out of memory\n");
			exit(1);
		}
	}
	memmove(&list->mappings[at + 1], &list->mappings[at], (list->count - at) * sizeof(*list->mappings));
	list->mappings[at] = *mapping;
	list->count++;
}

/* The first mapping that does not end before iova. */
static size_t find(const struct list *list, uint64_t iova)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->mappings[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool overlaps(const struct list *list, size_t at, uint64_t last)
{
	return at < list->count && list->mappings[at].first <= last;
}

static int space_create(struct viommu_host *host, struct host_guest *guest, uint64_t first, uint64_t last, const struct host_memory *memory,
			struct host_space **out)
{
	struct whole_space *space = calloc(1, sizeof(*space));

	(void)memory;
	(void)guest;
	if (!space)
		return -ENOMEM;
	space->space.host = host;
	space->first = first;
	space->last = last;
	*out = &space->space;
	return 0;
}

static struct whole_space *whole(struct host_space *space)
{
	return (struct whole_space *)(void *)space;
}

static void space_destroy(struct host_space *space)
{
	free(whole(space)->mapped.mappings);
	free(whole(space)->unflushed.mappings);
	free(space);
}

static int map(struct host_space *space, const struct host_mapping *mapping)
{
	struct list *mapped = &whole(space)->mapped;
	size_t at = find(mapped, mapping->first);

	if (mapping->first % 4096 || mapping->last % 4096 != 4095 || mapping->last < mapping->first)
		broken(space, "a mapping that is not whole pages");
	if (mapping->first < whole(space)->first || mapping->last > whole(space)->last)
		broken(space, "a mapping outside the space");
	if (mapping->prot != VIOMMU_READ && mapping->prot != VIOMMU_RW)
		broken(space, "a mapping with rights that do not exist");
	if (overlaps(mapped, at, mapping->last))
		broken(space, "a mapping that replaces another");
	for (size_t i = 0; i < whole(space)->unflushed.count; i++)
		if (mapping->first <= whole(space)->unflushed.mappings[i].last && mapping->last >= whole(space)->unflushed.mappings[i].first)
			broken(space, "a mapping where another was removed, and not flushed");
	if (mapped->count == space->host->caps.entry_limit)
		return -ENOSPC;
	insert(mapped, at, mapping);
	return 0;
}

static int unmap(struct host_space *space, uint64_t first, uint64_t last)
{
	struct list *mapped = &whole(space)->mapped;
	size_t at = find(mapped, first);
	size_t end = at;

	if (host_of(space)->failure == HOST_WHOLE_KEEPS)
		return -EIO;
	while (overlaps(mapped, end, last)) {
		insert(&whole(space)->unflushed, whole(space)->unflushed.count, &mapped->mappings[end]);
		end++;
	}
	if (!host_of(space)->failed && (at == end || mapped->mappings[at].first != first || mapped->mappings[end - 1].last != last))
		broken(space, "a removal that does not begin and end as mappings do");
	if (at != end) {
		memmove(&mapped->mappings[at], &mapped->mappings[end], (mapped->count - end) * sizeof(*mapped->mappings));
		mapped->count -= end - at;
	}
	return host_of(space)->failure == HOST_WHOLE_LIES ? -EIO : 0;
}

static int flush(struct host_space *space)
{
	if (host_of(space)->failure == HOST_WHOLE_DOES_NOT_FLUSH)
		return -EIO;
	whole(space)->unflushed.count = 0;
	__atomic_store_n(&space->generation, space->generation + 1, __ATOMIC_RELEASE);
	return 0;
}

static int lookup(struct host_space *space, uint64_t iova, struct host_mapping *mapping, uint64_t *generation)
{
	const struct list *mapped = &whole(space)->mapped;
	size_t at = find(mapped, iova);

	*generation = space->generation;
	if (!overlaps(mapped, at, iova))
		return -ENOENT;
	*mapping = mapped->mappings[at];
	return 0;
}

static int device_create(struct viommu_host *host, struct host_guest *guest, const void *data, struct host_device **out)
{
	(void)guest;
	(void)data;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->host = host;
	return 0;
}

static void device_destroy(struct host_device *device)
{
	free(device);
}

static int attach_or_detach(struct host_space *space, struct host_device *device, uint32_t pasid)
{
	(void)pasid;
	(void)space;
	(void)device;
	return 0;
}

static void destroy(struct viommu_host *host)
{
	free(host);
}

static const struct host_ops ops = {
	.space_create = space_create,
	.space_destroy = space_destroy,
	.map = map,
	.unmap = unmap,
	.flush = flush,
	.lookup = lookup,
	.device_create = device_create,
	.device_destroy = device_destroy,
	.attach = attach_or_detach,
	.detach = attach_or_detach,
	.destroy = destroy,
};

struct viommu_host *host_whole_create(uint64_t entry_limit)
{
	struct whole_host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->host.ops = &ops;
	host->host.caps = (struct viommu_host_caps){
		.size = sizeof(struct viommu_host_caps),
		.name = "whole",
		.lookup = true,
		.page_sizes = ~UINT64_C(4095),
		.first = 0,
		.last = UINT64_MAX,
		.entry_limit = entry_limit,
	};
	return &host->host;
}

void host_whole_fail(struct viommu_host *host, enum host_whole_failure failure)
{
	struct whole_host *whole_host = (struct whole_host *)(void *)host;

	whole_host->failure = failure;
	whole_host->failed |= failure != HOST_WHOLE_WORKS;
}

const char *host_whole_broken(const struct viommu_host *host)
{
	return ((const struct whole_host *)(const void *)host)->broken;
}
