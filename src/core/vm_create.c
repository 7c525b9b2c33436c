/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A VM's life, its limits and its figures. */
#include "core/device.h"
#include "core/vm_hosts.h"
#include "core/domain.h"
#include "core/tracked.h"
#include "core/vm.h"
#include "port/sized.h"

int viommu_vm_create(const struct viommu_vm_config *config, struct viommu_vm **out)
{
	struct viommu_vm *vm;

	if (!config)
		return -PORT_EINVAL;
	vm = port_alloc(sizeof(*vm), _Alignof(struct viommu_vm));
	if (!vm)
		return -PORT_ENOMEM;
	if (!sized_in(&vm->config, sizeof(vm->config), VIOMMU_VM_CONFIG_SIZE_V0, config) || vm->config.pin > VIOMMU_PIN_GUEST) {
		port_free(vm, sizeof(*vm), _Alignof(struct viommu_vm));
		return -PORT_EINVAL;
	}
	vm->slots = slots_alloc(0);
	if (!vm->slots) {
		port_free(vm, sizeof(*vm), _Alignof(struct viommu_vm));
		return -PORT_ENOMEM;
	}
	if (!vm->config.shadow_bytes)
		vm->config.shadow_bytes = VIOMMU_DEFAULT_SHADOW_BYTES;
	if (!vm->config.step_entries)
		vm->config.step_entries = VIOMMU_DEFAULT_STEP_ENTRIES;
	if (vm->config.step_entries < VIOMMU_LEAST_STEP_ENTRIES)
		vm->config.step_entries = VIOMMU_LEAST_STEP_ENTRIES;
	vm_limit_refreshes(vm, vm->slots);
	vm->memory.limit = vm->config.shadow_bytes;
	vm->pinned = vm->config.pin == VIOMMU_PIN_GUEST;
	port_grace_init();
	port_lock_init(&vm->lock);
	list_init(&vm->domains);
	list_init(&vm->slots_users);
	list_init(&vm->devices);
	port_lock_init(&vm->events);
	list_init(&vm->sinks);
	pins_init(&vm->pins, vm->config.pin_budget);
	vm->pins.on_refresh = !vm->pinned;
	vm->log = (struct log){ vm->config.log, vm->config.log_ctx };
	tracking_init(&vm->tracking, &tracked_ops, &vm->memory, &vm->log);
	*out = vm;
	return 0;
}

void viommu_vm_destroy(struct viommu_vm *vm)
{
	if (!vm)
		return;
	while (!list_is_empty(&vm->domains)) {
		struct viommu_domain *domain = list_member(vm->domains.next, struct viommu_domain, in_vm);

		domain->ops->destroy(domain);
	}
	list_each (&vm->devices, struct viommu_device, in_vm, device)
		viommu_device_destroy(device);
	vm_hosts_destroy(vm);
	for (unsigned int i = 0; i < vm->slots->number; i++) {
		tracking_slot_removed(&vm->tracking, vm->slots->slot[i]);
		vm_free_slot(vm->slots->slot[i]);
	}
	tracking_destroy(&vm->tracking);
	slots_free(vm->slots);
	pins_destroy(&vm->pins);
	port_lock_destroy(&vm->events);
	port_lock_destroy(&vm->lock);
	port_free(vm, sizeof(*vm), _Alignof(struct viommu_vm));
}

int viommu_vm_set_tracker(struct viommu_vm *vm, const struct viommu_tracker *tracker)
{
	struct viommu_tracker ours;
	int error = 0;

	if (!sized_in(&ours, sizeof(ours), VIOMMU_TRACKER_SIZE_V0, tracker) || ours.reserved || !ours.watch || !ours.unwatch || !ours.collect)
		return -PORT_EINVAL;
	port_lock(&vm->lock);
	if (vm->tracking.tracker.collect || vm->slots->number || !list_is_empty(&vm->domains)) {
		error = -PORT_EBUSY;
	} else {
		vm->tracking.tracker = ours;
		vm->tracking.works = true;
	}
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

int viommu_vm_stats(struct viommu_vm *vm, struct viommu_vm_stats *stats)
{
	struct viommu_vm_stats ours = { 0 };
	uint64_t theirs;

	if (!sized_fits(stats, VIOMMU_VM_STATS_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&vm->lock);
	ours.slots = vm->slots->number;
	for (unsigned int i = 0; i < vm->slots->number; i++)
		ours.guest_bytes += slot_pages(vm->slots->slot[i]) * VIOMMU_PAGE_SIZE;
	ours.domains = list_length(&vm->domains);
	ours.devices = list_length(&vm->devices);
	theirs = vm_hosts_pinned(vm);
	port_unlock(&vm->lock);
	ours.pin_budget = pins_load(&vm->pins.budget) == UINT64_MAX ? VIOMMU_NO_LIMIT : pins_load(&vm->pins.budget) * VIOMMU_PAGE_SIZE;
	ours.pinned_bytes = pins_load(&vm->pins.charged) * VIOMMU_PAGE_SIZE;
	ours.pinned_bytes_peak = pins_load(&vm->pins.peak) * VIOMMU_PAGE_SIZE;
	/* Pages that both name count once. */
	if (ours.pinned_bytes < theirs)
		ours.pinned_bytes = theirs;
	if (ours.pinned_bytes_peak < theirs)
		ours.pinned_bytes_peak = theirs;
	ours.shadow_bytes = port_load_relaxed(&vm->memory.used);
	ours.shadow_bytes_peak = port_load_relaxed(&vm->memory.peak);
	ours.events_unclaimed = port_load_relaxed(&vm->unclaimed);
	sized_out(stats, &ours, sizeof(ours));
	return 0;
}
