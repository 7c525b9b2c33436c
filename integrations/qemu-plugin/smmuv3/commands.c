/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "smmuv3/commands.h"

#include "lists.h"
#include "smmuv3/spec.h"

/* (NUM + 1) << SCALE granules (4.4.1.1). A SCALE above 39 is reserved: it counts as everything. */
static uint64_t last_of(uint64_t first, uint64_t num, unsigned int scale, unsigned int granule)
{
	uint64_t bytes = scale <= 39 ? (num + 1) << (scale + granule) : 0;

	return bytes - 1 > UINT64_MAX - first ? UINT64_MAX : first + (bytes - 1);
}

bool invalids_add(struct invalids *invalids, const uint64_t command[2])
{
	struct invalid invalid = { .any_stream = true, .any_asid = true, .last = UINT64_MAX, .asid = COMMAND_ASID(command[0]) };
	unsigned int tg = COMMAND_TG(command[1]), code = COMMAND_CODE(command[0]);

	invalids->commands++;
	switch (code) {
	case CODE_CFGI_STE:
	case CODE_CFGI_CD:
	case CODE_CFGI_CD_ALL:
		invalid.any_stream = false;
		invalid.sid = COMMAND_SID(command[0]);
		break;
	case CODE_CFGI_STE_RANGE:
	case CODE_TLBI_NH_ALL:
	case CODE_TLBI_NSNH_ALL:
		break;
	case CODE_TLBI_NH_ASID:
		invalid.any_asid = false;
		break;
	case CODE_TLBI_NH_VA:
	case CODE_TLBI_NH_VAA:
		invalid.any_asid = code == CODE_TLBI_NH_VAA;
		invalid.first = COMMAND_ADDRESS(command[1]);
		invalid.page = !tg;
		if (tg)
			invalid.last = last_of(invalid.first, COMMAND_NUM(command[0]), COMMAND_SCALE(command[0]), 10 + 2 * tg);
		break;
	default:
		return true;
	}
	if (code < CODE_TLBI_NH_ALL)
		invalids->configs++;
	else
		invalids->invalidations++;
	invalids->whole |= invalid.last == UINT64_MAX && !invalid.page;
	if (!LIST_FITS(invalids))
		return false;
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
