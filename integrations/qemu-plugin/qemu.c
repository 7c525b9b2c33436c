/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The owner of a memory region is the device whose registers are there, at whatever address the
 * guest has put them. So the addresses of the IOMMU and of the devices' BARs need not be known.
 */
#include "qemu.h"

#include <stdio.h>
#include <string.h>

#include <viommu/types.h>

#include "qemu_plugin_api.h"

#define TYPE_PCI "pci-device"
/* The host bridge is a PCI device too, and makes no accesses. */
#define TYPE_HOST_BRIDGE "gpex-root"

bool qemu_has(unsigned int groups)
{
	bool ram = qemu_ram_foreach_block && qemu_ram_get_host_addr && qemu_ram_get_used_length;
	bool devices = bql_lock_impl && bql_unlock && bql_locked && object_get_root && object_child_foreach_recursive && object_dynamic_cast &&
		       pci_device_iommu_address_space && address_space_get_iotlb_entry;
	bool zpci = object_property_get_uint && object_property_get_str && sysbus_get_default && qdev_find_recursive;
	bool memory = get_system_memory && memory_region_find && memory_region_owner && memory_region_from_host && memory_region_unref &&
		      object_property_get_int && object_get_canonical_path && qdev_get_parent_bus && pci_bus_num && address_space_stl_le &&
		      address_space_ldl_le && qemu_get_cpu && cpu_get_phys_page_attrs_debug && &address_space_memory;

	return !((groups & QEMU_RAM && !ram) || (groups & QEMU_DEVICES && !devices) || (groups & QEMU_ZPCI && !zpci) || (groups & QEMU_MEMORY && !memory));
}

bool qemu_lock(void)
{
	if (!qemu_has(QEMU_DEVICES) || bql_locked())
		return false;
	bql_lock_impl(__FILE__, __LINE__);
	return true;
}

static int keep_largest(struct qemu_block *block, void *ctx)
{
	struct guest_ram *largest = ctx;
	uint64_t bytes = qemu_ram_get_used_length(block);

	if (bytes > largest->bytes)
		*largest = (struct guest_ram){ .host = qemu_ram_get_host_addr(block), .bytes = bytes };
	return 0;
}

bool qemu_find_ram(bool place, struct guest_ram *ram)
{
	uint64_t address = 0, space = UINT64_C(1) << 62;
	struct qemu_region *region;

	*ram = (struct guest_ram){ 0 };
	if (!qemu_has(QEMU_RAM))
		return false;
	qemu_ram_foreach_block(keep_largest, ram);
	if (!ram->host || !place)
		return ram->host;
	/* Calls fn for each section of the machine's memory. */
	region = memory_region_from_host((void *)(uintptr_t)ram->host, &(uint64_t){ 0 });
	while (region && address < space) {
		struct qemu_section section = memory_region_find(get_system_memory(), address, space - address);

		if (!section.region)
			return false;
		memory_region_unref(section.region);
		if (section.region == region && !section.offset) {
			ram->gpa = section.address;
			return true;
		}
		address = section.address + (uint64_t)section.bytes;
	}
	return false;
}

bool qemu_walk(unsigned int vcpu, uint64_t address, uint64_t *physical)
{
	uint64_t in_page = address & (VIOMMU_PAGE_SIZE - 1), attributes[4] = { 0 }, page;
	struct qemu_cpu *cpu = qemu_get_cpu((int)vcpu);

	page = cpu ? cpu_get_phys_page_attrs_debug(cpu, address - in_page, attributes) : UINT64_MAX;
	*physical = page | in_page;
	return page != UINT64_MAX;
}

struct qemu_target qemu_target_of(uint64_t address, const char *iommu_type)
{
	struct qemu_section section = memory_region_find(get_system_memory(), address, 1);
	struct qemu_target target = { .owner = QEMU_OTHER };
	struct qemu_object *owner;

	if (!section.region)
		return target;
	owner = memory_region_owner(section.region);
	target.offset = section.offset;
	if (owner && (target.object = object_dynamic_cast(owner, iommu_type)) != NULL)
		target.owner = QEMU_IOMMU;
	else if (owner && (target.object = object_dynamic_cast(owner, TYPE_PCI)) != NULL)
		target.owner = QEMU_PCI;
	memory_region_unref(section.region);
	return target;
}

bool qemu_pci_describe(struct qemu_object *object, struct qemu_pci *pci)
{
	struct qemu_bus *bus = qdev_get_parent_bus(object);
	int64_t devfn = object_property_get_int(object, "addr", NULL);
	const char *name;
	char *path;

	if (!bus || devfn < 0)
		return false;
	*pci = (struct qemu_pci){
		.object = object,
		.space = pci_device_iommu_address_space(object),
		.requester = (uint32_t)pci_bus_num(bus) << 8 | (uint32_t)devfn,
	};
	path = object_get_canonical_path(object);
	name = path ? strrchr(path, '/') : NULL;
	snprintf(pci->name, sizeof(pci->name), "%s", name ? name + 1 : "");
	g_free(path);
	return pci->space != &address_space_memory;
}

struct search {
	struct qemu_bus *bus; /* the host bridge's */
	void (*fn)(void *ctx, const struct qemu_pci *pci);
	void *ctx;
};

static int is_host_bridge(struct qemu_object *child, void *ctx)
{
	struct search *search = ctx;

	if (!object_dynamic_cast(child, TYPE_HOST_BRIDGE))
		return 0;
	search->bus = qdev_get_parent_bus(child);
	return 1;
}

static int look_at(struct qemu_object *child, void *ctx)
{
	const struct search *search = ctx;
	struct qemu_pci pci;

	if (!object_dynamic_cast(child, TYPE_PCI) || object_dynamic_cast(child, TYPE_HOST_BRIDGE) || qdev_get_parent_bus(child) != search->bus)
		return 0;
	if (qemu_pci_describe(child, &pci))
		search->fn(search->ctx, &pci);
	return 0;
}

void qemu_pci_each(void (*fn)(void *ctx, const struct qemu_pci *pci), void *ctx)
{
	struct search search = { .fn = fn, .ctx = ctx };

	object_child_foreach_recursive(object_get_root(), is_host_bridge, &search);
	if (search.bus)
		object_child_foreach_recursive(object_get_root(), look_at, &search);
}

bool qemu_access(struct qemu_space *space, uint64_t iova, bool is_write, uint64_t *gpa)
{
	struct qemu_iotlb_entry entry = address_space_get_iotlb_entry(space, iova, is_write, 0);

	*gpa = entry.translated_addr + (iova & entry.addr_mask);
	return entry.perm != 0;
}

uint32_t qemu_ask(struct qemu_space *space, uint64_t iova, uint64_t *gpa)
{
	uint64_t again;

	/* The entry's rights are not those of the tables. A store that is translated is allowed. */
	if (!qemu_access(space, iova, false, gpa))
		return 0;
	return qemu_access(space, iova, true, &again) && again == *gpa ? VIOMMU_RW : VIOMMU_READ;
}
