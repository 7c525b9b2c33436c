/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "tables_host.h"

#include <viommu/domain.h>

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE	     VIOMMU_PAGE_SIZE
#define TABLES_GPA   UINT64_C(0x20000000)
#define TABLES_BYTES UINT64_C(0x2000000)
#define LAST_IOVA    UINT64_C(0xffffffffffff)

/* Entries: valid, a table or a page; AP[1], AP[2]; inner shareable, access flag. */
#define ENTRY_TABLE   UINT64_C(0x3)
#define ENTRY_PAGE    UINT64_C(0x743)
#define ENTRY_NOWRITE UINT64_C(0x80)
#define ENTRY_ADDRESS UINT64_C(0xfffffffff000)

/* T0SZ 16, walks cached and inner shareable, EPD1, V, IPS 44 bits, AA64, R, A. */
#define CD0 (16 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 30 | UINT64_C(1) << 31 | UINT64_C(4) << 32 | UINT64_C(1) << 41 | UINT64_C(1) << 45 | UINT64_C(1) << 46)

struct over {
	struct viommu_host host;
	struct viommu_host *beneath;
	const struct host_ops *ops; /* its */
	uint16_t asids;
	uint32_t devices;
};

struct over_guest {
	struct host_vm guest;
	struct host_vm *beneath;
	unsigned char *tables;
	uint64_t next; /* the next GPA without a table */
	uint64_t free; /* unused tables, each naming the next one: 0 at the end */
};

struct over_space {
	struct host_space space;
	struct host_space *beneath;
	struct over_guest *guest;
	const struct host_memory *memory;
	uint64_t first, last;
	uint64_t root, cd;
	/* removed since the last flush; gone_first > gone_last: none */
	uint64_t gone_first, gone_last;
};

struct over_device {
	struct host_device device;
	struct host_device *beneath;
};

static struct over *over(struct viommu_host *host)
{
	return (struct over *)(void *)host;
}

static struct over_guest *over_guest(struct host_vm *guest)
{
	return (struct over_guest *)(void *)guest;
}

static struct over_space *over_space(struct host_space *space)
{
	return (struct over_space *)(void *)space;
}

static struct over_device *over_device(struct host_device *device)
{
	return (struct over_device *)(void *)device;
}

static uint64_t *word(const struct over_guest *guest, uint64_t gpa)
{
	return (uint64_t *)(void *)(guest->tables + (gpa - TABLES_GPA));
}

static uint64_t load(const struct over_guest *guest, uint64_t gpa)
{
	return le64toh(*word(guest, gpa));
}

static void store(const struct over_guest *guest, uint64_t gpa, uint64_t value)
{
	__atomic_store_n(word(guest, gpa), htole64(value), __ATOMIC_SEQ_CST);
}

/* Returns a zeroed table; 0 if there is no more room. */
static uint64_t take_table(struct over_guest *guest)
{
	uint64_t table = guest->free;

	if (table)
		guest->free = load(guest, table);
	else if (guest->next < TABLES_GPA + TABLES_BYTES)
		table = guest->next, guest->next += PAGE;
	if (table)
		memset(word(guest, table), 0, PAGE);
	return table;
}

static void give_back(struct over_guest *guest, uint64_t table, unsigned int level)
{
	for (uint64_t at = table; level && at < table + PAGE; at += 8)
		if (load(guest, at) & 1)
			give_back(guest, load(guest, at) & ENTRY_ADDRESS, level - 1);
	store(guest, table, guest->free);
	guest->free = table;
}

/*
 * Returns the entry of a page: 0 if there is no table for it and none can be added. Level 0 has
 * pages.
 */
static uint64_t entry(const struct over_space *space, uint64_t iova, bool make)
{
	uint64_t table = space->root;

	for (unsigned int level = 3; level; level--) {
		uint64_t at = table + 8 * (iova >> (12 + 9 * level) & 511);

		if (!(load(space->guest, at) & 1)) {
			table = make ? take_table(space->guest) : 0;
			if (!table)
				return 0;
			store(space->guest, at, table | ENTRY_TABLE);
		}
		table = load(space->guest, at) & ENTRY_ADDRESS;
	}
	return table + 8 * (iova >> 12 & 511);
}

