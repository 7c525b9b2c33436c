/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A nesting parent is a VM of the core's: its mappings are the guest's memory, each one slot. A
 * nested HWPT is a nested domain, whose space is the HWPT's iommu_domain.
 *
 * Mappings are added as slots when a HWPT is created, and again when tables name memory that has no
 * slot. The first page of each mapping is pinned, so that iommufd notifies before it removes the
 * mapping: translations to it are then removed and flushed. Until then the parent has all pages of
 * the mapping pinned, and in its iommu_domain. They are found there, and need no pin of their own.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <viommu/vtd.h>
#include <viommu/zpci.h>

#include "core/nested.h"
#include "nest.h"
#include "reserved.h"

static bool software_nesting;
module_param(software_nesting, bool, 0644);
MODULE_PARM_DESC(software_nesting, "Nest by software where the IOMMU could do it, too (off)");

struct nest_area {
	struct port_guest_pages pages;
	struct nest_vm *vm;
	u64 first; /* GPA */
};

/* Reserved IOVAs of a device that a HWPT was allocated for, or that was attached to one. */
struct nest_device {
	struct list_head in_vm;
	struct device *device;
	struct list_head reserved;
};

static struct nest_vm *vm_of_host(struct viommu_host *host)
{
	return container_of(host, struct nest_vm, host);
}

static struct nest *nest_of(struct iommufd_swnest_hwpt *hwpt)
{
	return container_of(hwpt, struct nest, hwpt);
}

static int pin(struct nest_vm *vm, u64 gpa)
{
	struct page *page;

	return iommufd_access_pin_pages(vm->parent.access, gpa, PAGE_SIZE, &page, IOMMUFD_ACCESS_RW_READ);
}

static void unpin(struct nest_vm *vm, u64 gpa)
{
	iommufd_access_unpin_pages(vm->parent.access, gpa, PAGE_SIZE);
}

/* The page at a GPA of a slot, or NULL. */
static struct page *find_page(struct nest_vm *vm, u64 gpa)
{
	phys_addr_t address = iommu_iova_to_phys(vm->parent.domain, gpa);

	return address ? phys_to_page(address) : NULL;
}

/* A page of tables, with a reference while it is read: the slot is removed when none is held. */
static struct page *get_table(const struct port_guest_pages *pages, uint64_t offset)
{
	const struct nest_area *area = container_of(pages, struct nest_area, pages);
	struct page *page = find_page(area->vm, area->first + offset);

	if (page)
		get_page(page);
	return page;
}

static int add_area(struct nest_vm *vm, u64 first, u64 last, bool writable)
{
	struct nest_area *area = kzalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);
	struct viommu_slot slot = VIOMMU_SLOT_INIT;
	int error;

	if (!area)
		return -ENOMEM;
	*area = (struct nest_area){ .pages.get = get_table, .vm = vm, .first = first };
	error = pin(vm, first);
	if (error)
		goto free;
	error = mtree_insert_range(&vm->areas, first, last, area, GFP_KERNEL_ACCOUNT);
	if (error)
		goto unpin;
	slot.prot = writable ? VIOMMU_RW : VIOMMU_READ;
	slot.gpa = first;
	slot.bytes = last - first + 1;
	slot.hva = (void *)PAGE_SIZE; /* none: nothing is at NULL */
	slot.fd = PORT_GUEST_PAGES;
	slot.offset = (unsigned long)&area->pages;
	error = viommu_slot_add(vm->vm, &slot);
	if (!error)
		return 0;
	mtree_erase(&vm->areas, first);
unpin:
	unpin(vm, first);
free:
	kfree(area);
	/* It is being removed, or is not of whole pages. */
	return error == -ENOMEM ? error : 0;
}

int nest_find_memory(struct nest_vm *vm)
{
	unsigned long first = 0, last;
	bool writable, found = false;
	int error = 0;

	while (!error && !iommufd_swnest_next_area(&vm->parent, &first, &last, &writable)) {
		if (!mtree_load(&vm->areas, first)) {
			error = add_area(vm, first, last, writable);
			found = true;
		}
		first = last + 1;
		if (!first)
			break;
	}
	return error ? error : found;
}

