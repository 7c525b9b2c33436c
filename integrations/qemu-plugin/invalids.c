/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "invalids.h"

#include "lists.h"

bool invalids_put(struct invalids *invalids, const struct invalid *invalid)
{
	invalids->whole |= invalid->last == UINT64_MAX && !invalid->page;
	if (!LIST_FITS(invalids))
		return false;
	invalids->list[invalids->count++] = *invalid;
	return true;
}

bool invalids_have(const struct invalids *invalids, uint32_t sid, uint32_t domain, unsigned int granule, uint64_t iova)
{
	size_t i;

	for (i = 0; i < invalids->count; i++) {
		const struct invalid *invalid = &invalids->list[i];

		if (!invalid->any_stream && invalid->sid != sid)
			continue;
		if (!invalid->any_domain && invalid->domain != domain)
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
