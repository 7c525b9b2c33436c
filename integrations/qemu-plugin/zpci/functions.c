/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The PCI functions seen. Offsets in CLP requests and responses are those of Linux (arch/s390/include/asm/clp.h, pci_clp.h): both begin with a header of 16
 * bytes; everything is big-endian.
 */
#include "zpci/functions.h"

#include "zpci/clp.h"

/* Request of Query PCI Function: handle. Response: group, FID, type, first and last DMA address. */
#define QUERY_FH    16
#define QUERY_PFGID 19
#define QUERY_FID   20
#define QUERY_PFT   63
#define QUERY_SDMA  64
#define QUERY_EDMA  72
#define QUERY_BYTES 80

/* Request of Query PCI Function Group: group. Response: flags, designation types supported, address of MSI stores. */
#define GROUP_PFGID   19
#define GROUP_FLAGS   19
#define GROUP_DTSM    24
#define GROUP_MSIA    40
#define GROUP_BYTES   48
#define FLAGS_REFRESH 0x01u
#define FLAGS_RELAXED 0x20u

struct function *functions_find(struct functions *functions, uint32_t fh)
{
	size_t i;

	for (i = 0; i < functions->count; i++) {
		if ((functions->list[i].told.fh & FUNCTION_FH_INDEX) == (fh & FUNCTION_FH_INDEX))
			return &functions->list[i];
	}
	return NULL;
}

struct function *functions_find_announced(struct functions *functions, uint32_t fid)
{
	size_t i;

	for (i = 0; i < functions->count; i++) {
		if (functions->list[i].announced && functions->list[i].told.fid == fid)
			return &functions->list[i];
	}
	return NULL;
}

struct function *functions_get(struct functions *functions, uint32_t fh)
{
	struct function *function = functions_find(functions, fh);

	if (function)
		return function;
	if (functions->count == FUNCTION_MAX)
		return NULL;
	function = &functions->list[functions->count++];
	function->told.fh = fh;
	/* Until a query tells better: the index is as good an identifier as any. */
	function->told.fid = fh & FUNCTION_FH_INDEX;
	return function;
}

void function_register(struct function *function, uint64_t iota, uint64_t pba, uint64_t pal)
{
	function->registered = true;
	function->iota = iota;
	function->pba = pba & ~(CAPTURE_PAGE_SIZE - 1);
	function->pal = pal | (CAPTURE_PAGE_SIZE - 1);
}

void function_deregister(struct function *function)
{
	function->registered = false;
}

void functions_note_query(struct functions *functions, const uint8_t *request, size_t request_bytes, const uint8_t *response, size_t response_bytes)
{
	struct function *function;

	if (request_bytes < QUERY_FH + 4 || response_bytes < QUERY_BYTES)
		return;
	function = functions_get(functions, clp_load(request + QUERY_FH, 4));
	if (!function || function->announced)
		return;
	function->group = response[QUERY_PFGID];
	function->told.fid = clp_load(response + QUERY_FID, 4);
	function->told.pft = response[QUERY_PFT];
	function->told.sdma = (uint64_t)clp_load(response + QUERY_SDMA, 4) << 32 | clp_load(response + QUERY_SDMA + 4, 4);
	function->told.edma = (uint64_t)clp_load(response + QUERY_EDMA, 4) << 32 | clp_load(response + QUERY_EDMA + 4, 4);
}

void functions_note_group(struct functions *functions, const uint8_t *request, size_t request_bytes, const uint8_t *response, size_t response_bytes)
{
	struct function_group *group;

	if (request_bytes < GROUP_PFGID + 1 || response_bytes < GROUP_BYTES)
		return;
	group = &functions->groups[request[GROUP_PFGID]];
	group->known = true;
	group->refresh = response[GROUP_FLAGS] & FLAGS_REFRESH;
	group->relaxed = response[GROUP_FLAGS] & FLAGS_RELAXED;
	group->dtsm = response[GROUP_DTSM];
	group->msia = (uint64_t)clp_load(response + GROUP_MSIA, 4) << 32 | clp_load(response + GROUP_MSIA + 4, 4);
}

struct capture_function function_describe(const struct functions *functions, const struct function *function, uint32_t fh)
{
	const struct function_group *group = &functions->groups[function->group];
	struct capture_function told = function->told;

	told.fh = fh;
	told.state = fh & FUNCTION_FH_ON ? CAPTURE_ENABLED : CAPTURE_DISABLED;
	if (group->known) {
		told.no_refresh = !group->refresh;
		told.relaxed = group->relaxed;
		told.dtsm = group->dtsm;
		told.msia = group->msia;
	}
	return told;
}