static void free_area(struct nest_vm *vm, struct nest_area *area)
{
	mtree_erase(&vm->areas, area->first);
	unpin(vm, area->first);
	kfree(area);
}

/* iommufd calls again while pages are pinned, for instance after a failed allocation. */
static void unmap(struct iommufd_swnest_parent *parent, unsigned long iova, unsigned long length)
{
	struct nest_vm *vm = nest_vm_of(parent);
	unsigned long at = iova, last = length > ULONG_MAX - iova ? ULONG_MAX : iova + length - 1;
	struct nest_area *area;

	mutex_lock(&vm->lock);
	while (vm->vm && (area = mt_find(&vm->areas, &at, last))) {
		if (!viommu_slot_remove(vm->vm, area->first))
			free_area(vm, area);
		if (!at)
			break;
	}
	mutex_unlock(&vm->lock);
}

static long get_pages(struct viommu_host *host, const struct host_mapping *mapping, u64 offset, unsigned long number, struct page **pages)
{
	unsigned long n = 0;

	while (n < number && (pages[n] = find_page(vm_of_host(host), mapping->gpa + offset + ((u64)n << PAGE_SHIFT))))
		n++;
	return n ? n : -ENOSPC;
}

static bool reserves(struct viommu_host *host, u64 first, u64 last)
{
	struct nest_vm *vm = vm_of_host(host);
	const struct nest_device *device;
	bool found = false;

	down_read(&vm->reserved);
	list_for_each_entry (device, &vm->devices, in_vm)
		found |= reserved_any(&device->reserved, first, last);
	up_read(&vm->reserved);
	return found;
}

/* iommufd has made it, with all accesses coherent where the device wants that. */
static struct iommu_domain *take_domain(struct viommu_host *host, bool *coherent)
{
	*coherent = false;
	return vm_of_host(host)->creating->hwpt.domain;
}

/* A host is a part of its VM. */
static void host_destroy(struct viommu_host *host)
{
}

/* Devices are iommufd's to attach. */
static const struct space_ops space_ops = {
	.host = { SPACE_HOST_OPS, .destroy = host_destroy },
	.alloc_domain = take_domain,
	.reserves = reserves,
	.get = get_pages,
};

static int parent_init(struct iommufd_swnest_parent *parent)
{
	struct nest_vm *vm = nest_vm_of(parent);

	space_host_init(&vm->host, &space_ops);
	vm->host.caps.first = parent->domain->geometry.aperture_start;
	vm->host.caps.last = parent->domain->geometry.aperture_end;
	mutex_init(&vm->lock);
	mt_init(&vm->areas);
	init_rwsem(&vm->reserved);
	INIT_LIST_HEAD(&vm->devices);
	return space_vm_create(VIOMMU_PIN_ON_REFRESH, &vm->vm);
}

static void parent_destroy(struct iommufd_swnest_parent *parent)
{
	struct nest_vm *vm = nest_vm_of(parent);
	struct nest_device *device, *next;
	struct nest_area *area;
	unsigned long at = 0;

	mutex_lock(&vm->lock);
	viommu_vm_destroy(vm->vm);
	vm->vm = NULL;
	mt_for_each (&vm->areas, area, at, ULONG_MAX)
		free_area(vm, area);
	mtree_destroy(&vm->areas);
	mutex_unlock(&vm->lock);
	list_for_each_entry_safe (device, next, &vm->devices, in_vm) {
		reserved_free(&device->reserved);
		put_device(device->device);
		kfree(device);
	}
}

/* From here on no domain of the VM maps the device's reserved IOVAs. */
static int add_device(struct nest_vm *vm, struct device *dev)
{
	struct nest_device *device, *other;
	int error;

	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return -ENOMEM;
	INIT_LIST_HEAD(&device->reserved);
	error = iommu_get_group_resv_regions(dev->iommu_group, &device->reserved);
	if (error)
		goto free;
	device->device = dev;
	down_write(&vm->reserved);
	list_for_each_entry (other, &vm->devices, in_vm)
		error = other->device == dev ? -EEXIST : error;
	if (!error) {
		get_device(dev);
		list_add(&device->in_vm, &vm->devices);
	}
	up_write(&vm->reserved);
	if (!error)
		return 0;
free:
	reserved_free(&device->reserved);
	kfree(device);
	return error == -EEXIST ? 0 : error;
}

