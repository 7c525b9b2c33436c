/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The registers, the command buffer and the event log (48882, "MMIO Registers", "Commands", "Event
 * Logging").
 *
 * The base of a buffer, and the index that the IOMMU writes, ignore stores while it runs; a store
 * to the base sets both indices to 0.
 *
 * A command that cannot be executed stops the buffer: CmdBufRun is 0, the head stays at the
 * command, and an event says why. An event that finds the log full is lost: EventOverflow is 1 and
 * EventLogRun 0. No event is logged until both are undone. The log also stops where it is not in
 * memory. The IOMMU has one interrupt, raised when a status bit that is enabled for that becomes 1.
 */
#include "amdvi.h"

/* Conditions that lock bits. */
enum { COMMANDS_RUN = 1, EVENTS_RUN = 2, NO_X2APIC = 4 };

enum { EFFECT_NONE, EFFECT_CONTROL, EFFECT_BASE, EFFECT_EXCLUSION, EFFECT_CMD_TAIL, EFFECT_STATUS };

/* log2 of the number of entries is in bits 59:56; 0 to 7 are reserved, and count as 8. */
#define BUFFER_BASE	  (AMDV1_ADDRESS | UINT64_C(0xf) << 56)
#define BUFFER_BASE_RESET (UINT64_C(8) << 56)
#define BUFFER_INDEX	  UINT64_C(0x7fff0)
/* HtTunEn, InvTimeOut, PassPW, ResPassPW, Coherent and Isoc are kept, and have no effect. */
#define CONTROL_ALL	 UINT64_C(0x21fff)
#define CONTROL_XT	 (VIOMMU_AMDVI_CONTROL_XT_EN | VIOMMU_AMDVI_CONTROL_INT_CAP_XT)
#define XT_INTERRUPT_ALL UINT64_C(0xff0001ffffffff04)
#define EVENT_INTS	 (VIOMMU_AMDVI_STATUS_EVENT_OVERFLOW | VIOMMU_AMDVI_STATUS_EVENT_LOG_INT)
#define LATCHED		 (EVENT_INTS | VIOMMU_AMDVI_STATUS_COM_WAIT_INT)
#define RUNNING		 (VIOMMU_AMDVI_STATUS_EVENT_LOG_RUN | VIOMMU_AMDVI_STATUS_CMD_BUF_RUN)

const struct guest_register amdvi_registers[REGISTERS] = {
	[REG_DEV_TAB_BASE] = { VIOMMU_AMDVI_DEV_TAB_BASE, 8, .writable = AMDV1_ADDRESS | DEV_TAB_BASE_SIZE },
	[REG_CMD_BASE] = { VIOMMU_AMDVI_CMD_BASE, 8, COMMANDS_RUN, EFFECT_BASE, .reset = BUFFER_BASE_RESET, .writable = BUFFER_BASE },
	[REG_EVENT_BASE] = { VIOMMU_AMDVI_EVENT_BASE, 8, EVENTS_RUN, EFFECT_BASE, .reset = BUFFER_BASE_RESET, .writable = BUFFER_BASE },
	[REG_CONTROL] = { VIOMMU_AMDVI_CONTROL, 8, .effect = EFFECT_CONTROL, .writable = CONTROL_ALL },
	[REG_CONTROL_XT] = { VIOMMU_AMDVI_CONTROL, 8, NO_X2APIC, .writable = CONTROL_XT },
	[REG_EXCLUSION_BASE] = { VIOMMU_AMDVI_EXCLUSION_BASE, 8, .effect = EFFECT_EXCLUSION,
				 .writable = AMDV1_ADDRESS | VIOMMU_AMDVI_EXCLUSION_EN | VIOMMU_AMDVI_EXCLUSION_ALLOW },
	[REG_EXCLUSION_LIMIT] = { VIOMMU_AMDVI_EXCLUSION_LIMIT, 8, .effect = EFFECT_EXCLUSION, .writable = AMDV1_ADDRESS },
	[REG_EXT_FEATURES] = { .offset = VIOMMU_AMDVI_EXT_FEATURES, .bytes = 8 },
	[REG_XT_INTERRUPT] = { VIOMMU_AMDVI_XT_INTERRUPT, 8, NO_X2APIC, .writable = XT_INTERRUPT_ALL },
	[REG_CMD_HEAD] = { VIOMMU_AMDVI_CMD_HEAD, 8, COMMANDS_RUN, .writable = BUFFER_INDEX },
	[REG_CMD_TAIL] = { VIOMMU_AMDVI_CMD_TAIL, 8, .effect = EFFECT_CMD_TAIL, .writable = BUFFER_INDEX },
	[REG_EVENT_HEAD] = { VIOMMU_AMDVI_EVENT_HEAD, 8, .light = true, .writable = BUFFER_INDEX },
	[REG_EVENT_TAIL] = { VIOMMU_AMDVI_EVENT_TAIL, 8, EVENTS_RUN, .writable = BUFFER_INDEX },
	/* The upper half is reserved. */
	[REG_STATUS] = { VIOMMU_AMDVI_STATUS, 4, .effect = EFFECT_STATUS, .light = true, .internal = LATCHED | RUNNING },
};

unsigned int amdvi_conditions(const struct guest_iommu *iommu)
{
	uint64_t status = amdvi_of(iommu)->reg[REG_STATUS];

	return (status & VIOMMU_AMDVI_STATUS_CMD_BUF_RUN ? COMMANDS_RUN : 0) | (status & VIOMMU_AMDVI_STATUS_EVENT_LOG_RUN ? EVENTS_RUN : 0) |
	       (amdvi_of(iommu)->config.flags & VIOMMU_AMDVI_X2APIC ? 0 : NO_X2APIC);
}

/* The status bits of what the control register lets run: a disabled IOMMU does neither. */
static uint64_t running(uint64_t control)
{
	uint64_t bits = (control & VIOMMU_AMDVI_CONTROL_CMD_BUF_EN ? VIOMMU_AMDVI_STATUS_CMD_BUF_RUN : 0) |
			(control & VIOMMU_AMDVI_CONTROL_EVENT_LOG_EN ? VIOMMU_AMDVI_STATUS_EVENT_LOG_RUN : 0);

	return control & VIOMMU_AMDVI_CONTROL_IOMMU_EN ? bits : 0;
}

/* The status bits that interrupt. */
static uint64_t interrupting(uint64_t control)
{
	return (control & VIOMMU_AMDVI_CONTROL_EVENT_INT_EN ? EVENT_INTS : 0) |
	       (control & VIOMMU_AMDVI_CONTROL_COM_WAIT_EN ? VIOMMU_AMDVI_STATUS_COM_WAIT_INT : 0);
}

void amdvi_set_status(struct viommu_amdvi *amdvi, uint64_t bits)
{
	uint64_t *reg = amdvi->reg;

	if (bits & ~reg[REG_STATUS] & interrupting(reg[REG_CONTROL]))
		guest_iommu_note(&amdvi->iommu, 0);
	reg[REG_STATUS] |= bits;
}

/* A buffer that an error or an overflow has stopped runs again when it is enabled anew. */
static unsigned int control(struct viommu_amdvi *amdvi, uint64_t old)
{
	uint64_t *reg = amdvi->reg, new = reg[REG_CONTROL], begins = running(new) & ~running(old);

	reg[REG_STATUS] = (reg[REG_STATUS] & (running(new) | LATCHED)) | begins;
	if (interrupting(new) & ~interrupting(old) & reg[REG_STATUS])
		guest_iommu_note(&amdvi->iommu, 0);
	return ((new ^ old) & VIOMMU_AMDVI_CONTROL_IOMMU_EN ? GUEST_CONFIGURE : 0u) | (begins & VIOMMU_AMDVI_STATUS_CMD_BUF_RUN ? GUEST_CONSUME : 0u);
}

unsigned int amdvi_stored(struct guest_iommu *iommu, const struct guest_store *store)
{
	/* Of the buffer; its tail is the next row. */
	unsigned int head = store->row == REG_CMD_BASE ? REG_CMD_HEAD : REG_EVENT_HEAD;
	uint64_t *reg = amdvi_of(iommu)->reg;

	switch (store->effect) {
	case EFFECT_CONTROL:
		return control(amdvi_of(iommu), store->old);
	case EFFECT_BASE:
		if (!(amdvi_registers[store->row].locked_by & amdvi_conditions(iommu)))
			reg[head] = reg[head + 1] = 0;
		return 0;
	case EFFECT_EXCLUSION:
		return reg[REG_CONTROL] & VIOMMU_AMDVI_CONTROL_IOMMU_EN ? GUEST_CONFIGURE : 0;
	case EFFECT_CMD_TAIL:
		return GUEST_CONSUME;
	case EFFECT_STATUS:
		reg[REG_STATUS] &= ~(store->written & LATCHED);
		return 0;
	default:
		return 0;
	}
}

static bool find_buffer(uint64_t *reg, enum amdvi_register base, enum amdvi_register producer, enum amdvi_register consumer, uint64_t run,
			struct guest_ring *ring)
{
	unsigned int length = (unsigned int)(reg[base] >> 56);

	ring->queue = (struct guest_queue){ .gpa = reg[base] & AMDV1_ADDRESS, .entries = 1u << (length > 8 ? length : 8), .entry_bytes = 16, .step = 16 };
	ring->producer = &reg[producer];
	ring->consumer = &reg[consumer];
	return reg[REG_STATUS] & run;
}

bool amdvi_commands(struct guest_iommu *iommu, struct guest_ring *ring)
{
	return find_buffer(amdvi_of(iommu)->reg, REG_CMD_BASE, REG_CMD_TAIL, REG_CMD_HEAD, VIOMMU_AMDVI_STATUS_CMD_BUF_RUN, ring);
}

void amdvi_stop(struct guest_iommu *iommu, unsigned int error)
{
	struct viommu_amdvi *amdvi = amdvi_of(iommu);
	uint64_t event[VIOMMU_AMDVI_EVENT_WORDS];
	struct guest_ring ring;

	(void)amdvi_commands(iommu, &ring);
	event[0] = error == ERROR_ILLEGAL ? VIOMMU_AMDVI_EVENT0(VIOMMU_AMDVI_ILLEGAL_COMMAND_ERROR)
					  : VIOMMU_AMDVI_EVENT0(VIOMMU_AMDVI_COMMAND_HARDWARE_ERROR) | VIOMMU_AMDVI_EVENT0_MASTER_ABORT;
	event[1] = error == ERROR_STORE ? amdvi->store : guest_queue_entry(&ring.queue, (uint32_t)*ring.consumer);
	guest_iommu_record(iommu, NULL, event);
	amdvi->reg[REG_STATUS] &= ~(uint64_t)VIOMMU_AMDVI_STATUS_CMD_BUF_RUN;
}

bool amdvi_events(struct guest_iommu *iommu, struct guest_ring *ring)
{
	uint64_t *reg = amdvi_of(iommu)->reg;

	return find_buffer(reg, REG_EVENT_BASE, REG_EVENT_TAIL, REG_EVENT_HEAD, VIOMMU_AMDVI_STATUS_EVENT_LOG_RUN, ring) &&
	       !(reg[REG_STATUS] & VIOMMU_AMDVI_STATUS_EVENT_OVERFLOW);
}

void amdvi_recorded(struct guest_iommu *iommu)
{
	amdvi_set_status(amdvi_of(iommu), VIOMMU_AMDVI_STATUS_EVENT_LOG_INT);
}

void amdvi_overflow(struct guest_iommu *iommu)
{
	amdvi_set_status(amdvi_of(iommu), VIOMMU_AMDVI_STATUS_EVENT_OVERFLOW);
	amdvi_abort(iommu);
}

void amdvi_abort(struct guest_iommu *iommu)
{
	amdvi_of(iommu)->reg[REG_STATUS] &= ~(uint64_t)VIOMMU_AMDVI_STATUS_EVENT_LOG_RUN;
}
