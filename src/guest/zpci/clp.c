/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of CLP responses that concern translation. Only these are written. Their offsets are
 * those of Linux, arch/s390/include/asm/pci_clp.h: struct clp_rsp_query_pci and struct
 * clp_rsp_query_pci_grp.
 */
#include "decode.h"
#include "function.h"

/* Query PCI Function */
#define QUERY_BYTES 80u
#define QUERY_PFGID 19u
#define QUERY_FID   20u
#define QUERY_PFT   63u
#define QUERY_SDMA  64u
#define QUERY_EDMA  72u

/* Query PCI Function Group */
#define GROUP_BYTES 48u
#define GROUP_FLAGS 19u
#define GROUP_DTSM  24u
#define GROUP_DASM  32u
#define GROUP_MSIA  40u

#define GROUP_FLAG_RELAXED 0x20u /* rtr: an IOTA without T is accepted */
/*
 * Presumably frames of 1 MiB. Linux does not test it, QEMU does not set it, and it is not set here,
 * although frames are translated.
 */
#define GROUP_FLAG_FRAME   0x02u
#define GROUP_FLAG_REFRESH 0x01u /* entries that become valid must be refreshed, too */

int viommu_zpci_clp_query_function(struct viommu_zpci_function *function, void *response, size_t bytes)
{
	const struct viommu_zpci_function_config *config = &function->config;
	uint8_t *to = response;

	if (bytes < QUERY_BYTES)
		return -PORT_EINVAL;
	to[QUERY_PFGID] = config->pfgid;
	zpci_store_be32(&to[QUERY_FID], config->fid);
	to[QUERY_PFT] = config->pft;
	zpci_store_be64(&to[QUERY_SDMA], config->sdma);
	zpci_store_be64(&to[QUERY_EDMA], config->edma);
	return 0;
}

int viommu_zpci_clp_query_group(struct viommu_zpci_function *function, void *response, size_t bytes)
{
	const struct viommu_zpci_function_config *config = &function->config;
	uint8_t *to = response;
	uint8_t flags;

	if (bytes < GROUP_BYTES)
		return -PORT_EINVAL;
	flags = to[GROUP_FLAGS] & (uint8_t) ~(GROUP_FLAG_RELAXED | GROUP_FLAG_FRAME | GROUP_FLAG_REFRESH);
	if (config->relaxed)
		flags |= GROUP_FLAG_RELAXED;
	if (!config->no_refresh)
		flags |= GROUP_FLAG_REFRESH;
	to[GROUP_FLAGS] = flags;
	to[GROUP_DTSM] = config->dtsm;
	/* There is one DMA address space, whose number is 0. */
	zpci_store_be64(&to[GROUP_DASM], 0);
	zpci_store_be64(&to[GROUP_MSIA], config->msia);
	return 0;
}

int viommu_zpci_clp_query_group_id(struct viommu_zpci *zpci, uint8_t pfgid, void *response, size_t bytes)
{
	struct viommu_zpci_function *function = NULL, *before;
	int ret;

	do {
		before = function;
		function = zpci_function_get_next(zpci, before);
		if (before)
			zpci_function_put(before);
	} while (function && function->config.pfgid != pfgid);
	if (!function)
		return -PORT_ENOENT;
	ret = viommu_zpci_clp_query_group(function, response, bytes);
	zpci_function_put(function);
	return ret;
}
