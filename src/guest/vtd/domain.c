/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of a device as a nested domain.
 *
 * The interrupt address range is left out: the tables below it and above it are compositions of
 * their own, with the same root. So nothing is established there, whatever the tables say.
 */
#include "core/nested.h"
#include "core/shadow/formats.h"
#include "format/vtdss.h"
#include "guest/common/types.h"
#include "port/sized.h"
#include "spec.h"

#include <viommu/vtd.h>

#define MOST_TABLES 2u

/* Second-stage tables translate IOVAs from 0 on. */
static unsigned int take_second_stage(const struct viommu_vtd_tables *data, struct guest_tables tables[MOST_TABLES])
{
	const struct guest_tables all = {
		.ops = &shadow_vtdss_ops, .root = { .table = data->root | (data->levels - 2) }, .first = 0, .last = (UINT64_C(1) << (12 + 9 * data->levels)) - 1
	};

	tables[0] = all;
	tables[1] = all;
	tables[0].last = INTERRUPT_FIRST - 1;
	tables[1].first = INTERRUPT_LAST + 1;
	return 2;
}

static int create(struct viommu_vm *vm, struct viommu_host *host, const void *from, struct viommu_refresh_result *result, struct viommu_domain **out)
{
	struct guest_tables tables[MOST_TABLES];
	struct viommu_vtd_tables data;

	if (!sized_in(&data, sizeof(data), VIOMMU_VTD_TABLES_SIZE_V0, from) || data.flags || data.reserved || data.levels < 3 || data.levels > 5 ||
	    data.root & ~VTDSS_ROOT_SSPTPTR)
		return -PORT_EINVAL;
	return nested_create(vm, host, tables, take_second_stage(&data, tables), result, out);
}

const struct guest_type vtd_guest_type = {
	.type = VIOMMU_DOMAIN_VTD,
	.name = "VT-d",
	.formats = UINT64_C(1) << VIOMMU_FORMAT_VTDSS,
	.create = create,
};
