/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Offsets in CLP requests and responses are those of Linux (arch/s390/include/asm/clp.h,
 * pci_clp.h). Both begin with a header of 16 bytes: length (2 bytes), command or response code (2
 * bytes). Everything is big-endian.
 */
#include "zpci/functions.h"

#define HEADER_BYTES 16u
#define RESPONSE_OK  0x0010u

/* Query PCI Function. Request: handle. Response: group, FID, type, first and last DMA address. */
#define COMMAND_QUERY 0x0003u
#define QUERY_FH      16u
#define QUERY_PFGID   19u
#define QUERY_FID     20u
#define QUERY_PFT     63u
#define QUERY_SDMA    64u
#define QUERY_EDMA    72u
#define QUERY_BYTES   80u

/* Query PCI Function Group. Request: group. Response: flags, designation types, address of MSIs. */
#define COMMAND_GROUP 0x0004u
#define GROUP_PFGID   19u
#define GROUP_FLAGS   19u
#define GROUP_DTSM    24u
#define GROUP_MSIA    40u
#define GROUP_BYTES   48u
#define FLAGS_REFRESH 0x01u
#define FLAGS_RELAXED 0x20u

/* Set PCI Function. Request: handle and operation control. Response: the new handle. */
#define COMMAND_SET    0x0005u
#define SET_FH	       16u
#define SET_OC	       22u
#define SET_BYTES      24u
#define SET_NEW_FH     16u
#define SET_NEW_BYTES  20u
#define SET_OC_ENABLE  0u
#define SET_OC_DISABLE 1u

#define FH_INDEX 0x0000ffffu /* the constant part of a handle */
#define FH_ON	 0x80000000u /* bit of an enabled function's handle */

static uint64_t field(const uint8_t *block, unsigned int offset, unsigned int bytes)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		value = value << 8 | block[offset + i];
	return value;
}

struct function *functions_find(struct functions *functions, uint32_t fh)
{
	size_t i;

	for (i = 0; i < functions->count; i++) {
		if ((functions->list[i].told.fh & FH_INDEX) == (fh & FH_INDEX))
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

	if (function || functions->count == FUNCTION_MAX)
		return function;
	function = &functions->list[functions->count++];
	/* Until a query answers, the index identifies the function. */
	function->told = (struct capture_function){ .fh = fh, .fid = fh & FH_INDEX };
	return function;
}

void function_register(struct function *function, const struct capture_mpcifc *mpcifc)
{
	function->registered = true;
	function->iota = mpcifc->iota;
	function->pba = mpcifc->pba & ~(CAPTURE_PAGE_SIZE - 1);
	function->pal = mpcifc->pal | (CAPTURE_PAGE_SIZE - 1);
}

static void note_query(struct function *function, const uint8_t *response)
{
	if (!function || function->announced)
		return;
	function->group = response[QUERY_PFGID];
	function->told.fid = (uint32_t)field(response, QUERY_FID, 4);
	function->told.pft = response[QUERY_PFT];
	function->told.sdma = field(response, QUERY_SDMA, 8);
	function->told.edma = field(response, QUERY_EDMA, 8);
}

static void note_group(struct function_group *group, const uint8_t *response)
{
	group->known = true;
	group->refresh = response[GROUP_FLAGS] & FLAGS_REFRESH;
	group->relaxed = response[GROUP_FLAGS] & FLAGS_RELAXED;
	group->dtsm = response[GROUP_DTSM];
	group->msia = field(response, GROUP_MSIA, 8);
}

static bool note_set(struct functions *functions, const uint8_t *request, const uint8_t *response, struct capture_clp *clp)
{
	struct function *function;

	if (request[SET_OC] != SET_OC_ENABLE && request[SET_OC] != SET_OC_DISABLE)
		return false;
	clp->op = request[SET_OC] == SET_OC_ENABLE ? CAPTURE_CLP_ENABLE : CAPTURE_CLP_DISABLE;
	clp->fh = (uint32_t)field(request, SET_FH, 4);
	clp->to = (uint32_t)field(response, SET_NEW_FH, 4);
	/* Both end the function's registration. */
	function = functions_find(functions, clp->fh);
	if (function)
		function->registered = false;
	return true;
}

bool functions_end_clp(struct functions *functions, const uint8_t *request, size_t count, struct capture_clp *clp)
{
	size_t request_bytes, bytes;
	const uint8_t *response;

	if (!request || count < HEADER_BYTES)
		return false;
	request_bytes = field(request, 0, 2);
	if (request_bytes < HEADER_BYTES || request_bytes > count - HEADER_BYTES)
		return false;
	response = request + request_bytes;
	bytes = field(response, 0, 2);
	if (bytes < HEADER_BYTES || bytes > count - request_bytes || field(response, 2, 2) != RESPONSE_OK)
		return false;
	switch (field(request, 2, 2)) {
	case COMMAND_QUERY:
		if (request_bytes >= QUERY_FH + 4 && bytes >= QUERY_BYTES)
			note_query(functions_get(functions, (uint32_t)field(request, QUERY_FH, 4)), response);
		return false;
	case COMMAND_GROUP:
		if (request_bytes > GROUP_PFGID && bytes >= GROUP_BYTES)
			note_group(&functions->groups[request[GROUP_PFGID]], response);
		return false;
	case COMMAND_SET:
		return request_bytes >= SET_BYTES && bytes >= SET_NEW_BYTES && note_set(functions, request, response, clp);
	default:
		return false;
	}
}

struct capture_function function_describe(const struct functions *functions, const struct function *function, uint32_t fh)
{
	const struct function_group *group = &functions->groups[function->group];
	struct capture_function told = function->told;

	told.fh = fh;
	told.state = fh & FH_ON ? CAPTURE_ENABLED : CAPTURE_DISABLED;
	if (group->known) {
		told.no_refresh = !group->refresh;
		told.relaxed = group->relaxed;
		told.dtsm = group->dtsm;
		told.msia = group->msia;
	}
	return told;
}
