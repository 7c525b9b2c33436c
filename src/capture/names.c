// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The words of the format, the guest IOMMUs that have them, and the handle that all operations of
 * zPCI have.
 */
#include "capture.h"

const char *capture_keyword(enum capture_kind kind)
{
	static const char *const keywords[CAPTURE_KINDS] = {
		[CAPTURE_NOTE] = "note",       [CAPTURE_SLOT] = "slot",	    [CAPTURE_UNSLOT] = "unslot", [CAPTURE_FUNCTION] = "function",
		[CAPTURE_SMMU] = "smmu",       [CAPTURE_IOMMU] = "iommu",   [CAPTURE_STREAM] = "stream", [CAPTURE_UNPLUG] = "unplug",
		[CAPTURE_MEM] = "mem",	       [CAPTURE_MPCIFC] = "mpcifc", [CAPTURE_RPCIT] = "rpcit",	 [CAPTURE_STPCIFC] = "stpcifc",
		[CAPTURE_CLP] = "clp",	       [CAPTURE_SCLP] = "sclp",	    [CAPTURE_WRITE] = "write",	 [CAPTURE_DRIVER] = "driver",
		[CAPTURE_REQUEST] = "request", [CAPTURE_KICK] = "kick",	    [CAPTURE_ORACLE] = "oracle", [CAPTURE_PAGE] = "page",
		[CAPTURE_END] = "end",
	};

	return (unsigned int)kind < CAPTURE_KINDS ? keywords[kind] : NULL;
}

const char *capture_guest_name(enum capture_guest guest)
{
	switch (guest) {
	case CAPTURE_ZPCI:
		return "zpci";
	case CAPTURE_SMMUV3:
		return "smmuv3";
	case CAPTURE_VTD:
		return "vtd";
	case CAPTURE_AMDVI:
		return "amdvi";
	case CAPTURE_VIRTIO:
		return "virtio";
	}
	return NULL;
}

unsigned int capture_version(enum capture_guest guest)
{
	return guest == CAPTURE_ZPCI || guest == CAPTURE_SMMUV3 ? 1 : 2;
}

uint64_t capture_register_bytes(enum capture_guest guest)
{
	switch (guest) {
	case CAPTURE_SMMUV3:
		return 0x20000;
	case CAPTURE_VTD:
		return 0x1000;
	case CAPTURE_AMDVI:
		return 0x4000;
	default:
		return 0;
	}
}

bool capture_has_kind(enum capture_guest guest, enum capture_kind kind)
{
	switch (kind) {
	case CAPTURE_FUNCTION:
	case CAPTURE_MPCIFC:
	case CAPTURE_RPCIT:
	case CAPTURE_STPCIFC:
	case CAPTURE_CLP:
	case CAPTURE_SCLP:
		return guest == CAPTURE_ZPCI;
	case CAPTURE_SMMU:
		return guest == CAPTURE_SMMUV3;
	case CAPTURE_IOMMU:
		return guest > CAPTURE_SMMUV3;
	case CAPTURE_WRITE:
		return capture_register_bytes(guest) != 0;
	case CAPTURE_DRIVER:
	case CAPTURE_REQUEST:
		return guest == CAPTURE_VIRTIO;
	case CAPTURE_STREAM:
	case CAPTURE_KICK:
		return capture_has_streams(guest);
	case CAPTURE_NOTE:
	case CAPTURE_SLOT:
	case CAPTURE_UNSLOT:
	case CAPTURE_UNPLUG:
	case CAPTURE_MEM:
	case CAPTURE_ORACLE:
	case CAPTURE_PAGE:
	case CAPTURE_END:
		return true;
	}
	return false;
}

const char *capture_state_name(enum capture_state state)
{
	static const char *const names[] = { "reserved", "standby", "disabled", "enabled" };

	return (unsigned int)state <= CAPTURE_ENABLED ? names[state] : NULL;
}

const char *capture_rights_name(uint32_t prot)
{
	return prot == CAPTURE_RW ? "rw" : prot == CAPTURE_W ? "w" : "r";
}

const char *capture_request_name(enum capture_request_type type)
{
	static const char *const names[] = { NULL, "attach", "detach", "map", "unmap" };

	return (unsigned int)type <= CAPTURE_UNMAP ? names[type] : NULL;
}

uint32_t capture_handle(const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_MPCIFC:
		return record->mpcifc.fh;
	case CAPTURE_RPCIT:
		return record->rpcit.fh;
	case CAPTURE_STPCIFC:
		return record->stpcifc.fh;
	case CAPTURE_CLP:
		return record->clp.fh;
	case CAPTURE_SCLP:
		return record->sclp.fh;
	default:
		return 0;
	}
}
