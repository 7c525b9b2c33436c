/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "smmuv3/commands.h"

#include "smmuv3/spec.h"

/* (NUM + 1) << SCALE granules (4.4.1.1). A SCALE above 39 is reserved: it counts as everything. */
static uint64_t last_of(uint64_t first, uint64_t num, unsigned int scale, unsigned int granule)
{
	uint64_t bytes = scale <= 39 ? (num + 1) << (scale + granule) : 0;

	return bytes - 1 > UINT64_MAX - first ? UINT64_MAX : first + (bytes - 1);
}

bool smmuv3_invalids_add(struct invalids *invalids, const uint64_t command[2])
{
	struct invalid invalid = { .any_stream = true, .any_domain = true, .last = UINT64_MAX, .domain = COMMAND_ASID(command[0]) };
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
		invalid.any_domain = false;
		break;
	case CODE_TLBI_NH_VA:
	case CODE_TLBI_NH_VAA:
		invalid.any_domain = code == CODE_TLBI_NH_VAA;
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
	return invalids_put(invalids, &invalid);
}
