// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The machine of a replay: a VM, one or two hosts, a guest IOMMU of the library, and memory. The
 * records of the capture change it in their order.
 */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "streams/streams.h"
#include "zpci/zpci.h"

const struct replay_iommu *const replay_iommus[REPLAY_IOMMUS] = {
	[CAPTURE_ZPCI - 1] = &replay_zpci,   [CAPTURE_SMMUV3 - 1] = &replay_smmuv3, [CAPTURE_VTD - 1] = &replay_vtd,
	[CAPTURE_AMDVI - 1] = &replay_amdvi, [CAPTURE_VIRTIO - 1] = &replay_virtio,
};

void replay_problem(struct replay *replay, uint64_t line, const char *format, ...)
{
	va_list args;
	int used = snprintf(replay->problem, sizeof(replay->problem), "%.240s:%" PRIu64 ": ", replay->path, line);

	va_start(args, format);
	vsnprintf(replay->problem + used, sizeof(replay->problem) - (size_t)used, format, args);
	va_end(args);
}

int replay_machine_create(struct replay *replay, enum capture_guest guest)
{
	struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;

	replay->iommu = replay_iommus[guest - 1];
	replay->counts.of[guest - 1] = true;
	const char *why = replay->iommu->refuses ? replay->iommu->refuses(replay->options) : NULL;
	if (why) {
		snprintf(replay->problem, sizeof(replay->problem), "%.240s: %s", replay->path, why);
		return -1;
	}
	replay->guest.little_endian = replay->iommu->little_endian;
	vm.pin = replay->options->pin;
	vm.pin_budget = replay->options->budget;
	vm.shadow_bytes = replay->options->shadow;
	replay->guest.filled_limit = replay->options->filled_limit;

	int err = replay_hosts_create(replay);
	if (!err)
		err = viommu_vm_create(&vm, &replay->vm);
	if (!err)
		err = replay->iommu->create(replay);
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

int replay_make_place(struct replay *replay, uint64_t line)
{
	if (replay->function_count < REPLAY_MAX_FUNCTIONS)
		return 0;
	replay_problem(replay, line, "more than %u %ss at one time", REPLAY_MAX_FUNCTIONS, replay->iommu->function);
	return -1;
}

static void free_function(const struct replay *replay, struct replay_function *function)
{
	replay->iommu->remove(function);
	if (function->recorded)
		recorded_free(function->recorded);
	free(function->recorded);
}

void replay_remove_function(struct replay *replay, struct replay_function *function)
{
	free_function(replay, function);
	*function = replay->functions[--replay->function_count];
	/* References to the last operation's function would refer to another one now. */
	replay->operation.function = NULL;
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
	case CAPTURE_MEM:
		return store(replay, record->line, &record->mem);
	default:
		return replay->iommu->apply(replay, record);
	}
	if (!err)
		replay_check(replay, true);
	return err;
}

struct replay_answers *replay_answers_of(struct replay *replay)
{
	return &replay->counts.answers[replay->iommu->guest - 1][replay->operation.instruction];
}

void replay_operation(struct replay *replay, const struct capture_record *record)
{
	replay->operation = (struct replay_operation){
		.record = *record,
		.number = replay->counts.operations + 1,
		.instruction = replay->iommu->instruction_of(record),
	};
	replay->iommu->operation(replay);
	replay_check(replay, false);
}

void replay_machine_destroy(struct replay *replay)
{
	if (replay->vm) {
		while (replay->function_count)
			free_function(replay, &replay->functions[--replay->function_count]);
		while (replay->guest.count && !viommu_slot_remove(replay->vm, replay->guest.slots[0].gpa))
			guest_remove(&replay->guest, replay->guest.slots[0].gpa);
		replay_check_torn_down(replay);
	}
	if (replay->iommu)
		replay->iommu->destroy(replay);
	viommu_vm_destroy(replay->vm);
	viommu_host_destroy(replay->kernel_host);
	viommu_host_destroy(replay->host);
	guest_free(&replay->guest);
}
