/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observing an SMMUv3. A guest lets one vCPU at a time submit commands. Stores become those of a
 * guest with the library's SMMU: those that depend on the size of the command queue are adapted
 * (queue.h), all others are passed on unmodified. A failing access is an event, which QEMU's SMMU
 * would write into the guest's queue, so CR0.EVENTQEN is 0 during queries to QEMU.
 */
#include "smmuv3/commands.h"
#include "smmuv3/queue.h"
#include "smmuv3/spec.h"
#include "smmuv3/structures.h"
#include "watched.h"

static struct {
	struct queue queue;
	uint32_t cr0; /* as the guest stored it, like all of these */
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

static void set_quiet(struct streams *streams, bool quiet)
{
	if (quiet == state.quiet || !(state.cr0 & REG_CR0_EVENTQEN))
		return;
	watched_set32(watched_of(streams), REG_CR0, quiet ? state.cr0 & ~REG_CR0_EVENTQEN : state.cr0);
	state.quiet = quiet;
}

static void took_command(void *ctx, const uint64_t command[2])
{
	struct watched *watched = ctx;

	if (!smmuv3_invalids_add(&watched->invalids, command))
		watched->observer->tables.lost = true;
}

/* Submits the commands that the guest has put into its queue. */
static void consume(struct watched *watched)
{
	struct capture_record operation = { .kind = CAPTURE_WRITE, .write = { .offset = REG_CMDQ_PROD, .bytes = 4 } };
	struct observer *observer = watched->observer;
	struct queue *queue = &state.queue;

	if (!(state.cr0 & REG_CR0_CMDQEN) || queue->guest_prod == queue->guest_cons)
		return;
	invalids_clear(&watched->invalids);
	/* The structures when the commands are submitted. They precede the commands. */
	streams_look(&watched->streams, NULL);
	while (queue_take(queue, &observer->ram, &observer->tables.changes, took_command, watched) && queue->guest_prod != queue->guest_cons)
		watched_write(watched, REG_CMDQ_PROD, 4, queue->prod);
	operation.write.value = queue->prod;
	watched_submit(watched, &operation);
}

static bool refuses(struct watched *watched)
{
	return REG_CMDQ_CONS_ERR(watched_get32(watched, REG_CMDQ_CONS));
}

/* A store to one register. */
static void store_one(struct watched *watched, uint64_t offset, unsigned int bytes, uint64_t value)
{
	struct queue *queue = &state.queue;
	uint32_t changed;

	switch (offset) {
	case REG_CMDQ_BASE:
		watched_set_low(&queue->guest_base, bytes, value);
		watched_write(watched, REG_CMDQ_BASE, 8, QUEUE_GPA | QUEUE_BITS);
		return;
	case REG_CMDQ_BASE + 4:
		watched_set_high(&queue->guest_base, value);
		return;
	case REG_CMDQ_PROD:
		queue->guest_prod = REG_QUEUE_INDEX(value);
		if (state.cr0 & REG_CR0_CMDQEN)
			consume(watched);
		else
			watched_write(watched, offset, 4, queue->prod);
		return;
	case REG_CMDQ_CONS:
		if (state.cr0 & REG_CR0_CMDQEN)
			return;
		queue->guest_cons = REG_QUEUE_INDEX(value);
		watched_write(watched, offset, 4, queue->prod);
		return;
	case REG_CR0:
		changed = state.cr0 ^ (uint32_t)value;
		state.cr0 = (uint32_t)value;
		if (changed & REG_CR0_SMMUEN)
			streams_forget(&watched->streams);
		/* The structures that the SMMU reads on SMMUEN. */
		streams_look(&watched->streams, NULL);
		watched_write(watched, offset, 4, value);
		if (changed & REG_CR0_CMDQEN)
			consume(watched);
		return;
	case REG_GBPA:
		streams_forget(&watched->streams);
		break;
	case REG_STRTAB_BASE:
		watched_set_low(&state.table.base, bytes, value);
		break;
	case REG_STRTAB_BASE + 4:
		watched_set_high(&state.table.base, value);
		break;
	case REG_STRTAB_BASE_CFG:
		state.table.config = (uint32_t)value;
		break;
	}
	watched_write(watched, offset, bytes, value);
}

static void store(struct watched *watched, const struct qemu_target *target, unsigned int bytes, uint64_t value)
{
	uint64_t offset = target->offset;

	if (bytes != 4 && bytes != 8)
		return;
	if (bytes == 4 || offset == REG_STRTAB_BASE || offset == REG_CMDQ_BASE || offset == REG_EVENTQ_BASE) {
		store_one(watched, offset, bytes, value);
		return;
	}
	/* Two registers at once. */
	store_one(watched, offset, 4, value & UINT32_MAX);
	store_one(watched, offset + 4, 4, value >> 32);
}

static void silence(struct capture_write *write)
{
	if (write->offset == REG_CR0)
		write->value &= ~(uint64_t)REG_CR0_EVENTQEN;
}

/* Like QEMU's SMMU: devices reach all of memory until the guest configures it. */
static bool begin(struct watched *watched, struct capture_record *iommu)
{
	struct capture_record queue = { .kind = CAPTURE_SLOT, .slot = { .gpa = QUEUE_GPA, .bytes = QUEUE_BYTES, .prot = CAPTURE_R } };
	struct checker *checker = &watched->observer->checker;

	iommu->kind = CAPTURE_SMMU;
	if (!queue_init(&state.queue)) {
		observer_give_up(watched->observer, "nothing is watched: out of memory");
		return false;
	}
	recorder_put_note(&watched->observer->recorder,
			  "the next slot is no memory of the guest's: what it puts into its command queue, recorded as a smaller one");
	recorder_put(&watched->observer->recorder, &queue);
	if (checker->ready && checker_add_slot(checker, QUEUE_GPA, state.queue.commands, QUEUE_BYTES, VIOMMU_READ)) {
		checker_say(checker, LIVE_NOTE, "nothing is checked: the library's VM has no command queue");
		checker->ready = false;
	}
	return true;
}

const struct watched_ops smmuv3_watched_ops = {
	.streams = { .look = look, .quiet = set_quiet },
	.begin = begin,
	.store = store,
	.refuses = refuses,
	.silence = silence,
};
