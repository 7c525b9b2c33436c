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
#include "format/x86_64.h"
#include "guest/common/types.h"
#include "port/sized.h"
#include "spec.h"

#include <viommu/vtd.h>

#define MOST_TABLES 3u

/*
 * Second-stage tables translate IOVAs from 0 on. First-stage tables translate both ends of the
 * address space, and are clipped to the host's IOVAs. The guest's registers do not report that.
 */
static unsigned int take_tables(const struct viommu_vtd_tables *data, uint64_t most, struct guest_tables tables[MOST_TABLES])
{
	bool first = data->flags & VIOMMU_VTD_TABLES_FIRST_STAGE;
	const uint64_t control = (data->levels == 5 ? X86_64_CONTROL_FIVE : 0) | (data->flags & VIOMMU_VTD_TABLES_NXE ? X86_64_CONTROL_NXE : 0);
	struct guest_tables all = { .ops = &shadow_vtdss_ops, .root = { data->root | (data->levels - 2), 0 }, .last = UINT64_MAX >> (52 - 9 * data->levels) };

	if (first)
		all = (struct guest_tables){ .ops = &shadow_x86_64_ops, .root = { data->root, control }, .last = all.last >> 1 };
	tables[0] = all;
	tables[0].last = INTERRUPT_FIRST - 1;
	tables[1] = all;
	tables[1].first = INTERRUPT_LAST + 1;
	tables[2] = all;
	tables[2].root.control |= X86_64_CONTROL_UPPER;
	tables[2].first = ~all.last;
	tables[2].last = UINT64_MAX;
	if (first && most > INTERRUPT_LAST && most < tables[1].last)
		tables[1].last = most;
	return first && most == UINT64_MAX ? 3 : 2;
}

static int create(struct viommu_vm *vm, struct viommu_host *host, const void *from, struct viommu_refresh_result *result, struct viommu_domain **out)
{
	struct guest_tables tables[MOST_TABLES];
	struct viommu_vtd_tables data;
	const struct host_nest_data theirs = { .type = VIOMMU_DOMAIN_VTD, .bytes = sizeof(data), .data = &data };

	if (!sized_in(&data, sizeof(data), VIOMMU_VTD_TABLES_SIZE_V0, from) || data.flags & ~(VIOMMU_VTD_TABLES_FIRST_STAGE | VIOMMU_VTD_TABLES_NXE) ||
	    data.flags == VIOMMU_VTD_TABLES_NXE || data.reserved || data.root & ~VTDSS_ROOT_SSPTPTR || data.levels < (data.flags ? 4 : 3) || data.levels > 5)
		return -PORT_EINVAL;
	data.size = sizeof(data);
	return nested_create(vm, host, tables, take_tables(&data, host->caps.last, tables), &theirs, result, out);
}

const struct guest_type vtd_guest_type = {
	.type = VIOMMU_DOMAIN_VTD,
	.name = "VT-d",
	.formats = UINT64_C(1) << VIOMMU_FORMAT_VTDSS | UINT64_C(1) << VIOMMU_FORMAT_X86_64,
	.create = create,
};
