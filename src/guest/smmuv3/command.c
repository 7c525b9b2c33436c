/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command queue (IHI 0070, chapter 4 and section 3.5).
 *
 * What holds: commands are consumed in their order, until there are none, or until one is refused: then CONS stays at it, CONS.ERR says why, and
 * GERROR.CMDQ_ERR stops the queue until the guest has acknowledged it (section 7.1). What a command asks for is done before a CMD_SYNC behind it is passed, and
 * before the store that had it consumed returns. Each command is loaded once. One store consumes no more than two queues of commands, as the producer's index
 * has one bit more than the queue's.
 */
#include "invalidate.h"
#include "memory.h"
#include "target.h"

/* A range command says how many of a StreamID's low bits are not looked at; all of them is CMD_CFGI_ALL (sections 4.3.2 and 4.3.3). */
static void configure_range(struct viommu_smmuv3 *smmu, uint32_t sid, unsigned int range)
{
	smmuv3_each(smmu, device) if (!((uint64_t)(device->sid ^ sid) >> (range + 1))) smmuv3_configure(device);
}

static void configure(struct viommu_smmuv3 *smmu, uint32_t sid)
{
	struct viommu_smmuv3_device *device = smmuv3_lookup(smmu, sid);

	if (device)
		smmuv3_configure(device);
}

static void sync(struct viommu_smmuv3 *smmu, unsigned int signal)
{
	smmuv3_invalidate_now(smmu);
	smmuv3_count(&smmu->counts.syncs);
	if (signal == SYNC_CS_IRQ) {
		port_lock(&smmu->lock);
		smmuv3_note_irq(smmu, VIOMMU_SMMUV3_IRQ_CMD_SYNC);
		port_unlock(&smmu->lock);
	}
}

static unsigned int execute_tlbi(struct viommu_smmuv3 *smmu, const uint64_t command[CMD_WORDS])
{
	smmuv3_count(&smmu->counts.invalidations);
	switch (CMD0_OPCODE(command[0])) {
	case CMD_TLBI_NH_ASID:
		smmuv3_invalidate_asid(smmu, CMD0_ASID(command[0]));
		return CERROR_NONE;
	case CMD_TLBI_NH_VA:
	case CMD_TLBI_NH_VAA:
		return smmuv3_invalidate_va(smmu, command, CMD0_OPCODE(command[0]) == CMD_TLBI_NH_VAA) ? CERROR_NONE : CERROR_ILL;
	default:
		smmuv3_invalidate_all(smmu);
		return CERROR_NONE;
	}
}

static unsigned int execute(struct viommu_smmuv3 *smmu, const uint64_t command[CMD_WORDS])
{
	uint32_t sid = CMD0_SID(command[0]);

	/* There is no secure state to speak of (section 4.1.1). */
	if (command[0] & CMD0_SSEC && CMD0_OPCODE(command[0]) <= CMD_CFGI_CD_ALL)
		return CERROR_ILL;
	switch (CMD0_OPCODE(command[0])) {
	case CMD_PREFETCH_CONFIG:
	case CMD_PREFETCH_ADDR:
		return CERROR_NONE;
	case CMD_CFGI_STE:
	case CMD_CFGI_CD:
	case CMD_CFGI_CD_ALL:
		smmuv3_count(&smmu->counts.configs);
		configure(smmu, sid);
		return CERROR_NONE;
	case CMD_CFGI_STE_RANGE:
		smmuv3_count(&smmu->counts.configs);
		configure_range(smmu, sid, CMD1_RANGE(command[1]));
		return CERROR_NONE;
	case CMD_TLBI_NH_ALL:
	case CMD_TLBI_NH_ASID:
	case CMD_TLBI_NH_VA:
	case CMD_TLBI_NH_VAA:
	case CMD_TLBI_NSNH_ALL:
		return execute_tlbi(smmu, command);
	case CMD_SYNC:
		if (CMD0_CS(command[0]) == SYNC_CS_RESERVED)
			return CERROR_ILL;
		sync(smmu, CMD0_CS(command[0]));
		return CERROR_NONE;
	default:
		return CERROR_ILL;
	}
}

/* Where the next command is; false if there is none that may be consumed. With lock held. */
static bool next_command(const struct smmuv3_registers *registers, uint64_t *gpa, uint32_t *wrap)
{
	unsigned int bits = registers->cmdq_base & QUEUE_BASE_LOG2SIZE;

	if (bits > SMMUV3_CMDQS)
		bits = SMMUV3_CMDQS;
	*wrap = (2u << bits) - 1;
	if (!(registers->cr0 & CR0_CMDQEN) || (registers->gerror ^ registers->gerrorn) & GERROR_CMDQ_ERR)
		return false;
	if (!((registers->cmdq_prod ^ registers->cmdq_cons) & *wrap))
		return false;
	/* The queue is aligned to its size, and to 32 bytes at least. */
	*gpa = registers->cmdq_base & QUEUE_BASE_ADDRESS & ~((UINT64_C(1) << bits) * CMD_BYTES - 1);
	*gpa += (registers->cmdq_cons & *wrap >> 1) * (uint64_t)CMD_BYTES;
	return true;
}

void smmuv3_consume(struct viommu_smmuv3 *smmu)
{
	struct smmuv3_registers *registers = &smmu->registers;
	uint64_t gpa, command[CMD_WORDS];
	unsigned int error = CERROR_NONE;
	uint32_t wrap;
	bool more;

	for (;;) {
		port_lock(&smmu->lock);
		more = !error && next_command(registers, &gpa, &wrap);
		port_unlock(&smmu->lock);
		if (!more)
			break;
		error = smmuv3_load(smmu->vm, gpa, command, CMD_WORDS) ? execute(smmu, command) : (unsigned int)CERROR_ABT;
		port_lock(&smmu->lock);
		if (error) {
			registers->cmdq_cons = (registers->cmdq_cons & ~CMDQ_CONS_ERR) | error << CMDQ_CONS_ERR_SHIFT;
			smmuv3_raise_gerror(smmu, GERROR_CMDQ_ERR);
		} else {
			registers->cmdq_cons = (registers->cmdq_cons & CMDQ_CONS_ERR) | ((registers->cmdq_cons + 1) & wrap);
		}
		port_unlock(&smmu->lock);
		smmuv3_count(error ? &smmu->counts.errors : &smmu->counts.commands);
	}
	smmuv3_invalidate_now(smmu);
}
