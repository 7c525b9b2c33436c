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
/*
 * Host bridges are PCI devices too, and make no accesses: of arm64's "virt", x86's "q35" and "pc".
 */
static const char *const host_bridges[] = { "gpex-root", "mch", "i440FX" };

bool qemu_has(unsigned int groups)
{
	bool ram = qemu_ram_foreach_block && qemu_ram_get_host_addr && qemu_ram_get_used_length;
	bool devices = bql_lock_impl && bql_unlock && bql_locked && object_get_root && object_child_foreach_recursive && object_dynamic_cast &&
		       pci_device_iommu_address_space && address_space_get_iotlb_entry;
	bool zpci = object_property_get_uint && object_property_get_str && sysbus_get_default && qdev_find_recursive;
	bool memory = get_system_memory && memory_region_find && memory_region_owner && memory_region_from_host && memory_region_unref &&
		      object_property_get_int && object_get_canonical_path && qdev_get_parent_bus && pci_bus_num && address_space_stl_le &&
		      address_space_ldl_le && qemu_get_cpu && cpu_get_phys_page_attrs_debug && &address_space_memory;

	bool virtio = object_property_get_bool && virtio_get_queue && virtio_queue_get_num && virtio_queue_get_desc_addr && virtio_queue_get_avail_addr &&
		      virtio_queue_get_used_addr && virtio_queue_get_host_notifier && virtio_queue_host_notifier_read && memory_region_name;

	return !((groups & QEMU_RAM && !ram) || (groups & QEMU_DEVICES && !devices) || (groups & QEMU_ZPCI && !zpci) || (groups & QEMU_MEMORY && !memory) ||
		 (groups & QEMU_VIRTIO && !virtio));
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

/* Whether the last page of memory is where it would be without a hole below it. */
static bool is_in_one_piece(const struct guest_ram *ram, const struct qemu_region *region)
{
	uint64_t last = ram->bytes - VIOMMU_PAGE_SIZE;
	struct qemu_section section = memory_region_find(get_system_memory(), ram->gpa + last, VIOMMU_PAGE_SIZE);

	if (!section.region)
		return false;
	memory_region_unref(section.region);
	return section.region == region && section.offset == last;
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
			return is_in_one_piece(ram, region);
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
	snprintf(target.region, sizeof(target.region), "%s", memory_region_name ? memory_region_name(section.region) : "");
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

static bool is_bridge(struct qemu_object *object)
{
	size_t i;

	for (i = 0; i < sizeof(host_bridges) / sizeof(host_bridges[0]); i++) {
		if (object_dynamic_cast(object, host_bridges[i]))
			return true;
	}
	return false;
}

struct search {
	struct qemu_bus *bus; /* the host bridge's */
	bool bridge;	      /* itself, too */
	void (*fn)(void *ctx, const struct qemu_pci *pci);
	void *ctx;
};

static int is_host_bridge(struct qemu_object *child, void *ctx)
{
	struct search *search = ctx;

	if (!is_bridge(child))
		return 0;
	search->bus = qdev_get_parent_bus(child);
	return 1;
}

struct type_search {
	const char *type;
	struct qemu_object *found;
};

static int is_of_type(struct qemu_object *child, void *ctx)
{
	struct type_search *search = ctx;

	search->found = object_dynamic_cast(child, search->type);
	return search->found != NULL;
}

static int look_at(struct qemu_object *child, void *ctx)
{
	const struct search *search = ctx;
	struct qemu_pci pci;

	if (!object_dynamic_cast(child, TYPE_PCI) || (!search->bridge && is_bridge(child)) || qdev_get_parent_bus(child) != search->bus)
		return 0;
	if (qemu_pci_describe(child, &pci))
		search->fn(search->ctx, &pci);
	return 0;
}

void qemu_pci_each(bool bridge, void (*fn)(void *ctx, const struct qemu_pci *pci), void *ctx)
{
	struct search search = { .bridge = bridge, .fn = fn, .ctx = ctx };

	object_child_foreach_recursive(object_get_root(), is_host_bridge, &search);
	if (search.bus)
		object_child_foreach_recursive(object_get_root(), look_at, &search);
}

struct requester_search {
	uint32_t requester;
	struct qemu_pci *found;
};

static int has_requester(struct qemu_object *child, void *ctx)
{
	struct requester_search *search = ctx;

	return object_dynamic_cast(child, TYPE_PCI) && qemu_pci_describe(child, search->found) && search->found->requester == search->requester;
}

bool qemu_pci_find(uint32_t requester, struct qemu_pci *pci)
{
	struct requester_search search = { .requester = requester, .found = pci };

	return object_child_foreach_recursive(object_get_root(), has_requester, &search);
}

struct qemu_object *qemu_find_type(const char *type)
{
	struct type_search search = { .type = type };

	object_child_foreach_recursive(object_get_root(), is_of_type, &search);
	return search.found;
}

bool qemu_access(struct qemu_space *space, uint64_t iova, bool is_write, uint64_t *gpa)
{
	struct qemu_iotlb_entry entry = address_space_get_iotlb_entry(space, iova, is_write, 0);

	*gpa = entry.translated_addr + (iova & entry.addr_mask);
	return entry.perm != 0;
}

uint32_t qemu_ask(struct qemu_space *space, uint64_t iova, uint32_t kinds, uint64_t *gpa)
{
	uint64_t stored;
	uint32_t prot;

	/*
	 * The entry's rights are not those of the tables. An access that is translated is allowed.
	 */
	prot = kinds & VIOMMU_READ && qemu_access(space, iova, false, gpa) ? VIOMMU_READ : 0;
	if (!(kinds & VIOMMU_WRITE) || !qemu_access(space, iova, true, &stored) || (prot && stored != *gpa))
		return prot;
	*gpa = stored;
	return prot | VIOMMU_WRITE;
}
