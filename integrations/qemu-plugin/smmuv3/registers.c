/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stores to the SMMU's registers, as a guest would do them that had found the library's SMMU: what depends on the size of the command queue is adapted (queue.h),
 * all else is handed on as it is.
 */
#include "observer_state.h"

#include "guest/smmuv3/spec.h"

static void tell_write(struct smmu_observer *observer, uint64_t offset, unsigned int bytes, uint64_t value)
{
	struct observation observation = { .operation = { .kind = CAPTURE_WRITE, .write = { .offset = offset, .bytes = bytes, .value = value } } };

	observe_tell(observer, &observation, false);
}

static void took_command(void *ctx, uint64_t gpa, const uint64_t command[2])
{
	struct smmu_observer *observer = ctx;

	tables_report(&observer->tables, gpa, command[0]);
	tables_report(&observer->tables, gpa + 8, command[1]);
	if (!invalids_add(&observer->invalids, command))
		observer->tables.lost = true;
}

/* What the configuration of streams hangs on has changed: what was known of them is void. */
static void forget_streams(struct smmu_observer *observer)
{
	size_t i;

	for (i = 0; i < observer->stream_count; i++) {
		observer->streams[i].asked.count = 0;
		observer->streams[i].sampled = false;
	}
}

/* Hands on the commands that the guest has put into its queue. */
static void consume(struct smmu_observer *observer)
{
	struct observation observation = { .operation = { .kind = CAPTURE_WRITE, .write = { .offset = VIOMMU_SMMUV3_CMDQ_PROD, .bytes = 4 } } };
	struct queue *queue = &observer->queue;
	size_t i;

	if (!(observer->cr0 & CR0_CMDQEN) || queue->guest_prod == queue->guest_cons)
		return;
	invalids_clear(&observer->invalids);
	/* The structures as they are when the commands are handed in, ahead of all of these. */
	observe_look(observer, NULL);
	while (queue_take(queue, &observer->ram, took_command, observer) && queue->guest_prod != queue->guest_cons)
		tell_write(observer, VIOMMU_SMMUV3_CMDQ_PROD, 4, queue->prod);
	observation.qemu_ns = observe_look_and_ask(observer, NULL);
	observation.operation.write.value = queue->prod;
	observation.qemu_refuses = qemu_load(&observer->qemu, observer->address + VIOMMU_SMMUV3_CMDQ_CONS) & CMDQ_CONS_ERR;
	for (i = 0; observer->invalids.configs && i < observer->stream_count; i++)
		observer->streams[i].sampled = false;
	observe_tell(observer, &observation, true);
}

/* A store to one register. */
static void store(struct smmu_observer *observer, uint64_t offset, unsigned int bytes, uint64_t value)
{
	struct queue *queue = &observer->queue;
	uint32_t changed;

	switch (offset) {
	case VIOMMU_SMMUV3_CMDQ_BASE:
		queue->guest_base = bytes == 8 ? value : (queue->guest_base & ~UINT64_C(0xffffffff)) | value;
		tell_write(observer, VIOMMU_SMMUV3_CMDQ_BASE, 8, QUEUE_GPA | QUEUE_BITS);
		break;
	case VIOMMU_SMMUV3_CMDQ_BASE + 4:
		queue->guest_base = (queue->guest_base & UINT64_C(0xffffffff)) | value << 32;
		break;
	case VIOMMU_SMMUV3_CMDQ_PROD:
		queue->guest_prod = value & QUEUE_INDEX;
		if (observer->cr0 & CR0_CMDQEN)
			consume(observer);
		else
			tell_write(observer, offset, 4, queue->prod);
		break;
	case VIOMMU_SMMUV3_CMDQ_CONS:
		if (observer->cr0 & CR0_CMDQEN)
			break;
		queue->guest_cons = value & QUEUE_INDEX;
		tell_write(observer, offset, 4, queue->prod);
		break;
	case VIOMMU_SMMUV3_CR0:
		changed = observer->cr0 ^ (uint32_t)value;
		observer->cr0 = (uint32_t)value;
		if (changed & CR0_SMMUEN)
			forget_streams(observer);
		/* What SMMUEN makes the SMMU read. */
		observe_look(observer, NULL);
		tell_write(observer, offset, 4, value);
		if (changed & CR0_CMDQEN)
			consume(observer);
		break;
	case VIOMMU_SMMUV3_GBPA:
		forget_streams(observer);
		tell_write(observer, offset, 4, value);
		break;
	case VIOMMU_SMMUV3_STRTAB_BASE:
		observer->table.base = bytes == 8 ? value : (observer->table.base & ~UINT64_C(0xffffffff)) | value;
		tell_write(observer, offset, bytes, value);
		break;
	case VIOMMU_SMMUV3_STRTAB_BASE + 4:
		observer->table.base = (observer->table.base & UINT64_C(0xffffffff)) | value << 32;
		tell_write(observer, offset, bytes, value);
		break;
	case VIOMMU_SMMUV3_STRTAB_BASE_CFG:
		observer->table.config = (uint32_t)value;
		tell_write(observer, offset, bytes, value);
		break;
	default:
		tell_write(observer, offset, bytes, value);
	}
}

static bool is_wide(uint64_t offset)
{
	return offset == VIOMMU_SMMUV3_STRTAB_BASE || offset == VIOMMU_SMMUV3_CMDQ_BASE || offset == VIOMMU_SMMUV3_EVENTQ_BASE;
}

void observe_registers(struct smmu_observer *observer, uint64_t offset, unsigned int bytes, uint64_t value)
{
	if (bytes == 4 || is_wide(offset)) {
		store(observer, offset, bytes, value);
		return;
	}
	/* Two registers at once. */
	store(observer, offset, 4, value & UINT32_MAX);
	store(observer, offset + 4, 4, value >> 32);
}
