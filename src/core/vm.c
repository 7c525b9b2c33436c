/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM's life, and its slots coming and going.
 *
 * A slot is removed in this order, so that nothing can be left behind: it is marked (nothing new is established in it), each space releases and flushes
 * what it has of it, it leaves the array, each space's lock is held once (nobody uses the old array any more), its pins are gone, it is freed.
 */
#include "core/device.h"
#include "core/space.h"
#include "core/vm.h"
#include "port/sized.h"

static struct slots *slots_alloc(unsigned int number)
{
	struct slots *slots = port_alloc(sizeof(*slots) + number * sizeof(slots->slot[0]), 0);

	if (slots)
		slots->number = number;
	return slots;
}

static void slots_free(struct slots *slots)
{
	port_free(slots, sizeof(*slots) + slots->number * sizeof(slots->slot[0]), 0);
}

int viommu_vm_create(const struct viommu_vm_config *config, struct viommu_vm **out)
{
	struct viommu_vm *vm;

	if (!config)
		return -PORT_EINVAL;
	vm = port_alloc(sizeof(*vm), 0);
	if (!vm)
		return -PORT_ENOMEM;
	if (!sized_in(&vm->config, sizeof(vm->config), sizeof(vm->config), config) || vm->config.pin > VIOMMU_PIN_GUEST) {
		port_free(vm, sizeof(*vm), 0);
		return -PORT_EINVAL;
	}
	vm->slots = slots_alloc(0);
	if (!vm->slots) {
		port_free(vm, sizeof(*vm), 0);
		return -PORT_ENOMEM;
	}
	if (!vm->config.shadow_bytes)
		vm->config.shadow_bytes = VIOMMU_DEFAULT_SHADOW_BYTES;
	if (!vm->config.step_entries)
		vm->config.step_entries = VIOMMU_DEFAULT_STEP_ENTRIES;
	if (!vm->config.refresh_entries)
		vm->config.refresh_entries = vm->config.shadow_bytes / 2;
	if (vm->config.step_entries < VIOMMU_LEAST_STEP_ENTRIES)
		vm->config.step_entries = VIOMMU_LEAST_STEP_ENTRIES;
	if (vm->config.refresh_entries < VIOMMU_LEAST_STEP_ENTRIES)
		vm->config.refresh_entries = VIOMMU_LEAST_STEP_ENTRIES;
	vm->memory.limit = vm->config.shadow_bytes;
	port_grace_init();
	port_lock_init(&vm->lock);
	list_init(&vm->spaces);
	list_init(&vm->devices);
	pins_init(&vm->pins, vm->config.pin_budget);
	*out = vm;
	return 0;
}

void viommu_vm_destroy(struct viommu_vm *vm)
{
	if (!vm)
		return;
	while (!list_is_empty(&vm->spaces)) {
		struct space *space = list_member(vm->spaces.next, struct space, in_vm);

		space->ops->destroy(space);
	}
	list_each(&vm->devices, struct viommu_device, in_vm, device) viommu_device_destroy(device);
	for (unsigned int i = 0; i < vm->slots->number; i++) {
		pins_free_slot(vm->slots->slot[i]);
		port_free(vm->slots->slot[i], sizeof(struct slot), 0);
	}
	slots_free(vm->slots);
	pins_destroy(&vm->pins);
	port_lock_destroy(&vm->lock);
	port_free(vm, sizeof(*vm), 0);
}

/* Waits until nobody uses an array of slots that was replaced. */
static void drain_spaces(struct viommu_vm *vm)
{
	list_each(&vm->spaces, struct space, in_vm, space)
	{
		port_lock(&space->lock);
		port_unlock(&space->lock);
	}
}

static void replace_slots(struct viommu_vm *vm, struct slots *slots)
{
	struct slots *old = vm->slots;

	__atomic_store_n(&vm->slots, slots, __ATOMIC_RELEASE);
	drain_spaces(vm);
	slots_free(old);
}

static bool slot_is_valid(const struct viommu_slot *slot)
{
	return slot->bytes && !((slot->gpa | slot->bytes | (uintptr_t)slot->hva) % VIOMMU_PAGE_SIZE) && slot->gpa + (slot->bytes - 1) >= slot->gpa &&
	       slot->bytes - 1 <= UINTPTR_MAX - (uintptr_t)slot->hva && slot->hva && (slot->prot == VIOMMU_READ || slot->prot == VIOMMU_RW) && !slot->reserved;
}

/* Gives the slot to every space, or to none. */
static int offer_slot(struct viommu_vm *vm, struct slot *slot)
{
	int error = 0;

	list_each(&vm->spaces, struct space, in_vm, space)
	{
		error = space->ops->slot_added(space, slot);
		if (error) {
			for (struct list *link = space->in_vm.prev; link != &vm->spaces; link = link->prev) {
				struct space *before = list_member(link, struct space, in_vm);

				if (!before->ops->slot_removing(before, slot))
					before->ops->slot_removed(before, slot);
			}
			break;
		}
	}
	return error;
}

