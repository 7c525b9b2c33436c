/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands (IHI 0070, chapter 4), as far as they make something invalid. Like tables.c this decodes for itself.
 *
 * A command that changes a stream's configuration counts as one that makes invalid all that the stream translates: from there on, both QEMU and the library go
 * by what is configured now.
 */
#include "commands.h"

#include <stdlib.h>

#include "guest/smmuv3/spec.h"

bool invalids_add(struct invalids *invalids, const uint64_t command[2])
{
	struct invalid invalid = { .any_stream = true, .any_asid = true, .last = UINT64_MAX, .asid = VIOMMU_SMMUV3_CMD0_ASID(command[0]) };
	unsigned int tg = VIOMMU_SMMUV3_CMD1_TG(command[1]);

	invalids->commands++;
	switch (VIOMMU_SMMUV3_CMD0_OPCODE(command[0])) {
	case VIOMMU_SMMUV3_CMD_CFGI_STE:
	case VIOMMU_SMMUV3_CMD_CFGI_CD:
	case VIOMMU_SMMUV3_CMD_CFGI_CD_ALL:
		invalid.any_stream = false;
		invalid.sid = VIOMMU_SMMUV3_CMD0_SID(command[0]);
		break;
	case VIOMMU_SMMUV3_CMD_CFGI_STE_RANGE:
	case VIOMMU_SMMUV3_CMD_TLBI_NH_ALL:
	case VIOMMU_SMMUV3_CMD_TLBI_NSNH_ALL:
		break;
	case VIOMMU_SMMUV3_CMD_TLBI_NH_ASID:
		invalid.any_asid = false;
		break;
	case VIOMMU_SMMUV3_CMD_TLBI_NH_VA:
	case VIOMMU_SMMUV3_CMD_TLBI_NH_VAA:
		invalid.any_asid = VIOMMU_SMMUV3_CMD0_OPCODE(command[0]) == VIOMMU_SMMUV3_CMD_TLBI_NH_VAA;
		invalid.first = command[1] & VIOMMU_SMMUV3_CMD1_ADDRESS;
		invalid.page = !tg;
		/* TG: 4, 16 and 64 KiB. NUM and SCALE say how many of them, less one: section 4.4.1.1. */
		if (tg)
			invalid.last = invalid.first +
				       (((VIOMMU_SMMUV3_CMD0_NUM(command[0]) + UINT64_C(1)) << VIOMMU_SMMUV3_CMD0_SCALE(command[0])) << (10 + 2 * tg)) - 1;
		break;
	default:
		return true;
	}
	if (VIOMMU_SMMUV3_CMD0_OPCODE(command[0]) < VIOMMU_SMMUV3_CMD_TLBI_NH_ALL)
		invalids->configs++;
	else
		invalids->invalidations++;
	invalids->whole |= invalid.last == UINT64_MAX && !invalid.page;
	if (invalids->count == invalids->room) {
		size_t room = invalids->room ? invalids->room * 2 : 64;
		struct invalid *list = reallocarray(invalids->list, room, sizeof(*list));

		if (!list)
			return false;
		invalids->list = list;
		invalids->room = room;
	}
	invalids->list[invalids->count++] = invalid;
	return true;
}

bool invalids_have(const struct invalids *invalids, uint32_t sid, uint16_t asid, unsigned int granule, uint64_t iova)
{
	size_t i;

	for (i = 0; i < invalids->count; i++) {
		const struct invalid *invalid = &invalids->list[i];

		if (!invalid->any_stream && invalid->sid != sid)
			continue;
		if (!invalid->any_asid && invalid->asid != asid)
			continue;
		if (invalid->page ? (iova ^ invalid->first) >> granule == 0 : iova >= invalid->first && iova <= invalid->last)
			return true;
	}
	return false;
}

void invalids_clear(struct invalids *invalids)
{
	*invalids = (struct invalids){ .list = invalids->list, .room = invalids->room };
}
