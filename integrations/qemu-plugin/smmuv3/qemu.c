/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QEMU's functions are no interface. The executable exports them for the sake of modules, and so they can be called by name (QEMU 10.0: system/memory.c,
 * system/physmem.c, hw/pci/pci.c, qom/object.c).
 *
 * The owner of a region of memory says whose registers it is: a device's regions belong to the device, whatever the guest has put where. So neither the
 * SMMU's address nor the devices' BARs have to be known.
 */
#include "qemu.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <viommu/types.h>

#include "qemu_plugin_api.h"

/* Objects of QEMU by the names of their types. */
#define TYPE_SMMU "arm-smmuv3"
#define TYPE_PCI  "pci-device"
/* The host bridge is a PCI function, too, and has nothing to do. */
#define TYPE_HOST_BRIDGE "gpex-root"

bool qemu_find(struct qemu *qemu)
{
	const struct {
		void **function;
		const char *name;
	} wanted[] = {
		{ (void **)&qemu->lock, "bql_lock_impl" },
		{ (void **)&qemu->unlock, "bql_unlock" },
		{ (void **)&qemu->locked, "bql_locked" },
		{ (void **)&qemu->memory, "get_system_memory" },
		{ (void **)&qemu->find, "memory_region_find" },
		{ (void **)&qemu->owner, "memory_region_owner" },
		{ (void **)&qemu->region_of, "memory_region_from_host" },
		{ (void **)&qemu->put, "memory_region_unref" },
		{ (void **)&qemu->root, "object_get_root" },
		{ (void **)&qemu->each_child, "object_child_foreach_recursive" },
		{ (void **)&qemu->cast, "object_dynamic_cast" },
		{ (void **)&qemu->get_int, "object_property_get_int" },
		{ (void **)&qemu->path, "object_get_canonical_path" },
		{ (void **)&qemu->bus_of, "qdev_get_parent_bus" },
		{ (void **)&qemu->bus_number, "pci_bus_num" },
		{ (void **)&qemu->space_of, "pci_device_iommu_address_space" },
		{ (void **)&qemu->translate, "address_space_get_iotlb_entry" },
		{ (void **)&qemu->store, "address_space_stl_le" },
		{ (void **)&qemu->load, "address_space_ldl_le" },
		{ (void **)&qemu->cpu, "qemu_get_cpu" },
		{ (void **)&qemu->walk, "cpu_get_phys_page_attrs_debug" },
		{ (void **)&qemu->machine, "address_space_memory" },
	};
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		*wanted[i].function = dlsym(RTLD_DEFAULT, wanted[i].name);
		if (!*wanted[i].function)
			return false;
	}
	return true;
}

bool qemu_lock(const struct qemu *qemu)
{
	if (qemu->locked())
		return false;
	qemu->lock(__FILE__, __LINE__);
	return true;
}

bool qemu_place_ram(const struct qemu *qemu, struct guest_ram *ram)
{
	struct qemu_region *region = qemu->region_of((void *)(uintptr_t)ram->host, &(uint64_t){ 0 });
	uint64_t address = 0, space = UINT64_C(1) << 62;

	/* One part of the machine's memory after the other. */
	while (region && address < space) {
		struct qemu_section section = qemu->find(qemu->memory(), address, space - address);
		bool found = section.region == region && !section.offset;

		if (!section.region)
			return false;
		qemu->put(section.region);
		if (found) {
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

	page = cpu ? qemu->walk(cpu, address - in_page, attributes) : UINT64_MAX;
	*physical = page | in_page;
	return page != UINT64_MAX;
}

struct qemu_target qemu_target_of(const struct qemu *qemu, uint64_t address)
{
	struct qemu_section section = qemu->find(qemu->memory(), address, 1);
	struct qemu_target target = { .owner = QEMU_OTHER };
	struct qemu_object *owner;

	if (!section.region)
		return target;
	owner = qemu->owner(section.region);
	target.offset = section.offset;
	if (owner && (target.object = qemu->cast(owner, TYPE_SMMU)) != NULL)
		target.owner = QEMU_SMMU;
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

static bool may(const struct qemu *qemu, const struct qemu_pci *pci, uint64_t iova, bool is_write, uint64_t *gpa)
{
	struct qemu_iotlb_entry entry = qemu->translate(pci->space, iova, is_write, 0);

	*gpa = entry.translated_addr + (iova & entry.addr_mask);
	return entry.perm != 0;
}

uint32_t qemu_ask(const struct qemu *qemu, const struct qemu_pci *pci, uint64_t iova, uint64_t *gpa)
{
	uint64_t again;

	/* The permissions of an entry are not what the SMMU has found: that a store is translated says that it is allowed. */
	if (!may(qemu, pci, iova, false, gpa))
		return 0;
	return may(qemu, pci, iova, true, &again) && again == *gpa ? VIOMMU_RW : VIOMMU_READ;
}
