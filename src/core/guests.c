/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/guests.h"

struct guest {
	struct guest *next;
	struct viommu_host *host;
	struct host_guest *host_guest;
};

static struct host_slot host_slot(const struct slot *slot)
{
	return (struct host_slot){
		.first = slot->first, .last = slot->last, .hva = slot_hva(slot, slot->first), .offset = slot->offset, .prot = slot->prot, .fd = slot->fd
	};
}

static int add(struct guest *guest, const struct slot *slot)
{
	const struct host_slot theirs = host_slot(slot);
	int error = guest->host->ops->guest_add(guest->host_guest, &theirs);

	return error == 0 || error == -PORT_ENOMEM || error == -PORT_ENOSPC ? error : -PORT_EIO;
}

static int create(struct viommu_vm *vm, struct viommu_host *host, struct guest **out)
{
	const struct slots *slots = vm_slots(vm);
	struct guest *guest = port_alloc(sizeof(*guest), 0);
	int error;

	if (!guest)
		return -PORT_ENOMEM;
	guest->host = host;
	error = host->ops->guest_create(host, vm->config.pin == VIOMMU_PIN_GUEST, &guest->host_guest);
	if (error) {
		port_free(guest, sizeof(*guest), 0);
		return error;
	}
	/* What is on its way out of another host does not come in here. */
	for (unsigned int i = 0; !error && i < slots->number; i++)
		if (!slots->slot[i]->removing)
			error = add(guest, slots->slot[i]);
	if (error) {
		host->ops->guest_destroy(guest->host_guest);
		port_free(guest, sizeof(*guest), 0);
		return error;
	}
	*out = guest;
	return 0;
}

struct host_guest *guests_find(const struct viommu_vm *vm, const struct viommu_host *host)
{
	for (const struct guest *guest = port_load_acquire(&vm->guests); guest; guest = guest->next)
		if (guest->host == host)
			return guest->host_guest;
	return NULL;
}

int guests_get(struct viommu_vm *vm, struct viommu_host *host, struct host_guest **out)
{
	struct guest *made;
	int error;

	*out = host->ops->guest_create ? guests_find(vm, host) : NULL;
	if (*out || !host->ops->guest_create)
		return 0;
	error = create(vm, host, &made);
	if (error)
		return error;
	made->next = vm->guests;
	port_store_release(&vm->guests, made);
	*out = made->host_guest;
	return 0;
}

int guests_add_slot(struct viommu_vm *vm, const struct slot *slot)
{
	int error = 0;

	for (struct guest *guest = vm->guests; guest && !error; guest = guest->next)
		error = add(guest, slot);
	if (error && guests_remove_slot(vm, slot))
		error = -PORT_EBUSY;
	return error;
}

int guests_remove_slot(struct viommu_vm *vm, const struct slot *slot)
{
	const struct host_slot theirs = host_slot(slot);
	int error = 0;

	for (struct guest *guest = vm->guests; guest; guest = guest->next)
		if (guest->host->ops->guest_remove(guest->host_guest, &theirs))
			error = -PORT_EIO;
	return error;
}

void guests_destroy(struct viommu_vm *vm)
{
	while (vm->guests) {
		struct guest *guest = vm->guests;

		vm->guests = guest->next;
		guest->host->ops->guest_destroy(guest->host_guest);
		port_free(guest, sizeof(*guest), 0);
	}
}