static int add_slot(struct viommu_vm *vm, struct slot *slot)
{
	const struct slots *old = vm->slots;
	struct slots *slots;
	unsigned int at = 0;
	int error;

	while (at < old->number && old->slot[at]->last < slot->first)
		at++;
	if (at < old->number && old->slot[at]->first <= slot->last)
		return -PORT_EEXIST;
	slots = slots_alloc(old->number + 1);
	if (!slots)
		return -PORT_ENOMEM;
	for (unsigned int i = 0; i < slots->number; i++)
		slots->slot[i] = i < at ? old->slot[i] : i == at ? slot : old->slot[i - 1];
	if (vm->config.pin == VIOMMU_PIN_GUEST) {
		error = pins_get_slot(&vm->pins, slot);
		if (error)
			goto free;
	}
	error = offer_slot(vm, slot);
	if (error)
		goto unpin;
	replace_slots(vm, slots);
	return 0;
unpin:
	if (vm->config.pin == VIOMMU_PIN_GUEST)
		pins_put_slot(&vm->pins, slot);
free:
	slots_free(slots);
	return error;
}

int viommu_slot_add(struct viommu_vm *vm, const struct viommu_slot *config)
{
	struct viommu_slot theirs;
	struct slot *slot;
	int error;

	if (!sized_in(&theirs, sizeof(theirs), sizeof(theirs), config) || !slot_is_valid(&theirs))
		return -PORT_EINVAL;
	if (((uintptr_t)theirs.hva + (theirs.bytes - 1)) >> 26 >> 26)
		return -PORT_ERANGE;
	slot = port_alloc(sizeof(*slot), 0);
	if (!slot)
		return -PORT_ENOMEM;
	slot->first = theirs.gpa;
	slot->last = theirs.gpa + (theirs.bytes - 1);
	slot->hva = theirs.hva;
	slot->offset = theirs.offset;
	slot->prot = theirs.prot;
	slot->fd = theirs.fd;
	port_lock(&vm->lock);
	error = add_slot(vm, slot);
	port_unlock(&vm->lock);
	if (error)
		port_free(slot, sizeof(*slot), 0);
	return error;
}

static int remove_slot(struct viommu_vm *vm, struct slot *slot)
{
	const struct slots *old = vm->slots;
	struct slots *slots = slots_alloc(old->number - 1);
	int error = 0;

	if (!slots)
		return -PORT_ENOMEM;
	__atomic_store_n(&slot->removing, true, __ATOMIC_RELAXED);
	list_each(&vm->spaces, struct space, in_vm, space) if (space->ops->slot_removing(space, slot)) error = -PORT_EIO;
	if (error) {
		/* Still on its way out: nothing new is established in it, and the caller may try again. */
		slots_free(slots);
		return error;
	}
	for (unsigned int i = 0, at = 0; i < old->number; i++)
		if (old->slot[i] != slot)
			slots->slot[at++] = old->slot[i];
	replace_slots(vm, slots);
	list_each(&vm->spaces, struct space, in_vm, space) space->ops->slot_removed(space, slot);
	if (vm->config.pin == VIOMMU_PIN_GUEST)
		pins_put_slot(&vm->pins, slot);
	pins_free_slot(slot);
	port_free(slot, sizeof(*slot), 0);
	return 0;
}

int viommu_slot_remove(struct viommu_vm *vm, uint64_t gpa)
{
	struct slot *slot;
	int error;

	port_lock(&vm->lock);
	slot = slots_find(vm->slots, gpa);
	error = slot && slot->first == gpa ? remove_slot(vm, slot) : -PORT_ENOENT;
	port_unlock(&vm->lock);
	return error;
}

void viommu_vm_set_pin_budget(struct viommu_vm *vm, uint64_t bytes)
{
	pins_set_budget(&vm->pins, bytes);
}

static uint32_t list_length(const struct list *head)
{
	uint32_t length = 0;

	for (const struct list *link = head->next; link != head; link = link->next)
		length++;
	return length;
}

void viommu_vm_stats(struct viommu_vm *vm, struct viommu_vm_stats *stats)
{
	struct viommu_vm_stats ours = { 0 };

	port_lock(&vm->lock);
	ours.slots = vm->slots->number;
	for (unsigned int i = 0; i < vm->slots->number; i++)
		ours.guest_bytes += slot_pages(vm->slots->slot[i]) * VIOMMU_PAGE_SIZE;
	ours.domains = list_length(&vm->spaces);
	ours.devices = list_length(&vm->devices);
	port_unlock(&vm->lock);
	pins_lock(&vm->pins);
	ours.pin_budget = vm->pins.budget == UINT64_MAX ? VIOMMU_NO_LIMIT : vm->pins.budget * VIOMMU_PAGE_SIZE;
	ours.pinned_bytes = vm->pins.charged * VIOMMU_PAGE_SIZE;
	ours.pinned_bytes_peak = vm->pins.peak * VIOMMU_PAGE_SIZE;
	pins_unlock(&vm->pins);
	ours.shadow_bytes = __atomic_load_n(&vm->memory.used, __ATOMIC_RELAXED);
	ours.shadow_bytes_peak = __atomic_load_n(&vm->memory.peak, __ATOMIC_RELAXED);
	sized_out(stats, &ours, sizeof(ours));
}
