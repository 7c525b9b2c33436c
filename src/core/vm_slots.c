/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM's slots: adding and removing them, with the VM's lock held.
 *
 * A slot is added in this order: it is charged for wherever it will be pinned whole; hosts that
 * keep guest memory take it; it is mapped in the direct domains; it enters the array.
 *
 * It is removed in this order, so that nothing is left behind: it is marked, after which nothing
 * new is established in it; each space unmaps and flushes what it has of it; hosts drop it; it
 * leaves the array; each space's lock is held once, after which no thread uses the old array; it is
 * uncharged; it is freed.
 *
 * Where a host fails to remove it, it stays in the array, marked and charged for, and removing it
 * can be tried again.
 */
#include "core/vm_hosts.h"
#include "core/domain.h"
#include "core/vm.h"
#include "port/sized.h"

void vm_free_slot(struct slot *slot)
{
	pins_free_slot(slot);
	port_guest_destroy(&slot->memory);
	port_free(slot, sizeof(*slot), _Alignof(struct slot));
}

/* Waits until no thread uses an array of slots that was replaced. */
static void drain_users(struct viommu_vm *vm)
{
	list_each (&vm->domains, struct viommu_domain, in_vm, domain) {
		port_lock(&domain->lock);
		port_unlock(&domain->lock);
	}
	list_each (&vm->slots_users, struct slots_user, in_vm, user) {
		port_lock(&user->lock);
		port_unlock(&user->lock);
	}
}

void slots_user_add(struct viommu_vm *vm, struct slots_user *user)
{
	port_lock_init(&user->lock);
	list_append(&vm->slots_users, &user->in_vm);
}

void slots_user_remove(struct slots_user *user)
{
	list_remove(&user->in_vm);
	port_lock_destroy(&user->lock);
}

/*
 * Unless the VM's config has a limit, a refresh may examine as many entries as there is room for in
 * the guest's memory, once in its scan and once in its fill. So no guest whose tables each stand in
 * memory meets the limit, and one whose entries name the same table again and again does. A small
 * guest has what a full shadow needs.
 */
void vm_limit_refreshes(const struct viommu_vm *vm, struct slots *slots)
{
	uint64_t entries = 0;

	for (unsigned int i = 0; i < slots->number; i++)
		entries += slot_pages(slots->slot[i]) * (2 * VIOMMU_PAGE_SIZE / sizeof(uint64_t));
	if (entries < vm->config.shadow_bytes / 2)
		entries = vm->config.shadow_bytes / 2;
	if (vm->config.refresh_entries)
		entries = vm->config.refresh_entries;
	slots->refresh_entries = entries > VIOMMU_LEAST_STEP_ENTRIES ? entries : VIOMMU_LEAST_STEP_ENTRIES;
}

static void replace_slots(struct viommu_vm *vm, struct slots *slots)
{
	struct slots *old = vm->slots;

	vm_limit_refreshes(vm, slots);
	port_store_release(&vm->slots, slots);
	drain_users(vm);
	slots_free(old);
}

static bool slot_is_valid(const struct viommu_slot *slot)
{
	return slot->bytes && !((slot->gpa | slot->bytes | (uintptr_t)slot->hva) % VIOMMU_PAGE_SIZE) && slot->gpa + (slot->bytes - 1) >= slot->gpa &&
	       slot->bytes - 1 <= UINTPTR_MAX - (uintptr_t)slot->hva && slot->hva && (slot->prot == VIOMMU_READ || slot->prot == VIOMMU_RW) && !slot->reserved;
}

/* Charges for the slot everywhere, or nowhere. */
static int charge_slot(struct viommu_vm *vm, struct slot *slot)
{
	struct list *link;
	int error = vm->pinned ? pins_get_slot(&vm->pins, slot) : 0;

	if (error)
		return error;
	for (link = vm->domains.next; link != &vm->domains; link = link->next) {
		struct viommu_domain *domain = list_member(link, struct viommu_domain, in_vm);

		error = domain->ops->slot_charge ? domain->ops->slot_charge(domain, slot) : 0;
		if (error)
			break;
	}
	if (!error)
		return 0;
	for (link = link->prev; link != &vm->domains; link = link->prev) {
		struct viommu_domain *before = list_member(link, struct viommu_domain, in_vm);

		if (before->ops->slot_uncharge)
			before->ops->slot_uncharge(before, slot);
	}
	if (vm->pinned)
		pins_put_slot(&vm->pins, slot);
	return error;
}

static void uncharge_slot(struct viommu_vm *vm, struct slot *slot)
{
	list_each (&vm->domains, struct viommu_domain, in_vm, domain)
		if (domain->ops->slot_uncharge)
			domain->ops->slot_uncharge(domain, slot);
	if (vm->pinned)
		pins_put_slot(&vm->pins, slot);
}