int nest_create(struct nest *nest, enum viommu_domain_type type, const void *data)
{
	struct nest_vm *vm = nest_vm_of(nest->hwpt.parent);
	int error = nest_find_memory(vm);

	if (error < 0)
		return error;
	vm->creating = nest;
	error = viommu_domain_create(vm->vm, &vm->host, type, data, NULL, &nest->domain);
	vm->creating = NULL;
	return error;
}

int nest_create_direct(struct nest *nest)
{
	struct nest_vm *vm = nest_vm_of(nest->hwpt.parent);
	const struct iommu_domain_geometry *geometry = &nest->hwpt.domain->geometry;
	int error = nest_find_memory(vm);

	if (error < 0)
		return error;
	vm->creating = nest;
	error = viommu_domain_create_direct(vm->vm, &vm->host, 0, geometry->aperture_start, geometry->aperture_end, &nest->domain);
	vm->creating = NULL;
	return error;
}

static bool lacks_memory(const struct viommu_refresh_result *result)
{
	return result->unbacked || result->fault.reason == VIOMMU_FAULT_TABLE_UNBACKED;
}

int nest_refresh(struct nest *nest, u64 first, u64 last, struct viommu_refresh_result *result)
{
	struct nest_vm *vm = nest_vm_of(nest->hwpt.parent);
	int error = viommu_domain_refresh(nest->domain, first, last, result), found;

	if (!lacks_memory(result))
		return error;
	mutex_lock(&vm->lock);
	found = nest_find_memory(vm);
	mutex_unlock(&vm->lock);
	if (found < 0)
		return found;
	return found ? viommu_domain_refresh(nest->domain, first, last, result) : error;
}

int nest_invalidate(struct nest *nest, u64 first, u64 last, struct viommu_refresh_result *result)
{
	u64 leaf = (1ull << nested_leaf_bits(nest->domain)) - 1;
	int error = nest_refresh(nest, first & ~leaf, last | leaf, result);

	return error == -ERANGE ? 0 : error;
}

static int create_zpci(struct nest *nest, const struct iommu_user_data *user_data)
{
	struct viommu_zpci_ioat ioat = { .size = sizeof(ioat) };
	struct iommu_hwpt_zpci zpci;
	int error = iommu_copy_struct_from_user(&zpci, user_data, IOMMU_HWPT_DATA_ZPCI, pal);

	if (error)
		return error;
	if (zpci.flags)
		return -EOPNOTSUPP;
	ioat.iota = zpci.iota;
	ioat.pba = zpci.pba;
	ioat.pal = zpci.pal;
	return nest_create(nest, VIOMMU_DOMAIN_ZPCI, &ioat);
}

/* SRE and WPE are for supervisor requests. All requests have user privilege here. */
static int create_vtd(struct nest *nest, const struct iommu_user_data *user_data)
{
	struct viommu_vtd_tables tables = { .size = sizeof(tables), .flags = VIOMMU_VTD_TABLES_FIRST_STAGE };
	struct iommu_hwpt_vtd_s1 s1;
	int error = iommu_copy_struct_from_user(&s1, user_data, IOMMU_HWPT_DATA_VTD_S1, __reserved);

	if (error)
		return error;
	if (s1.flags & ~(u64)(IOMMU_VTD_S1_SRE | IOMMU_VTD_S1_WPE) || s1.__reserved)
		return -EOPNOTSUPP;
	if (s1.addr_width != 48 && s1.addr_width != 57)
		return -EINVAL;
	tables.levels = s1.addr_width == 57 ? 5 : 4;
	tables.root = s1.pgtbl_addr;
	return nest_create(nest, VIOMMU_DOMAIN_VTD, &tables);
}

