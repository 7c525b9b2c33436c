/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mock_host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mock_host *mock_of(struct viommu_host *host)
{
	return (struct mock_host *)(void *)host;
}

static struct mock_space *space_of(struct host_space *space)
{
	return (struct mock_space *)(void *)space;
}

void mock_breach(struct mock_host *mock, const char *rule, uint64_t first, uint64_t last)
{
	if (!mock->breaches++)
		snprintf(mock->breach, sizeof(mock->breach), "%s: %#" PRIx64 "-%#" PRIx64, rule, first, last);
}

/* The first mapping that ends at iova or later; list->number if there is none. */
static size_t find(const struct mock_list *list, uint64_t iova)
{
	size_t low = 0, high = list->number;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (list->mapping[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(struct mock_list *list, size_t at, const struct host_mapping *mapping)
{
	if (list->number == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->mapping = realloc(list->mapping, list->room * sizeof(*list->mapping));
		if (!list->mapping)
			abort();
	}
	memmove(&list->mapping[at + 1], &list->mapping[at], (list->number - at) * sizeof(*list->mapping));
	list->mapping[at] = *mapping;
	list->number++;
}

static void drop(struct mock_list *list, size_t at, size_t number)
{
	/* A list that was never filled has no memory to move. */
	if (!number)
		return;
	memmove(&list->mapping[at], &list->mapping[at + number], (list->number - at - number) * sizeof(*list->mapping));
	list->number -= number;
}

/*
 * The start of every call. Returns with the lock held. A positive result is the errno of a failing
 * call.
 */
int mock_enter(struct mock_host *mock, struct mock_space *space, enum mock_call call, uint64_t first, uint64_t last)
{
	const struct mock_event event = { call, first, last };

	if (mock->watch)
		mock->watch(mock->watch_ctx, space, &event);
	pthread_mutex_lock(&mock->lock);
	mock->calls[call]++;
	if (mock->events < MOCK_EVENTS)
		mock->event[mock->events++] = event;
	if (mock->fail[call].at && !--mock->fail[call].at) {
		mock->fail[call].at = mock->fail[call].for_good;
		return mock->fail[call].error;
	}
	return 0;
}

int mock_leave(struct mock_host *mock, int error)
{
	pthread_mutex_unlock(&mock->lock);
	return -error;
}

static struct mock_guest *guest_of(struct host_vm *guest)
{
	return (struct mock_guest *)(void *)guest;
}

static int create_guest(struct viommu_host *host, bool pinned, struct host_vm **out)
{
	struct mock_host *mock = mock_of(host);
	struct mock_guest *guest;
	int error = mock_enter(mock, NULL, MOCK_GUEST_CREATE, 0, 0);

	if (error)
		return mock_leave(mock, error);
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		abort();
	guest->guest.host = host;
	guest->pinned = pinned;
	mock->guests++;
	*out = &guest->guest;
	return mock_leave(mock, 0);
}

static void destroy_guest(struct host_vm *guest)
{
	struct mock_host *mock = mock_of(guest->host);

	pthread_mutex_lock(&mock->lock);
	for (struct mock_space *space = mock->spaces; space; space = space->next)
		if (space->guest == guest_of(guest))
			mock_breach(mock, "guest memory destroyed before a space of it", 0, 0);
	mock->guests--;
	pthread_mutex_unlock(&mock->lock);
	free(guest_of(guest));
}

static int add_slot(struct host_vm *vm, const struct host_slot *slot)
{
	struct mock_host *mock = mock_of(vm->host);
	struct mock_guest *guest = guest_of(vm);
	int error = mock_enter(mock, NULL, MOCK_GUEST_ADD, slot->first, slot->last);

	if (error)
		return mock_leave(mock, error);
	for (unsigned int i = 0; i < guest->slots; i++)
		if (slot->first <= guest->slot[i].last && slot->last >= guest->slot[i].first)
			mock_breach(mock, "a slot added over another", slot->first, slot->last);
	if (guest->slots == MOCK_SLOTS)
		abort();
	guest->slot[guest->slots++] = *slot;
	return mock_leave(mock, 0);
}

static int remove_slot(struct host_vm *vm, const struct host_slot *slot)
{
	struct mock_host *mock = mock_of(vm->host);
	struct mock_guest *guest = guest_of(vm);
	int error = mock_enter(mock, NULL, MOCK_GUEST_REMOVE, slot->first, slot->last);

	if (error)
		return mock_leave(mock, error);
	for (struct mock_space *space = mock->spaces; space; space = space->next)
		for (size_t i = 0; space->guest == guest && i < space->mapped.number; i++)
			if (space->mapped.mapping[i].gpa <= slot->last &&
			    space->mapped.mapping[i].gpa + (space->mapped.mapping[i].last - space->mapped.mapping[i].first) >= slot->first)
				mock_breach(mock, "a slot removed while it is mapped", slot->first, slot->last);
	for (unsigned int i = 0; i < guest->slots; i++) {
		if (guest->slot[i].first == slot->first && guest->slot[i].last == slot->last) {
			guest->slot[i] = guest->slot[--guest->slots];
			break;
		}
	}
	return mock_leave(mock, 0);
}

/* Whether a mapping names registered guest memory, at the right place, with no excess rights. */
static bool is_registered(const struct mock_guest *guest, const struct host_mapping *mapping)
{
	uint64_t first = mapping->first;

	for (;;) {
		uint64_t at = first - mapping->first, gpa = mapping->gpa + at, bytes;
		const struct host_slot *slot = NULL;

		for (unsigned int i = 0; i < guest->slots; i++)
			if (gpa >= guest->slot[i].first && gpa <= guest->slot[i].last)
				slot = &guest->slot[i];
		if (!slot || slot->hva + (gpa - slot->first) != mapping->hva + at || mapping->prot & ~slot->prot || mapping->fd != slot->fd ||
		    (slot->fd >= 0 && slot->offset + (gpa - slot->first) != mapping->offset + at))
			return false;
		bytes = slot->last - gpa;
		if (mapping->last - first <= bytes)
			return true;
		first += bytes + 1;
	}
}

struct mock_space *mock_add_space(struct mock_host *mock, struct host_vm *guest)
{
	struct mock_space *space = calloc(1, mock->space_bytes);

	if (!space)
		abort();
	space->space.host = &mock->host;
	space->guest = guest_of(guest);
	space->next = mock->spaces;
	mock->spaces = space;
	return space;
}

static int create_space(struct viommu_host *host, struct host_vm *guest, uint64_t first, uint64_t last, const struct host_memory *memory,
			struct host_space **out)
{
	struct mock_host *mock = mock_of(host);
	int error = mock_enter(mock, NULL, MOCK_CREATE, first, last);

	(void)memory;
	if (!error)
		*out = &mock_add_space(mock, guest)->space;
	return mock_leave(mock, error);
}

static void destroy_space(struct host_space *host_space)
{
	struct mock_host *mock = mock_of(host_space->host);
	struct mock_space *space = space_of(host_space);

	pthread_mutex_lock(&mock->lock);
	for (struct mock_space **link = &mock->spaces; *link; link = &(*link)->next) {
		if (*link == space) {
			*link = space->next;
			break;
		}
	}
	/* Devices that are still attached reach nothing. */
	for (struct mock_device *device = space->devices; device; device = device->next)
		device->space = NULL;
	pthread_mutex_unlock(&mock->lock);
	free(space->mapped.mapping);
	free(space->unflushed.mapping);
	free(space);
}

static int map(struct host_space *host_space, const struct host_mapping *mapping)
{
	struct mock_host *mock = mock_of(host_space->host);
	struct mock_space *space = space_of(host_space);
	int error = mock_enter(mock, space, MOCK_MAP, mapping->first, mapping->last);
	size_t at;

	if (error)
		return mock_leave(mock, error);
	if (mapping->first > mapping->last || (mapping->first | (mapping->last + 1)) & 4095 || (uintptr_t)mapping->hva & 4095 || !mapping->hva ||
	    !(mapping->prot & VIOMMU_RW)) {
		mock_breach(mock, "map of what is not pages, or without rights", mapping->first, mapping->last);
		return mock_leave(mock, EINVAL);
	}
	if (!is_registered(space->guest, mapping))
		mock_breach(mock, "map of what is no guest memory", mapping->first, mapping->last);
	at = find(&space->mapped, mapping->first);
	if (at < space->mapped.number && space->mapped.mapping[at].first <= mapping->last) {
		mock_breach(mock, "map over a mapping", mapping->first, mapping->last);
		return mock_leave(mock, EEXIST);
	}
	for (size_t i = 0; i < space->unflushed.number; i++)
		if (space->unflushed.mapping[i].first <= mapping->last && space->unflushed.mapping[i].last >= mapping->first)
			mock_breach(mock, "map where a removal was not flushed", mapping->first, mapping->last);
	if (space->mapped.number >= host_space->host->caps.entry_limit)
		return mock_leave(mock, ENOSPC);
	insert(&space->mapped, at, mapping);
	return mock_leave(mock, 0);
}

/* Splits a mapping so that one part ends before iova. */
static void split(struct mock_list *list, uint64_t iova)
{
	size_t at = find(list, iova);
	struct host_mapping upper;

	if (at == list->number || list->mapping[at].first >= iova)
		return;
	upper = list->mapping[at];
	upper.gpa += iova - upper.first;
	upper.hva += iova - upper.first;
	upper.offset += iova - upper.first;
	upper.first = iova;
	list->mapping[at].last = iova - 1;
	insert(list, at + 1, &upper);
}

static int unmap(struct host_space *host_space, uint64_t first, uint64_t last)
{
	struct mock_host *mock = mock_of(host_space->host);
	struct mock_space *space = space_of(host_space);
	int error = mock_enter(mock, space, MOCK_UNMAP, first, last);
	size_t from, to;

	if (error && !mock->fail[MOCK_UNMAP].late)
		return mock_leave(mock, error);
	if (first > last || (first | (last + 1)) & 4095) {
		mock_breach(mock, "unmap of what is not pages", first, last);
		return mock_leave(mock, EINVAL);
	}
	if (host_space->host->caps.split) {
		split(&space->mapped, first);
		if (last != UINT64_MAX)
			split(&space->mapped, last + 1);
	}
	from = find(&space->mapped, first);
	for (to = from; to < space->mapped.number && space->mapped.mapping[to].first <= last; to++) {
		const struct host_mapping *mapping = &space->mapped.mapping[to];

		if (mapping->first < first || mapping->last > last) {
			mock_breach(mock, "unmap of a part of a mapping", first, last);
			return mock_leave(mock, EINVAL);
		}
		insert(&space->unflushed, space->unflushed.number, mapping);
	}
	drop(&space->mapped, from, to - from);
	return mock_leave(mock, error);
}

static int flush(struct host_space *host_space)
{
	struct mock_host *mock = mock_of(host_space->host);
	struct mock_space *space = space_of(host_space);
	int error = mock_enter(mock, space, MOCK_FLUSH, 0, 0);

	if (error)
		return mock_leave(mock, error);
	space->unflushed.number = 0;
	__atomic_store_n(&host_space->generation, host_space->generation + 1, __ATOMIC_RELEASE);
	return mock_leave(mock, 0);
}

static int lookup(struct host_space *host_space, uint64_t iova, struct host_mapping *mapping, uint64_t *generation)
{
	struct mock_host *mock = mock_of(host_space->host);
	struct mock_space *space = space_of(host_space);
	bool found;
	size_t at;

	pthread_mutex_lock(&mock->lock);
	*generation = host_space->generation;
	at = find(&space->mapped, iova);
	found = at < space->mapped.number && space->mapped.mapping[at].first <= iova;
	if (found)
		*mapping = space->mapped.mapping[at];
	pthread_mutex_unlock(&mock->lock);
	return found ? 0 : -ENOENT;
}

static int create_device(struct viommu_host *host, struct host_vm *guest, const void *data, struct host_device **out)
{
	struct mock_host *mock = mock_of(host);
	struct mock_device *device = calloc(1, mock->device_bytes);

	(void)guest;
	(void)data;
	if (!device)
		abort();
	device->device.host = host;
	*out = &device->device;
	pthread_mutex_lock(&mock->lock);
	mock->devices++;
	pthread_mutex_unlock(&mock->lock);
	return 0;
}

static void destroy_device(struct host_device *host_device)
{
	struct mock_host *mock = mock_of(host_device->host);
	struct mock_device *device = (struct mock_device *)(void *)host_device;

	pthread_mutex_lock(&mock->lock);
	mock->devices--;
	if (device->space)
		mock_breach(mock, "a device destroyed while it is attached", 0, 0);
	pthread_mutex_unlock(&mock->lock);
	free(device);
}

static void put_in(struct mock_space *space, struct mock_device *device)
{
	device->space = space;
	device->next = space->devices;
	space->devices = device;
}

static void take_out(struct mock_device *device)
{
	struct mock_device **link = &device->space->devices;

	while (*link != device)
		link = &(*link)->next;
	*link = device->next;
	device->space = NULL;
}

static int attach(struct host_space *host_space, struct host_device *host_device, uint32_t pasid)
{
	struct mock_host *mock = mock_of(host_space->host);
	struct mock_space *space = space_of(host_space);
	struct mock_device *device = (struct mock_device *)(void *)host_device;
	int error = mock_enter(mock, space, MOCK_ATTACH, 0, 0);

	(void)pasid;
	if (error)
		return mock_leave(mock, error);
	if (device->space)
		mock_breach(mock, "a device attached twice", 0, 0);
	put_in(space, device);
	return mock_leave(mock, 0);
}

static int detach(struct host_space *host_space, struct host_device *host_device, uint32_t pasid)
{
	struct mock_host *mock = mock_of(host_space->host);
	struct mock_space *space = space_of(host_space);
	struct mock_device *device = (struct mock_device *)(void *)host_device;
	int error = mock_enter(mock, space, MOCK_DETACH, 0, 0);

	(void)pasid;
	if (error)
		return mock_leave(mock, error);
	if (device->space == space)
		take_out(device);
	else
		mock_breach(mock, "a device detached from where it is not", 0, 0);
	return mock_leave(mock, 0);
}

static int replace(struct host_space *from, struct host_space *to, struct host_device *host_device, uint32_t pasid)
{
	struct mock_host *mock = mock_of(to->host);
	struct mock_device *device = (struct mock_device *)(void *)host_device;
	int error = mock_enter(mock, space_of(to), MOCK_REPLACE, 0, 0);

	(void)pasid;
	if (error)
		return mock_leave(mock, error);
	if (device->space != space_of(from) || from == to || from->host != to->host || space_of(from)->guest != space_of(to)->guest) {
		mock_breach(mock, "a device moved from where it is not, or to where it cannot be", 0, 0);
		return mock_leave(mock, EINVAL);
	}
	take_out(device);
	put_in(space_of(to), device);
	return mock_leave(mock, 0);
}

static void destroy(struct viommu_host *host)
{
	struct mock_host *mock = mock_of(host);

	pthread_mutex_destroy(&mock->lock);
	free(mock);
}

const struct host_ops mock_host_ops = {
	.vm_create = create_guest,
	.vm_destroy = destroy_guest,
	.slot_add = add_slot,
	.slot_remove = remove_slot,
	.space_create = create_space,
	.space_destroy = destroy_space,
	.map = map,
	.unmap = unmap,
	.flush = flush,
	.lookup = lookup,
	.device_create = create_device,
	.device_destroy = destroy_device,
	.attach = attach,
	.detach = detach,
	.replace = replace,
	.destroy = destroy,
};

void mock_init(struct mock_host *mock, const struct mock_options *options)
{
	mock->host.ops = &mock_host_ops;
	mock->host.caps = (struct viommu_host_caps){
		.size = sizeof(mock->host.caps),
		.name = "mock",
		.split = options->split,
		.lookup = options->lookup,
		.page_sizes = 4096,
		.last = options->last ? options->last : UINT64_MAX,
		.entry_limit = options->entry_limit ? options->entry_limit : VIOMMU_NO_LIMIT,
	};
	mock->space_bytes = sizeof(struct mock_space);
	mock->device_bytes = sizeof(struct mock_device);
	pthread_mutex_init(&mock->lock, NULL);
}

struct mock_host *mock_create(const struct mock_options *options)
{
	struct mock_host *mock = calloc(1, sizeof(*mock));

	if (!mock)
		abort();
	mock_init(mock, options);
	return mock;
}

void mock_destroy(struct mock_host *mock)
{
	viommu_host_destroy(&mock->host);
}

void mock_forget(struct mock_host *mock)
{
	memset(mock->calls, 0, sizeof(mock->calls));
	mock->events = 0;
}

void mock_fail(struct mock_host *mock, enum mock_call call, uint64_t at, bool for_good, int error)
{
	mock->fail[call].at = at;
	mock->fail[call].for_good = for_good;
	mock->fail[call].late = false;
	mock->fail[call].error = error;
}

struct mock_space *mock_newest(struct mock_host *mock)
{
	return mock->spaces;
}

bool mock_reach(struct mock_host *mock, const struct mock_space *space, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	const struct host_mapping *mapping = NULL;
	size_t at;

	pthread_mutex_lock(&mock->lock);
	at = find(&space->mapped, iova);
	if (at < space->mapped.number && space->mapped.mapping[at].first <= iova)
		mapping = &space->mapped.mapping[at];
	for (size_t i = 0; !mapping && i < space->unflushed.number; i++)
		if (space->unflushed.mapping[i].first <= iova && space->unflushed.mapping[i].last >= iova)
			mapping = &space->unflushed.mapping[i];
	if (mapping) {
		*hva = mapping->hva + (iova - mapping->first);
		*prot = mapping->prot;
	}
	pthread_mutex_unlock(&mock->lock);
	return mapping;
}

bool mock_reach_stale(struct mock_host *mock, const struct mock_space *space, uint64_t iova)
{
	bool stale = false;

	pthread_mutex_lock(&mock->lock);
	for (size_t i = 0; i < space->unflushed.number; i++)
		stale |= space->unflushed.mapping[i].first <= iova && space->unflushed.mapping[i].last >= iova;
	pthread_mutex_unlock(&mock->lock);
	return stale;
}

uint64_t mock_pages(struct mock_host *mock, const struct mock_space *space)
{
	uint64_t pages = 0;

	pthread_mutex_lock(&mock->lock);
	for (size_t i = 0; i < space->mapped.number; i++)
		pages += (space->mapped.mapping[i].last - space->mapped.mapping[i].first + 1) / 4096;
	pthread_mutex_unlock(&mock->lock);
	return pages;
}
