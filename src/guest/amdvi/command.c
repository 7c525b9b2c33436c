/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands (48882, "Commands"). What a command asks for is done before a COMPLETION_WAIT behind it
 * is passed, and before the store that had it consumed returns.
 */
#include "amdvi.h"

/* The most that one entry covers, which is invalidated with any of its addresses: 4 PiB. */
#define ENTRY_BITS 52u

static unsigned int wait(struct viommu_amdvi *amdvi, const uint64_t *command)
{
	uint64_t gpa = command[0] & VIOMMU_AMDVI_CMD0_WAIT_ADDRESS;

	guest_iommu_sync(&amdvi->iommu);
	guest_count(&amdvi->iommu.counts.syncs);
	if (command[0] & VIOMMU_AMDVI_CMD0_WAIT_STORE && !guest_memory_store(&amdvi->iommu.memory, gpa, &command[1], 1)) {
		amdvi->store = gpa;
		return ERROR_STORE;
	}
	if (command[0] & VIOMMU_AMDVI_CMD0_WAIT_INTERRUPT) {
		port_lock(&amdvi->iommu.lock);
		amdvi_set_status(amdvi, VIOMMU_AMDVI_STATUS_COM_WAIT_INT);
		port_unlock(&amdvi->iommu.lock);
	}
	return ERROR_NONE;
}

/* S: the lowest address bit that is 0, from bit 12 on, is half the size; without one, all. */
static void invalidate_pages(struct viommu_amdvi *amdvi, const uint64_t *command)
{
	uint64_t address = command[1] & VIOMMU_AMDVI_CMD1_PAGES_ADDRESS, rest = VIOMMU_PAGE_SIZE - 1;
	struct guest_range range = { .context = VIOMMU_AMDVI_CMD0_DOMAIN_ID(command[0]), .entry_bits = ENTRY_BITS };

	if (command[1] & VIOMMU_AMDVI_CMD1_PAGES_SIZE) {
		rest |= address;
		rest ^= rest + 1;
	}
	range.first = address & ~rest;
	range.last = address | rest;
	guest_count(&amdvi->iommu.counts.invalidations);
	guest_iommu_invalidate(&amdvi->iommu, range);
}

/*
 * Reserved bits. Those of absent features are among them: PASIDs and guest translation (GN). A
 * command of an absent feature is illegal: IOTLBs of devices, and PPR.
 */
static const struct {
	bool supported;
	uint64_t reserved[VIOMMU_AMDVI_CMD_WORDS];
} commands[16] = {
	[VIOMMU_AMDVI_COMPLETION_WAIT] = { true, { UINT64_C(0x0ff0000000000000), 0 } },
	[VIOMMU_AMDVI_INVALIDATE_DEVTAB_ENTRY] = { true, { UINT64_C(0x0fffffffffff0000), UINT64_MAX } },
	[VIOMMU_AMDVI_INVALIDATE_IOMMU_PAGES] = { true, { UINT64_C(0x0fff0000ffffffff), UINT64_C(0xffc) } },
	[VIOMMU_AMDVI_INVALIDATE_INTERRUPT_TABLE] = { true, { UINT64_C(0x0fffffffffff0000), UINT64_MAX } },
	[VIOMMU_AMDVI_PREFETCH_IOMMU_PAGES] = { true, { UINT64_C(0x0ff0000000ff0000), UINT64_C(0xfee) } },
	[VIOMMU_AMDVI_INVALIDATE_IOMMU_ALL] = { true, { UINT64_C(0x0fffffffffffffff), UINT64_MAX } },
};

unsigned int amdvi_execute(struct guest_iommu *iommu, const uint64_t *command)
{
	struct viommu_amdvi *amdvi = amdvi_of(iommu);
	unsigned int opcode = VIOMMU_AMDVI_CMD0_OPCODE(command[0]);

	if (!commands[opcode].supported || command[0] & commands[opcode].reserved[0] || command[1] & commands[opcode].reserved[1])
		return ERROR_ILLEGAL;
	switch (opcode) {
	case VIOMMU_AMDVI_COMPLETION_WAIT:
		return wait(amdvi, command);
	case VIOMMU_AMDVI_INVALIDATE_DEVTAB_ENTRY:
		guest_count(&iommu->counts.configs);
		guest_iommu_configure(iommu, VIOMMU_AMDVI_CMD0_DEVICE_ID(command[0]), 0);
		break;
	case VIOMMU_AMDVI_INVALIDATE_IOMMU_PAGES:
		invalidate_pages(amdvi, command);
		break;
	case VIOMMU_AMDVI_INVALIDATE_IOMMU_ALL:
		guest_count(&iommu->counts.configs);
		guest_count(&iommu->counts.invalidations);
		guest_iommu_configure(iommu, 0, GUEST_ALL_IDS);
		guest_iommu_invalidate(iommu, (struct guest_range){ .all = true, .last = UINT64_MAX });
		break;
	default: /* interrupt tables are read for each interrupt, and nothing is fetched ahead */
		break;
	}
	return ERROR_NONE;
}
