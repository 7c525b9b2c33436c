// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names: of instructions as --ops and --json print them, and of codes as people know them (Linux, pci_insn.h; QEMU, s390-pci-bus.h).
 */
#include "replay.h"

#include <stddef.h>

#include "guest/smmuv3/spec.h"

static enum replay_instruction instruction_of_write(uint64_t offset)
{
	switch (offset) {
	case VIOMMU_SMMUV3_CR0:
		return REPLAY_WRITE_CR0;
	case VIOMMU_SMMUV3_GBPA:
		return REPLAY_WRITE_GBPA;
	case VIOMMU_SMMUV3_GERRORN:
		return REPLAY_WRITE_GERRORN;
	case VIOMMU_SMMUV3_CMDQ_PROD:
		return REPLAY_WRITE_CMDQ_PROD;
	default:
		return REPLAY_WRITE_OTHER;
	}
}

enum replay_instruction replay_instruction_of(const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_RPCIT:
		return REPLAY_RPCIT;
	case CAPTURE_STPCIFC:
		return REPLAY_STPCIFC;
	case CAPTURE_CLP:
		return record->clp.op == CAPTURE_CLP_ENABLE ? REPLAY_CLP_ENABLE : REPLAY_CLP_DISABLE;
	case CAPTURE_SCLP:
		return record->sclp.op == CAPTURE_SCLP_CONFIGURE ? REPLAY_SCLP_CONFIGURE : REPLAY_SCLP_DECONFIGURE;
	case CAPTURE_WRITE:
		return instruction_of_write(record->write.offset);
	case CAPTURE_KICK:
		return REPLAY_KICK;
	default:
		break;
	}
	switch (record->mpcifc.oc) {
	case VIOMMU_ZPCI_OC_REG_IOAT:
		return REPLAY_REG_IOAT;
	case VIOMMU_ZPCI_OC_DEREG_IOAT:
		return REPLAY_DEREG_IOAT;
	case VIOMMU_ZPCI_OC_REREG_IOAT:
		return REPLAY_REREG_IOAT;
	case VIOMMU_ZPCI_OC_RESET_ERROR:
		return REPLAY_RESET_ERROR;
	case VIOMMU_ZPCI_OC_RESET_BLOCK:
		return REPLAY_RESET_BLOCK;
	default:
		return REPLAY_MPCIFC_OTHER;
	}
}

const char *replay_instruction_name(enum replay_instruction instruction)
{
	static const char *const names[REPLAY_INSTRUCTIONS] = {
		[REPLAY_REG_IOAT] = "MPCIFC.REG_IOAT",
		[REPLAY_DEREG_IOAT] = "MPCIFC.DEREG_IOAT",
		[REPLAY_REREG_IOAT] = "MPCIFC.REREG_IOAT",
		[REPLAY_RESET_ERROR] = "MPCIFC.RESET_ERROR",
		[REPLAY_RESET_BLOCK] = "MPCIFC.RESET_BLOCK",
		[REPLAY_MPCIFC_OTHER] = "MPCIFC.OTHER",
		[REPLAY_RPCIT] = "RPCIT",
		[REPLAY_STPCIFC] = "STPCIFC",
		[REPLAY_CLP_ENABLE] = "CLP.ENABLE",
		[REPLAY_CLP_DISABLE] = "CLP.DISABLE",
		[REPLAY_SCLP_CONFIGURE] = "SCLP.CONFIGURE",
		[REPLAY_SCLP_DECONFIGURE] = "SCLP.DECONFIGURE",
		[REPLAY_WRITE_CR0] = "WRITE.CR0",
		[REPLAY_WRITE_GBPA] = "WRITE.GBPA",
		[REPLAY_WRITE_GERRORN] = "WRITE.GERRORN",
		[REPLAY_WRITE_CMDQ_PROD] = "WRITE.CMDQ_PROD",
		[REPLAY_WRITE_OTHER] = "WRITE.OTHER",
		[REPLAY_KICK] = "KICK",
	};

	return names[instruction];
}

const char *replay_exception_name(uint32_t code)
{
	switch (code) {
	case VIOMMU_ZPCI_PGM_PRIVILEGED:
		return "privileged operation";
	case VIOMMU_ZPCI_PGM_ADDRESSING:
		return "addressing";
	case VIOMMU_ZPCI_PGM_SPECIFICATION:
		return "specification";
	case VIOMMU_ZPCI_PGM_OPERAND:
		return "operand";
	default:
		return "program exception";
	}
}

const char *replay_pec_name(uint32_t pec)
{
	switch (pec) {
	case VIOMMU_ZPCI_PEC_INVALAS:
		return "no registration";
	case VIOMMU_ZPCI_PEC_OORANGE:
		return "out of range";
	case VIOMMU_ZPCI_PEC_INVALTF:
		return "translation format";
	case VIOMMU_ZPCI_PEC_TPROTE:
		return "protection";
	case VIOMMU_ZPCI_PEC_INVALTE:
		return "table entry";
	case VIOMMU_ZPCI_PEC_INVALTL:
		return "table length";
	case VIOMMU_ZPCI_PEC_TT:
		return "table type";
	default:
		return "error event";
	}
}

const char *replay_reason_name(uint32_t reason)
{
	switch (reason) {
	case VIOMMU_FAULT_BLOCKED:
		return "blocked";
	case VIOMMU_FAULT_APERTURE:
		return "outside the registration";
	case VIOMMU_FAULT_NOT_PRESENT:
		return "invalid entry";
	case VIOMMU_FAULT_PROTECTION:
		return "protection";
	case VIOMMU_FAULT_ENTRY_TYPE:
		return "entry of the wrong type";
	case VIOMMU_FAULT_ENTRY_LENGTH:
		return "outside the table's offset and length";
	case VIOMMU_FAULT_ENTRY_FORMAT:
		return "malformed entry";
	case VIOMMU_FAULT_ENTRY_ZERO:
		return "entry of all zeros";
	case VIOMMU_FAULT_TABLE_UNBACKED:
		return "table where the guest has no memory";
	case VIOMMU_FAULT_LEAF_UNBACKED:
		return "page where the guest has no memory";
	case VIOMMU_FAULT_ACCESS_FLAG:
		return "access flag not set";
	case VIOMMU_FAULT_ADDRESS_SIZE:
		return "address beyond the output size";
	default:
		return "unknown reason";
	}
}
