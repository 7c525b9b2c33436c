/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The owner of a memory region says whose registers are at an address, wherever the guest has put
 * them. So neither the IOMMU's address nor the devices' BARs have to be known.
 */
#include "qemu.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <viommu/types.h>

#include "qemu_plugin_api.h"

#define TYPE_PCI "pci-device"
/* The host bridge is a PCI device too, and makes no accesses. */
#define TYPE_HOST_BRIDGE "gpex-root"

void qemu_find(struct qemu *qemu)
{
	const struct {
		void *pointer;
		const char *name;
		unsigned int group;
	} wanted[] = {
		{ &qemu->each_block, "qemu_ram_foreach_block", QEMU_RAM },
		{ &qemu->block_host, "qemu_ram_get_host_addr", QEMU_RAM },
		{ &qemu->block_bytes, "qemu_ram_get_used_length", QEMU_RAM },
		{ &qemu->lock, "bql_lock_impl", QEMU_DEVICES },
		{ &qemu->unlock, "bql_unlock", QEMU_DEVICES },
		{ &qemu->locked, "bql_locked", QEMU_DEVICES },
		{ &qemu->root, "object_get_root", QEMU_DEVICES },
		{ &qemu->each_child, "object_child_foreach_recursive", QEMU_DEVICES },
		{ &qemu->cast, "object_dynamic_cast", QEMU_DEVICES },
		{ &qemu->space_of, "pci_device_iommu_address_space", QEMU_DEVICES },
		{ &qemu->translate, "address_space_get_iotlb_entry", QEMU_DEVICES },
		{ &qemu->get_uint, "object_property_get_uint", QEMU_ZPCI },
		{ &qemu->get_str, "object_property_get_str", QEMU_ZPCI },
		{ &qemu->main_bus, "sysbus_get_default", QEMU_ZPCI },
		{ &qemu->find_device, "qdev_find_recursive", QEMU_ZPCI },
		{ &qemu->memory, "get_system_memory", QEMU_MEMORY },
		{ &qemu->find, "memory_region_find", QEMU_MEMORY },
		{ &qemu->owner, "memory_region_owner", QEMU_MEMORY },
		{ &qemu->region_of, "memory_region_from_host", QEMU_MEMORY },
		{ &qemu->put, "memory_region_unref", QEMU_MEMORY },
		{ &qemu->get_int, "object_property_get_int", QEMU_MEMORY },
		{ &qemu->path, "object_get_canonical_path", QEMU_MEMORY },
		{ &qemu->bus_of, "qdev_get_parent_bus", QEMU_MEMORY },
		{ &qemu->bus_number, "pci_bus_num", QEMU_MEMORY },
		{ &qemu->store, "address_space_stl_le", QEMU_MEMORY },
		{ &qemu->load, "address_space_ldl_le", QEMU_MEMORY },
		{ &qemu->cpu, "qemu_get_cpu", QEMU_MEMORY },
		{ &qemu->debug_walk, "cpu_get_phys_page_attrs_debug", QEMU_MEMORY },
		{ &qemu->machine, "address_space_memory", QEMU_MEMORY },
		{ &qemu->zpci_walk, "s390_guest_io_table_walk", QEMU_WALK },
	};
	size_t i;

	qemu->has = ~0u;
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *found = dlsym(RTLD_DEFAULT, wanted[i].name);

		/* POSIX: a pointer to a function has the size and form of a pointer to an object. */
		memcpy(wanted[i].pointer, &found, sizeof(found));
		if (!found)
			qemu->has &= ~wanted[i].group;
	}
}

bool qemu_lock(const struct qemu *qemu)
{
	if (!(qemu->has & QEMU_DEVICES) || qemu->locked())
		return false;
	qemu->lock(__FILE__, __LINE__);
	return true;
}

struct largest {
	const struct qemu *qemu;
	struct guest_ram *ram;
};

static int keep_largest(struct qemu_block *block, void *ctx)
{
	const struct largest *largest = ctx;
	uint64_t bytes = largest->qemu->block_bytes(block);

	if (bytes > largest->ram->bytes)
		*largest->ram = (struct guest_ram){ .host = largest->qemu->block_host(block), .bytes = bytes };
	return 0;
}

bool qemu_find_ram(const struct qemu *qemu, bool place, struct guest_ram *ram)
{
	struct largest largest = { .qemu = qemu, .ram = ram };
	uint64_t address = 0, space = UINT64_C(1) << 62;
	struct qemu_region *region;

	*ram = (struct guest_ram){ 0 };
	if (!(qemu->has & QEMU_RAM))
		return false;
	qemu->each_block(keep_largest, &largest);
	if (!ram->host || !place)
		return ram->host;
	/* One section of the machine's memory after the other. */
	region = qemu->region_of((void *)(uintptr_t)ram->host, &(uint64_t){ 0 });
	while (region && address < space) {
		struct qemu_section section = qemu->find(qemu->memory(), address, space - address);

		if (!section.region)
			return false;
		qemu->put(section.region);
		if (section.region == region && !section.offset) {
			ram->gpa = section.address;
			return true;
		}
		address = section.address + (uint64_t)section.bytes;
	}
	return false;
}

