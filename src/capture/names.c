// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The words of the format, the guest IOMMUs that have them, and the handle that all operations of
 * zPCI have.
 */
#include "capture.h"

const char *capture_keyword(enum capture_kind kind)
{
	static const char *const keywords[CAPTURE_KINDS] = {
		[CAPTURE_NOTE] = "note",     [CAPTURE_SLOT] = "slot",	  [CAPTURE_UNSLOT] = "unslot",	 [CAPTURE_FUNCTION] = "function",
		[CAPTURE_SMMU] = "smmu",     [CAPTURE_STREAM] = "stream", [CAPTURE_UNPLUG] = "unplug",	 [CAPTURE_MEM] = "mem",
		[CAPTURE_MPCIFC] = "mpcifc", [CAPTURE_RPCIT] = "rpcit",	  [CAPTURE_STPCIFC] = "stpcifc", [CAPTURE_CLP] = "clp",
		[CAPTURE_SCLP] = "sclp",     [CAPTURE_WRITE] = "write",	  [CAPTURE_KICK] = "kick",	 [CAPTURE_ORACLE] = "oracle",
		[CAPTURE_PAGE] = "page",     [CAPTURE_END] = "end",
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
	}
	return NULL;
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
	case CAPTURE_STREAM:
	case CAPTURE_WRITE:
	case CAPTURE_KICK:
		return guest == CAPTURE_SMMUV3;
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
	return prot == CAPTURE_RW ? "rw" : "r";
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
