/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/vm_hosts.h"

struct vm_host {
	struct vm_host *next;
	struct viommu_host *host;
	struct host_vm *host_vm;
};

static struct host_slot host_slot(const struct slot *slot)
{
	return (struct host_slot){
		.first = slot->first, .last = slot->last, .hva = slot_hva(slot, slot->first), .offset = slot->offset, .prot = slot->prot, .fd = slot->fd
	};
}

static int add(struct vm_host *entry, const struct slot *slot)
{
	const struct host_slot theirs = host_slot(slot);
	int error = entry->host->ops->slot_add(entry->host_vm, &theirs);

	return error == 0 || error == -PORT_ENOMEM || error == -PORT_ENOSPC ? error : -PORT_EIO;
}

static int create(struct viommu_vm *vm, struct viommu_host *host, struct vm_host **out)
{
	const struct slots *slots = vm_slots(vm);
	struct vm_host *entry;
	int error;

	/* Such a host pins pages for tables without asking. */
	if (host->ops->compose && !vm->pinned && pins_load(&vm->pins.budget) != UINT64_MAX)
		return -PORT_EOPNOTSUPP;
	entry = port_alloc(sizeof(*entry), 0);

	if (!entry)
		return -PORT_ENOMEM;
	entry->host = host;
	error = host->ops->vm_create(host, vm->config.pin == VIOMMU_PIN_GUEST, &entry->host_vm);
	if (error) {
		port_free(entry, sizeof(*entry), 0);
		return error;
	}
	/* A slot that is being removed from another host is not added here. */
	for (unsigned int i = 0; !error && i < slots->number; i++)
		if (!slots->slot[i]->removing)
			error = add(entry, slots->slot[i]);
	if (error) {
		host->ops->vm_destroy(entry->host_vm);
		port_free(entry, sizeof(*entry), 0);
		return error;
	}
	*out = entry;
	return 0;
}

struct host_vm *vm_hosts_find(const struct viommu_vm *vm, const struct viommu_host *host)
{
	for (const struct vm_host *entry = port_load_acquire(&vm->hosts); entry; entry = entry->next)
		if (entry->host == host)
			return entry->host_vm;
	return NULL;
}

int vm_hosts_get(struct viommu_vm *vm, struct viommu_host *host, struct host_vm **out)
{
	struct vm_host *made;
	int error;

	*out = host->ops->vm_create ? vm_hosts_find(vm, host) : NULL;
	if (*out || !host->ops->vm_create)
		return 0;
	error = create(vm, host, &made);
	if (error)
		return error;
	made->next = vm->hosts;
	port_store_release(&vm->hosts, made);
	*out = made->host_vm;
	return 0;
}

int vm_hosts_add_slot(struct viommu_vm *vm, const struct slot *slot)
{
	int error = 0;

	for (struct vm_host *entry = vm->hosts; entry && !error; entry = entry->next)
		error = add(entry, slot);
	if (error && vm_hosts_remove_slot(vm, slot))
		error = -PORT_EBUSY;
	return error;
}

int vm_hosts_remove_slot(struct viommu_vm *vm, const struct slot *slot)
{
	const struct host_slot theirs = host_slot(slot);
	int error = 0;

	for (struct vm_host *entry = vm->hosts; entry; entry = entry->next)
		if (entry->host->ops->slot_remove(entry->host_vm, &theirs))
			error = -PORT_EIO;
	return error;
}

uint64_t vm_hosts_pinned(struct viommu_vm *vm)
{
	uint64_t bytes = 0;

	for (struct vm_host *entry = vm->hosts; entry; entry = entry->next)
		if (entry->host->ops->vm_pinned)
			bytes += entry->host->ops->vm_pinned(entry->host_vm);
	return bytes;
}

void vm_hosts_destroy(struct viommu_vm *vm)
{
	while (vm->hosts) {
		struct vm_host *entry = vm->hosts;

		vm->hosts = entry->next;
		entry->host->ops->vm_destroy(entry->host_vm);
		port_free(entry, sizeof(*entry), 0);
	}
}