static int vm_create(struct viommu_host *host, bool pinned, struct host_vm **out)
{
	struct over_guest *guest = calloc(1, sizeof(*guest));
	struct host_slot slot = { .first = TABLES_GPA, .last = TABLES_GPA + TABLES_BYTES - 1, .prot = VIOMMU_RW, .fd = -1 };
	int error;

	if (!guest)
		abort();
	guest->guest.host = host;
	guest->next = TABLES_GPA;
	guest->tables = mmap(NULL, TABLES_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (guest->tables == MAP_FAILED)
		abort();
	slot.hva = guest->tables;
	error = over(host)->ops->vm_create(over(host)->beneath, pinned, &guest->beneath);
	if (!error)
		error = over(host)->ops->slot_add(guest->beneath, &slot);
	if (error)
		return error;
	*out = &guest->guest;
	return 0;
}

static void vm_destroy(struct host_vm *guest)
{
	over(guest->host)->ops->vm_destroy(over_guest(guest)->beneath);
	munmap(over_guest(guest)->tables, TABLES_BYTES);
	free(over_guest(guest));
}

static int slot_add(struct host_vm *guest, const struct host_slot *slot)
{
	return over(guest->host)->ops->slot_add(over_guest(guest)->beneath, slot);
}

static int slot_remove(struct host_vm *guest, const struct host_slot *slot)
{
	return over(guest->host)->ops->slot_remove(over_guest(guest)->beneath, slot);
}

static void forget_gone(struct over_space *space)
{
	space->gone_first = UINT64_MAX;
	space->gone_last = 0;
}

/* CMD_TLBI_NH_VAA for each page, or CMD_TLBI_NH_ALL for many pages. */
static int invalidate(struct over_guest *guest, uint64_t first, uint64_t last)
{
	uint64_t commands[64][2] = { { htole64(0x10) } };
	uint32_t number = 1, done;

	for (uint64_t at = first; last / PAGE - first / PAGE < 64 && at < last; at += PAGE) {
		number = (uint32_t)((at - first) / PAGE) + 1;
		commands[number - 1][0] = htole64(0x13);
		commands[number - 1][1] = htole64(at);
	}
	return over(guest->guest.host)->ops->nest_invalidate(guest->beneath, commands, number, &done);
}

static int begin(struct over_space *space, struct viommu_host *host)
{
	uint64_t ste[2] = { 0xb, htole64(1u << 2 | 1u << 4 | 3u << 6) };
	const struct host_nest_data data = { .type = VIOMMU_DOMAIN_SMMUV3, .bytes = sizeof(ste), .data = ste };
	struct over_guest *guest = space->guest;
	int error;

	space->root = take_table(guest);
	space->cd = take_table(guest);
	if (!space->root || !space->cd)
		return -ENOSPC;
	store(guest, space->cd + 8, space->root);
	store(guest, space->cd + 24, 0xff);
	store(guest, space->cd, CD0 | (uint64_t)++over(host)->asids << 48);
	ste[0] = htole64(ste[0] | space->cd);
	error = over(host)->ops->nest_create(over(host)->beneath, guest->beneath, &data, space->memory, &space->beneath);
	/* Another space may have used this table before. */
	return error ? error : invalidate(guest, 0, UINT64_MAX);
}

static void space_destroy(struct host_space *any)
{
	struct over_space *space = over_space(any);

	if (space->beneath)
		over(any->host)->ops->space_destroy(space->beneath);
	if (space->root)
		give_back(space->guest, space->root, 3);
	if (space->cd)
		give_back(space->guest, space->cd, 0);
	space->memory->free(space->memory->ctx, space, sizeof(*space), 0);
}

static int space_create(struct viommu_host *host, struct host_vm *guest, uint64_t first, uint64_t last, const struct host_memory *memory,
			struct host_space **out)
{
	struct over_space *space = memory->alloc(memory->ctx, sizeof(*space), 0);
	int error;

	if (!space)
		return -ENOMEM;
	space->space.host = host;
	space->guest = over_guest(guest);
	space->memory = memory;
	space->first = first;
	space->last = last;
	forget_gone(space);
	error = begin(space, host);
	if (error)
		space_destroy(&space->space);
	else
		*out = &space->space;
	return error;
}

static int map(struct host_space *any, const struct host_mapping *mapping)
{
	const struct over_space *space = over_space(any);
	uint64_t rights = mapping->prot & VIOMMU_WRITE ? ENTRY_PAGE : ENTRY_PAGE | ENTRY_NOWRITE;

	if (mapping->first < space->first || mapping->last > space->last)
		return -ENOSPC;
	for (uint64_t iova = mapping->first; iova < mapping->last; iova += PAGE) {
		uint64_t at = entry(space, iova, true);

		if (!at)
			return -ENOSPC;
		if (load(space->guest, at))
			return -EEXIST;
	}
	for (uint64_t iova = mapping->first; iova < mapping->last; iova += PAGE)
		store(space->guest, entry(space, iova, true), (mapping->gpa + (iova - mapping->first)) | rights);
	return 0;
}

/* Advances by the reach of the missing table. */
static int unmap(struct host_space *any, uint64_t first, uint64_t last)
{
	struct over_space *space = over_space(any);
	uint64_t iova = first;

	while (iova < last) {
		uint64_t at = entry(space, iova, false);

		if (!at) {
			iova = (iova | 0x1fffff) + 1;
			continue;
		}
		if (load(space->guest, at)) {
			store(space->guest, at, 0);
			space->gone_first = iova < space->gone_first ? iova : space->gone_first;
			space->gone_last = iova + PAGE - 1 > space->gone_last ? iova + PAGE - 1 : space->gone_last;
		}
		iova += PAGE;
	}
	return 0;
}

static int flush(struct host_space *any)
{
	struct over_space *space = over_space(any);
	int error;

	if (space->gone_first > space->gone_last)
		return 0;
	error = invalidate(space->guest, space->gone_first, space->gone_last);
	if (error)
		return error;
	forget_gone(space);
	any->generation++;
	return 0;
}

static int device_create(struct viommu_host *host, struct host_vm *guest, const void *data, struct host_device **out)
{
	struct over_device *device = calloc(1, sizeof(*device));
	int error;

	if (!device)
		abort();
	device->device.host = host;
	error = over(host)->ops->device_create(over(host)->beneath, over_guest(guest)->beneath, data, &device->beneath);
	if (!error)
		error = over(host)->ops->device_set_id(device->beneath, ++over(host)->devices);
	if (error)
		free(device);
	else
		*out = &device->device;
	return error;
}

static void device_destroy(struct host_device *device)
{
	over(device->host)->ops->device_destroy(over_device(device)->beneath);
	free(over_device(device));
}

static int device_fd(const struct host_device *device)
{
	return over(device->host)->ops->device_fd(((const struct over_device *)(const void *)device)->beneath);
}

static int attach(struct host_space *space, struct host_device *device, uint32_t pasid)
{
	(void)pasid;
	return over(space->host)->ops->attach(over_space(space)->beneath, over_device(device)->beneath, VIOMMU_NO_PASID);
}

static int detach(struct host_space *space, struct host_device *device, uint32_t pasid)
{
	(void)pasid;
	return over(space->host)->ops->detach(over_space(space)->beneath, over_device(device)->beneath, VIOMMU_NO_PASID);
}

static int replace(struct host_space *from, struct host_space *to, struct host_device *device, uint32_t pasid)
{
	(void)pasid;
	return over(to->host)->ops->replace(over_space(from)->beneath, over_space(to)->beneath, over_device(device)->beneath, VIOMMU_NO_PASID);
}

static void destroy(struct viommu_host *host)
{
	viommu_host_destroy(over(host)->beneath);
	free(over(host));
}

static const struct host_ops tables_ops = {
	.vm_create = vm_create,
	.vm_destroy = vm_destroy,
	.slot_add = slot_add,
	.slot_remove = slot_remove,
	.space_create = space_create,
	.space_destroy = space_destroy,
	.map = map,
	.unmap = unmap,
	.flush = flush,
	.device_create = device_create,
	.device_destroy = device_destroy,
	.device_fd = device_fd,
	.attach = attach,
	.detach = detach,
	.replace = replace,
	.destroy = destroy,
};

int tables_host_create(struct viommu_host *beneath, struct viommu_host **out)
{
	struct over *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->beneath = beneath;
	made->ops = beneath->ops;
	made->host.ops = &tables_ops;
	made->host.caps = (struct viommu_host_caps){
		.size = sizeof(made->host.caps), .name = "tables", .split = true, .page_sizes = PAGE, .last = LAST_IOVA, .entry_limit = VIOMMU_NO_LIMIT
	};
	*out = &made->host;
	return 0;
}