static int init_locked(struct nest *nest, const struct iommu_user_data *user_data)
{
	switch (nest->type) {
	case IOMMU_HWPT_DATA_ZPCI:
		return create_zpci(nest, user_data);
	case IOMMU_HWPT_DATA_VTD_S1:
		return create_vtd(nest, user_data);
	case IOMMU_HWPT_DATA_ARM_SMMUV3:
		return nest_smmuv3_create(nest, user_data);
	default:
		return -EOPNOTSUPP;
	}
}

static int hwpt_init(struct iommufd_swnest_hwpt *hwpt, struct device *dev, const struct iommu_user_data *user_data)
{
	struct nest_vm *vm = nest_vm_of(hwpt->parent);
	struct nest *nest = nest_of(hwpt);
	int error = add_device(vm, dev);

	if (error)
		return error;
	nest->type = user_data->type;
	/* Another thread may be creating a domain, which takes as long as its tables are large. */
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	error = init_locked(nest, user_data);
	mutex_unlock(&vm->lock);
	if (error)
		return error;
	nest->device = get_device(dev);
	if (nest->type == IOMMU_HWPT_DATA_ARM_SMMUV3)
		nest_smmuv3_join(nest);
	return 0;
}

static void hwpt_destroy(struct iommufd_swnest_hwpt *hwpt)
{
	struct nest *nest = nest_of(hwpt);

	if (nest->type == IOMMU_HWPT_DATA_ARM_SMMUV3)
		nest_smmuv3_leave(nest);
	viommu_domain_destroy(nest->domain);
	put_device(nest->device);
}

static int hwpt_attach(struct iommufd_swnest_hwpt *hwpt, struct device *dev)
{
	struct nest_vm *vm = nest_vm_of(hwpt->parent);
	struct nest_device *device;
	int error = add_device(vm, dev);
	bool established = false;

	if (error)
		return error;
	mutex_lock(&vm->lock);
	list_for_each_entry (device, &vm->devices, in_vm)
		if (device->device == dev && nest_of(hwpt)->domain)
			established = reserved_established(&device->reserved, nest_of(hwpt)->domain);
	mutex_unlock(&vm->lock);
	return established ? -EADDRINUSE : 0;
}

static void report_zpci(struct nest *nest, const struct viommu_fault *fault)
{
	struct iommu_vevent_zpci event = {
		.iova = fault->iova,
		.entry_gpa = fault->entry_gpa,
		.entry = fault->entry,
		.virt_id = U64_MAX,
		.level = fault->level,
	};
	unsigned long id;

	if (!nest->hwpt.viommu)
		return;
	if (!iommufd_viommu_get_vdev_id(nest->hwpt.viommu, nest->device, &id))
		event.virt_id = id;
	iommufd_viommu_report_event(nest->hwpt.viommu, IOMMU_VEVENTQ_TYPE_ZPCI, &event, sizeof(event));
}

static int invalidate_zpci(struct nest *nest, const struct iommu_user_data_array *array, u32 index)
{
	struct iommu_hwpt_zpci_invalidate __user *user = array->uptr + array->entry_len * index;
	struct viommu_refresh_result result = {};
	struct iommu_hwpt_zpci_invalidate entry;
	int error;

	error = iommu_copy_struct_from_user_array(&entry, array, IOMMU_HWPT_INVALIDATE_DATA_ZPCI, index, out_status);
	if (error)
		return error;
	if (entry.flags)
		return -EOPNOTSUPP;
	if (!entry.length || (entry.addr | entry.length) & ~PAGE_MASK || entry.addr + (entry.length - 1) < entry.addr)
		return -EINVAL;
	error = nest_refresh(nest, entry.addr, entry.addr + (entry.length - 1), &result);
	if (error == -EFAULT)
		report_zpci(nest, &result.fault);
	switch (error) {
	case 0:
		return put_user(IOMMU_ZPCI_STATUS_DONE, &user->out_status);
	case -ERANGE:
		return put_user(IOMMU_ZPCI_STATUS_OUTSIDE, &user->out_status);
	case -ENOSPC:
		return put_user(IOMMU_ZPCI_STATUS_INSUFFICIENT, &user->out_status);
	case -EFAULT:
		return put_user(IOMMU_ZPCI_STATUS_MALFORMED, &user->out_status);
	default:
		return error;
	}
}

