/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observing an SMMUv3. The callback of a store comes after the device has acted: QEMU consumes
 * commands in the thread of the vCPU that stores CMDQ_PROD, before the store ends. Meanwhile that
 * vCPU is stopped, and a guest lets one vCPU at a time submit commands. Invariants:
 *  - Stores become those of a guest with the library's SMMU. Stores that depend on the size of the
 *    command queue are adapted (queue.h), all others are passed on unmodified.
 *  - Guest memory is recorded as it was when QEMU answered: it is read before and after the query
 *    to QEMU. If a guest keeps changing it, the operation has no answers.
 *  - Changes are never lost: those of a store that is not an operation go to the next operation.
 *  - The guest notices nothing. A failing access is an event, which QEMU's SMMU would write into
 *    the guest's queue, so CR0.EVENTQEN is 0 during queries to QEMU. No vCPU's store can come in
 *    between, since registers need QEMU's lock.
 */
#include <stdlib.h>

#include "smmuv3/check.h"
#include "smmuv3/queue.h"
#include "smmuv3/spec.h"
#include "smmuv3/structures.h"
#include "stores.h"

static struct {
	struct streams streams;
	struct queue queue;
	struct invalids invalids;
	struct qemu_object *smmu;
	uint64_t address; /* of the SMMU's registers */
	uint32_t cr0;	  /* as the guest stored it, like all of these */
	struct stream_table table;
	bool quiet; /* QEMU's SMMU records no events */
} state;

static bool look(struct streams *streams, struct stream *stream)
{
	if (state.cr0 & REG_CR0_SMMUEN)
		return structures_look(&streams->observer->tables, &state.table, stream);
	stream->translates = false;
	runs_clear(&stream->valid);
	return true;
}

static bool invalidated(struct streams *streams, const struct stream *stream, uint64_t iova)
{
	(void)streams;
	return invalids_have(&state.invalids, stream->pci.requester, stream->asid, stream->granule, iova);
}

static void set_quiet(struct streams *streams, bool quiet)
{
	uint32_t result;

	(void)streams;
	if (quiet == state.quiet || !(state.cr0 & REG_CR0_EVENTQEN))
		return;
	address_space_stl_le(&address_space_memory, state.address + REG_CR0, quiet ? state.cr0 & ~REG_CR0_EVENTQEN : state.cr0, 0, &result);
	state.quiet = quiet;
}

/* Records the pending changes. */
static void record_changes(struct observer *observer)
{
	struct changes changes = tables_take_changes(&observer->tables);

	recorder_put_changes(&observer->recorder, &changes);
	free(changes.list);
}

static void found_stream(struct streams *streams, const struct stream *stream)
{
	struct capture_record record = { .kind = CAPTURE_STREAM, .stream = { .sid = stream->pci.requester } };

	record_changes(streams->observer);
	recorder_put(&streams->observer->recorder, &record);
	smmuv3_check_stream(&streams->observer->checker, stream);
}

static const struct stream_ops stream_ops = { .look = look, .invalidated = invalidated, .quiet = set_quiet, .found = found_stream };

/* asked: QEMU has answered, or the query was given up. */
static void tell(struct observer *observer, struct observation *observation, struct smmuv3_observation *operation, bool asked)
{
	/* More may be found during the comparison with the library. */
	struct changes changes = tables_take_changes(&observer->tables);

	observation->operation.time = observer_time(observer);
	observation->watch_ns = stores_watch_ns();
	observation->changes = &changes;
	operation->observation = observation;
	operation->streams = &state.streams;
	operation->asked = asked;
	if (asked) {
		observation->stretches = state.streams.stretches.list;
		observation->stretch_count = state.streams.stretches.count;
		operation->invalids = &state.invalids;
	}
	smmuv3_check(&observer->checker, operation);
	recorder_put_observation(&observer->recorder, observation);
	free(changes.list);
}

static void tell_write(struct observer *observer, uint64_t offset, unsigned int bytes, uint64_t value)
{
	struct observation observation = { .operation = { .kind = CAPTURE_WRITE, .write = { .offset = offset, .bytes = bytes, .value = value } } };

	tell(observer, &observation, &(struct smmuv3_observation){ 0 }, false);
}

static void took_command(void *ctx, const uint64_t command[2])
{
	struct observer *observer = ctx;

	if (!invalids_add(&state.invalids, command))
		observer->tables.lost = true;
}

/* Submits the commands that the guest has put into its queue. */
static void consume(struct observer *observer)
{
	struct observation observation = { .operation = { .kind = CAPTURE_WRITE, .write = { .offset = REG_CMDQ_PROD, .bytes = 4 } } };
	struct smmuv3_observation operation = { 0 };
	struct queue *queue = &state.queue;
	uint32_t result;
	bool complete;
	size_t i;

	if (!(state.cr0 & REG_CR0_CMDQEN) || queue->guest_prod == queue->guest_cons)
		return;
	invalids_clear(&state.invalids);
	/* The structures when the commands are submitted. They precede the commands. */
	streams_look(&state.streams, NULL);
	while (queue_take(queue, &observer->ram, &observer->tables.changes, took_command, observer) && queue->guest_prod != queue->guest_cons)
		tell_write(observer, REG_CMDQ_PROD, 4, queue->prod);
	observation.qemu_ns = streams_ask(&state.streams, NULL, &complete);
	observation.operation.write.value = queue->prod;
	operation.gave_up = !complete;
	operation.qemu_refuses = REG_CMDQ_CONS_ERR(address_space_ldl_le(&address_space_memory, state.address + REG_CMDQ_CONS, 0, &result));
	for (i = 0; state.invalids.configs && i < state.streams.count; i++)
		state.streams.list[i].sampled = false;
	tell(observer, &observation, &operation, true);
}

