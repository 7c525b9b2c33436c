// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The machine that a capture is replayed on: a VM, a host or two, the zPCI of the library, and memory. It is changed by the records that are no operations,
 * in the order of the capture.
 */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void replay_problem(struct replay *replay, uint64_t line, const char *format, ...)
{
	va_list args;
	int used = snprintf(replay->problem, sizeof(replay->problem), "%.240s:%" PRIu64 ": ", replay->path, line);

	va_start(args, format);
	vsnprintf(replay->problem + used, sizeof(replay->problem) - (size_t)used, format, args);
	va_end(args);
}

int replay_machine_create(struct replay *replay)
{
	struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	struct viommu_zpci_config zpci = { .size = sizeof(zpci), .event = replay_event, .ctx = replay };

	vm.pin = replay->options->pin;
	vm.pin_budget = replay->options->budget;
	vm.shadow_bytes = replay->options->shadow;
	if (replay->options->qemu)
		zpci.flags |= VIOMMU_ZPCI_QEMU_WAYS;
	replay->guest.filled_limit = replay->options->filled_limit;

	int err = replay_hosts_create(replay);
	if (!err)
		err = viommu_vm_create(&vm, &replay->vm);
	if (!err)
		err = viommu_zpci_create(replay->vm, &zpci, &replay->zpci);
	if (!err)
		return 0;
	if (!*replay->problem)
		snprintf(replay->problem, sizeof(replay->problem), "%.240s: no machine could be made: %s", replay->path, strerror(-err));
	return -1;
}

static int add_slot(struct replay *replay, uint64_t line, const struct capture_slot *record)
{
	const struct guest_slot *memory;
	if (guest_add(&replay->guest, record->gpa, record->bytes, record->prot, &memory)) {
		replay_problem(replay, line, "a slot of %s does not fit into this machine", cli_bytes(record->bytes));
		return -1;
	}
	struct viommu_slot slot = {
		.size = sizeof(slot),
		.prot = record->prot,
		.gpa = record->gpa,
		.bytes = record->bytes,
		.hva = memory->memory,
		.fd = -1,
	};
	int err = viommu_slot_add(replay->vm, &slot);
	if (!err)
		return 0;
	if (err == -EDQUOT)
		replay_problem(replay, line, "a slot of %s does not fit into a pin budget of %s", cli_bytes(record->bytes), cli_bytes(replay->options->budget));
	else
		replay_problem(replay, line, "the slot cannot be added: %s", strerror(-err));
	guest_remove(&replay->guest, record->gpa);
	return -1;
}

static int remove_slot(struct replay *replay, uint64_t line, uint64_t gpa)
{
	int err = viommu_slot_remove(replay->vm, gpa);
	if (err) {
		replay_problem(replay, line, "the slot cannot be removed: %s", strerror(-err));
		return -1;
	}
	const struct guest_slot *slot = guest_find(&replay->guest, gpa);
	for (unsigned int i = 0; slot && i < replay->function_count; i++) {
		if (replay->functions[i].recorded)
			recorded_drop(replay->functions[i].recorded, gpa, gpa + (slot->bytes - 1));
	}
	guest_remove(&replay->guest, gpa);
	return 0;
}

static int add_function(struct replay *replay, uint64_t line, const struct capture_function *record)
{
	struct viommu_zpci_function_config config = {
		.size = sizeof(config),
		.fid = record->fid,
		.fh = record->fh,
		.state = (uint32_t)record->state,
		.sdma = record->sdma,
		.edma = record->edma,
		.msia = record->msia,
		.dtsm = record->dtsm,
		.pft = record->pft,
		.no_refresh = record->no_refresh,
		.relaxed = record->relaxed,
		.host = replay->host,
	};
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;

	if (replay->function_count == REPLAY_MAX_FUNCTIONS) {
		replay_problem(replay, line, "more than %u functions at one time", REPLAY_MAX_FUNCTIONS);
		return -1;
	}
	struct replay_function function = { .device = replay_device_for(replay, record->fid) };
	if (function.device >= 0) {
		device.address = replay->options->devices[function.device];
		config.host = replay->kernel_host;
		config.device = &device;
		function.recorded = calloc(1, sizeof(*function.recorded));
	}
	int err = function.device >= 0 && !function.recorded ? -ENOMEM : viommu_zpci_function_add(replay->zpci, &config, &function.function);
	if (err) {
		free(function.recorded);
		replay_problem(replay, line, "the function 0x%08" PRIx32 " cannot be added: %s", record->fh,
			       err == -EEXIST ? "another one has its index or its fid" : strerror(-err));
		return -1;
	}
	replay->functions[replay->function_count++] = function;
	return replay_device_check(replay, line, &function);
}

struct replay_function *replay_find(struct replay *replay, uint32_t fh)
{
	struct viommu_zpci_function *function = viommu_zpci_find(replay->zpci, fh);
	for (unsigned int i = 0; function && i < replay->function_count; i++) {
		if (replay->functions[i].function == function)
			return &replay->functions[i];
	}
	return NULL;
}

static void free_function(struct replay_function *function)
{
	viommu_zpci_function_remove(function->function);
	if (function->recorded)
		recorded_free(function->recorded);
	free(function->recorded);
}

static int remove_function(struct replay *replay, uint64_t line, uint32_t fh)
{
	struct replay_function *function = replay_find(replay, fh);
	if (!function) {
		replay_problem(replay, line, "unplug: no function has the handle 0x%08" PRIx32, fh);
		return -1;
	}
	free_function(function);
	*function = replay->functions[--replay->function_count];
	/* Whatever speaks of the last operation's function would now speak of another. */
	replay->operation.function = NULL;
	return 0;
}

static int store(struct replay *replay, uint64_t line, const struct capture_mem *mem)
{
	int err = guest_store(&replay->guest, mem->gpa, mem->value, mem->count);
	if (!err)
		return 0;
	replay_problem(replay, line, "the capture fills more than %s of guest memory (--memory)", cli_bytes(replay->options->filled_limit));
	return -1;
}

int replay_apply(struct replay *replay, const struct capture_record *record)
{
	int err = 0;
	switch (record->kind) {
	case CAPTURE_SLOT:
		return add_slot(replay, record->line, &record->slot);
	case CAPTURE_UNSLOT:
		err = remove_slot(replay, record->line, record->unslot.gpa);
		break;
	case CAPTURE_FUNCTION:
		return add_function(replay, record->line, &record->function);
	case CAPTURE_UNPLUG:
		err = remove_function(replay, record->line, record->unplug.fh);
		break;
	case CAPTURE_MEM:
		return store(replay, record->line, &record->mem);
	default:
		return 0;
	}
	if (!err)
		replay_check(replay, true);
	return err;
}

void replay_machine_destroy(struct replay *replay)
{
	if (replay->vm) {
		while (replay->function_count)
			free_function(&replay->functions[--replay->function_count]);
		while (replay->guest.count && !viommu_slot_remove(replay->vm, replay->guest.slots[0].gpa))
			guest_remove(&replay->guest, replay->guest.slots[0].gpa);
		replay_check_torn_down(replay);
	}
	viommu_zpci_destroy(replay->zpci);
	viommu_vm_destroy(replay->vm);
	viommu_host_destroy(replay->kernel_host);
	viommu_host_destroy(replay->host);
	guest_free(&replay->guest);
}