/*
 * Nothing is mapped beneath a malformed entry: a device's access there fails, as in hardware.
 */
static int invalidate_vtd(struct nest *nest, const struct iommu_user_data_array *array, u32 index)
{
	struct viommu_refresh_result result = {};
	struct iommu_hwpt_vtd_s1_invalidate entry;
	u64 last;
	int error;

	error = iommu_copy_struct_from_user_array(&entry, array, IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, index, __reserved);
	if (error)
		return error;
	if (entry.flags & ~IOMMU_VTD_INV_FLAGS_LEAF || entry.__reserved)
		return -EOPNOTSUPP;
	if (entry.addr & ~PAGE_MASK || (entry.npages == U64_MAX && entry.addr))
		return -EINVAL;
	if (!entry.npages)
		return 0;
	last = entry.npages > (U64_MAX - entry.addr) >> PAGE_SHIFT ? U64_MAX : entry.addr + ((entry.npages << PAGE_SHIFT) - 1);
	error = nest_invalidate(nest, entry.addr, last, &result);
	return error == -EFAULT ? 0 : error;
}

static int hwpt_invalidate(struct iommufd_swnest_hwpt *hwpt, struct iommu_user_data_array *array)
{
	struct nest *nest = nest_of(hwpt);
	bool zpci = nest->type == IOMMU_HWPT_DATA_ZPCI;
	u32 number = array->entry_num, done = 0;
	int error = 0;

	if (nest->type == IOMMU_HWPT_DATA_ARM_SMMUV3)
		error = -EOPNOTSUPP;
	else if (array->type != (zpci ? IOMMU_HWPT_INVALIDATE_DATA_ZPCI : IOMMU_HWPT_INVALIDATE_DATA_VTD_S1))
		error = -EINVAL;
	while (!error && done < number) {
		if (fatal_signal_pending(current))
			error = -EINTR;
		else
			error = zpci ? invalidate_zpci(nest, array, done) : invalidate_vtd(nest, array, done);
		done += !error;
		cond_resched();
	}
	array->entry_num = done;
	return error;
}

static bool supports(struct device *dev)
{
	return dev->iommu_group;
}

static bool preferred(struct device *dev)
{
	return READ_ONCE(software_nesting);
}

static size_t viommu_size(struct iommufd_swnest_parent *parent, enum iommu_viommu_type type)
{
	switch (type) {
	case IOMMU_VIOMMU_TYPE_ZPCI:
		return sizeof(struct iommufd_viommu);
	case IOMMU_VIOMMU_TYPE_ARM_SMMUV3:
		return nest_smmuv3_viommu_size();
	default:
		return 0;
	}
}

/* Functions are refreshed by their HWPTs. */
static const struct iommufd_viommu_ops zpci_viommu_ops = {};

static int viommu_init_any(struct iommufd_viommu *viommu, struct iommufd_swnest_parent *parent, const struct iommu_user_data *user_data)
{
	if (user_data)
		return -EOPNOTSUPP;
	if (viommu->type == IOMMU_VIOMMU_TYPE_ARM_SMMUV3)
		nest_smmuv3_viommu_init(viommu);
	else
		viommu->ops = &zpci_viommu_ops;
	return 0;
}

static struct iommufd_swnest_ops swnest_ops = {
	.owner = THIS_MODULE,
	.supports = supports,
	.preferred = preferred,
	.parent_size = SWNEST_PARENT_STRUCT_SIZE(struct nest_vm, parent),
	.parent_init = parent_init,
	.parent_destroy = parent_destroy,
	.unmap = unmap,
	.hwpt_size = SWNEST_HWPT_STRUCT_SIZE(struct nest, hwpt),
	.hwpt_init = hwpt_init,
	.hwpt_destroy = hwpt_destroy,
	.hwpt_attach = hwpt_attach,
	.hwpt_invalidate = hwpt_invalidate,
	.viommu_size = viommu_size,
	.viommu_init = viommu_init_any,
};

int nest_register(void)
{
	return iommufd_swnest_register(&swnest_ops);
}

void nest_unregister(void)
{
	iommufd_swnest_unregister(&swnest_ops);
}

MODULE_IMPORT_NS("IOMMUFD");