int vm_pin(struct viommu_vm *vm)
{
	const struct slots *slots = vm->slots;
	unsigned int charged = 0;

	if (vm->pinned)
		return 0;
	/*
	 * What is on its way out, too: it may still be reached, and leaves with what was charged
	 * for it.
	 */
	while (charged < slots->number && !pins_get_slot(&vm->pins, slots->slot[charged]))
		charged++;
	vm->pinned = charged == slots->number;
	if (vm->pinned)
		return 0;
	while (charged--)
		pins_put_slot(&vm->pins, slots->slot[charged]);
	return -PORT_EDQUOT;
}

void vm_unpin(struct viommu_vm *vm)
{
	for (unsigned int i = 0; i < vm->slots->number; i++)
		pins_put_slot(&vm->pins, vm->slots->slot[i]);
	vm->pinned = false;
}

static int map_slot(struct viommu_vm *vm, struct slot *slot)
{
	int error = 0;

	list_each (&vm->domains, struct viommu_domain, in_vm, domain)
		if (!error && domain->ops->slot_map)
			error = domain->ops->slot_map(domain, slot);
	return error;
}

static int unmap_slot(struct viommu_vm *vm, struct slot *slot)
{
	int error = 0;

	/* From here on nothing new is established in it. */
	port_store_relaxed(&slot->removing, true);
	list_each (&vm->domains, struct viommu_domain, in_vm, domain)
		if (domain->ops->slot_unmap && domain->ops->slot_unmap(domain, slot))
			error = -PORT_EIO;
	return error;
}

/* *stays: the slot is in the array in spite of the error, since a host would not let go of it. */
static int add_slot(struct viommu_vm *vm, struct slot *slot, bool *stays)
{
	int error;
	struct slots *slots = slots_with(vm->slots, slot, &error);

	*stays = false;
	if (!slots)
		return error;
	error = charge_slot(vm, slot);
	if (error)
		goto free;
	error = vm_hosts_add_slot(vm, slot);
	if (!error) {
		error = map_slot(vm, slot);
		if (error && (unmap_slot(vm, slot) || vm_hosts_remove_slot(vm, slot)))
			error = -PORT_EBUSY;
	}
	if (!error || error == -PORT_EBUSY) {
		*stays = error;
		slot->removing = error;
		tracking_slot_added(&vm->tracking, slot);
		replace_slots(vm, slots);
		return error;
	}
	uncharge_slot(vm, slot);
free:
	slots_free(slots);
	return error;
}

int viommu_slot_add(struct viommu_vm *vm, const struct viommu_slot *config)
{
	struct viommu_slot theirs;
	struct slot *slot;
	bool stays;
	int error;

	if (!sized_in(&theirs, sizeof(theirs), VIOMMU_SLOT_SIZE_V0, config) || !slot_is_valid(&theirs))
		return -PORT_EINVAL;
	slot = port_alloc(sizeof(*slot), _Alignof(struct slot));
	if (!slot)
		return -PORT_ENOMEM;
	slot->first = theirs.gpa;
	slot->last = theirs.gpa + (theirs.bytes - 1);
	slot->hva = (uintptr_t)theirs.hva;
	slot->offset = theirs.offset;
	slot->prot = theirs.prot;
	slot->fd = theirs.fd;
	error = port_guest_init(&slot->memory, &theirs);
	if (error) {
		port_free(slot, sizeof(*slot), _Alignof(struct slot));
		return error;
	}
	port_lock(&vm->lock);
	error = add_slot(vm, slot, &stays);
	tracking_slots_changed(&vm->tracking);
	port_unlock(&vm->lock);
	if (error && !stays)
		vm_free_slot(slot);
	return error;
}

static int remove_slot(struct viommu_vm *vm, struct slot *slot)
{
	struct slots *slots = slots_without(vm->slots, slot);
	int error;

	if (!slots)
		return -PORT_ENOMEM;
	error = unmap_slot(vm, slot);
	if (!error)
		error = vm_hosts_remove_slot(vm, slot);
	if (error) {
		slots_free(slots);
		return error;
	}
	replace_slots(vm, slots);
	tracking_slot_removed(&vm->tracking, slot);
	uncharge_slot(vm, slot);
	vm_free_slot(slot);
	return 0;
}

int viommu_slot_remove(struct viommu_vm *vm, uint64_t gpa)
{
	struct slot *slot;
	int error;

	port_debug_may_wait();
	port_lock(&vm->lock);
	slot = slots_find(vm->slots, gpa);
	error = slot && slot->first == gpa ? remove_slot(vm, slot) : -PORT_ENOENT;
	tracking_slots_changed(&vm->tracking);
	port_unlock(&vm->lock);
	return error;
}