bool qemu_walk(const struct qemu *qemu, unsigned int vcpu, uint64_t address, uint64_t *physical)
{
	uint64_t in_page = address & (VIOMMU_PAGE_SIZE - 1), attributes[4] = { 0 }, page;
	struct qemu_cpu *cpu = qemu->cpu((int)vcpu);

	page = cpu ? qemu->debug_walk(cpu, address - in_page, attributes) : UINT64_MAX;
	*physical = page | in_page;
	return page != UINT64_MAX;
}

struct qemu_target qemu_target_of(const struct qemu *qemu, uint64_t address, const char *iommu_type)
{
	struct qemu_section section = qemu->find(qemu->memory(), address, 1);
	struct qemu_target target = { .owner = QEMU_OTHER };
	struct qemu_object *owner;

	if (!section.region)
		return target;
	owner = qemu->owner(section.region);
	target.offset = section.offset;
	if (owner && (target.object = qemu->cast(owner, iommu_type)) != NULL)
		target.owner = QEMU_IOMMU;
	else if (owner && (target.object = qemu->cast(owner, TYPE_PCI)) != NULL)
		target.owner = QEMU_PCI;
	qemu->put(section.region);
	return target;
}

bool qemu_pci_describe(const struct qemu *qemu, struct qemu_object *object, struct qemu_pci *pci)
{
	struct qemu_bus *bus = qemu->bus_of(object);
	int64_t devfn = qemu->get_int(object, "addr", NULL);
	const char *name;
	char *path;

	if (!bus || devfn < 0)
		return false;
	*pci = (struct qemu_pci){
		.object = object,
		.space = qemu->space_of(object),
		.requester = (uint32_t)qemu->bus_number(bus) << 8 | (uint32_t)devfn,
	};
	path = qemu->path(object);
	name = path ? strrchr(path, '/') : NULL;
	snprintf(pci->name, sizeof(pci->name), "%s", name ? name + 1 : "");
	g_free(path);
	return pci->space != qemu->machine;
}

struct search {
	const struct qemu *qemu;
	struct qemu_bus *bus; /* the host bridge's */
	void (*fn)(void *ctx, const struct qemu_pci *pci);
	void *ctx;
};

static int is_host_bridge(struct qemu_object *child, void *ctx)
{
	struct search *search = ctx;

	if (!search->qemu->cast(child, TYPE_HOST_BRIDGE))
		return 0;
	search->bus = search->qemu->bus_of(child);
	return 1;
}

static int look_at(struct qemu_object *child, void *ctx)
{
	const struct search *search = ctx;
	const struct qemu *qemu = search->qemu;
	struct qemu_pci pci;

	if (!qemu->cast(child, TYPE_PCI) || qemu->cast(child, TYPE_HOST_BRIDGE) || qemu->bus_of(child) != search->bus)
		return 0;
	if (qemu_pci_describe(qemu, child, &pci))
		search->fn(search->ctx, &pci);
	return 0;
}

void qemu_pci_each(const struct qemu *qemu, void (*fn)(void *ctx, const struct qemu_pci *pci), void *ctx)
{
	struct search search = { .qemu = qemu, .fn = fn, .ctx = ctx };

	qemu->each_child(qemu->root(), is_host_bridge, &search);
	if (search.bus)
		qemu->each_child(qemu->root(), look_at, &search);
}

uint32_t qemu_load(const struct qemu *qemu, uint64_t address)
{
	uint32_t result;

	return qemu->load(qemu->machine, address, 0, &result);
}

void qemu_store(const struct qemu *qemu, uint64_t address, uint32_t value)
{
	uint32_t result;

	qemu->store(qemu->machine, address, value, 0, &result);
}

bool qemu_access(const struct qemu *qemu, struct qemu_space *space, uint64_t iova, bool is_write, uint64_t *gpa)
{
	struct qemu_iotlb_entry entry = qemu->translate(space, iova, is_write, 0);

	*gpa = entry.translated_addr + (iova & entry.addr_mask);
	return entry.perm != 0;
}

uint32_t qemu_ask(const struct qemu *qemu, struct qemu_space *space, uint64_t iova, uint64_t *gpa)
{
	uint64_t again;

	/* The entry's rights are not those of the tables; a translated store says that it is allowed. */
	if (!qemu_access(qemu, space, iova, false, gpa))
		return 0;
	return qemu_access(qemu, space, iova, true, &again) && again == *gpa ? VIOMMU_RW : VIOMMU_READ;
}
