/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Host page tables as a nested domain. Where nothing is translated, there is a gap between sets of
 * tables, which are parts of the same ones.
 */
#include <viommu/amdvi.h>

#include "core/nested.h"
#include "core/shadow/formats.h"
#include "format/amdvi.h"
#include "guest/common/types.h"
#include "port/sized.h"

/* Cuts IOVAs out of the last set of tables: what is left are two, one or none. */
static unsigned int cut(struct guest_tables *tables, unsigned int number, struct viommu_iova_range out)
{
	struct guest_tables *at = &tables[number ? number - 1 : 0], rest = *at;

	if (!number || out.first > at->last || out.last < at->first)
		return number;
	if (out.first > at->first)
		at->last = out.first - 1;
	else
		number--;
	if (out.last >= rest.last)
		return number;
	rest.first = out.last + 1;
	tables[number] = rest;
	return number + 1;
}

/* As far as the host has IOVAs. */
static unsigned int settle(const struct viommu_amdvi_tables *data, const struct viommu_host_caps *caps, struct guest_tables tables[3])
{
	const struct viommu_iova_range interrupts = { INTERRUPT_FIRST, INTERRUPT_LAST },
				       excluded = { data->excluded, data->excluded + (data->excluded_bytes - 1) };
	const bool is_first = data->excluded_bytes && data->excluded < INTERRUPT_FIRST;
	uint64_t last = data->mode > amdv1_max_level ? UINT64_MAX : (UINT64_C(1) << (12 + 9 * data->mode)) - 1;
	unsigned int number = 1;

	tables[0] = (struct guest_tables){
		.ops = &shadow_amdv1_ops,
		.root.table = data->root | (uint64_t)data->mode << AMDV1_NEXT_LEVEL_SHIFT | amdvi_rights(data->prot),
		.first = (caps->first + (VIOMMU_PAGE_SIZE - 1)) & ~(VIOMMU_PAGE_SIZE - 1),
		.last = last > caps->last ? ((caps->last + 1) & ~(VIOMMU_PAGE_SIZE - 1)) - 1 : last,
	};
	if (tables[0].first > tables[0].last)
		return 0;
	if (is_first)
		number = cut(tables, number, excluded);
	number = cut(tables, number, interrupts);
	return data->excluded_bytes && !is_first ? cut(tables, number, excluded) : number;
}

static bool is_legal(const struct viommu_amdvi_tables *data)
{
	return data->mode >= 1 && data->mode <= amdv1_max_level + 1 && !(data->root & ~AMDV1_ADDRESS) && !(data->prot & ~VIOMMU_RW) && !data->flags &&
	       !((data->excluded | data->excluded_bytes) & (VIOMMU_PAGE_SIZE - 1)) &&
	       (!data->excluded_bytes || data->excluded + (data->excluded_bytes - 1) >= data->excluded);
}

static int create(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_refresh_result *result, struct viommu_domain **out)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct guest_tables tables[3];
	struct viommu_amdvi_tables settled;
	const struct host_nest_data theirs = { .type = VIOMMU_DOMAIN_AMDVI, .bytes = sizeof(settled), .data = &settled };

	if (!sized_in(&settled, sizeof(settled), VIOMMU_AMDVI_TABLES_SIZE_V0, data) || !is_legal(&settled))
		return -PORT_EINVAL;
	viommu_host_caps(host, &caps);
	settled.size = sizeof(settled);
	return nested_create(vm, host, tables, settle(&settled, &caps, tables), &theirs, result, out);
}

const struct guest_type amdvi_guest_type = {
	.type = VIOMMU_DOMAIN_AMDVI,
	.name = "AMD-Vi",
	.formats = UINT64_C(1) << VIOMMU_FORMAT_AMDV1,
	.create = create,
};