static void set_low(uint64_t *word, unsigned int bytes, uint64_t value)
{
	*word = bytes == 8 ? value : (*word & ~UINT64_C(0xffffffff)) | value;
}

static void set_high(uint64_t *word, uint64_t value)
{
	*word = (*word & UINT64_C(0xffffffff)) | value << 32;
}

/* A store to one register. */
static void store(struct observer *observer, uint64_t offset, unsigned int bytes, uint64_t value)
{
	struct queue *queue = &state.queue;
	uint32_t changed;

	switch (offset) {
	case REG_CMDQ_BASE:
		set_low(&queue->guest_base, bytes, value);
		tell_write(observer, REG_CMDQ_BASE, 8, QUEUE_GPA | QUEUE_BITS);
		return;
	case REG_CMDQ_BASE + 4:
		set_high(&queue->guest_base, value);
		return;
	case REG_CMDQ_PROD:
		queue->guest_prod = REG_QUEUE_INDEX(value);
		if (state.cr0 & REG_CR0_CMDQEN)
			consume(observer);
		else
			tell_write(observer, offset, 4, queue->prod);
		return;
	case REG_CMDQ_CONS:
		if (state.cr0 & REG_CR0_CMDQEN)
			return;
		queue->guest_cons = REG_QUEUE_INDEX(value);
		tell_write(observer, offset, 4, queue->prod);
		return;
	case REG_CR0:
		changed = state.cr0 ^ (uint32_t)value;
		state.cr0 = (uint32_t)value;
		if (changed & REG_CR0_SMMUEN)
			streams_forget(&state.streams);
		/* The structures that the SMMU reads on SMMUEN. */
		streams_look(&state.streams, NULL);
		tell_write(observer, offset, 4, value);
		if (changed & REG_CR0_CMDQEN)
			consume(observer);
		return;
	case REG_GBPA:
		streams_forget(&state.streams);
		break;
	case REG_STRTAB_BASE:
		set_low(&state.table.base, bytes, value);
		break;
	case REG_STRTAB_BASE + 4:
		set_high(&state.table.base, value);
		break;
	case REG_STRTAB_BASE_CFG:
		state.table.config = (uint32_t)value;
		break;
	}
	tell_write(observer, offset, bytes, value);
}

static void iommu_store(struct observer *observer, const struct qemu_target *target, uint64_t address, unsigned int bytes, uint64_t value)
{
	uint64_t offset = target->offset;

	if (state.smmu && state.smmu != target->object) {
		observer_give_up(observer, "nothing more is watched: there is a second SMMU");
		return;
	}
	if (bytes != 4 && bytes != 8)
		return;
	state.smmu = target->object;
	state.address = address - offset;
	if (bytes == 4 || offset == REG_STRTAB_BASE || offset == REG_CMDQ_BASE || offset == REG_EVENTQ_BASE) {
		store(observer, offset, bytes, value);
		return;
	}
	/* Two registers at once. */
	store(observer, offset, 4, value & UINT32_MAX);
	store(observer, offset + 4, 4, value >> 32);
}

static void device_store(struct observer *observer, struct qemu_object *device)
{
	struct observation observation = { .operation = { .kind = CAPTURE_KICK } };
	struct stream *stream = streams_of(&state.streams, device);
	struct smmuv3_observation operation = { 0 };
	bool complete;

	if (!stream)
		return;
	invalids_clear(&state.invalids);
	observation.qemu_ns = streams_ask(&state.streams, stream, &complete);
	/* Without changes, there is no query for the library either. */
	if (!state.streams.stretches.count && complete)
		return;
	stream->sampled = true;
	observation.operation.kick.sid = stream->pci.requester;
	operation.gave_up = !complete;
	tell(observer, &observation, &operation, true);
}

static const struct store_ops store_ops = { .iommu = "arm-smmuv3", .iommu_store = iommu_store, .device_store = device_store };

static int watch(struct observer *observer, qemu_plugin_id_t id, const struct qemu_plugin_info *info)
{
	(void)info;
	if (!queue_init(&state.queue))
		return arguments_complain("out of memory", "");
	state.streams.observer = observer;
	state.streams.ops = &stream_ops;
	stores_watch(observer, &store_ops, id);
	return 0;
}

static void ready(struct observer *observer)
{
	struct capture_record queue = { .kind = CAPTURE_SLOT, .slot = { .gpa = QUEUE_GPA, .bytes = QUEUE_BYTES, .prot = CAPTURE_R } };
	/* Like QEMU's SMMU: devices reach all of memory until the guest configures it. */
	struct capture_record smmu = { .kind = CAPTURE_SMMU };
	struct checker *checker = &observer->checker;

	recorder_put_note(&observer->recorder, "the next slot is no memory of the guest's: what it puts into its command queue, recorded as a smaller one");
	recorder_put(&observer->recorder, &queue);
	recorder_put(&observer->recorder, &smmu);
	if (checker->ready && checker_add_slot(checker, QUEUE_GPA, state.queue.commands, QUEUE_BYTES, VIOMMU_READ)) {
		checker_say(checker, LIVE_NOTE, "nothing is checked: the library's VM has no command queue");
		checker->ready = false;
	}
	streams_find(&state.streams);
}

const struct observer_ops smmuv3_observer_ops = {
	.target = "aarch64",
	.guest = CAPTURE_SMMUV3,
	.needs = QEMU_RAM | QEMU_DEVICES | QEMU_MEMORY,
	.check = &smmuv3_check_ops,
	.watch = watch,
	.ready = ready,
};
