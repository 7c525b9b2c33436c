/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A registration of a function as a nested domain: one set of tables, designated by the IOTA. */
#include <viommu/zpci.h>

#include "core/nested.h"
#include "core/shadow/formats.h"
#include "guest/common/types.h"
#include "port/sized.h"

static int create(struct viommu_vm *vm, struct viommu_host *host, const void *given, struct viommu_refresh_result *result, struct viommu_domain **out)
{
	struct viommu_zpci_ioat ioat;
	const struct host_nest_data data = { .type = VIOMMU_DOMAIN_ZPCI, .bytes = sizeof(ioat), .data = &ioat };
	struct guest_tables tables;

	if (!sized_in(&ioat, sizeof(ioat), VIOMMU_ZPCI_IOAT_SIZE_V0, given) || ioat.flags & ~VIOMMU_ZPCI_IOAT_QEMU)
		return -PORT_EINVAL;
	tables = (struct guest_tables){
		.ops = ioat.flags & VIOMMU_ZPCI_IOAT_QEMU ? &shadow_zpci_qemu_ops : &shadow_zpci_ops,
		.root = { .table = ioat.iota },
		.first = ioat.pba & ~(VIOMMU_PAGE_SIZE - 1),
		.last = ioat.pal | (VIOMMU_PAGE_SIZE - 1),
	};
	if (tables.first > tables.last)
		return -PORT_EINVAL;
	ioat.size = sizeof(ioat);
	return nested_create(vm, host, &tables, 1, &data, result, out);
}

const struct guest_type zpci_guest_type = {
	.type = VIOMMU_DOMAIN_ZPCI,
	.name = "zPCI",
	.formats = UINT64_C(1) << VIOMMU_FORMAT_ZPCI | UINT64_C(1) << VIOMMU_FORMAT_ZPCI_QEMU,
	.create = create,
};
